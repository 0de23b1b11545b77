"""Messages as the documentation writes them.

https://developers.facebook.com/documentation/business-messaging/instagram-messaging/webhooks and
https://developers.facebook.com/documentation/instagram-platform/webhooks/examples
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import Attachment, Content, MediaKind, Text
from providers.instagram.fields import Fields
from providers.instagram.message import read_message

Json = dict[str, object]

URL = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x"
STORY = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=2"
POST = "https://www.instagram.com/p/x"


def attached(kind: str, **payload: object) -> Json:
    return {"type": kind, "payload": payload}


CONTENTS: list[tuple[str, Json, list[Content], list[str]]] = [
    ("text", {"text": "Grüße 👋🏽"}, [Text(text="Grüße 👋🏽")], []),
    ("quick reply", {"text": "Red", "quick_reply": {"payload": "Red"}}, [Text(text="Red")], []),
    ("reply", {"text": "yes", "reply_to": {"mid": "m_1"}}, [Text(text="yes")], ["reply"]),
    (
        "from an advertisement",
        {"text": "hi", "referral": {"ref": "x", "ad_id": "1", "source": "ADS", "type": "OPEN_THREAD"}},
        [Text(text="hi")],
        ["referral"],
    ),
    ("from a product", {"text": "hi", "referral": {"product": {"id": "1"}}}, [Text(text="hi")], ["referral"]),
    ("image", {"attachments": [attached("image", url=URL)]}, [Attachment(kind=MediaKind.IMAGE, url=URL)], []),
    ("video", {"attachments": [attached("video", url=URL)]}, [Attachment(kind=MediaKind.VIDEO, url=URL)], []),
    ("audio", {"attachments": [attached("audio", url=URL)]}, [Attachment(kind=MediaKind.AUDIO, url=URL)], []),
    (
        "file",
        {"attachments": [attached("file", url="https://cdn.fbsbx.com/v/offer.pdf?oh=1")]},
        [Attachment(kind=MediaKind.FILE, url="https://cdn.fbsbx.com/v/offer.pdf?oh=1", file_name="offer.pdf")],
        [],
    ),
    (
        "image with text",
        {"text": "look", "attachments": [attached("image", url=URL)]},
        [Attachment(kind=MediaKind.IMAGE, url=URL, caption="look")],
        [],
    ),
    (
        "several images",
        {"attachments": [attached("image", url=URL), attached("image", url=URL)]},
        [Attachment(kind=MediaKind.IMAGE, url=URL)] * 2,
        [],
    ),
    (
        "story mention",
        {"attachments": [attached("story_mention", url=STORY)]},
        [Attachment(kind=MediaKind.FILE, url=STORY, caption="Mentioned you in a story")],
        ["story_mention"],
    ),
    (
        "story mention with text",
        {"text": "you!", "attachments": [attached("story_mention", url=STORY)]},
        [Text(text="you!"), Attachment(kind=MediaKind.FILE, url=STORY, caption="Mentioned you in a story")],
        ["story_mention"],
    ),
    (
        "story reply",
        {"text": "nice", "reply_to": {"story": {"url": STORY, "id": "1"}}},
        [Text(text="nice"), Attachment(kind=MediaKind.FILE, url=STORY, caption="Replied to your story")],
        ["story_reply", "story_reply"],
    ),
    (
        "reply to a story that is gone",
        {"text": "nice", "reply_to": {"story": {"id": "1"}}},
        [Text(text="nice")],
        ["story_reply"],
    ),
    ("shared post", {"attachments": [attached("share", url=POST)]}, [Text(text=POST)], ["shared_link"]),
    (
        "reel",
        {"attachments": [attached("ig_reel", url=POST, title="Dress", reel_video_id="1")]},
        [Text(text=f"Dress\n{POST}")],
        ["shared_link"],
    ),
    (
        "product",
        {"attachments": [attached("template", generic={"elements": [{"title": "Dress", "subtitle": "9 €"}]})]},
        [Text(text="Dress")],
        ["template_as_text"],
    ),
    (
        "empty template",
        {"attachments": [attached("template")]},
        [Text(text="[Instagram template]")],
        ["content_not_understood"],
    ),
    (
        "picture that vanishes",
        {"attachments": [{"type": "ephemeral"}]},
        [Text(text="[Instagram ephemeral]")],
        ["content_not_understood"],
    ),
    ("unsupported", {"is_unsupported": True}, [Text(text="[Instagram message]")], ["content_not_understood"]),
    (
        "an address that is none",
        {"attachments": [attached("image", url="data:,x")]},
        [Text(text="[Instagram image]")],
        ["content_not_understood"],
    ),
]


@pytest.mark.parametrize(("message", "contents", "codes"), [pytest.param(*row[1:], id=row[0]) for row in CONTENTS])
def test_a_message_says(message: Json, contents: list[Content], codes: list[str]) -> None:
    said = read_message(Fields(message))

    assert [each.content for each in said] == contents
    assert [note.code for each in said for note in each.notes] == codes


NAMES = "type payload url title elements text story generic product reply_to"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=12,
)
kinds = st.sampled_from(["image", "file", "story_mention", "template", "share", "ig_reel"]) | st.text(max_size=5)


@given(
    attachments=st.lists(st.fixed_dictionaries({"type": kinds, "payload": json_values}), max_size=4),
    text=json_values,
    reply=json_values,
)
def test_every_message_says_something(attachments: list[Json], text: object, reply: object) -> None:
    said = read_message(Fields({"attachments": attachments, "text": text, "reply_to": reply}))

    assert said
    for each in said:
        assert not isinstance(each.content, Attachment) or each.content.url.startswith("http")
        assert not isinstance(each.content, Text) or each.content.text
