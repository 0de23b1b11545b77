"""A person writes on their phone, and the agent sees it."""

import pytest

from tests.end_to_end.shop import BEN, Json, Shop, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_text_arrives_with_who_wrote_it(shop: Shop) -> None:
    await shop.write("Hi, where is my parcel?")

    assert await shop.said_by_contact(1) == [{"type": "text", "text": "Hi, where is my parcel?"}]
    assert await shop.contact() == {"firstName": "Ada", "lastName": "Brandt", "phone": "+491713920042"}


@pytest.mark.parametrize(
    ("name", "kind", "mime_type"),
    [
        pytest.param("cat.png", "image", "image/png", id="picture"),
        pytest.param("dance.mp4", "video", "video/mp4", id="video"),
        pytest.param("voice.ogg", "audio", "audio/ogg", id="voice"),
        pytest.param("invoice.pdf", "file", "application/pdf", id="file"),
    ],
)
async def test_media_arrive_as_a_link_that_leads_to_the_same_bytes(
    shop: Shop, name: str, kind: str, mime_type: str
) -> None:
    url = await shop.upload(name, b"the bytes of " + name.encode())

    await shop.write({"type": "media", "kind": kind, "url": url, "mime_type": mime_type, "file_name": name})

    (message,) = await shop.said_by_contact(1)
    attachment = message["attachment"]
    assert {**attachment, "url": ""} == {"type": kind, "url": "", "mimeType": mime_type, "fileName": name}
    fetched = await shop.call("GET", attachment["url"])
    assert fetched.body == b"the bytes of " + name.encode()


async def test_the_words_under_a_picture_arrive_as_a_message_after_it(shop: Shop) -> None:
    url = await shop.upload("cat.png", b"png")
    await shop.write({"type": "media", "kind": "image", "url": url, "caption": "This is my cat."})
    await shop.write("What do you say?")

    said = await shop.said_by_contact(3)

    assert said[0]["attachment"]["url"] == url
    assert texts(said[1:]) == ["This is my cat.", "What do you say?"]


async def test_a_place_arrives_as_a_location(shop: Shop) -> None:
    await shop.write(
        {"type": "location", "latitude": 52.52, "longitude": 13.405, "name": "Alexanderplatz", "address": "Berlin"}
    )

    assert await shop.said_by_contact(1) == [
        {"type": "location", "latitude": 52.52, "longitude": 13.405, "address": "Alexanderplatz, Berlin"}
    ]


async def test_a_tapped_answer_arrives_as_its_words(shop: Shop) -> None:
    await shop.send({"type": "quick_reply", "title": "Deliver tomorrow?", "replies": ["Yes", "No"]})
    await shop.shown(1)
    question = (await shop.ledger())[0]["message_id"]

    await shop.write({"type": "button", "text": "Yes", "button_of": question})

    assert texts(await shop.said_by_contact(1)) == ["Yes"]


async def test_two_people_are_two_conversations_each_in_its_order(shop: Shop) -> None:
    for number in range(5):
        await shop.write(f"Ada {number}")
        await shop.write(f"Ben {number}", BEN)

    assert texts(await shop.said_by_contact(5)) == [f"Ada {number}" for number in range(5)]
    assert texts(await shop.said_by_contact(5, BEN)) == [f"Ben {number}" for number in range(5)]


@pytest.mark.parametrize(
    "text",
    ["👩‍👩‍👧‍👦 e\u0301 🇩🇪", "<b>&amp;</b>\n\t\\ \"'", "שלום مرحبا \u202eabc", "x" * 9_000],
    ids=["emoji", "markup", "rtl", "long"],
)
async def test_no_character_of_a_text_is_changed_either_way(shop: Shop, text: str) -> None:
    await shop.write(text)
    sent: Json = await shop.send(text[:900])

    assert texts(await shop.said_by_contact(1)) == [text]
    assert texts(await shop.shown(1)) == [text[:900]]
    await shop.reached(sent["mId"], "delivered")
