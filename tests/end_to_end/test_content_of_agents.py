"""Everything an inbox can send, by both of its addresses."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import Product
from tests.end_to_end.shop import ADA, Json, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://cdn.example/files/abc"


def attachment(kind: str, **fields: str) -> Json:
    return {"type": "attachment", "attachment": {"type": kind, "url": f"{URL}?sig=1%2F2", **fields}}


def media(kind: str, **fields: str) -> Json:
    return {"type": "media", "kind": kind, "url": f"{URL}?sig=1%2F2", **fields}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


FIVE = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
LONG_CAPTION = "word " * 120 + "end"


@pytest_asyncio.fixture(
    scope="module", loop_scope="session", params=[False, True], ids=["at /message", "at /channels/ID/message"]
)
async def shop(product: Product, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(product, by_channel_path=request.param) as shop:
        yield shop
        await shop.settled()
        assert await shop.mishaps() == {}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param(text("Hello"), [text("Hello")], id="text"),
        pytest.param(
            attachment("image", mimeType="image/png", fileName="abc.png", description="invoice"),
            [media("image", mime_type="image/png", file_name="abc.png", caption="invoice")],
            id="image with caption",
        ),
        pytest.param(
            attachment("video", mime="video/mp4", description="look"),
            [media("video", mime_type="video/mp4", caption="look")],
            id="video with caption",
        ),
        pytest.param(
            attachment("audio", description="listen"), [media("audio", caption="listen")], id="audio with caption"
        ),
        pytest.param(
            attachment("file", fileName="../a/terms.pdf", description="sign"),
            [media("file", file_name="terms.pdf", caption="sign")],
            id="file with caption",
        ),
        pytest.param(
            attachment("image", description=LONG_CAPTION),
            [media("image"), text(LONG_CAPTION)],
            id="a caption too long for the phone follows as a text",
        ),
        pytest.param(
            {"type": "location", "latitude": 52.52, "longitude": "13.405", "address": "Alexanderplatz, Berlin"},
            [{"type": "location", "latitude": 52.52, "longitude": 13.405, "address": "Alexanderplatz, Berlin"}],
            id="location, flat",
        ),
        pytest.param(
            {"type": "location", "location": {"lat": "-33.9", "lng": 18.4, "name": "Zoo", "address": "Cape Town"}},
            [{"type": "location", "latitude": -33.9, "longitude": 18.4, "name": "Zoo", "address": "Cape Town"}],
            id="location, nested",
        ),
        pytest.param(
            {"type": "quick_reply", "title": "Deliver tomorrow?", "replies": ["Yes", "No", "Call me"]},
            [{"type": "buttons", "text": "Deliver tomorrow?", "buttons": ["Yes", "No", "Call me"]}],
            id="quick reply: three are buttons",
        ),
        pytest.param(
            {"type": "quick_reply", "title": "Which day?", "replies": FIVE},
            [text("Which day?\n1. Monday\n2. Tuesday\n3. Wednesday\n4. Thursday\n5. Friday")],
            id="quick reply: five are a numbered list",
        ),
        pytest.param(
            {"type": "quick_reply", "title": "So?", "replies": ["Yes", "Only if it does not rain"]},
            [text("So?\n1. Yes\n2. Only if it does not rain")],
            id="quick reply: one too long for a button",
        ),
    ],
)
async def test_an_agent_sends(shop: Shop, message: Json, shown: list[Json]) -> None:
    before = len(await shop.ledger())

    bubble = await shop.send(message)

    assert bubble["status"] == "accepted", bubble
    await shop.reached(bubble["mId"], "delivered")
    assert [it["message"] for it in (await shop.ledger())[before:]] == shown


@pytest.mark.parametrize(
    ("message", "words"),
    [
        pytest.param(
            {"type": "custom_payload", "payload": {"a": 1}},
            "message: The platform takes no custom payloads.",
            id="custom payload",
        ),
        pytest.param({"type": "whatsapp_template"}, 'message.type "whatsapp_template" is not known', id="template"),
    ],
)
async def test_what_cannot_be_sent_fails_at_once_in_words(shop: Shop, message: Json, words: str) -> None:
    bubble = await shop.send(message)

    assert (bubble["status"], bubble["mId"]) == ("failed", None)
    assert words in bubble["reason"]


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        pytest.param({"channelId": None}, {}, id="without a channelId"),
        pytest.param({"contactId": 491713920042}, {}, id="a number for a contactId"),
        pytest.param({"assignee": {"id": 7}, "message": {**text("Hi"), "tag": None}}, {}, id="fields nobody knows"),
        pytest.param({}, {"Content-Type": "text/plain"}, id="another content type"),
        pytest.param({}, {"authorization": "bearer  TOKEN"}, id="bearer in small letters"),
    ],
)
async def test_an_inbox_may_spell_a_send_a_little_differently(shop: Shop, changes: Json, headers: Json) -> None:
    path = f"/channels/{shop.channel_id}/message" if shop.by_channel_path else "/message"
    headers = {name: value.replace("TOKEN", shop.token) for name, value in headers.items()}
    body = {name: value for name, value in {**shop.text(), **changes}.items() if value is not None}
    before = len(await shop.ledger())

    answer = await shop.post(body, path=path, token="" if "authorization" in headers else None, headers=headers)

    assert (answer.status, list(answer.json)) == (200, ["mId"])
    assert len(answer.json["mId"]) <= 50
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    await shop.settled()
    (shown,) = (await shop.ledger())[before:]
    assert shown["number"] == ADA
    shop.tolerated.add("unknown_status")  # the sandbox's inbox did not send it
