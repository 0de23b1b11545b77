"""What is told to Meta, and what is wrong."""

import pytest

from providers.messenger import checks
from providers.messenger.fields import Fields

OURS = "https://gateway.example/w/1"
ALL = list(checks.FIELDS)


def an_app(app_id: str, *fields: str) -> Fields:
    """https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps/."""
    return Fields({"id": app_id, "name": "x", "link": "https://x.example", "subscribed_fields": list(fields)})


def a_webhook(url: str, *fields: str, kind: str = "page", active: bool = True) -> Fields:
    """https://developers.facebook.com/docs/graph-api/webhooks/subscriptions-edge."""
    named = [{"name": name, "version": "v26.0"} for name in fields]
    return Fields({"object": kind, "callback_url": url, "active": active, "fields": named})


@pytest.mark.parametrize(
    ("apps", "asked"),
    [
        pytest.param([], ALL, id="nobody hears the page"),
        pytest.param([an_app("2", *ALL)], ALL, id="another app hears it"),
        pytest.param([an_app("1", *ALL)], [], id="we hear it"),
        pytest.param([an_app("1", "leadgen", "feed", "messages")], [*ALL, "feed", "leadgen"], id="what we hear stays"),
    ],
)
def test_the_page_is_asked_for_what_is_missing(apps: list[Fields], asked: list[str]) -> None:
    assert list(checks.fields_to_subscribe(apps, app_id="1")) == asked


@pytest.mark.parametrize(
    ("webhooks", "asked"),
    [
        pytest.param([], ALL, id="no webhook"),
        pytest.param([a_webhook(OURS, *ALL)], [], id="all of it"),
        pytest.param([a_webhook(OURS, *ALL, active=False)], ALL, id="stopped by Meta"),
        pytest.param([a_webhook(OURS, "feed")], [*ALL, "feed"], id="something else"),
        pytest.param([a_webhook(OURS, *ALL, kind="instagram")], ALL, id="of another object"),
    ],
)
def test_the_app_is_asked_for_what_is_missing(webhooks: list[Fields], asked: list[str]) -> None:
    assert list(checks.fields_to_register(webhooks)) == asked


@pytest.mark.parametrize(
    ("webhooks", "is_problem"),
    [
        ([], False),
        ([a_webhook(OURS)], False),
        ([a_webhook("https://other.example/", kind="user")], False),
        ([a_webhook("https://other.example/secret")], True),
    ],
)
def test_a_webhook_of_somebody_else_is_left_alone(webhooks: list[Fields], is_problem: bool) -> None:  # noqa: FBT001 - a table
    problem = checks.webhook_problem(webhooks, webhook_url=OURS)

    assert (problem is not None) is is_problem
    assert problem is None or "secret" not in problem.text


def test_a_token_of_another_page_is_a_problem() -> None:
    problem = checks.page_problem(Fields({"id": "2", "name": "Other"}), page_id="1")

    assert problem is not None
    assert "Other" in problem.text
    assert checks.page_problem(Fields({"id": "1"}), page_id="1") is None


@pytest.mark.parametrize("url", ["", "http://gateway.example/w/1"])
def test_an_address_that_meta_cannot_call_is_a_problem(url: str) -> None:
    problem = checks.address_problem(url)

    assert problem is not None
    assert problem.code == "no_public_address"
    assert checks.address_problem(OURS) is None
