"""What is told to Meta, and what is wrong."""

import pytest

from providers.instagram import checks
from providers.instagram.fields import Fields

ACCOUNT = ["messages", "messaging_postbacks", "messaging_seen", "message_reactions"]
PAGE = ["messages", "messaging_postbacks", "message_reactions"]


def an_app(*fields: str) -> Fields:
    return Fields({"id": "1", "name": "x", "subscribed_fields": list(fields)})


@pytest.mark.parametrize(
    ("apps", "is_of_page", "asked"),
    [
        pytest.param([], False, ACCOUNT, id="nobody hears the account"),
        pytest.param([], True, PAGE, id="nobody hears the page"),
        pytest.param([an_app(*ACCOUNT)], False, [], id="we hear it"),
        pytest.param([an_app(*PAGE, "feed")], True, [], id="we hear the page, and more"),
        pytest.param([an_app("comments")], False, [*ACCOUNT, "comments"], id="what we hear stays"),
        pytest.param([an_app(*PAGE), an_app("feed")], True, [*PAGE, "feed"], id="one of two apps is ours"),
    ],
)
def test_what_is_missing_is_asked_for(apps: list[Fields], is_of_page: bool, asked: list[str]) -> None:  # noqa: FBT001 - a table
    assert list(checks.fields_to_subscribe(apps, is_of_page=is_of_page)) == asked


@pytest.mark.parametrize(
    ("owner", "is_problem"),
    [
        ({"user_id": "1784", "id": "999", "username": "acme"}, False),
        ({"id": "1784", "username": "acme"}, False),
        ({"user_id": "999", "id": "1784"}, True),
        ({}, True),
    ],
)
def test_a_token_of_another_account_is_a_problem(owner: dict[str, str], is_problem: bool) -> None:  # noqa: FBT001 - a table
    assert (checks.account_problem(Fields(owner), account_id="1784") is not None) is is_problem


@pytest.mark.parametrize("url", ["", "http://gateway.example/w/1"])
def test_an_address_that_meta_cannot_call_is_a_problem(url: str) -> None:
    problem = checks.address_problem(url)

    assert problem is not None
    assert problem.code == "no_public_address"
    assert checks.address_problem("https://gateway.example/w/1") is None
