"""The provider against a scripted Telegram: which requests it makes, and what it makes of the answers."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from anychannel import (
    Attachment,
    ChannelContext,
    ChannelMisconfigured,
    ContactCard,
    Content,
    DeliveryFailed,
    FailureKind,
    Location,
    MediaKind,
    MediaNotFound,
    MessageReceived,
    QuickReplies,
    Sent,
    Text,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part
from providers.telegram import TelegramProvider
from providers.telegram.api import Bot

ChannelMaker = Callable[..., ChannelContext]

TOOK = Answer(json={"ok": True, "result": {"message_id": 7, "date": 1441645532, "chat": {"id": 42, "type": "private"}}})
DONE = Answer(json={"ok": True, "result": True})
BOT = Answer(json={"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Acme", "username": "acme_bot"}})


def refused(code: int, description: str, **parameters: object) -> Answer:
    body = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return Answer(status=code, json=body)


def made(telegram: ScriptedPlatform) -> list[tuple[str, Any]]:
    """The methods called so far, each with its parameters."""
    return [(request.path.rpartition("/")[2], request.json) for request in telegram.requests]


URL = "https://media.example/a"


@pytest.mark.parametrize(
    ("content", "method", "parameters"),
    [
        pytest.param(Text(text="Hello 👋"), "sendMessage", {"text": "Hello 👋"}, id="text"),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, caption="c"),
            "sendPhoto",
            {"photo": URL, "caption": "c"},
            id="photo",
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/gif"),
            "sendAnimation",
            {"animation": URL},
            id="animation",
        ),
        pytest.param(Attachment(kind=MediaKind.VIDEO, url=URL), "sendVideo", {"video": URL}, id="video"),
        pytest.param(Attachment(kind=MediaKind.AUDIO, url=URL), "sendAudio", {"audio": URL}, id="audio"),
        pytest.param(
            Attachment(kind=MediaKind.AUDIO, url=URL, mime_type="audio/ogg"), "sendVoice", {"voice": URL}, id="voice"
        ),
        pytest.param(Attachment(kind=MediaKind.FILE, url=URL), "sendDocument", {"document": URL}, id="document"),
        pytest.param(
            Location(latitude=52.5, longitude=13.4),
            "sendLocation",
            {"latitude": 52.5, "longitude": 13.4},
            id="location",
        ),
        pytest.param(
            Location(latitude=52.5, longitude=13.4, name="Zoo", address="Street 38"),
            "sendVenue",
            {"latitude": 52.5, "longitude": 13.4, "title": "Zoo", "address": "Street 38"},
            id="venue",
        ),
        pytest.param(
            ContactCard(name="Ada", phone_numbers=("+4915112345",)),
            "sendContact",
            {"phone_number": "+4915112345", "first_name": "Ada"},
            id="contact",
        ),
        pytest.param(
            QuickReplies(text="Well?", replies=("Yes",)),
            "sendMessage",
            {
                "text": "Well?",
                "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "tYes"}]]},
            },
            id="quick replies",
        ),
    ],
)
async def test_a_part_is_one_request(
    telegram: ScriptedPlatform,
    provider: TelegramProvider,
    channel: ChannelMaker,
    token: str,
    content: Content,
    method: str,
    parameters: dict[str, object],
) -> None:
    telegram.answer(TOOK)

    sent = await provider.send(channel(), a_part(content, address="42"))

    (request,) = telegram.requests
    assert sent == Sent(platform_message_id="42:7")
    assert (request.method, request.path) == ("POST", f"/bot{token}/{method}")
    assert request.headers["content-type"] == "application/json"
    assert request.json == {"chat_id": 42, **parameters}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(
            refused(403, "Forbidden: bot was blocked by the user"), FailureKind.CONTACT_OPTED_OUT, id="blocked"
        ),
        pytest.param(refused(403, "Forbidden: user is deactivated"), FailureKind.CONTACT_UNREACHABLE, id="deactivated"),
        pytest.param(refused(400, "Bad Request: chat not found"), FailureKind.CONTACT_UNREACHABLE, id="no chat"),
        pytest.param(
            refused(400, "Bad Request: failed to get HTTP URL content"), FailureKind.CONTENT_REJECTED, id="no media"
        ),
        pytest.param(refused(401, "Unauthorized"), FailureKind.UNAUTHORIZED, id="revoked token"),
        pytest.param(refused(404, "Not Found"), FailureKind.UNAUTHORIZED, id="wrong token"),
        pytest.param(refused(500, "Internal Server Error: restart"), FailureKind.PLATFORM_UNAVAILABLE, id="restart"),
        pytest.param(Answer(status=502, body=b"<html>"), FailureKind.PLATFORM_UNAVAILABLE, id="a proxy's page"),
        pytest.param(Answer(status=200, body=b"{"), FailureKind.PLATFORM_UNAVAILABLE, id="broken JSON"),
        pytest.param(Answer(close=True), FailureKind.PLATFORM_UNAVAILABLE, id="connection lost"),
    ],
)
async def test_a_refusal_is_a_failure(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker, answer: Answer, kind: FailureKind
) -> None:
    # aiohttp asks once more where a kept connection may have gone stale; every request gets the same answer.
    telegram.answer(answer, answer)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="42"))

    assert raised.value.failure.kind is kind


async def test_a_flood_limit_carries_its_wait(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(refused(429, "Too Many Requests: retry after 34", retry_after=34))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="42"))

    failure = raised.value.failure
    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, timedelta(seconds=34))


async def test_an_unreachable_server_is_unavailable(provider: TelegramProvider, channel: ChannelMaker) -> None:
    async with ScriptedPlatform() as gone:
        address = gone.url

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(api_base=address), a_part("hi", address="42"))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE


async def test_a_redirect_which_would_carry_the_token_elsewhere_is_not_followed(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(Answer(status=307, headers={"location": "/elsewhere"}), TOOK)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address="42"))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    assert len(telegram.requests) == 1


async def test_silence_is_unavailable(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    never = asyncio.Event()
    telegram.answer(Answer(json={}, wait_for=never))

    with pytest.raises(DeliveryFailed) as raised:
        await provider._api.call(Bot.of(channel().settings), "getMe", {}, timeout_seconds=0.05)
    never.set()

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE


async def test_settings_that_name_no_bot_make_no_request(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    part = a_part("hi", address="42")

    for token in ("", "no token", "123456:../../../../../etc/passwd/aaaa"):
        with pytest.raises(Unauthorized):
            await provider.send(channel(bot_token=token), part)
    for api_base in ("ftp://a.example", "a.example", "http://", "http://[", "https://a:b"):
        with pytest.raises(ChannelMisconfigured):
            await provider.send(channel(api_base=api_base), part)
    assert telegram.requests == []


async def test_a_check_registers_the_webhook(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(BOT, DONE, Answer(json={"ok": True, "result": {"url": "x", "pending_update_count": 2}}))

    result = await provider.check(channel())

    assert made(telegram) == [
        ("getMe", {}),
        (
            "setWebhook",
            {
                "url": "https://gateway.example/w/1",
                "secret_token": "s3cret_token-of-the-channel",
                "allowed_updates": ["message", "edited_message", "callback_query", "my_chat_member"],
            },
        ),
        ("getWebhookInfo", {}),
    ]
    assert result.problems == ()
    assert result.details == {"mode": "webhook", "bot_name": "Acme", "username": "acme_bot", "pending_updates": "2"}


async def test_a_check_of_a_polled_channel_removes_the_webhook(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(BOT, DONE)

    result = await provider.check(channel(mode="polling", webhook_url="", secret_token=""))

    assert made(telegram) == [("getMe", {}), ("deleteWebhook", {})]
    assert (result.problems, result.details["mode"]) == ((), "polling")


async def test_a_check_does_not_offer_telegram_an_address_it_refuses(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(BOT)

    result = await provider.check(channel(webhook_url="http://127.0.0.1:8080/w/1"))

    assert [method for method, _ in made(telegram)] == ["getMe"]
    assert [problem.code for problem in result.problems] == ["webhook_not_https"]


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        pytest.param([refused(401, "Unauthorized")], "unauthorized", "@BotFather", id="revoked token"),
        pytest.param(
            [BOT, refused(400, "Bad Request: bad webhook: IP address 10.0.0.1 is reserved")],
            "channel_misconfigured",
            "IP address 10.0.0.1 is reserved",
            id="an address that is not public",
        ),
        pytest.param(
            [
                BOT,
                DONE,
                Answer(
                    json={
                        "ok": True,
                        "result": {
                            "pending_update_count": 3,
                            "last_error_date": 1441645532,
                            "last_error_message": "Connection refused",
                        },
                    }
                ),
            ],
            "webhook_failing",
            "Connection refused",
            id="a webhook that nothing reaches",
        ),
    ],
)
async def test_a_check_reports_what_is_wrong(
    telegram: ScriptedPlatform,
    provider: TelegramProvider,
    channel: ChannelMaker,
    answers: list[Answer],
    code: str,
    words: str,
) -> None:
    telegram.answer(*answers)

    result = await provider.check(channel())

    (problem,) = result.problems
    assert problem.code == code
    assert words in problem.text


def an_update(update_id: int, **fields: object) -> dict[str, object]:
    return {"update_id": update_id, **fields}


CHAT = {"id": 42, "type": "private"}
A_TEXT = {"message_id": 5, "date": 1441645532, "chat": CHAT, "from": {"id": 42, "first_name": "Ada"}, "text": "hi"}
A_TAP = {"id": "tap-1", "data": "tYes", "from": {"id": 42}, "message": {"chat": CHAT, "message_id": 4, "date": 0}}


def poll(offset: int) -> tuple[str, dict[str, object]]:
    updates = ["message", "edited_message", "callback_query", "my_chat_member"]
    return ("getUpdates", {"offset": offset, "timeout": 25, "allowed_updates": updates})


async def test_polled_updates_are_forgotten_only_once_they_are_stored(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    updates = [an_update(100, message=A_TEXT), an_update(101, callback_query=A_TAP), an_update(102, poll={})]
    telegram.answer(
        Answer(json={"ok": True, "result": []}),
        Answer(json={"ok": True, "result": updates}),
        DONE,
        Answer(json={"ok": True, "result": []}),
        Answer(json={"ok": True, "result": [an_update(7, message=A_TEXT)]}),
    )

    async with aclosing(provider.listen(channel(mode="polling"), "")) as heard:  # type: ignore[type-var]  # a generator
        first = await anext(heard)
        asked_before_stored = made(telegram)
        second = await anext(heard)

    assert [event.platform_event_id for event in first.events] == ["100", "101"]
    assert (first.cursor, [note.code for note in first.notes]) == ("103", ["update_ignored"])
    assert asked_before_stored == [poll(0), poll(0)]
    # A smaller id after a week of silence moves the cursor back, as Telegram's numbering did.
    assert second.cursor == "8"
    assert made(telegram)[2:] == [("answerCallbackQuery", {"callback_query_id": "tap-1"}), poll(103), poll(103)]


@pytest.mark.parametrize(("cursor", "offset"), [("", 0), ("103", 103), ("of another version", 0)])
async def test_polling_goes_on_from_the_cursor(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker, cursor: str, offset: int
) -> None:
    telegram.answer(Answer(json={"ok": True, "result": [an_update(103, message=A_TEXT)]}))

    heard = await anext(provider.listen(channel(mode="polling"), cursor))

    assert made(telegram) == [poll(offset)]
    assert isinstance(heard.events[0], MessageReceived)


async def test_a_tap_that_is_too_old_to_answer_does_not_stop_polling(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(
        Answer(json={"ok": True, "result": [an_update(100, callback_query=A_TAP)]}),
        refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid"),
        Answer(json={"ok": True, "result": [an_update(101, message=A_TEXT)]}),
    )
    heard = provider.listen(channel(mode="polling"), "")

    cursors = [(await anext(heard)).cursor for _ in range(2)]

    assert cursors == ["101", "102"]


async def test_a_channel_with_a_webhook_is_not_listened_to(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    with pytest.raises(ChannelMisconfigured):
        await anext(provider.listen(channel(mode="webhook"), ""))

    assert telegram.requests == []


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        (
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            FailureKind.CHANNEL_MISCONFIGURED,
        ),
        (
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            FailureKind.PLATFORM_UNAVAILABLE,
        ),
    ],
    ids=["webhook is set", "another reader"],
)
async def test_a_conflict_ends_listening(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker, description: str, kind: FailureKind
) -> None:
    telegram.answer(refused(409, description))

    with pytest.raises(DeliveryFailed) as raised:
        await anext(provider.listen(channel(mode="polling"), ""))

    assert raised.value.failure.kind is kind


async def test_a_poll_that_is_cancelled_ends_at_once(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    never = asyncio.Event()
    telegram.answer(Answer(json={"ok": True, "result": []}, wait_for=never))
    listening = asyncio.ensure_future(anext(provider.listen(channel(mode="polling"), "")))
    await telegram.requested(1)

    listening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await listening
    never.set()


@pytest.mark.parametrize(
    ("path", "mime_type"),
    [
        ("photos/file_1.jpg", "image/jpeg"),
        ("voice/file_2.oga", "audio/ogg"),
        ("stickers/file_3.webp", "image/webp"),
        ("stickers/file_4.tgs", "application/x-tgsticker"),
        ("documents/file_5", "application/octet-stream"),
    ],
)
async def test_media_is_streamed(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker, token: str, path: str, mime_type: str
) -> None:
    data = bytes(range(256)) * 2_000
    file = {"file_id": "AwADBAAD", "file_unique_id": "u", "file_size": len(data), "file_path": path}
    telegram.answer(Answer(json={"ok": True, "result": file}), Answer(body=data))

    media = await provider.fetch_media(channel(), "AwADBAAD")
    received = b"".join([chunk async for chunk in media.chunks])

    assert (received, media.mime_type, media.size_bytes) == (data, mime_type, len(data))
    assert telegram.requests[0].json == {"file_id": "AwADBAAD"}
    assert (telegram.requests[1].method, telegram.requests[1].path) == ("GET", f"/file/bot{token}/{path}")


FILE = Answer(json={"ok": True, "result": {"file_id": "AwADBAAD", "file_path": "photos/file_1.jpg"}})


async def test_media_that_nobody_reads_gives_its_connection_back(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker
) -> None:
    telegram.answer(FILE, Answer(body=b"x" * 1_000_000))

    media = await provider.fetch_media(channel(), "AwADBAAD")
    await media.chunks.aclose()  # type: ignore[attr-defined]  # what the SDK does with every stream that can be closed

    assert media.chunks._response.closed  # type: ignore[attr-defined]  # nothing else shows it


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([refused(400, "Bad Request: file is too big")], id="too big"),
        pytest.param(
            [refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")], id="wrong id"
        ),
        pytest.param([Answer(json={"ok": True, "result": {"file_id": "AwADBAAD"}})], id="no path"),
        pytest.param([FILE, Answer(status=404, json={"ok": False})], id="expired"),
    ],
)
async def test_media_that_is_gone_is_not_found(
    telegram: ScriptedPlatform, provider: TelegramProvider, channel: ChannelMaker, answers: list[Answer]
) -> None:
    telegram.answer(*answers)

    with pytest.raises(MediaNotFound):
        await provider.fetch_media(channel(), "AwADBAAD")


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        pytest.param([refused(401, "Unauthorized")], FailureKind.UNAUTHORIZED, id="revoked token"),
        pytest.param([FILE, Answer(status=502)], FailureKind.PLATFORM_UNAVAILABLE, id="file server down"),
        pytest.param([FILE, Answer(close=True), Answer(close=True)], FailureKind.PLATFORM_UNAVAILABLE, id="lost"),
    ],
)
async def test_media_that_cannot_be_read_now_is_a_failure(
    telegram: ScriptedPlatform,
    provider: TelegramProvider,
    channel: ChannelMaker,
    answers: list[Answer],
    kind: FailureKind,
) -> None:
    telegram.answer(*answers)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.fetch_media(channel(), "AwADBAAD")

    assert raised.value.failure.kind is kind
