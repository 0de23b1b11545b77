"""The provider against a scripted Viber: which requests it makes, and what it makes of the answers."""

from collections.abc import Callable
from typing import Any

import pytest

from anychannel import (
    Attachment,
    ChannelContext,
    ChannelMisconfigured,
    DeliveryFailed,
    FailureKind,
    MediaKind,
    Sent,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part
from providers.viber import ViberProvider

ChannelMaker = Callable[..., ChannelContext]

USER = "01234567890A="
TOOK = Answer(body=b'{"status":0,"status_message":"ok","message_token":5741311803571721087,"billing_status":1}')
ACCOUNT = Answer(json={"status": 0, "id": "pa:75346594275468546724", "name": "Acme", "subscribers_count": 35})
SET = Answer(json={"status": 0, "status_message": "ok", "event_types": ["delivered"]})
VIDEO = Attachment(kind=MediaKind.VIDEO, url="https://a.example/a.mp4", size_bytes=7, caption="See")


def refused(status: int, message: str = "no") -> Answer:
    return Answer(json={"status": status, "status_message": message})


def made(viber: ScriptedPlatform) -> list[tuple[str, str, Any]]:
    return [(each.method, each.path, each.json) for each in viber.requests]


async def test_a_part_is_one_call(viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker) -> None:
    viber.answer(TOOK)

    sent = await provider.send(channel(), a_part("héllo", address=USER))

    (request,) = viber.requests
    # As a float it would be 5741311803571721216.
    assert sent == Sent(platform_message_id="5741311803571721087")
    assert (request.method, request.path, request.query) == ("POST", "/pa/send_message", {})
    assert request.headers["x-viber-auth-token"] == "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
    assert request.headers["content-type"] == "application/json"
    assert request.json == {"receiver": USER, "sender": {"name": "Acme"}, "type": "text", "text": "héllo"}
    assert "héllo".encode() in request.body


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(TOOK, "caption_separated", id="sent"),
        pytest.param(refused(12), "caption_lost", id="refused"),
        pytest.param(Answer(close=True), "caption_lost", id="connection lost"),
    ],
)
async def test_a_caption_follows_its_video_which_is_never_repeated(
    viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker, answer: Answer, code: str
) -> None:
    viber.answer(TOOK, answer, answer)

    sent = await provider.send(channel(), a_part(VIDEO, address=USER))

    assert [body["type"] for _, _, body in made(viber)][:2] == ["video", "text"]
    assert (sent.platform_message_id, [note.code for note in sent.notes]) == ("5741311803571721087", [code])


async def test_what_was_taken_without_an_id_is_not_sent_again(
    viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker
) -> None:
    viber.answer(Answer(json={"status": 0, "status_message": "ok"}))

    sent = await provider.send(channel(), a_part("hi", idempotency_key="msg_1/0"))

    assert (sent.platform_message_id, [note.code for note in sent.notes]) == ("unknown:msg_1/0", ["message_id_unknown"])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(refused(6, "receiverNotSubscribed"), FailureKind.CONTACT_OPTED_OUT, id="not subscribed"),
        pytest.param(refused(12, "tooManyRequests"), FailureKind.THROTTLED, id="too fast"),
        pytest.param(refused(2, "invalidAuthToken"), FailureKind.UNAUTHORIZED, id="token"),
        pytest.param(Answer(status=502, body=b"<html>"), FailureKind.PLATFORM_UNAVAILABLE, id="a proxy's page"),
        pytest.param(Answer(status=500, json={"status": 0}), FailureKind.PLATFORM_UNAVAILABLE, id="down and ok"),
        pytest.param(Answer(body=b"{"), FailureKind.PLATFORM_UNAVAILABLE, id="broken JSON"),
        pytest.param(Answer(json={}), FailureKind.PLATFORM_UNAVAILABLE, id="no status"),
        pytest.param(Answer(status=307, headers={"location": "/x"}), FailureKind.PLATFORM_UNAVAILABLE, id="redirect"),
        pytest.param(Answer(close=True), FailureKind.PLATFORM_UNAVAILABLE, id="connection lost"),
    ],
)
async def test_a_refusal_is_a_failure(
    viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker, answer: Answer, kind: FailureKind
) -> None:
    viber.answer(answer)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi"))

    assert raised.value.failure.kind is kind
    assert len(viber.requests) == 1
    # aiohttp's exceptions may carry the request with its token.
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"auth_token": ""}, Unauthorized),
        ({"auth_token": "two\nlines"}, Unauthorized),
        ({"api_base": "ftp://a.example"}, ChannelMisconfigured),
        ({"api_base": "http://["}, ChannelMisconfigured),
    ],
)
async def test_settings_that_name_no_bot_make_no_request(
    viber: ScriptedPlatform,
    provider: ViberProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    kind: type[DeliveryFailed],
) -> None:
    with pytest.raises(kind):
        await provider.send(channel(**settings), a_part("hi"))

    assert viber.requests == []


async def test_a_check_sets_the_webhook(
    viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker
) -> None:
    viber.answer(ACCOUNT, SET)

    result = await provider.check(channel())

    assert made(viber) == [
        ("POST", "/pa/get_account_info", {}),
        (
            "POST",
            "/pa/set_webhook",
            {
                "url": "https://gateway.example/w/1",
                "event_types": ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"],
                "send_name": True,
                "send_photo": True,
            },
        ),
    ]
    assert result.problems == ()
    assert result.details == {"bot_name": "Acme", "subscribers": "35", "webhook": "registered"}


@pytest.mark.parametrize(
    ("answers", "webhook_url", "code"),
    [
        pytest.param([refused(2)], "https://a.example/w", "unauthorized", id="token refused"),
        pytest.param([ACCOUNT], "http://a.example/w", "no_public_address", id="not public"),
        pytest.param([ACCOUNT], "", "no_public_address", id="no address"),
        pytest.param(
            [ACCOUNT, refused(1, "invalidUrl")], "https://a.example/w", "channel_misconfigured", id="not reachable"
        ),
    ],
)
async def test_a_check_tells_what_is_wrong(
    viber: ScriptedPlatform,
    provider: ViberProvider,
    channel: ChannelMaker,
    answers: list[Answer],
    webhook_url: str,
    code: str,
) -> None:
    viber.answer(*answers)

    result = await provider.check(channel(webhook_url=webhook_url))

    assert [problem.code for problem in result.problems] == [code]


async def test_a_check_while_viber_is_down_says_nothing_about_the_channel(
    viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker
) -> None:
    viber.answer(Answer(status=503))

    with pytest.raises(DeliveryFailed):
        await provider.check(channel())
