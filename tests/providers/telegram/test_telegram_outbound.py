"""Parts as calls of the Bot API; each method is described at https://core.telegram.org/bots/api#available-methods."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    ContactCard,
    ContactUnreachable,
    Content,
    ContentUnsupported,
    CustomPayload,
    Location,
    MediaKind,
    Part,
    QuickReplies,
    Template,
    Text,
)
from providers.telegram.outbound import MAX_CALLBACK_DATA_BYTES, callback_data, spell

URL = "https://media.example/a"
TWO_NUMBERS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Lovelace\\, Ada\r\nN:Lovelace\\, Ada\\;;;;;\r\n"
    "TEL;TYPE=CELL:+4915112345\r\nTEL;TYPE=CELL:+4915167890\r\nEND:VCARD\r\n"
)


def a_part(content: Content, address: str = "42") -> Part:
    return Part(idempotency_key="k", address=address, content=content, message_id="msg_1")


def media(kind: MediaKind, **fields: str) -> Attachment:
    return Attachment(kind=kind, url=fields.pop("url", URL), **fields)  # type: ignore[arg-type]  # only texts are passed


CALLS: list[tuple[str, Content, str, dict[str, object]]] = [
    ("text", Text(text="*hi* <b>"), "sendMessage", {"text": "*hi* <b>"}),
    ("photo", media(MediaKind.IMAGE), "sendPhoto", {"photo": URL}),
    ("photo with caption", media(MediaKind.IMAGE, caption="c"), "sendPhoto", {"photo": URL, "caption": "c"}),
    ("gif moves", media(MediaKind.IMAGE, mime_type="image/gif"), "sendAnimation", {"animation": URL}),
    ("video", media(MediaKind.VIDEO, mime_type="video/mp4"), "sendVideo", {"video": URL}),
    ("audio", media(MediaKind.AUDIO, mime_type="audio/mpeg"), "sendAudio", {"audio": URL}),
    ("voice", media(MediaKind.AUDIO, mime_type="audio/ogg"), "sendVoice", {"voice": URL}),
    ("voice with codec", media(MediaKind.AUDIO, mime_type="audio/ogg; codecs=opus"), "sendVoice", {"voice": URL}),
    ("voice by its ending", media(MediaKind.AUDIO, url=f"{URL}.OGG?s=1"), "sendVoice", {"voice": f"{URL}.OGG?s=1"}),
    ("no address at all", media(MediaKind.IMAGE, url="http://["), "sendPhoto", {"photo": "http://["}),
    ("gif by its name", media(MediaKind.IMAGE, file_name="a.gif"), "sendAnimation", {"animation": URL}),
    ("type in capitals", media(MediaKind.AUDIO, mime_type="Audio/OGG"), "sendVoice", {"voice": URL}),
    ("said type wins", media(MediaKind.IMAGE, mime_type="image/png", file_name="a.gif"), "sendPhoto", {"photo": URL}),
    ("document", media(MediaKind.FILE, file_name="a.pdf"), "sendDocument", {"document": URL}),
    ("a file Telegram has", media(MediaKind.FILE, url="", media_id="BQAC"), "sendDocument", {"document": "BQAC"}),
    ("location", Location(latitude=52.5, longitude=13.4), "sendLocation", {"latitude": 52.5, "longitude": 13.4}),
    (
        "venue",
        Location(latitude=52.5, longitude=13.4, name="Zoo", address="Budapester Str. 38"),
        "sendVenue",
        {"latitude": 52.5, "longitude": 13.4, "title": "Zoo", "address": "Budapester Str. 38"},
    ),
    (
        "venue without address",
        Location(latitude=52.5, longitude=13.4, name="Zoo"),
        "sendVenue",
        {"latitude": 52.5, "longitude": 13.4, "title": "Zoo", "address": "Zoo"},
    ),
    (
        "venue without name",
        Location(latitude=52.5, longitude=13.4, address="Budapester Str. 38"),
        "sendVenue",
        {"latitude": 52.5, "longitude": 13.4, "title": "Budapester Str. 38", "address": "Budapester Str. 38"},
    ),
    (
        "contact card",
        ContactCard(name="Ada Lovelace", phone_numbers=("+4915112345",)),
        "sendContact",
        {"phone_number": "+4915112345", "first_name": "Ada Lovelace"},
    ),
    (
        "contact card without name",
        ContactCard(name="", phone_numbers=("+4915112345",)),
        "sendContact",
        {"phone_number": "+4915112345", "first_name": "+4915112345"},
    ),
    (
        "contact card with two numbers",
        ContactCard(name="Lovelace, Ada;", phone_numbers=("+4915112345", "+4915167890")),
        "sendContact",
        {
            "phone_number": "+4915112345",
            "first_name": "Lovelace, Ada;",
            "vcard": TWO_NUMBERS.replace("FN:Lovelace\\, Ada", "FN:Lovelace\\, Ada\\;"),
        },
    ),
    ("contact card without number", ContactCard(name="Ada"), "sendMessage", {"text": "Ada"}),
    (
        "quick replies",
        QuickReplies(text="Well?", replies=("Yes", "No")),
        "sendMessage",
        {
            "text": "Well?",
            "reply_markup": {
                "inline_keyboard": [
                    [{"text": "Yes", "callback_data": "tYes"}],
                    [{"text": "No", "callback_data": "tNo"}],
                ]
            },
        },
    ),
    ("no quick replies", QuickReplies(text="Well?", replies=()), "sendMessage", {"text": "Well?"}),
]


@pytest.mark.parametrize(("content", "method", "parameters"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
def test_content_is_spelled_as_one_call(content: Content, method: str, parameters: dict[str, object]) -> None:
    call = spell(a_part(content))

    assert call.method == method
    assert call.parameters == {"chat_id": 42, **parameters}


def test_what_a_contact_card_loses_is_noted() -> None:
    many = ContactCard(name="Ada", phone_numbers=tuple(f"+49151{number:08}" for number in range(100)))

    without_number = spell(a_part(ContactCard(name="Ada")))
    too_many = spell(a_part(many))

    assert [note.code for note in without_number.notes] == ["contact_card_as_text"]
    assert [note.code for note in too_many.notes] == ["phone_numbers_dropped"]
    assert too_many.parameters == {"chat_id": 42, "phone_number": "+4915100000000", "first_name": "Ada"}


@pytest.mark.parametrize("content", [Template(name="hello", language="de"), CustomPayload(json="{}")], ids=type)
def test_what_was_not_declared_is_refused(content: Content) -> None:
    with pytest.raises(ContentUnsupported):
        spell(a_part(content))


@pytest.mark.parametrize("address", ["", "@ada", "+42", "4 2", "42\n", "٤٢", "1e3", "9" * 17])
def test_an_address_that_is_no_chat_is_unreachable(address: str) -> None:
    with pytest.raises(ContactUnreachable):
        spell(a_part(Text(text="hi"), address))


def test_a_group_is_a_negative_number() -> None:
    assert spell(a_part(Text(text="hi"), "-100123")).parameters["chat_id"] == -100123


@given(index=st.integers(min_value=0, max_value=49), label=st.text(min_size=1))
def test_button_data_always_fits(index: int, label: str) -> None:
    assert 1 <= len(callback_data(index, label).encode()) <= MAX_CALLBACK_DATA_BYTES


def test_long_labels_with_one_index_are_told_apart() -> None:
    first, second = callback_data(3, "a" * 64), callback_data(3, "b" * 64)

    assert first.startswith("i3:")
    assert first != second
