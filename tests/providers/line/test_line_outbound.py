"""Pushes as the documentation writes them: https://developers.line.biz/en/reference/messaging-api/#message-objects."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    ContactCard,
    Content,
    ContentRejected,
    ContentUnsupported,
    CustomPayload,
    Location,
    MediaKind,
    QuickReplies,
    Template,
    Text,
)
from anychannel.testing import a_part
from providers.line.outbound import spell

USER = "U4af4980629"
LINK = "https://example.com/a.jpg"
FLEX = {"type": "flex", "altText": "a", "contents": {"type": "bubble"}}


def image(url: str = LINK, caption: str = "") -> Attachment:
    return Attachment(kind=MediaKind.IMAGE, url=url, caption=caption)


@pytest.mark.parametrize(
    ("content", "messages", "codes"),
    [
        pytest.param(Text(text="héllo 😀"), [{"type": "text", "text": "héllo 😀"}], [], id="text"),
        pytest.param(
            QuickReplies(text="Well?", replies=("Yes", "No")),
            [
                {
                    "type": "text",
                    "text": "Well?",
                    "quickReply": {
                        "items": [
                            {"type": "action", "action": {"type": "message", "label": "Yes", "text": "Yes"}},
                            {"type": "action", "action": {"type": "message", "label": "No", "text": "No"}},
                        ]
                    },
                }
            ],
            [],
            id="quick replies",
        ),
        pytest.param(
            image(caption="See"),
            [
                {"type": "image", "originalContentUrl": LINK, "previewImageUrl": LINK},
                {"type": "text", "text": "See"},
            ],
            [],
            id="image with caption",
        ),
        pytest.param(
            image("http://example.com/a.jpg"),
            [{"type": "text", "text": "http://example.com/a.jpg"}],
            ["sent_as_link"],
            id="not https",
        ),
        pytest.param(
            image(f"https://example.com/{'a' * 2000}"),
            [{"type": "text", "text": f"https://example.com/{'a' * 2000}"}],
            ["sent_as_link"],
            id="address too long",
        ),
        pytest.param(
            Location(latitude=35.67966, longitude=139.73669, name="my location", address="1-3 Kioicho"),
            [
                {
                    "type": "location",
                    "title": "my location",
                    "address": "1-3 Kioicho",
                    "latitude": 35.67966,
                    "longitude": 139.73669,
                }
            ],
            [],
            id="location",
        ),
        pytest.param(
            Location(latitude=1.5, longitude=-2),
            [
                {
                    "type": "location",
                    "title": "1.500000, -2.000000",
                    "address": "1.500000, -2.000000",
                    "latitude": 1.5,
                    "longitude": -2,
                }
            ],
            [],
            id="bare location",
        ),
        pytest.param(
            Location(latitude=1, longitude=2, name="a" + "😀" * 60, address="b"),
            [{"type": "location", "title": "a" + "😀" * 49, "address": "b", "latitude": 1, "longitude": 2}],
            ["location_shortened"],
            id="long location",
        ),
        pytest.param(CustomPayload(json=json.dumps(FLEX)), [FLEX], [], id="flex"),
    ],
)
def test_what_is_said(content: Content, messages: list[dict[str, Any]], codes: list[str]) -> None:
    push = spell(a_part(content, address=USER))

    assert push.body == {"to": USER, "messages": messages}
    assert [note.code for note in push.notes] == codes


def test_a_video_needs_a_preview() -> None:
    video = a_part(Attachment(kind=MediaKind.VIDEO, url="https://example.com/a.mp4"), address=USER)

    shown, linked = spell(video, preview_url="https://example.com/p.png"), spell(video)

    assert shown.body["messages"] == [
        {
            "type": "video",
            "originalContentUrl": "https://example.com/a.mp4",
            "previewImageUrl": "https://example.com/p.png",
        }
    ]
    assert shown.notes == ()
    assert linked.body["messages"] == [{"type": "text", "text": "https://example.com/a.mp4"}]
    assert [note.code for note in linked.notes] == ["sent_as_link"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(ContactCard(name="Ada"), ContentUnsupported, id="contact card"),
        pytest.param(Template(name="a", language="en"), ContentUnsupported, id="template"),
        pytest.param(Attachment(kind=MediaKind.FILE, url=LINK), ContentUnsupported, id="file"),
        pytest.param(Attachment(kind=MediaKind.AUDIO, url=LINK), ContentUnsupported, id="audio"),
        pytest.param(CustomPayload(json="[]"), ContentRejected, id="custom list"),
        pytest.param(CustomPayload(json="{}"), ContentRejected, id="custom nothing"),
        pytest.param(CustomPayload(json="{"), ContentRejected, id="custom broken"),
        pytest.param(CustomPayload(json="[" * 100_000), ContentRejected, id="custom depth"),
    ],
)
def test_what_cannot_be_said(content: Content, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        spell(a_part(content, address=USER))


def test_every_attempt_at_a_part_has_the_same_retry_key_and_no_other_part_has_it() -> None:
    keys = [spell(a_part("a", idempotency_key=key)).retry_key for key in ("msg_1/0", "msg_1/0", "msg_1/1")]

    assert keys[0] == keys[1] != keys[2]
    assert str(uuid.UUID(keys[0])) == keys[0]


@given(name=st.text(max_size=150), address=st.text(max_size=150))
def test_a_place_fits(name: str, address: str) -> None:
    push = spell(a_part(Location(latitude=1, longitude=2, name=name, address=address)))

    messages: Any = push.body["messages"]
    for text in (messages[0]["title"], messages[0]["address"]):
        assert 1 <= len(text.encode("utf-16-le", "surrogatepass")) // 2 <= 100
