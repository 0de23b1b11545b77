"""Messages as the documentation writes them: https://developers.viber.com/docs/api/rest-bot-api/#message-types."""

import json
from typing import Any

import pytest

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
from providers.viber.outbound import Sender, encode, spell

USER = "01234567890A="
SENDER = Sender(name="Acme")
CAROUSEL = {"type": "rich_media", "min_api_version": 7, "rich_media": {"Type": "rich_media", "Buttons": []}}


def image(url: str, caption: str = "", size: int = 0) -> Attachment:
    return Attachment(kind=MediaKind.IMAGE, url=url, caption=caption, size_bytes=size)


def video(url: str, size: int) -> Attachment:
    return Attachment(kind=MediaKind.VIDEO, url=url, size_bytes=size)


def file(url: str, name: str = "", size: int = 10_000) -> Attachment:
    return Attachment(kind=MediaKind.FILE, url=url, file_name=name, size_bytes=size)


@pytest.mark.parametrize(
    ("content", "message", "codes"),
    [
        pytest.param(Text(text="héllo 😀"), {"type": "text", "text": "héllo 😀"}, [], id="text"),
        pytest.param(
            QuickReplies(text="Well?", replies=("Yes", "<b> & no")),
            {
                "type": "text",
                "text": "Well?",
                "keyboard": {
                    "Type": "keyboard",
                    "DefaultHeight": False,
                    "Buttons": [
                        {"Columns": 6, "Rows": 1, "ActionType": "reply", "ActionBody": "Yes", "Text": "Yes"},
                        {
                            "Columns": 6,
                            "Rows": 1,
                            "ActionType": "reply",
                            "ActionBody": "<b> & no",
                            "Text": "&lt;b&gt; &amp; no",
                        },
                    ],
                },
            },
            [],
            id="quick replies",
        ),
        pytest.param(
            image("https://www.images.com/img.JPG?a=1", "Photo description"),
            {"type": "picture", "media": "https://www.images.com/img.JPG?a=1", "text": "Photo description"},
            [],
            id="picture",
        ),
        pytest.param(
            image("https://www.images.com/img", "See"),
            {"type": "text", "text": "See\nhttps://www.images.com/img"},
            ["sent_as_link"],
            id="picture whose address says nothing",
        ),
        pytest.param(
            video("https://www.images.com/video.mp4", 10_000),
            {"type": "video", "media": "https://www.images.com/video.mp4", "size": 10_000},
            [],
            id="video",
        ),
        pytest.param(
            video("https://www.images.com/video.mp4", 0),
            {"type": "text", "text": "https://www.images.com/video.mp4"},
            ["sent_as_link"],
            id="video of unknown size",
        ),
        pytest.param(
            video("https://www.images.com/video.avi", 9),
            {"type": "text", "text": "https://www.images.com/video.avi"},
            ["sent_as_link"],
            id="video of another type",
        ),
        pytest.param(
            file("https://www.images.com/file.doc", "name_of_file.doc"),
            {
                "type": "file",
                "media": "https://www.images.com/file.doc",
                "size": 10_000,
                "file_name": "name_of_file.doc",
            },
            [],
            id="file",
        ),
        pytest.param(
            file("https://www.images.com/a%20file.doc"),
            {"type": "file", "media": "https://www.images.com/a%20file.doc", "size": 10_000, "file_name": "a file.doc"},
            [],
            id="file named by its address",
        ),
        pytest.param(
            file("https://a.example/1", "x" * 300 + ".pdf"),
            {"type": "file", "media": "https://a.example/1", "size": 10_000, "file_name": "x" * 252 + ".pdf"},
            [],
            id="file with a long name",
        ),
        pytest.param(
            file("https://a.example/1"),
            {"type": "text", "text": "https://a.example/1"},
            ["sent_as_link"],
            id="file without a name",
        ),
        pytest.param(
            file("http://[", "a.pdf", 0), {"type": "text", "text": "http://["}, ["sent_as_link"], id="broken address"
        ),
        pytest.param(
            Location(latitude=37.7898, longitude=-122.3942),
            {"type": "location", "location": {"lat": "37.789800", "lon": "-122.394200"}},
            [],
            id="location",
        ),
        pytest.param(
            Location(latitude=0.0000001, longitude=0, name="Here"),
            {"type": "location", "location": {"lat": "0.000000", "lon": "0.000000"}},
            ["location_name_dropped"],
            id="named location",
        ),
        pytest.param(
            ContactCard(name="Itamar", phone_numbers=("+972511123123",)),
            {"type": "contact", "contact": {"name": "Itamar", "phone_number": "+972511123123"}},
            [],
            id="contact",
        ),
        pytest.param(
            ContactCard(name="x" * 40, phone_numbers=("+1", "+2")),
            {"type": "contact", "contact": {"name": "x" * 28, "phone_number": "+1"}},
            ["contact_card_shortened"],
            id="long contact",
        ),
        pytest.param(
            ContactCard(name="Ada"), {"type": "text", "text": "Ada"}, ["contact_card_as_text"], id="without number"
        ),
        pytest.param(
            ContactCard(name="Ada", phone_numbers=("1" * 19,)),
            {"type": "text", "text": f"Ada\n{'1' * 19}"},
            ["contact_card_as_text"],
            id="number too long",
        ),
        pytest.param(CustomPayload(json=json.dumps(CAROUSEL)), CAROUSEL, [], id="carousel"),
    ],
)
def test_what_is_said(content: Content, message: dict[str, Any], codes: list[str]) -> None:
    spelled = spell(a_part(content, address=USER), SENDER)

    assert spelled.body == {"receiver": USER, "sender": {"name": "Acme"}, **message}
    assert [note.code for note in spelled.notes] == codes
    assert spelled.caption is None


def test_the_bot_may_have_a_picture() -> None:
    spelled = spell(a_part("hi"), Sender(name="Acme", avatar="https://a.example/a.png"))

    assert spelled.body["sender"] == {"name": "Acme", "avatar": "https://a.example/a.png"}


@pytest.mark.parametrize("kind", [MediaKind.VIDEO, MediaKind.FILE])
def test_the_caption_of_what_has_none_follows(kind: MediaKind) -> None:
    attachment = Attachment(kind=kind, url="https://a.example/a.mp4", size_bytes=7, caption="See")

    spelled = spell(a_part(attachment, address=USER), SENDER)

    assert spelled.caption == {"receiver": USER, "sender": {"name": "Acme"}, "type": "text", "text": "See"}


def test_a_custom_payload_reaches_nobody_else() -> None:
    payload = CustomPayload(json='{"type":"text","text":"a","receiver":"another","sender":{"name":"Ada"}}')

    spelled = spell(a_part(payload, address=USER), SENDER)

    assert (spelled.body["receiver"], spelled.body["sender"]) == (USER, {"name": "Ada"})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(Template(name="a", language="en"), ContentUnsupported, id="template"),
        pytest.param(CustomPayload(json="[]"), ContentRejected, id="custom list"),
        pytest.param(CustomPayload(json="{}"), ContentRejected, id="custom nothing"),
        pytest.param(CustomPayload(json="{"), ContentRejected, id="custom broken"),
        pytest.param(CustomPayload(json="[" * 100_000), ContentRejected, id="custom depth"),
    ],
)
def test_what_cannot_be_said(content: Content, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        spell(a_part(content), SENDER)


@pytest.mark.parametrize("letter", ["a", "ж", "日", "😀"])
def test_the_longest_text_fits_into_a_call(letter: str) -> None:
    """30 kB: https://developers.viber.com/docs/api/rest-bot-api/#send-message."""
    units = len(letter.encode("utf-16-le")) // 2

    body = encode(spell(a_part(letter * (7000 // units), address=USER), SENDER).body)

    assert len(body) <= 30_000
    assert json.loads(body)["text"] == letter * (7000 // units)


def test_a_letter_that_does_not_exist_is_replaced() -> None:
    body = encode(spell(a_part(CustomPayload(json='{"type":"text","text":"\\ud800"}')), SENDER).body)

    assert json.loads(body)["text"] == "?"
