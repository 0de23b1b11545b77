"""The provider as core sees it, and its bot token, which nobody but Telegram ever sees."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest
from structlog.testing import capture_logs

from anychannel import (
    ChannelContext,
    DeliveryFailed,
    Failure,
    FailureKind,
    MediaKind,
    MessageReceived,
    Part,
    QuickReplies,
    Sent,
    Text,
    TextUnit,
)
from anychannel.testing import Answer, CallFailed, ScriptedPlatform, a_part, a_request, serve_provider
from providers.telegram import TelegramProvider

ChannelMaker = Callable[..., ChannelContext]

SECRET_HEADER = {"X-Telegram-Bot-Api-Secret-Token": "s3cret_token-of-the-channel"}
CHAT = {"id": 42, "type": "private"}
TOOK = Answer(json={"ok": True, "result": {"message_id": 7, "date": 1441645532, "chat": CHAT}})


async def test_it_declares_what_telegram_can() -> None:
    async with serve_provider(TelegramProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("telegram", "Telegram")
    assert (described.receives_webhooks, described.listens) == (True, True)
    assert (described.checks_channels, described.fetches_media) == (True, True)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (4096, TextUnit.UTF16)
    assert capabilities.max_caption_length == 1024
    assert {limit.kind: limit.max_bytes for limit in capabilities.media} == {
        MediaKind.IMAGE: 5_000_000,
        MediaKind.VIDEO: 20_000_000,
        MediaKind.AUDIO: 20_000_000,
        MediaKind.FILE: 20_000_000,
    }
    assert described.limits.rate == 30
    assert {field.name: field.secret for field in described.setting_fields} == {
        "bot_token": True,
        "secret_token": True,
        "mode": False,
        "api_base": False,
    }


async def test_a_conversation(telegram: ScriptedPlatform, channel: ChannelMaker, token: str) -> None:
    """A question with buttons goes out, a button is tapped, a photo comes in and is downloaded."""
    question = a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address="42")
    photo = {"file_id": "AwADBAAD", "width": 1, "height": 1}
    file = {"file_id": "AwADBAAD", "file_path": "photos/file_1.jpg", "file_size": 3}
    telegram.answer(TOOK, Answer(json={"ok": True, "result": file}), Answer(body=b"jpg"))

    async with serve_provider(TelegramProvider()) as client:
        sent = await client.deliver(channel(), question)
        keyboard = telegram.requests[0].json["reply_markup"]
        tap = {
            "id": "tap-1",
            "from": {"id": 42, "first_name": "Ada"},
            "data": keyboard["inline_keyboard"][1][0]["callback_data"],
            "message": {"chat": CHAT, "message_id": 7, "date": 1441645532, "reply_markup": keyboard},
        }
        tapped = await client.receive(
            channel(), a_request(body={"update_id": 1, "callback_query": tap}, headers=SECRET_HEADER)
        )
        message = {"message_id": 8, "date": 1441645532, "chat": CHAT, "from": {"id": 42}, "photo": [photo]}
        received = await client.receive(
            channel(), a_request(body={"update_id": 2, "message": message}, headers=SECRET_HEADER)
        )
        refused = await client.receive(channel(), a_request(body={"update_id": 3, "message": message}))
        media = await client.fetch_media(channel(), "AwADBAAD")

    assert sent == Sent(platform_message_id="42:7")
    (tap_event,) = tapped.events
    assert isinstance(tap_event, MessageReceived)
    assert (tap_event.content, tap_event.contact.address) == (Text(text="No"), "42")
    assert json.loads(tapped.reply.body) == {"method": "answerCallbackQuery", "callback_query_id": "tap-1"}
    assert [event.platform_event_id for event in received.events] == ["2"]
    assert (refused.reply.status_code, refused.events) == (401, ())
    assert (media.data, media.mime_type) == (b"jpg", "image/jpeg")
    assert [request.path for request in telegram.requests] == [
        f"/bot{token}/sendMessage",
        f"/bot{token}/getFile",
        f"/file/bot{token}/photos/file_1.jpg",
    ]


async def test_polling(telegram: ScriptedPlatform, channel: ChannelMaker) -> None:
    message = {"message_id": 8, "date": 1441645532, "chat": CHAT, "from": {"id": 42}, "text": "hi"}
    never = asyncio.Event()
    telegram.answer(
        Answer(json={"ok": True, "result": [{"update_id": 100, "message": message}]}),
        Answer(json={"ok": True, "result": []}, wait_for=never),
    )

    async with (
        serve_provider(TelegramProvider()) as client,
        aclosing(client.listen(channel(mode="polling"), "100")) as heard,
    ):
        first = await anext(heard)
        asked_before_stored = len(telegram.requests)
        second = asyncio.ensure_future(anext(heard))
        requests = await telegram.requested(2)
        second.cancel()
        await asyncio.wait([second])
    never.set()

    assert (first.cursor, asked_before_stored) == ("101", 1)
    assert [request.json["offset"] for request in requests] == [100, 101]


async def test_listening_to_a_channel_with_a_webhook_is_refused(channel: ChannelMaker) -> None:
    async with serve_provider(TelegramProvider()) as client:
        with pytest.raises(CallFailed) as raised:
            await anext(client.listen(channel()))

    assert raised.value.code == "FAILED_PRECONDITION"


@pytest.fixture
def every_record(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp.client", "aiohttp.internal"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Every record of this side. The scripted platform's own access log is the other side's, which knows its addresses."""
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    return "\n".join(f"{record.getMessage()} {record.exc_text} {record.__dict__!r}" for record in ours)


def everything_told(raised: BaseException) -> str:
    """All that an exception can tell, hidden contexts too."""
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__context__ or seen.__cause__
    return "\n".join(told)


def breakages(token: str) -> dict[str, Answer]:
    """Every way an answer may fail, most of them repeating the address, as a proxy's page may."""
    address = f"http://127.0.0.1:1/bot{token}/sendMessage"
    return {
        "connection lost": Answer(close=True),
        "redirect": Answer(status=302, headers={"location": address}),
        "page that repeats the address": Answer(status=502, body=address.encode()),
        "description that repeats the address": Answer(
            status=400, json={"ok": False, "error_code": 400, "description": f"Bad Request: {address}"}
        ),
        "broken encoding": Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        "token refused": Answer(status=401, json={"ok": False, "error_code": 401, "description": "Unauthorized"}),
    }


BREAKAGES = list(breakages(""))


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_no_exception_tells_the_token(
    telegram: ScriptedPlatform,
    provider: TelegramProvider,
    channel: ChannelMaker,
    every_record: pytest.LogCaptureFixture,
    token: str,
    breakage: str,
) -> None:
    answer = breakages(token)[breakage]
    calls: list[Awaitable[object]] = [
        provider.send(channel(), part()),
        provider.fetch_media(channel(), "AwADBAAD"),
        anext(provider.listen(channel(mode="polling"), "")),
    ]
    told: list[str] = []

    for call in calls:
        telegram.answer(answer)
        try:
            await call
        except Exception as raised:  # noqa: BLE001 - whatever comes out is read
            told.append(everything_told(raised))
    telegram.answer(answer)
    told.append(repr(await provider.check(channel())))

    assert len(told) == 4
    assert [text for text in told if secret(token) in text] == []
    assert secret(token) not in logged(every_record)


def part() -> Part:
    return a_part("hi", address="42")


def secret(token: str) -> str:
    return token.partition(":")[2]


async def test_no_failure_and_no_log_record_tells_the_token(
    channel: ChannelMaker,
    telegram: ScriptedPlatform,
    every_record: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    token: str,
) -> None:
    answers = list(breakages(token).values())
    telegram.answer(*answers)

    with capture_logs() as records:
        async with serve_provider(TelegramProvider()) as client:
            outcomes = [await client.deliver(channel(), part()) for _ in answers]
            unreachable = await client.deliver(channel(api_base="http://127.0.0.1:1"), part())

    written = capfd.readouterr()
    kinds = [outcome.kind for outcome in (*outcomes, unreachable) if isinstance(outcome, Failure)]
    assert FailureKind.INTERNAL not in kinds
    assert len(kinds) == len(answers) + 1
    for told in (repr(outcomes), repr(records), logged(every_record), written.out, written.err, repr(channel())):
        assert secret(token) not in told


@pytest.fixture
async def breaking_off() -> AsyncIterator[str]:
    """The address of a Telegram that answers getFile, and breaks off in the middle of every other answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        body = b'{"ok":true,"result":{"file_id":"AwADBAAD","file_path":"photos/file_1.jpg"}}'
        length = len(body) if b"/getFile " in request else len(body) + 1
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (length, body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_that_breaks_off_is_a_failure_without_the_token(
    provider: TelegramProvider, channel: ChannelMaker, breaking_off: str, token: str
) -> None:
    media = await provider.fetch_media(channel(api_base=breaking_off), "AwADBAAD")

    with pytest.raises(DeliveryFailed) as sending:
        await provider.send(channel(api_base=breaking_off), part())
    with pytest.raises(DeliveryFailed) as downloading:
        async for _ in media.chunks:
            pass

    for raised in (sending, downloading):
        assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
        assert secret(token) not in everything_told(raised.value)
