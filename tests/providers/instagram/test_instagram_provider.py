"""The provider against a scripted Instagram: which requests it makes, and what it makes of the answers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from anychannel import (
    ChannelContext,
    ChannelMisconfigured,
    DeliveryFailed,
    FailureKind,
    QuickReplies,
    Sent,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part
from providers.instagram import InstagramProvider
from providers.instagram.api import Account

ChannelMaker = Callable[..., ChannelContext]

TOOK = Answer(json={"recipient_id": "254", "message_id": "aWdfZAG1"})
DONE = Answer(json={"success": True})
OWNER = Answer(json={"user_id": "17841405309211844", "username": "acme", "id": "9"})


def listed(*items: object) -> Answer:
    return Answer(json={"data": list(items)})


def refused(code: int, subcode: int = 0, message: str = "no", status: int = 400) -> Answer:
    return Answer(status=status, json={"error": {"message": message, "code": code, "error_subcode": subcode}})


def made(instagram: ScriptedPlatform) -> list[tuple[str, str, Any]]:
    return [(each.method, each.path, each.json if each.body else None) for each in instagram.requests]


async def test_a_part_is_one_request(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    instagram.answer(TOOK)

    sent = await provider.send(channel(), a_part(QuickReplies(text="Well?", replies=("Yes",)), address="254"))

    (request,) = instagram.requests
    assert sent == Sent(platform_message_id="aWdfZAG1")
    assert (request.method, request.path, request.query) == ("POST", "/v26.0/me/messages", {})
    assert request.headers["authorization"] == "Bearer IGAA-the-token-of-the-account"
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "recipient": {"id": "254"},
        "messaging_type": "RESPONSE",
        "message": {
            "text": "Well?",
            "quick_replies": [{"content_type": "text", "title": "Yes", "payload": "Yes"}],
        },
    }


async def test_a_late_answer_is_sent_again_with_the_tag_where_people_answer(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    instagram.answer(refused(10, 2018278), TOOK)

    sent = await provider.send(channel(human_agent="yes"), a_part("hi", address="254"))

    assert [note.code for note in sent.notes] == ["human_agent_tag"]
    assert [request.json["messaging_type"] for request in instagram.requests] == ["RESPONSE", "MESSAGE_TAG"]
    assert instagram.requests[1].json["tag"] == "HUMAN_AGENT"


@pytest.mark.parametrize(
    ("settings", "content", "answer"),
    [
        pytest.param({"human_agent": "no"}, "hi", refused(10, 2018278), id="not allowed"),
        pytest.param({"human_agent": "yes"}, "hi", refused(551), id="another reason"),
    ],
)
async def test_otherwise_a_refusal_is_final(
    instagram: ScriptedPlatform,
    provider: InstagramProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    content: Any,
    answer: Answer,
) -> None:
    instagram.answer(answer)

    with pytest.raises(DeliveryFailed):
        await provider.send(channel(**settings), a_part(content, address="254"))

    assert len(instagram.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(refused(10, 2018278), FailureKind.WINDOW_CLOSED, id="window"),
        pytest.param(refused(551, 1545041), FailureKind.CONTACT_UNREACHABLE, id="unavailable"),
        pytest.param(refused(190, status=401), FailureKind.UNAUTHORIZED, id="token"),
        pytest.param(refused(1, status=500), FailureKind.PLATFORM_UNAVAILABLE, id="down"),
        pytest.param(Answer(status=502, body=b"<html>"), FailureKind.PLATFORM_UNAVAILABLE, id="a proxy's page"),
        pytest.param(Answer(body=b"{"), FailureKind.PLATFORM_UNAVAILABLE, id="broken JSON"),
        pytest.param(Answer(json={}), FailureKind.PLATFORM_UNAVAILABLE, id="no id"),
        pytest.param(Answer(json={"error": {"code": 551}}), FailureKind.CONTACT_UNREACHABLE, id="error with success"),
        pytest.param(Answer(status=307, headers={"location": "/x"}), FailureKind.PLATFORM_UNAVAILABLE, id="redirect"),
        pytest.param(Answer(close=True), FailureKind.PLATFORM_UNAVAILABLE, id="connection lost"),
    ],
)
async def test_a_refusal_is_a_failure(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker, answer: Answer, kind: FailureKind
) -> None:
    instagram.answer(answer)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="254"))

    assert raised.value.failure.kind is kind


async def test_a_limit_carries_its_wait(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    usage = '{"1906385232743451":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":5}]}'
    body = {"error": {"code": 80002, "message": "There have been too many calls"}}
    instagram.answer(Answer(status=400, json=body, headers={"X-Business-Use-Case-Usage": usage}))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="254"))

    failure = raised.value.failure
    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, timedelta(minutes=5))


async def test_an_unreachable_server_is_unavailable(provider: InstagramProvider, channel: ChannelMaker) -> None:
    async with ScriptedPlatform() as gone:
        address = gone.url

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(api_base=address), a_part("hi", address="254"))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    # aiohttp's exceptions may carry the request with its token.
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"account_id": ""}, ChannelMisconfigured),
        ({"account_id": "../me"}, ChannelMisconfigured),
        ({"access_token": ""}, Unauthorized),
        ({"access_token": "two\nlines"}, Unauthorized),
        ({"login": "other", "api_base": ""}, ChannelMisconfigured),
        ({"graph_version": "../v1"}, ChannelMisconfigured),
        ({"api_base": "ftp://a.example"}, ChannelMisconfigured),
        ({"api_base": "http://["}, ChannelMisconfigured),
    ],
)
async def test_settings_that_name_no_account_make_no_request(
    instagram: ScriptedPlatform,
    provider: InstagramProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    kind: type[DeliveryFailed],
) -> None:
    with pytest.raises(kind):
        await provider.send(channel(**settings), a_part("hi", address="254"))

    assert instagram.requests == []


@pytest.mark.parametrize(
    ("login", "address"),
    [("instagram", "https://graph.instagram.com/v26.0"), ("facebook", "https://graph.facebook.com/v26.0")],
)
def test_the_login_says_where_the_api_is(channel: ChannelMaker, login: str, address: str) -> None:
    assert str(Account.of(channel(login=login, api_base="").settings).root) == address


async def test_a_check_connects_the_account(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    instagram.answer(OWNER, listed(), DONE)

    result = await provider.check(channel())

    fields = "messages,messaging_postbacks,messaging_seen,message_reactions"
    assert made(instagram) == [
        ("GET", "/v26.0/me", None),
        ("GET", "/v26.0/me/subscribed_apps", None),
        ("POST", "/v26.0/me/subscribed_apps", {"subscribed_fields": fields}),
    ]
    assert instagram.requests[0].query == {"fields": "user_id,username"}
    assert result.problems == ()
    assert (result.details["username"], result.details["account"]) == ("acme", "subscribed")


async def test_a_check_connects_the_page_of_an_account(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    page = {"id": "1", "name": "Acme", "instagram_business_account": {"id": "17841405309211844", "username": "acme"}}
    instagram.answer(Answer(json=page), listed(), DONE)

    result = await provider.check(channel(login="facebook"))

    assert instagram.requests[0].query == {"fields": "id,name,instagram_business_account{id,username}"}
    assert instagram.requests[2].json == {"subscribed_fields": "messages,messaging_postbacks,message_reactions"}
    assert (result.problems, result.details["username"]) == ((), "acme")


async def test_a_check_of_what_is_connected_changes_nothing(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    fields = ["messages", "messaging_postbacks", "messaging_seen", "message_reactions"]
    instagram.answer(OWNER, listed({"id": "1", "subscribed_fields": fields}))

    result = await provider.check(channel())

    assert {method for method, _, _ in made(instagram)} == {"GET"}
    assert result.problems == ()


@pytest.mark.parametrize(
    ("answers", "webhook_url", "code"),
    [
        pytest.param([refused(190, status=401)], "https://a.example", "unauthorized", id="token refused"),
        pytest.param([Answer(json={"user_id": "2"})], "https://a.example", "other_account", id="another's token"),
        pytest.param([OWNER, refused(200)], "https://a.example", "unauthorized", id="no permission"),
        pytest.param([OWNER, listed(), DONE], "http://a.example", "no_public_address", id="not public"),
    ],
)
async def test_a_check_tells_what_is_wrong(
    instagram: ScriptedPlatform,
    provider: InstagramProvider,
    channel: ChannelMaker,
    answers: list[Answer],
    webhook_url: str,
    code: str,
) -> None:
    instagram.answer(*answers)

    result = await provider.check(channel(webhook_url=webhook_url))

    assert [problem.code for problem in result.problems] == [code]


async def test_a_check_while_meta_is_down_says_nothing_about_the_channel(
    instagram: ScriptedPlatform, provider: InstagramProvider, channel: ChannelMaker
) -> None:
    instagram.answer(Answer(status=503))

    with pytest.raises(DeliveryFailed):
        await provider.check(channel())
