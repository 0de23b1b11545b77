"""What a check demands of the account. Payloads: https://developers.clicksend.com/docs/automations/sms and /accounts."""

from typing import Any

import pytest

from anychannel import ChannelContext, ChannelSettings
from providers.clicksend.checks import (
    Create,
    Keep,
    Update,
    account_details,
    account_problems,
    decide,
    needed_rules,
    rule_refused,
)

# https://developers.clicksend.com/docs/accounts/management
ACCOUNT: dict[str, Any] = {
    "user_id": 116,
    "username": "johndoe1",
    "active": 1,
    "banned": 0,
    "balance": "4.998000",
    "account_name": "The Awesome Company",
    "setting_sms_message_char_limit": 6,
    "_currency": {"currency_name_short": "AUD", "currency_prefix_d": "$"},
    "_subaccount": {"subaccount_id": 126, "api_key": "F3702045-EB2C-0091-C211-7728048DCAE2"},
}


def test_the_rules_of_a_channel() -> None:
    inbound, receipts = needed_rules(_channel())

    assert (inbound.kind, inbound.fields) == (
        "inbound",
        {
            "rule_name": "anychannel ch_1",
            "dedicated_number": "*",
            "message_search_type": 0,
            "message_search_term": "",
            "action": "URL",
            "action_address": "https://gateway.example/webhooks/ch_1/path-token/inbound",
            "webhook_type": "json",
            "enabled": 1,
        },
    )
    assert (receipts.kind, receipts.fields) == (
        "receipts",
        {
            "rule_name": "anychannel ch_1",
            "match_type": 0,
            "action": "URL",
            "action_address": "https://gateway.example/webhooks/ch_1/path-token/receipts",
            "enabled": 1,
        },
    )


@pytest.mark.parametrize(
    ("sender", "number"), [("", "*"), ("Acme", "*"), ("+61477700000", "+61477700000"), ("61477700000", "*")]
)
def test_a_channel_with_a_number_hears_only_that_number(sender: str, number: str) -> None:
    inbound, _ = needed_rules(_channel(sender=sender))

    assert inbound.fields["dedicated_number"] == number


def test_the_token_goes_along() -> None:
    for rule in needed_rules(_channel(webhook_token="a&b c")):
        assert str(rule.fields["action_address"]).endswith(f"/{rule.kind}?key=a%26b+c")


@pytest.mark.parametrize(
    ("existing", "decision"),
    [
        pytest.param([], Create(), id="none"),
        pytest.param([{"rule_name": "Zapier", "inbound_rule_id": 1, "action": "URL"}, None, 7], Create(), id="others"),
        pytest.param([{"is": "ours", "inbound_rule_id": 2}], Keep(), id="ours"),
        pytest.param([{"is": "ours", "rule_name": "By hand"}], Keep(), id="made by hand"),
        pytest.param([{"is": "ours", "enabled": 0, "inbound_rule_id": 3}], Update(rule_id=3), id="switched off"),
        pytest.param(
            [{"is": "ours", "action_address": "https://old.example", "sms_inbound_rule_id": 4}],
            Update(rule_id=4),
            id="old address",
        ),
        pytest.param(
            [{"is": "ours", "action": "POLL", "receipt_rule_id": 5}, {"is": "ours", "rule_name": "By hand"}],
            Keep(),
            id="one of two",
        ),
        pytest.param([{"is": "ours", "enabled": 0}], Create(), id="without an id"),
    ],
)
def test_what_to_do_about_a_rule(existing: list[Any], decision: object) -> None:
    rule, _ = needed_rules(_channel())

    rules = [rule.fields | it if isinstance(it, dict) and "is" in it else it for it in existing]
    assert decide(rule, rules) == decision


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({}, [], id="all is well"),
        pytest.param({"banned": 1}, ["account_banned"], id="banned"),
        pytest.param({"active": 0}, ["account_not_active"], id="not active"),
        pytest.param({"balance": "0.000000"}, ["no_credit"], id="no credit"),
        pytest.param({"balance": "-1.5"}, ["no_credit"], id="in debt"),
        pytest.param({"balance": "plenty"}, [], id="unreadable balance"),
        pytest.param({"balance": None}, [], id="no balance"),
        pytest.param({"setting_sms_message_char_limit": 2}, ["texts_are_cut"], id="short texts"),
        pytest.param({"setting_sms_message_char_limit": 8}, [], id="long texts"),
        pytest.param({"setting_sms_message_char_limit": 1, "balance": "0"}, ["texts_are_cut", "no_credit"], id="both"),
    ],
)
def test_what_is_wrong_with_an_account(changes: dict[str, Any], codes: list[str]) -> None:
    assert [problem.code for problem in account_problems(ACCOUNT | changes)] == codes


@pytest.mark.parametrize("account", [None, [], {}, "no"])
def test_an_unreadable_account_is_not_blamed(account: Any) -> None:
    assert (account_problems(account), account_details(account)) == ((), {})


def test_what_people_may_know_of_an_account() -> None:
    assert account_details(ACCOUNT) == {"account": "The Awesome Company", "balance": "4.998000 AUD"}


def test_how_to_make_a_rule_by_hand_tells_no_token() -> None:
    for rule in needed_rules(_channel(webhook_token="query-token")):
        note = rule_refused(rule, "This ClickSend user may not do that.")

        assert note.code == f"no_{rule.kind}_rule"
        assert f"/{rule.kind}" in note.text
        assert "token" not in note.text


def _channel(**settings: str) -> ChannelContext:
    return ChannelContext(
        channel_id="ch_1",
        settings=ChannelSettings({"username": "u", "api_key": "k"} | settings),
        webhook_url="https://gateway.example/webhooks/ch_1/path-token",
    )
