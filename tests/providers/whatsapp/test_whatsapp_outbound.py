"""Parts as messages of the Cloud API.

Each type is described under https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    ContactCard,
    ContactUnreachable,
    Content,
    ContentRejected,
    CustomPayload,
    Location,
    MediaKind,
    QuickReplies,
    Template,
    Text,
)
from anychannel.testing import a_part
from providers.whatsapp.outbound import Spelled, Style, spell

URL = "https://media.example/signed/abc"
STYLE = Style(list_label="Auswahl")


def spelled(content: Content, *, address: str = "16505551234", style: Style = STYLE) -> Spelled:
    return spell(a_part(content, address=address, idempotency_key="msg_1.0"), style)


def media(kind: MediaKind, **fields: str) -> Attachment:
    return Attachment(kind=kind, url=fields.pop("url", URL), **fields)  # type: ignore[arg-type]  # only texts are passed


def rows(*labels: str) -> list[dict[str, str]]:
    return [{"id": f"reply-{number}", "title": label} for number, label in enumerate(labels, start=1)]


def buttons(text: str, *labels: str) -> dict[str, Any]:
    action = {"buttons": [{"type": "reply", "reply": row} for row in rows(*labels)]}
    return {"type": "interactive", "interactive": {"type": "button", "body": {"text": text}, "action": action}}


def a_list(text: str, *labels: str) -> dict[str, Any]:
    action = {"button": "Auswahl", "sections": [{"title": "Auswahl", "rows": rows(*labels)}]}
    return {"type": "interactive", "interactive": {"type": "list", "body": {"text": text}, "action": action}}


TEN = tuple(f"Answer {number}" for number in range(1, 11))

MESSAGES: list[tuple[str, Content, dict[str, Any]]] = [
    (
        "text",
        Text(text="Grüße 👋 *hi*"),
        {"type": "text", "text": {"preview_url": False, "body": "Grüße 👋 *hi*"}},
    ),
    (
        "longest text",
        Text(text="ü" * 4096),
        {"type": "text", "text": {"preview_url": False, "body": "ü" * 4096}},
    ),
    ("image", media(MediaKind.IMAGE), {"type": "image", "image": {"link": URL}}),
    (
        "image with caption",
        media(MediaKind.IMAGE, caption="Look"),
        {"type": "image", "image": {"link": URL, "caption": "Look"}},
    ),
    (
        "video with caption",
        media(MediaKind.VIDEO, caption="Look"),
        {"type": "video", "video": {"link": URL, "caption": "Look"}},
    ),
    ("audio", media(MediaKind.AUDIO, mime_type="audio/mpeg"), {"type": "audio", "audio": {"link": URL}}),
    (
        "voice message",
        media(MediaKind.AUDIO, mime_type="Audio/OGG; codecs=opus"),
        {"type": "audio", "audio": {"link": URL, "voice": True}},
    ),
    (
        "voice message by its ending",
        media(MediaKind.AUDIO, url=f"{URL}/a.OGG?s=1"),
        {"type": "audio", "audio": {"link": f"{URL}/a.OGG?s=1", "voice": True}},
    ),
    (
        "the type wins over the ending",
        media(MediaKind.AUDIO, mime_type="audio/mpeg", file_name="a.ogg"),
        {"type": "audio", "audio": {"link": URL}},
    ),
    (
        "document with name and caption",
        media(MediaKind.FILE, file_name="Rechnung.pdf", caption="Ihre Rechnung"),
        {"type": "document", "document": {"link": URL, "caption": "Ihre Rechnung", "filename": "Rechnung.pdf"}},
    ),
    (
        "document named by its address",
        media(MediaKind.FILE, url="https://media.example/a/Rechnung%20M%C3%A4rz.pdf?x=1#p"),
        {
            "type": "document",
            "document": {
                "link": "https://media.example/a/Rechnung%20M%C3%A4rz.pdf?x=1#p",
                "filename": "Rechnung März.pdf",
            },
        },
    ),
    ("document without any name", media(MediaKind.FILE), {"type": "document", "document": {"link": URL}}),
    (
        "a host is no file name",
        media(MediaKind.FILE, url="https://media.example"),
        {"type": "document", "document": {"link": "https://media.example"}},
    ),
    (
        "media that WhatsApp has",
        media(MediaKind.IMAGE, url="", media_id="1013859600285441"),
        {"type": "image", "image": {"id": "1013859600285441"}},
    ),
    (
        "location",
        Location(latitude=37.442, longitude=-122.161),
        {"type": "location", "location": {"latitude": 37.442, "longitude": -122.161}},
    ),
    (
        "place",
        Location(latitude=37.442, longitude=-122.161, name="Philz Coffee", address="101 Forest Ave"),
        {
            "type": "location",
            "location": {
                "latitude": 37.442,
                "longitude": -122.161,
                "name": "Philz Coffee",
                "address": "101 Forest Ave",
            },
        },
    ),
    (
        "contact card",
        ContactCard(name="Barbara J. Johnson", phone_numbers=("+16505559999", "+19175559999")),
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Barbara J. Johnson", "first_name": "Barbara J. Johnson"},
                    "phones": [{"phone": "+16505559999", "type": "CELL"}, {"phone": "+19175559999", "type": "CELL"}],
                }
            ],
        },
    ),
    (
        "contact card without a number",
        ContactCard(name="Barbara"),
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Barbara", "first_name": "Barbara"}}]},
    ),
    (
        "contact card without a name",
        ContactCard(name="", phone_numbers=("+1650",)),
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "+1650", "first_name": "+1650"},
                    "phones": [{"phone": "+1650", "type": "CELL"}],
                }
            ],
        },
    ),
    ("one button", QuickReplies(text="Well?", replies=("Yes",)), buttons("Well?", "Yes")),
    ("three buttons", QuickReplies(text="Well?", replies=("Ja", "Nö", "☕")), buttons("Well?", "Ja", "Nö", "☕")),
    (
        "four replies are a list",
        QuickReplies(text="Well?", replies=("A", "B", "C", "D")),
        a_list("Well?", "A", "B", "C", "D"),
    ),
    ("ten replies", QuickReplies(text="Well?", replies=TEN), a_list("Well?", *TEN)),
    (
        "1024 characters over buttons",
        QuickReplies(text="x" * 1024, replies=("Yes",)),
        buttons("x" * 1024, "Yes"),
    ),
    (
        "longer texts only over lists",
        QuickReplies(text="x" * 1025, replies=("Yes",)),
        a_list("x" * 1025, "Yes"),
    ),
    (
        "emoji count double",
        QuickReplies(text="👋" * 513, replies=("Yes",)),
        a_list("👋" * 513, "Yes"),
    ),
    (
        "template",
        Template(name="order_shipped", language="de_DE", parameters=("Ada", "42")),
        {
            "type": "template",
            "template": {
                "name": "order_shipped",
                "language": {"code": "de_DE"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "42"}]}
                ],
            },
        },
    ),
    (
        "template without parameters",
        Template(name="hello_world", language="en_US"),
        {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}},
    ),
    (
        "custom payload",
        CustomPayload(json='{"type": "sticker", "sticker": {"link": "https://a.example/a.webp"}, "to": "49999"}'),
        {"type": "sticker", "sticker": {"link": "https://a.example/a.webp"}},
    ),
]


@pytest.mark.parametrize(("content", "message"), [row[1:] for row in MESSAGES], ids=[row[0] for row in MESSAGES])
def test_a_part_is_one_message(content: Content, message: dict[str, Any]) -> None:
    result = spelled(content)

    assert result.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "16505551234",
        "biz_opaque_callback_data": "msg_1.0",
        **message,
    }
    assert (result.caption, result.notes) == (None, ())


def test_a_caption_of_audio_follows_as_a_text() -> None:
    """Audio has no captions: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/audio-messages."""
    result = spelled(media(MediaKind.AUDIO, mime_type="audio/mpeg", caption="Hör mal"))

    assert result.body["audio"] == {"link": URL}
    assert result.caption == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "16505551234",
        "biz_opaque_callback_data": "msg_1.0",
        "type": "text",
        "text": {"preview_url": False, "body": "Hör mal"},
    }


def test_previews_of_links_are_a_matter_of_style() -> None:
    result = spelled(Text(text="https://a.example"), style=Style(has_link_previews=True))

    assert result.body["text"] == {"preview_url": True, "body": "https://a.example"}


def test_replies_that_read_the_same_become_one() -> None:
    result = spelled(QuickReplies(text="Well?", replies=("Yes", "No", "Yes", "No")))

    assert result.body["interactive"] == buttons("Well?", "Yes", "No")["interactive"]
    assert [note.code for note in result.notes] == ["replies_merged"]


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ("16505551234", {"to": "16505551234"}),
        ("+16505551234", {"to": "+16505551234"}),
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
        ("US.13491208655302741918", {"recipient": "US.13491208655302741918"}),
        ("US.ENT.11815799212886844830", {"recipient": "US.ENT.11815799212886844830"}),
    ],
)
def test_people_are_reached_by_number_or_by_user_id(address: str, recipient: dict[str, str]) -> None:
    body = spelled(Text(text="hi"), address=address).body

    assert {name: body[name] for name in ("to", "recipient") if name in body} == recipient


@pytest.mark.parametrize("address", ["", "Ada", "1650-555", "+", "us.1", "US.", "US.é", "١٢٣٤٥", "16505551234\n"])
def test_an_address_that_is_neither_is_unreachable(address: str) -> None:
    with pytest.raises(ContactUnreachable):
        spelled(Text(text="hi"), address=address)


@pytest.mark.parametrize(
    "payload",
    ["", "[]", "{", '{"type": "text"}', '{"text": {"body": "hi"}}', '{"type": "text", "text": "hi"}', '{"type": 1}'],
)
def test_a_custom_payload_that_is_no_message_is_rejected(payload: str) -> None:
    with pytest.raises(ContentRejected):
        spelled(CustomPayload(json=payload))


@given(
    st.builds(Text, text=st.text())
    | st.builds(QuickReplies, text=st.text(), replies=st.lists(st.text(), min_size=1, max_size=10).map(tuple))
    | st.builds(
        Attachment,
        kind=st.sampled_from(MediaKind),
        url=st.text(),
        mime_type=st.text(),
        file_name=st.text(),
        caption=st.text(),
    )
    | st.builds(ContactCard, name=st.text(), phone_numbers=st.lists(st.text(), max_size=3).map(tuple))
)
def test_whatever_is_said_can_be_written_as_json(content: Content) -> None:
    result = spelled(content)

    assert json.loads(json.dumps(result.body)) == result.body
