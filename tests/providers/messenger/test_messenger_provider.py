"""The provider against a scripted Messenger: which requests it makes, and what it makes of the answers."""

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
    Template,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part
from providers.messenger import MessengerProvider
from providers.messenger.checks import FIELDS

ChannelMaker = Callable[..., ChannelContext]

TOOK = Answer(json={"recipient_id": "254", "message_id": "m_AG5Hz2U"})
DONE = Answer(json={"success": True})
PAGE = Answer(json={"id": "1906385232743451", "name": "Acme"})


def listed(*items: object) -> Answer:
    return Answer(json={"data": list(items)})


def refused(code: int, subcode: int = 0, message: str = "no", status: int = 400) -> Answer:
    return Answer(status=status, json={"error": {"message": message, "code": code, "error_subcode": subcode}})


def made(messenger: ScriptedPlatform) -> list[tuple[str, str, Any]]:
    return [(each.method, each.path, each.json if each.body else None) for each in messenger.requests]


async def test_a_part_is_one_request(
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    messenger.answer(TOOK)

    sent = await provider.send(channel(), a_part(QuickReplies(text="Well?", replies=("Yes",)), address="254"))

    (request,) = messenger.requests
    assert sent == Sent(platform_message_id="m_AG5Hz2U")
    assert (request.method, request.path, request.query) == ("POST", "/v26.0/1906385232743451/messages", {})
    assert request.headers["authorization"] == "Bearer EAAG-the-token-of-the-page"
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
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    messenger.answer(refused(10, 2018278), TOOK)

    sent = await provider.send(channel(human_agent="yes"), a_part("hi", address="254"))

    assert [note.code for note in sent.notes] == ["human_agent_tag"]
    assert [request.json["messaging_type"] for request in messenger.requests] == ["RESPONSE", "MESSAGE_TAG"]
    assert messenger.requests[1].json["tag"] == "HUMAN_AGENT"


@pytest.mark.parametrize(
    ("settings", "content", "answer"),
    [
        pytest.param({"human_agent": "no"}, "hi", refused(10, 2018278), id="not allowed"),
        pytest.param({"human_agent": "yes"}, "hi", refused(551), id="another reason"),
        pytest.param({"human_agent": "yes"}, Template(name="a", language="en"), refused(10, 2018278), id="template"),
    ],
)
async def test_otherwise_a_refusal_is_final(
    messenger: ScriptedPlatform,
    provider: MessengerProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    content: Any,
    answer: Answer,
) -> None:
    messenger.answer(answer)

    with pytest.raises(DeliveryFailed):
        await provider.send(channel(**settings), a_part(content, address="254"))

    assert len(messenger.requests) == 1


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
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker, answer: Answer, kind: FailureKind
) -> None:
    messenger.answer(answer)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="254"))

    assert raised.value.failure.kind is kind


async def test_a_limit_carries_its_wait(
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    usage = '{"1906385232743451":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":5}]}'
    body = {"error": {"code": 80006, "message": "There have been too many calls"}}
    messenger.answer(Answer(status=400, json=body, headers={"X-Business-Use-Case-Usage": usage}))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="254"))

    failure = raised.value.failure
    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, timedelta(minutes=5))


async def test_an_unreachable_server_is_unavailable(provider: MessengerProvider, channel: ChannelMaker) -> None:
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
        ({"page_id": ""}, ChannelMisconfigured),
        ({"page_id": "../me"}, ChannelMisconfigured),
        ({"app_id": "x"}, ChannelMisconfigured),
        ({"page_access_token": ""}, Unauthorized),
        ({"page_access_token": "two\nlines"}, Unauthorized),
        ({"app_secret": ""}, Unauthorized),
        ({"graph_version": "../v1"}, ChannelMisconfigured),
        ({"api_base": "ftp://a.example"}, ChannelMisconfigured),
        ({"api_base": "http://["}, ChannelMisconfigured),
    ],
)
async def test_settings_that_name_no_page_make_no_request(
    messenger: ScriptedPlatform,
    provider: MessengerProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    kind: type[DeliveryFailed],
) -> None:
    with pytest.raises(kind):
        await provider.send(channel(**settings), a_part("hi", address="254"))

    assert messenger.requests == []


async def test_a_check_connects_the_page_and_sets_the_webhook(
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    messenger.answer(PAGE, listed(), DONE, listed(), DONE)

    result = await provider.check(channel())

    names = ",".join(FIELDS)
    assert made(messenger) == [
        ("GET", "/v26.0/me", None),
        ("GET", "/v26.0/1906385232743451/subscribed_apps", None),
        ("POST", "/v26.0/1906385232743451/subscribed_apps", {"subscribed_fields": names}),
        ("GET", "/v26.0/1517776481860111/subscriptions", None),
        (
            "POST",
            "/v26.0/1517776481860111/subscriptions",
            {
                "object": "page",
                "callback_url": "https://gateway.example/w/1",
                "verify_token": "meatyhamhock",
                "fields": names,
                "include_values": True,
            },
        ),
    ]
    assert [request.headers["authorization"].removeprefix("Bearer ") for request in messenger.requests] == [
        *["EAAG-the-token-of-the-page"] * 3,
        *["1517776481860111|the-secret-of-the-app"] * 2,
    ]
    assert result.problems == ()
    assert result.details == {"page_name": "Acme", "page": "subscribed", "webhook": "registered"}


async def test_a_check_of_what_is_connected_changes_nothing(
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    app = {"id": "1517776481860111", "subscribed_fields": list(FIELDS)}
    fields = [{"name": name, "version": "v26.0"} for name in FIELDS]
    ours = {"object": "page", "callback_url": "https://gateway.example/w/1", "active": True, "fields": fields}
    messenger.answer(PAGE, listed(app), listed(ours))

    result = await provider.check(channel())

    assert {method for method, _, _ in made(messenger)} == {"GET"}
    assert result.problems == ()


@pytest.mark.parametrize(
    ("answers", "webhook_url", "code"),
    [
        pytest.param([refused(190, status=401)], "https://a.example", "unauthorized", id="token refused"),
        pytest.param(
            [Answer(json={"id": "2", "name": "Ada"})], "https://a.example", "other_page", id="another's token"
        ),
        pytest.param([PAGE, refused(200)], "https://a.example", "unauthorized", id="no permission"),
        pytest.param([PAGE, listed(), DONE], "http://a.example", "no_public_address", id="not public"),
        pytest.param(
            [PAGE, listed(), DONE, listed({"object": "page", "callback_url": "https://b.example", "active": True})],
            "https://a.example",
            "webhook_elsewhere",
            id="somebody else's webhook",
        ),
        pytest.param(
            [PAGE, listed(), DONE, listed(), refused(2200, message="Callback verification failed")],
            "https://a.example",
            "channel_misconfigured",
            id="Meta does not reach us",
        ),
    ],
)
async def test_a_check_tells_what_is_wrong(
    messenger: ScriptedPlatform,
    provider: MessengerProvider,
    channel: ChannelMaker,
    answers: list[Answer],
    webhook_url: str,
    code: str,
) -> None:
    messenger.answer(*answers)

    result = await provider.check(channel(webhook_url=webhook_url))

    assert [problem.code for problem in result.problems] == [code]


async def test_a_check_while_meta_is_down_says_nothing_about_the_channel(
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    messenger.answer(Answer(status=503))

    with pytest.raises(DeliveryFailed):
        await provider.check(channel())
