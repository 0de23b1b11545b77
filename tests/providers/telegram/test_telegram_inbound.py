"""Updates as Telegram writes them.

The sender, the chat and the samples named so are those of https://core.telegram.org/bots/webhooks#testing-your-bot-with-updates;
the other fields are described under the links beside them.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    Contact,
    ContactCard,
    Content,
    HttpReply,
    HttpRequest,
    Location,
    MediaKind,
    MessageReceived,
    Text,
)
from providers.telegram.fields import Fields
from providers.telegram.inbound import Reading, read_update, read_webhook
from providers.telegram.outbound import callback_data

Json = dict[str, object]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SENT = datetime(2015, 9, 7, 17, 5, 32, tzinfo=UTC)  # 1441645532
EDITED = datetime(2015, 9, 7, 17, 23, 20, tzinfo=UTC)  # 1441646600
SECRET = "s3cret_token-of-the-channel"
FILE = "AwADBAADbXXXXXXXXXXXGBdhD2l6_XX"

CHAT: Json = {
    "last_name": "Test Lastname",
    "type": "private",
    "id": 1111111,
    "first_name": "Test Firstname",
    "username": "Testusername",
}
SENDER: Json = {
    "last_name": "Test Lastname",
    "id": 1111111,
    "first_name": "Test Firstname",
    "username": "Testusername",
    "language_code": "de",
}
CONTACT = Contact(address="1111111", first_name="Test Firstname", last_name="Test Lastname", language="de")


def a_message(**fields: object) -> Json:
    return {"date": 1441645532, "chat": CHAT, "message_id": 1365, "from": SENDER, **fields}


def a_tap(data: str, *, message: Json | None = None) -> Json:
    """https://core.telegram.org/bots/api#callbackquery."""
    query: Json = {"id": "4382bfdwdsb323b2d9", "from": SENDER, "chat_instance": "-1", "data": data}
    return query if message is None else {**query, "message": message}


def read(kind: str, value: object) -> Reading:
    return read_update(Fields({"update_id": 10000, kind: value}), now=NOW)


def said(reading: Reading) -> Content:
    (event,) = reading.events
    assert isinstance(event, MessageReceived)
    return event.content


def codes(reading: Reading) -> list[str]:
    return [note.code for event in reading.events if isinstance(event, MessageReceived) for note in event.notes]


def test_a_text_carries_who_wrote_it_and_when() -> None:
    reading = read("message", a_message(text="/start"))

    assert reading == Reading(
        events=(
            MessageReceived(
                platform_event_id="10000",
                event_time=SENT,
                contact=CONTACT,
                platform_message_id="1111111:1365",
                content=Text(text="/start"),
            ),
        )
    )


def media(kind: MediaKind, mime_type: str, **fields: object) -> Attachment:
    return Attachment(kind=kind, media_id=FILE, mime_type=mime_type, **fields)  # type: ignore[arg-type]  # table of texts


CONTENTS: list[tuple[str, Json, Content, list[str]]] = [
    (
        "sample: message with entities",
        {
            "text": "Bold and italics",
            "entities": [{"type": "italic", "offset": 9, "length": 7}, {"type": "bold", "offset": 0, "length": 4}],
        },
        Text(text="Bold and italics"),
        [],
    ),
    (
        "link behind words",  # https://core.telegram.org/bots/api#messageentity
        {"text": "here", "entities": [{"type": "text_link", "offset": 0, "length": 4, "url": "https://a.example/"}]},
        Text(text="here"),
        ["links_hidden"],
    ),
    (
        "sample: message with a reply",
        {"text": "/start", "reply_to_message": {"date": 1441645000, "message_id": 1334, "text": "Original"}},
        Text(text="/start"),
        ["reply"],
    ),
    (
        "sample: forwarded message",
        {"text": "/start", "forward_from": {"id": 222222, "first_name": "Forward"}, "forward_date": 1441645550},
        Text(text="/start"),
        [],
    ),
    (
        "photo: the largest of its sizes",  # https://core.telegram.org/bots/api#photosize
        {
            "photo": [
                {"file_id": "small", "width": 90, "height": 60, "file_size": 1000},
                {"file_id": FILE, "width": 1280, "height": 853, "file_size": 90000},
                {"file_id": "middle", "width": 320, "height": 213, "file_size": 99999},
            ],
            "caption": "Look",
            "caption_entities": [{"type": "text_link", "offset": 0, "length": 4, "url": "https://a.example/"}],
        },
        media(MediaKind.IMAGE, "image/jpeg", caption="Look", size_bytes=90000),
        ["links_hidden"],
    ),
    (
        "sample: message with audio",
        {
            "audio": {
                "file_id": FILE,
                "duration": 243,
                "mime_type": "audio/mpeg",
                "file_size": 3897500,
                "title": "Test music file",
            }
        },
        media(MediaKind.AUDIO, "audio/mpeg", size_bytes=3897500),
        [],
    ),
    (
        "sample: voice message",
        {"voice": {"file_id": FILE, "duration": 5, "mime_type": "audio/ogg", "file_size": 23000}},
        media(MediaKind.AUDIO, "audio/ogg", size_bytes=23000),
        [],
    ),
    (
        "sample: message with a document",
        {
            "document": {
                "file_id": FILE,
                "file_name": "Testfile.pdf",
                "mime_type": "application/pdf",
                "file_size": 536392,
            }
        },
        media(MediaKind.FILE, "application/pdf", file_name="Testfile.pdf", size_bytes=536392),
        [],
    ),
    (
        "video",  # https://core.telegram.org/bots/api#video
        {
            "video": {"file_id": FILE, "duration": 3, "mime_type": "video/quicktime", "file_name": "a.mov"},
            "caption": "c",
        },
        media(MediaKind.VIDEO, "video/quicktime", file_name="a.mov", caption="c"),
        [],
    ),
    (
        "video note",  # https://core.telegram.org/bots/api#videonote
        {"video_note": {"file_id": FILE, "length": 240, "duration": 3, "file_size": 5}},
        media(MediaKind.VIDEO, "video/mp4", size_bytes=5),
        [],
    ),
    (
        "animation, which also fills document",  # https://core.telegram.org/bots/api#animation
        {
            "animation": {"file_id": FILE, "mime_type": "video/mp4", "file_name": "a.mp4"},
            "document": {"file_id": FILE, "mime_type": "video/mp4", "file_name": "a.mp4"},
        },
        media(MediaKind.VIDEO, "video/mp4", file_name="a.mp4"),
        [],
    ),
    (
        "animation as gif",
        {"animation": {"file_id": FILE, "mime_type": "image/gif"}},
        media(MediaKind.IMAGE, "image/gif"),
        [],
    ),
    (
        "larger than a bot may download",  # https://core.telegram.org/bots/api#getfile
        {"document": {"file_id": FILE, "mime_type": "application/zip", "file_size": 20_000_001}},
        media(MediaKind.FILE, "application/zip", size_bytes=20_000_001),
        ["media_too_large"],
    ),
    (
        "sticker",  # https://core.telegram.org/bots/api#sticker
        {"sticker": {"file_id": FILE, "type": "regular", "is_animated": False, "is_video": False, "emoji": "👍"}},
        media(MediaKind.IMAGE, "image/webp"),
        [],
    ),
    (
        "animated sticker",
        {"sticker": {"file_id": FILE, "type": "regular", "is_animated": True, "is_video": False}},
        media(MediaKind.FILE, "application/x-tgsticker"),
        [],
    ),
    (
        "video sticker",
        {"sticker": {"file_id": FILE, "type": "regular", "is_animated": False, "is_video": True}},
        media(MediaKind.VIDEO, "video/webm"),
        [],
    ),
    (
        "location",  # https://core.telegram.org/bots/api#location
        {"location": {"latitude": 52.5, "longitude": 13}},
        Location(latitude=52.5, longitude=13.0),
        [],
    ),
    (
        "location at zero",
        {"location": {"latitude": 0, "longitude": 0.0}},
        Location(latitude=0.0, longitude=0.0),
        [],
    ),
    (
        "venue, which also fills location",  # https://core.telegram.org/bots/api#venue
        {
            "venue": {"location": {"latitude": 52.5, "longitude": 13.4}, "title": "Zoo", "address": "Street 38"},
            "location": {"latitude": 52.5, "longitude": 13.4},
        },
        Location(latitude=52.5, longitude=13.4, name="Zoo", address="Street 38"),
        [],
    ),
    (
        "contact of another account",  # https://core.telegram.org/bots/api#contact
        {"contact": {"phone_number": "4915112345", "first_name": "Ada", "last_name": "Lovelace", "user_id": 7}},
        ContactCard(name="Ada Lovelace", phone_numbers=("+4915112345",)),
        [],
    ),
    (
        "contact without account, number as it was typed",
        {"contact": {"phone_number": "030 12345", "first_name": "Ada"}},
        ContactCard(name="Ada", phone_numbers=("030 12345",)),
        [],
    ),
    (
        "contact without account, number with its country",
        {"contact": {"phone_number": "+49 (151) 123-45", "first_name": "Ada"}},
        ContactCard(name="Ada", phone_numbers=("+4915112345",)),
        [],
    ),
    ("dice", {"dice": {"emoji": "🎲", "value": 4}}, Text(text="🎲"), []),
    (
        "poll, which nothing can say",  # https://core.telegram.org/bots/api#poll
        {"poll": {"id": "1", "question": "Tea?"}},
        Text(text="[Telegram poll]"),
        ["content_not_understood"],
    ),
    ("paid media", {"paid_media": {"star_count": 1}}, Text(text="[Telegram paid media]"), ["content_not_understood"]),
]


@pytest.mark.parametrize(
    ("fields", "content", "notes"), [row[1:] for row in CONTENTS], ids=[row[0] for row in CONTENTS]
)
def test_a_message_says(fields: Json, content: Content, notes: list[str]) -> None:
    reading = read("message", a_message(**fields))

    assert said(reading) == content
    assert codes(reading) == notes


def test_a_reply_names_the_message_by_its_id() -> None:
    reading = read("message", a_message(text="yes", reply_to_message={"message_id": 1334}))

    (event,) = reading.events
    assert isinstance(event, MessageReceived)
    assert event.notes[0].text == "The contact replied to the message 1111111:1334."


def test_an_edited_message_is_a_new_one_with_a_note() -> None:
    reading = read("edited_message", a_message(text="Edited text", edit_date=1441646600))

    (event,) = reading.events
    assert said(reading) == Text(text="Edited text")
    assert (event.event_time, codes(reading)) == (EDITED, ["edited"])


def test_a_shared_own_number_is_known_of_the_contact() -> None:
    own = read("message", a_message(contact={"phone_number": "4915112345", "first_name": "T", "user_id": 1111111}))
    others = read("message", a_message(contact={"phone_number": "4915112345", "first_name": "T", "user_id": 7}))

    assert [event.contact.phone for event in (*own.events, *others.events) if isinstance(event, MessageReceived)] == [
        "+4915112345",
        "",
    ]


IGNORED: list[tuple[str, str, Json, str]] = [
    ("group", "message", a_message(text="hi", chat={"id": -5, "type": "group", "title": "G"}), "chat_ignored"),
    ("supergroup", "message", a_message(text="hi", chat={"id": -100, "type": "supergroup"}), "chat_ignored"),
    ("channel", "edited_message", a_message(text="hi", chat={"id": -100, "type": "channel"}), "chat_ignored"),
    ("channel post", "channel_post", a_message(text="hi"), "update_ignored"),
    ("sample: inline query", "inline_query", {"id": 134567890097, "query": "inline query"}, "update_ignored"),
    ("pinned", "message", a_message(pinned_message={"message_id": 1}), "service_message_ignored"),
    ("nothing in it", "message", a_message(), "service_message_ignored"),
    (
        "live location moved",
        "edited_message",
        a_message(location={"latitude": 1, "longitude": 2}),
        "live_location_ignored",
    ),
    ("no message", "message", {}, "chat_ignored"),
    ("no message id", "message", {"chat": CHAT, "text": "hi"}, "not_understood"),
    ("group membership", "my_chat_member", {"chat": {"id": -5, "type": "group"}}, "chat_ignored"),
    (
        "blocked",  # https://core.telegram.org/bots/api#chatmemberupdated
        "my_chat_member",
        {"chat": CHAT, "from": SENDER, "date": 1, "new_chat_member": {"status": "kicked", "until_date": 0}},
        "contact_blocked",
    ),
    (
        "unblocked",
        "my_chat_member",
        {"chat": CHAT, "from": SENDER, "date": 1, "new_chat_member": {"status": "member"}},
        "contact_unblocked",
    ),
]


@pytest.mark.parametrize(("kind", "value", "code"), [row[1:] for row in IGNORED], ids=[row[0] for row in IGNORED])
def test_an_ignored_update_says_why(kind: str, value: Json, code: str) -> None:
    reading = read(kind, value)

    assert reading.events == ()
    assert [note.code for note in reading.notes] == [code]


KEYBOARD: Json = {
    "inline_keyboard": [
        [{"text": "Yes", "callback_data": "tYes"}],
        [{"text": "A" * 70, "callback_data": callback_data(1, "A" * 70)}, {"text": "Site", "url": "https://a.example"}],
        [{"text": "Menu", "callback_data": "Data from button callback"}],
    ]
}
TOO_OLD: Json = {"chat": CHAT, "message_id": 5, "date": 0}  # https://core.telegram.org/bots/api#inaccessiblemessage


@pytest.mark.parametrize(
    ("data", "message", "label", "notes"),
    [
        pytest.param("tYes", a_message(reply_markup=KEYBOARD), "Yes", [], id="short label"),
        pytest.param(callback_data(1, "A" * 70), a_message(reply_markup=KEYBOARD), "A" * 70, [], id="long label"),
        pytest.param("Data from button callback", a_message(reply_markup=KEYBOARD), "Menu", [], id="another's button"),
        pytest.param("tYes", TOO_OLD, "Yes", [], id="short label, message too old"),
        pytest.param(callback_data(1, "A" * 70), TOO_OLD, "2", ["button_label_lost"], id="long label, message too old"),
        pytest.param("menu:1", TOO_OLD, "menu:1", [], id="another's button, message too old"),
        pytest.param("i" + "9" * 40, TOO_OLD, "i" + "9" * 40, [], id="looks like an index"),
    ],
)
def test_a_tapped_button_is_its_label(data: str, message: Json, label: str, notes: list[str]) -> None:
    reading = read("callback_query", a_tap(data, message=message))

    (event,) = reading.events
    assert isinstance(event, MessageReceived)
    assert (said(reading), codes(reading)) == (Text(text=label), notes)
    assert (event.event_time, event.platform_message_id, event.contact) == (NOW, "tap:4382bfdwdsb323b2d9", CONTACT)
    assert reading.callback_query_id == "4382bfdwdsb323b2d9"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(a_tap("x"), id="sample: of an inline message, which has no chat"),
        pytest.param(a_tap("x", message=a_message(chat={"id": -5, "type": "group"})), id="in a group"),
        pytest.param(a_tap("", message=TOO_OLD), id="a game's button"),
    ],
)
def test_an_ignored_tap_is_answered_too(query: Json) -> None:
    reading = read("callback_query", query)

    assert (reading.events, reading.callback_query_id) == ((), "4382bfdwdsb323b2d9")
    assert reading.notes


@pytest.mark.parametrize("date", [0, -1, 253_402_300_800, 2**52, "1441645532", None])
def test_an_impossible_date_is_now(date: object) -> None:
    (event,) = read("message", a_message(text="hi", date=date)).events

    assert event.event_time == NOW


def a_webhook(body: object, *, secret: str | None = SECRET) -> HttpRequest:
    headers = (("content-type", "application/json"),)
    return HttpRequest(
        method="POST",
        url="https://gateway.example/w/1",
        headers=headers if secret is None else (*headers, ("x-telegram-bot-api-secret-token", secret)),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        receive_time=NOW,
    )


def test_a_verified_webhook_is_read() -> None:
    received = read_webhook(a_webhook({"update_id": 10000, "message": a_message(text="/start")}), secret_token=SECRET)

    assert [event.platform_event_id for event in received.events] == ["10000"]
    assert (received.reply, received.notes) == (HttpReply(), ())


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(None, SECRET, id="no header"),
        pytest.param("", SECRET, id="empty header"),
        pytest.param(SECRET[:-1], SECRET, id="cut"),
        pytest.param(SECRET.upper(), SECRET, id="another case"),
        pytest.param("ü" * 20, SECRET, id="not ASCII"),
        pytest.param("", "", id="a channel without a secret"),
        pytest.param(None, "", id="a channel without a secret, no header"),
    ],
)
def test_a_webhook_that_proves_nothing_is_refused(sent: str | None, expected: str) -> None:
    body = {"update_id": 10000, "message": a_message(text="/start")}

    received = read_webhook(a_webhook(body, secret=sent), secret_token=expected)

    assert (received.reply, received.events) == (HttpReply(status_code=401), ())
    assert [note.code for note in received.notes] == ["not_verified"]


def test_a_tap_is_answered_in_the_reply() -> None:
    """https://core.telegram.org/bots/api#making-requests-when-getting-updates."""
    body = {"update_id": 10000, "callback_query": a_tap("tYes", message=TOO_OLD)}

    reply = read_webhook(a_webhook(body), secret_token=SECRET).reply

    assert (reply.status_code, reply.headers) == (200, (("content-type", "application/json"),))
    assert json.loads(reply.body) == {"method": "answerCallbackQuery", "callback_query_id": "4382bfdwdsb323b2d9"}


@pytest.mark.parametrize("body", [b"", b"text=hi", b"[]", b"{", b"\xff\xfe"])
def test_what_is_no_update_is_a_bad_request(body: bytes) -> None:
    received = read_webhook(a_webhook(body), secret_token=SECRET)

    assert (received.reply.status_code, received.events) == (400, ())


@pytest.mark.parametrize("body", [{}, {"update_id": "1"}, {"update_id": 1}, {"update_id": 1, "message": []}])
def test_a_wrong_shape_is_taken_and_ignored(body: Json) -> None:
    """Anything but 2xx would make Telegram repeat it: https://core.telegram.org/bots/api#setwebhook."""
    received = read_webhook(a_webhook(body), secret_token=SECRET)

    assert (received.reply, received.events) == (HttpReply(), ())
    assert received.notes


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [*sorted({name for _, fields, _, _ in CONTENTS for name in fields}), "edit_date", "from", "reply_markup", "date"]
)


@given(
    kind=st.sampled_from(["message", "edited_message", "callback_query", "my_chat_member", "poll"]),
    fields=st.dictionaries(FIELDS, VALUES, max_size=4),
)
def test_no_update_makes_it_raise(kind: str, fields: Mapping[str, object]) -> None:
    reading = read(kind, {**a_message(), "id": "1", "message": a_message(**fields), **fields})

    assert reading.events or reading.notes
