"""Messages as the documentation writes them.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import Attachment, Content, Location, MediaKind, Text
from providers.messenger.fields import Fields
from providers.messenger.message import Said, read_message

Json = dict[str, object]

URL = "https://scontent.xx.fbcdn.net/v/t1/photo.jpg?oh=1&oe=2"
LINK = "https://shop.example/a"


def attached(kind: str, **payload: object) -> Json:
    return {"type": kind, "payload": payload}


CONTENTS: list[tuple[str, Json, list[Content], list[str]]] = [
    ("text", {"text": "hello, world!"}, [Text(text="hello, world!")], []),
    ("text beyond ASCII", {"text": "Grüße 👋🏽"}, [Text(text="Grüße 👋🏽")], []),
    ("quick reply", {"text": "Red", "quick_reply": {"payload": "Red"}}, [Text(text="Red")], []),
    ("reply", {"text": "yes", "reply_to": {"mid": "m_1", "is_self_reply": False}}, [Text(text="yes")], ["reply"]),
    (
        "from an advertisement",
        {"text": "hi", "referral": {"source": "ADS", "type": "OPEN_THREAD", "ad_id": "1"}},
        [Text(text="hi")],
        ["referral"],
    ),
    ("image", {"attachments": [attached("image", url=URL)]}, [Attachment(kind=MediaKind.IMAGE, url=URL)], []),
    ("video", {"attachments": [attached("video", url=URL)]}, [Attachment(kind=MediaKind.VIDEO, url=URL)], []),
    ("audio", {"attachments": [attached("audio", url=URL)]}, [Attachment(kind=MediaKind.AUDIO, url=URL)], []),
    (
        "file",
        {"attachments": [attached("file", url="https://cdn.fbsbx.com/v/t59/offer%20%C3%A4.pdf?oh=1")]},
        [
            Attachment(
                kind=MediaKind.FILE,
                url="https://cdn.fbsbx.com/v/t59/offer%20%C3%A4.pdf?oh=1",
                file_name="offer ä.pdf",
            )
        ],
        [],
    ),
    (
        "image with text",
        {"text": "look", "attachments": [attached("image", url=URL)]},
        [Attachment(kind=MediaKind.IMAGE, url=URL, caption="look")],
        [],
    ),
    (
        "several with text",
        {"text": "look", "attachments": [attached("image", url=URL), attached("video", url=URL)]},
        [
            Text(text="look"),
            Attachment(kind=MediaKind.IMAGE, url=URL),
            Attachment(kind=MediaKind.VIDEO, url=URL),
        ],
        [],
    ),
    (
        "sticker",
        {"attachments": [attached("sticker", url=URL, sticker_id=767226160478561)]},
        [Attachment(kind=MediaKind.IMAGE, url=URL)],
        ["sticker"],
    ),
    (
        "sticker that is told as an image too",
        {"attachments": [attached("image", url=URL, sticker_id=7), attached("sticker", url=URL, sticker_id=7)]},
        [Attachment(kind=MediaKind.IMAGE, url=URL)],
        ["sticker"],
    ),
    (
        "sticker as it was told before",
        {"attachments": [attached("image", url=URL, sticker_id=369239263222822)]},
        [Attachment(kind=MediaKind.IMAGE, url=URL)],
        ["sticker"],
    ),
    (
        "link in a text",
        {"text": f"see {LINK}", "attachments": [attached("fallback", url=LINK, title="Shop")]},
        [Text(text=f"see {LINK}")],
        [],
    ),
    (
        "link without a text",
        {"attachments": [attached("fallback", url=LINK, title="Shop")]},
        [Text(text=f"Shop\n{LINK}")],
        ["shared_link"],
    ),
    (
        "link as it was told before",
        {"attachments": [{"type": "fallback", "title": "Shop", "url": LINK, "payload": None}]},
        [Text(text=f"Shop\n{LINK}")],
        ["shared_link"],
    ),
    (
        "unsupported share",
        {"attachments": [{"type": "fallback", "payload": None}]},
        [Text(text="[Messenger fallback]")],
        ["content_not_understood"],
    ),
    ("reel", {"attachments": [attached("reel", url=LINK)]}, [Text(text=LINK)], ["shared_link"]),
    (
        "post with a text",
        {"text": "this?", "attachments": [attached("ig_post", url=LINK, title="Dress")]},
        [Text(text="this?"), Text(text=f"Dress\n{LINK}")],
        ["shared_link"],
    ),
    (
        "location",
        {"attachments": [attached("location", coordinates={"lat": 52.5, "long": 13.4})]},
        [Location(latitude=52.5, longitude=13.4)],
        [],
    ),
    (
        "location without a place",
        {"attachments": [attached("location", coordinates={"lat": 520.5})]},
        [Text(text="[Messenger location]")],
        ["content_not_understood"],
    ),
    (
        "product",
        {"attachments": [attached("template", product={"elements": [{"id": "1", "title": "Dress"}]})]},
        [Text(text="Dress")],
        ["template_as_text"],
    ),
    (
        "appointment",
        {"attachments": [attached("appointment_booking", booking_id="1", status="requested")]},
        [Text(text="[Messenger appointment booking]")],
        ["content_not_understood"],
    ),
    (
        "an image without an address",
        {"attachments": [attached("image")]},
        [Text(text="[Messenger image]")],
        ["content_not_understood"],
    ),
    (
        "an address that is none",
        {"attachments": [attached("image", url="data:,x")]},
        [Text(text="[Messenger image]")],
        ["content_not_understood"],
    ),
    ("nothing", {}, [Text(text="[Messenger message]")], ["content_not_understood"]),
]


@pytest.mark.parametrize(("message", "contents", "codes"), [pytest.param(*row[1:], id=row[0]) for row in CONTENTS])
def test_a_message_says(message: Json, contents: list[Content], codes: list[str]) -> None:
    said = read_message(Fields(message))

    assert [each.content for each in said] == contents
    assert [note.code for each in said for note in each.notes] == codes


def test_a_template_of_the_page_keeps_its_words() -> None:
    buttons = attached("template", template_type="button", text="Which?", buttons=[{"title": "A"}])

    (said,) = read_message(Fields({"attachments": [buttons]}))

    assert said.content == Text(text="Which?")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "payload", "url", "title", "elements", "text"]), inner, max_size=4)
    ),
    max_leaves=12,
)
kinds = st.sampled_from(["image", "file", "sticker", "location", "template", "fallback", "reel"]) | st.text(max_size=5)


@given(
    attachments=st.lists(st.fixed_dictionaries({"type": kinds, "payload": json_values}), max_size=4),
    text=json_values,
)
def test_every_message_says_something(attachments: list[Json], text: object) -> None:
    said = read_message(Fields({"attachments": attachments, "text": text}))

    assert said
    for each in said:
        assert isinstance(each, Said)
        assert not isinstance(each.content, Attachment) or each.content.url.startswith("http")
        assert not isinstance(each.content, Text) or each.content.text
