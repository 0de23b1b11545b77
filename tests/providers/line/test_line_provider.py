"""The provider against a scripted LINE: which requests it makes, and what it makes of the answers."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from anychannel import (
    ChannelContext,
    ChannelMisconfigured,
    DeliveryFailed,
    FailureKind,
    MediaNotFound,
    PlatformUnavailable,
    Sent,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part
from providers.line import LineProvider
from providers.line.outbound import spell

ChannelMaker = Callable[..., ChannelContext]

WEBHOOK = "https://gateway.example/w/1"
TOOK = Answer(json={"sentMessages": [{"id": "461230966842064897"}]})
BOT = Answer(json={"userId": "U1", "basicId": "@216ru1", "displayName": "Acme", "chatMode": "bot"})
SET, OFF = (Answer(json={"endpoint": WEBHOOK, "active": active}) for active in (True, False))
UNSET = Answer(status=404, json={"message": "Not found"})
DONE = Answer(json={})
TESTED = Answer(json={"success": True, "statusCode": 200, "reason": "OK", "detail": "200"})


def made(line: ScriptedPlatform) -> list[tuple[str, str, Any]]:
    return [(each.method, each.path, each.json if each.body else None) for each in line.requests]


async def test_a_part_is_one_push(line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker) -> None:
    line.answer(TOOK)
    part = a_part("Hello", address="U4af4980629")

    sent = await provider.send(channel(), part)

    (request,) = line.requests
    assert sent == Sent(platform_message_id="461230966842064897")
    assert (request.method, request.path, request.query) == ("POST", "/v2/bot/message/push", {})
    assert request.headers["authorization"] == "Bearer the-access-token/of+the=channel"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-line-retry-key"] == spell(part).retry_key
    assert request.json == {"to": "U4af4980629", "messages": [{"type": "text", "text": "Hello"}]}


async def test_what_line_took_before_its_answer_was_lost_is_not_sent_again(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker
) -> None:
    accepted = {"X-Line-Accepted-Request-Id": "123e4567"}
    sent_before = {"message": "The retry key is already accepted", "sentMessages": [{"id": "46"}]}
    # aiohttp asks once more itself where a kept connection may have gone stale; a fresh one is asked once.
    line.answer(Answer(close=True), Answer(status=409, headers=accepted, json=sent_before))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi"))
    sent = await provider.send(channel(), a_part("hi"))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    assert (sent.platform_message_id, [note.code for note in sent.notes]) == ("46", ["already_accepted"])
    assert len({request.headers["x-line-retry-key"] for request in line.requests}) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(Answer(status=401, json={"message": "x"}), FailureKind.UNAUTHORIZED, id="token"),
        pytest.param(Answer(status=502, body=b"<html>"), FailureKind.PLATFORM_UNAVAILABLE, id="a proxy's page"),
        pytest.param(Answer(body=b"{"), FailureKind.PLATFORM_UNAVAILABLE, id="broken JSON"),
        pytest.param(Answer(status=307, headers={"location": "/x"}), FailureKind.PLATFORM_UNAVAILABLE, id="redirect"),
        pytest.param(Answer(close=True), FailureKind.PLATFORM_UNAVAILABLE, id="connection lost"),
    ],
)
async def test_a_refusal_is_a_failure(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker, answer: Answer, kind: FailureKind
) -> None:
    line.answer(answer)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi"))

    assert raised.value.failure.kind is kind
    assert len(line.requests) == 1


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"channel_access_token": ""}, Unauthorized),
        ({"channel_access_token": "two\nlines"}, Unauthorized),
        ({"api_base": "ftp://a.example"}, ChannelMisconfigured),
        ({"api_base": "http://["}, ChannelMisconfigured),
        ({"data_base": "nowhere"}, ChannelMisconfigured),
    ],
)
async def test_settings_that_name_no_account_make_no_request(
    line: ScriptedPlatform,
    provider: LineProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    kind: type[DeliveryFailed],
) -> None:
    with pytest.raises(kind):
        await provider.send(channel(**settings), a_part("hi"))

    assert line.requests == []


async def test_media_is_streamed(line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker) -> None:
    data = bytes(range(256)) * 4000
    line.answer(Answer(body=data, headers={"content-type": "image/jpeg"}))

    media = await provider.fetch_media(channel(), "325708")
    chunks = [chunk async for chunk in media.chunks]

    (request,) = line.requests
    assert (b"".join(chunks), media.mime_type, media.size_bytes) == (data, "image/jpeg", len(data))
    assert max(map(len, chunks)) <= 128 * 1024
    assert (request.method, request.path) == ("GET", "/data/v2/bot/message/325708/content")
    assert request.headers["authorization"] == "Bearer the-access-token/of+the=channel"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(Answer(status=404, json={"message": "not found"}), MediaNotFound, id="unknown"),
        pytest.param(Answer(status=410, json={"message": "The content is gone"}), MediaNotFound, id="taken back"),
        pytest.param(Answer(status=202), PlatformUnavailable, id="still prepared"),
        pytest.param(Answer(status=401), DeliveryFailed, id="token refused"),
        pytest.param(Answer(status=302, headers={"location": "/x"}), DeliveryFailed, id="redirect"),
        pytest.param(Answer(close=True), DeliveryFailed, id="connection lost"),
    ],
)
async def test_media_that_cannot_be_had(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker, answer: Answer, kind: type[Exception]
) -> None:
    line.answer(answer, answer)

    with pytest.raises(kind):
        await provider.fetch_media(channel(), "325708")


@pytest.mark.parametrize("media_id", ["", "../info", "a/b", "é", "1" * 101])
async def test_what_is_no_id_is_not_asked_for(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker, media_id: str
) -> None:
    with pytest.raises(MediaNotFound):
        await provider.fetch_media(channel(), media_id)

    assert line.requests == []


async def test_a_check_sets_the_webhook_and_tries_it(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker
) -> None:
    line.answer(BOT, UNSET, DONE, SET, TESTED)

    result = await provider.check(channel())

    assert made(line) == [
        ("GET", "/v2/bot/info", None),
        ("GET", "/v2/bot/channel/webhook/endpoint", None),
        ("PUT", "/v2/bot/channel/webhook/endpoint", {"endpoint": WEBHOOK}),
        ("GET", "/v2/bot/channel/webhook/endpoint", None),
        ("POST", "/v2/bot/channel/webhook/test", {"endpoint": WEBHOOK}),
    ]
    assert result.problems == ()
    assert result.details == {"account_name": "Acme", "basic_id": "@216ru1", "webhook": "registered"}


async def test_a_check_of_what_is_set_sets_nothing(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker
) -> None:
    line.answer(BOT, SET, TESTED)

    result = await provider.check(channel())

    assert "PUT" not in {method for method, _, _ in made(line)}
    assert result.problems == ()


@pytest.mark.parametrize(
    ("answers", "webhook_url", "codes"),
    [
        pytest.param([Answer(status=401)], WEBHOOK, ["unauthorized"], id="token refused"),
        pytest.param([BOT], "http://gateway.example/w/1", ["no_public_address"], id="not public"),
        pytest.param([BOT], f"https://a.example/{'a' * 500}", ["no_public_address"], id="address too long"),
        pytest.param([BOT, UNSET, Answer(status=400)], WEBHOOK, ["content_rejected"], id="address refused"),
        pytest.param([BOT, OFF, TESTED], WEBHOOK, ["webhook_disabled"], id="turned off"),
        pytest.param(
            [BOT, SET, Answer(json={"success": False, "statusCode": 401, "reason": "ERROR_STATUS_CODE"})],
            WEBHOOK,
            ["channel_secret_refused"],
            id="wrong secret",
        ),
        pytest.param(
            [BOT, SET, Answer(json={"success": False, "reason": "COULD_NOT_CONNECT", "detail": f"TLS: {WEBHOOK}"})],
            WEBHOOK,
            ["webhook_unreachable"],
            id="not reachable",
        ),
        pytest.param([BOT, SET, Answer(status=429)], WEBHOOK, [], id="tested too often"),
    ],
)
async def test_a_check_tells_what_is_wrong(
    line: ScriptedPlatform,
    provider: LineProvider,
    channel: ChannelMaker,
    answers: list[Answer],
    webhook_url: str,
    codes: list[str],
) -> None:
    line.answer(*answers)

    result = await provider.check(channel(webhook_url=webhook_url))

    assert [problem.code for problem in result.problems] == codes
    # The address carries a token.
    assert urlsplit(webhook_url).path not in repr(result)


async def test_a_check_while_line_is_down_says_nothing_about_the_channel(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker
) -> None:
    line.answer(Answer(status=503))

    with pytest.raises(DeliveryFailed):
        await provider.check(channel())
