"""People write to a bot, agents answer. Updates are those of https://core.telegram.org/bots/webhooks#testing-your-bot-with-updates."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from anychannel.testing import Answer as BotAnswer
from anychannel.testing import ScriptedPlatform
from tests.end_to_end.bot_api import SECRET, SENDER, TOKEN, BotApi, telegram_shop, update
from tests.end_to_end.product import Product
from tests.end_to_end.shop import Answer, Json, Shop, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def bot_api() -> AsyncIterator[BotApi]:
    bot_api = BotApi()
    async with ScriptedPlatform(bot_api.answer) as platform:
        bot_api.url = platform.url
        yield bot_api


@pytest_asyncio.fixture(loop_scope="session")
async def shop(product: Product, bot_api: BotApi) -> AsyncIterator[Shop]:
    async with telegram_shop(product, bot_api) as shop:
        yield shop
        assert await shop.mishaps() == {}


async def deliver(shop: Shop, told: Json, *, secret: str | None = SECRET) -> Answer:
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
    return await shop.call("POST", shop.channel.webhook_url, json=told, headers=headers)


CONTACT = str(SENDER["id"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"text": "/start"}, {"type": "text", "text": "/start"}, id="text"),
        pytest.param(
            {"text": "Bold and italics", "entities": [{"type": "italic", "offset": 9, "length": 7}]},
            {"type": "text", "text": "Bold and italics"},
            id="with entities",
        ),
        pytest.param(
            {"text": "/start", "reply_to_message": {"date": 1441645000, "message_id": 1334, "text": "Original"}},
            {"type": "text", "text": "/start"},
            id="reply",
        ),
        pytest.param(
            {"location": {"latitude": 52.5, "longitude": 13.4}},
            {"type": "location", "latitude": 52.5, "longitude": 13.4},
            id="location",
        ),
        pytest.param(
            {"contact": {"phone_number": "+4915112345", "first_name": "Ben"}},
            {"type": "text", "text": "Ben\n+4915112345"},
            id="contact card",
        ),
    ],
)
async def test_what_a_person_writes_to_the_bot_is_seen_by_the_agent(shop: Shop, fields: Json, said: Json) -> None:
    answer = await deliver(shop, update(message=fields))

    assert answer.status == 200
    assert await shop.said_by_contact(1, CONTACT) == [said]
    contact = await shop.contact(CONTACT)
    assert contact == {"firstName": "Test Firstname", "lastName": "Test Lastname", "language": "de"}


@pytest.mark.parametrize(
    ("fields", "kind", "mime_type", "file_name"),
    [
        pytest.param(
            {"photo": [{"file_id": "photos/small"}, {"file_id": "photos/file_1.jpg", "width": 1280, "height": 853}]},
            "image",
            "image/jpeg",
            None,
            id="photo",
        ),
        pytest.param(
            {"voice": {"file_id": "voice/file_2.oga", "duration": 5, "mime_type": "audio/ogg", "file_size": 23}},
            "audio",
            "audio/ogg",
            None,
            id="voice",
        ),
        pytest.param(
            {"document": {"file_id": "documents/f.pdf", "file_name": "Testfile.pdf", "mime_type": "application/pdf"}},
            "file",
            "application/pdf",
            "Testfile.pdf",
            id="document",
        ),
    ],
)
async def test_media_are_a_link_of_ours_that_streams_the_bytes_and_tells_no_token(
    shop: Shop, bot_api: BotApi, fields: Json, kind: str, mime_type: str, file_name: str | None
) -> None:
    await deliver(shop, update(message={**fields, "caption": "Look"}))

    media, caption = await shop.said_by_contact(2, CONTACT)

    attachment = media["attachment"]
    assert (attachment["type"], attachment["mimeType"], attachment.get("fileName")) == (kind, mime_type, file_name)
    assert caption == {"type": "text", "text": "Look"}
    url = attachment["url"]
    assert url.startswith(f"{shop.product.edge_url}/media/")
    assert TOKEN not in url
    fetched = await shop.call("GET", url)
    head = await shop.call("HEAD", url)
    assert (fetched.status, fetched.body) == (200, bot_api.bytes_of(fields))
    assert fetched.headers["content-type"] == mime_type
    assert (head.status, head.body, head.headers["content-type"]) == (200, b"", mime_type)
    assert not any(TOKEN in value for value in (*fetched.headers.values(), *head.headers.values()))
    forged = await shop.call("GET", f"{url[:-2]}xx")
    assert (forged.status, forged.error) == (404, "This link is unknown or has expired.")


@pytest.mark.parametrize(
    ("told", "status"),
    [
        pytest.param(
            BotAnswer(status=400, json={"ok": False, "error_code": 400, "description": "Bad Request: wrong file_id"}),
            404,
            id="gone",
        ),
        pytest.param(BotAnswer(status=502, body=b"<html>"), 503, id="Telegram is down"),
    ],
)
async def test_media_that_cannot_be_had_are_not_found_or_put_off(
    shop: Shop, bot_api: BotApi, told: BotAnswer, status: int
) -> None:
    await deliver(shop, update(message={"voice": {"file_id": "voice/1.oga"}}))
    (media,) = await shop.said_by_contact(1, CONTACT)
    bot_api.file_refusal = told

    answer = await shop.call("GET", media["attachment"]["url"])

    assert (answer.status, TOKEN in answer.error) == (status, False)


async def test_a_tapped_button_is_its_label_and_stops_spinning(shop: Shop) -> None:
    await shop.send({"type": "quick_reply", "title": "Deliver?", "replies": ["Yes", "No"]}, CONTACT)
    tap = {
        "id": "4382bfdwdsb323b2d9",
        "from": SENDER,
        "data": "tYes",
        "message": {"message_id": 1, "date": 0, "chat": SENDER},
    }

    answer = await deliver(shop, {"update_id": 10_001, "callback_query": tap})

    assert answer.json == {"method": "answerCallbackQuery", "callback_query_id": "4382bfdwdsb323b2d9"}
    assert texts(await shop.said_by_contact(1, CONTACT)) == ["Yes"]


@pytest.mark.parametrize("secret", [None, "", SECRET[:-1]], ids=["no header", "empty", "cut"])
async def test_an_update_that_does_not_prove_itself_is_refused(shop: Shop, secret: str | None) -> None:
    refused = await deliver(shop, update(message={"text": "forged"}), secret=secret)
    await deliver(shop, update(20_000, message={"text": "real"}))

    assert refused.status == 401
    assert texts(await shop.said_by_contact(1, CONTACT)) == ["real"]


async def test_an_update_told_twice_is_one_message(shop: Shop) -> None:
    for _ in range(2):
        assert (await deliver(shop, update(10_000, message={"text": "once"}))).status == 200
    await deliver(shop, update(10_001, message={"text": "then"}))

    assert texts(await shop.said_by_contact(2, CONTACT)) == ["once", "then"]


@pytest.mark.parametrize(
    ("message", "method", "parameters"),
    [
        pytest.param({"type": "text", "text": "Hello <b>"}, "sendMessage", {"text": "Hello <b>"}, id="text"),
        pytest.param(
            {
                "type": "attachment",
                "attachment": {"type": "image", "url": "https://a.example/a.png", "description": "c"},
            },
            "sendPhoto",
            {"photo": "https://a.example/a.png", "caption": "c"},
            id="image",
        ),
        pytest.param(
            {"type": "location", "latitude": 1.5, "longitude": 2.5},
            "sendLocation",
            {"latitude": 1.5, "longitude": 2.5},
            id="location",
        ),
        pytest.param(
            {"type": "quick_reply", "title": "?", "replies": ["Yes"]},
            "sendMessage",
            {"text": "?", "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "tYes"}]]}},
            id="quick reply",
        ),
    ],
)
async def test_what_an_agent_sends_is_one_call_of_the_bot_api(
    shop: Shop, bot_api: BotApi, message: Json, method: str, parameters: Json
) -> None:
    bubble = await shop.send(message, CONTACT)

    await shop.reached(bubble["mId"], "sent", CONTACT)
    assert bot_api.calls == [(method, {"chat_id": SENDER["id"], **parameters})]


async def test_a_flood_limit_is_waited_for(shop: Shop, bot_api: BotApi) -> None:
    bot_api.refusals.append(
        BotAnswer(
            status=429,
            json={
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 1",
                "parameters": {"retry_after": 1},
            },
        )
    )
    first = await shop.send("1", CONTACT)
    await asyncio.wait_for(bot_api.refused.wait(), 5)
    await shop.send("2", "2222222")

    await shop.reached(first["mId"], "sent", CONTACT)
    await shop.settled()

    refused, *taken = bot_api.times
    assert sorted(call[1]["text"] for call in bot_api.calls) == ["1", "1", "2"]
    assert all(1 <= time - refused < 2.5 for time in taken)


async def test_a_person_who_blocked_the_bot_is_a_failure_with_its_reason(shop: Shop, bot_api: BotApi) -> None:
    description = "Forbidden: bot was blocked by the user"
    bot_api.refusals.append(BotAnswer(status=403, json={"ok": False, "error_code": 403, "description": description}))

    bubble = await shop.send("Hello?", CONTACT)

    failed = await shop.reached(bubble["mId"], "failed", CONTACT)
    assert "blocked" in failed["reason"]
