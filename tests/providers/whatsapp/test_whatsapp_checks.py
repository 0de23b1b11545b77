"""What a check finds in Meta's answers.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
"""

from typing import Any

import pytest

from providers.whatsapp.checks import (
    address_problems,
    delivers_to,
    describe_number,
    is_subscribed,
    number_problems,
    registration,
)
from providers.whatsapp.fields import Fields

HERE = "https://gateway.example/w/whatsapp-1/unguessable"
ELSEWHERE = "https://my-production-callback.com/webhook"


def test_a_number_is_described_without_its_webhook() -> None:
    number = {
        "display_phone_number": "+1 555-078-3881",
        "verified_name": "Lucky Shrub",
        "status": "CONNECTED",
        "quality_rating": "GREEN",
        "whatsapp_business_manager_messaging_limit": "TIER_250",
        "webhook_configuration": {"phone_number": HERE},
        "id": "106540352242922",
    }

    assert describe_number(Fields(number)) == {
        "phone_number": "+1 555-078-3881",
        "verified_name": "Lucky Shrub",
        "number_status": "CONNECTED",
        "quality": "GREEN",
        "messaging_limit": "TIER_250",
    }


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ({"status": "CONNECTED", "quality_rating": "GREEN"}, []),
        ({"status": "CONNECTED", "quality_rating": "YELLOW"}, []),
        ({"quality_rating": "NA"}, []),
        ({}, []),
        ({"status": "CONNECTED", "quality_rating": "RED"}, ["quality_low"]),
        ({"status": "PENDING"}, ["number_not_connected"]),
        ({"status": "RESTRICTED", "quality_rating": "RED"}, ["number_not_connected", "quality_low"]),
    ],
)
def test_a_number_that_cannot_send_is_a_problem(number: dict[str, str], codes: list[str]) -> None:
    assert [problem.code for problem in number_problems(Fields(number))] == codes


@pytest.mark.parametrize(
    ("address", "codes"),
    [
        (HERE, []),
        ("", ["no_public_address"]),
        ("http://127.0.0.1:8080/w/1/token", ["webhook_not_https"]),
        (f"https://gateway.example/{'x' * 176}", []),  # 24 + 176 = 200
        (f"https://gateway.example/{'x' * 177}", ["webhook_too_long"]),
    ],
)
def test_meta_delivers_only_to_some_addresses(address: str, codes: list[str]) -> None:
    assert [problem.code for problem in address_problems(address)] == codes


@pytest.mark.parametrize(
    ("configured", "is_here"),
    [
        ({"phone_number": HERE, "whatsapp_business_account": ELSEWHERE, "application": ELSEWHERE}, True),
        ({"phone_number": ELSEWHERE, "whatsapp_business_account": HERE, "application": HERE}, False),
        ({"whatsapp_business_account": HERE, "application": ELSEWHERE}, True),
        ({"whatsapp_business_account": ELSEWHERE, "application": HERE}, False),
        ({"application": HERE}, True),
        ({"application": ELSEWHERE}, False),
        ({}, False),
        (None, False),
    ],
)
def test_the_nearest_address_counts(configured: dict[str, str] | None, *, is_here: bool) -> None:
    assert delivers_to(Fields({"webhook_configuration": configured}), HERE) is is_here


def test_a_number_gets_an_address_of_its_own() -> None:
    assert registration(webhook_url=HERE, verify_token="vibecoding") == {
        "webhook_configuration": {"override_callback_uri": HERE, "verify_token": "vibecoding"}
    }


APPS = {
    "data": [
        {
            "whatsapp_business_api_data": {"id": "670843887433847", "link": "https://…", "name": "Lucky Shrub"},
            "override_callback_uri": "https://my-waba-alternate-callback.com/webhook",
        }
    ]
}


@pytest.mark.parametrize(
    ("subscriptions", "app_id", "subscribed"),
    [
        (APPS, "670843887433847", True),
        (APPS, "1", False),
        (APPS, "", True),
        ({"data": []}, "", False),
        ({}, "1", False),
    ],
)
def test_an_app_is_subscribed_when_the_account_lists_it(
    subscriptions: dict[str, Any], app_id: str, *, subscribed: bool
) -> None:
    assert is_subscribed(Fields(subscriptions), app_id) is subscribed
