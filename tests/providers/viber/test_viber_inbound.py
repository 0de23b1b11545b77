"""Callbacks as the documentation writes them: https://developers.viber.com/docs/api/rest-bot-api/#callbacks."""

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    Contact,
    ContactCard,
    FailureKind,
    Location,
    MediaKind,
    MessageReceived,
    Received,
    ReportReceived,
    Status,
    Text,
)
from anychannel.testing import A_TIME, a_request
from providers.viber.inbound import read_webhook

Json = dict[str, Any]

TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
USER = "01234567890A="
# Beyond 2**53: as a float it would be 4912661846655238144.
MESSAGE_TOKEN = 4912661846655238145
SENT = datetime(2016, 3, 12, 7, 3, 17, 627000, tzinfo=UTC)
MEDIA = "https://dl-media.viber.com/1/share/2/long/a.jpg"


def signature(body: bytes, token: str = TOKEN) -> dict[str, str]:
    return {"X-Viber-Content-Signature": hmac.digest(token.encode(), body, "sha256").hex()}


def receive(callback: object) -> Received:
    body = json.dumps(callback).encode()
    return read_webhook(a_request(body=body, headers=signature(body)), auth_token=TOKEN)


def callback(event: str, **fields: object) -> Json:
    return {"event": event, "timestamp": 1457766197627, "message_token": MESSAGE_TOKEN, **fields}


def message(kind: str, sender: Json | None = None, **fields: object) -> Json:
    who = {"id": USER, "name": "John McClane", "avatar": "http://avatar.example.com", "api_version": 1}
    return callback("message", sender=sender or who, message={"type": kind, **fields})


def test_a_text() -> None:
    sender = {
        "id": USER,
        "name": "John McClane",
        "avatar": "https://avatar.example.com",
        "country": "GB",
        "language": "en-GB",
        "api_version": 1,
    }

    received = receive(message("text", sender, text="a message to the service", tracking_data="tracking data"))

    assert received == Received(
        events=(
            MessageReceived(
                platform_event_id="message:4912661846655238145",
                event_time=datetime(2016, 3, 12, 7, 3, 17, 627000, tzinfo=UTC),
                contact=Contact(
                    address=USER,
                    first_name="John McClane",
                    language="en-GB",
                    country_code="GB",
                    picture_url="https://avatar.example.com",
                ),
                platform_message_id="4912661846655238145",
                content=Text(text="a message to the service"),
            ),
        )
    )


@pytest.mark.parametrize(
    ("sent", "content", "codes"),
    [
        pytest.param(message("text", text="héllo 😀"), Text(text="héllo 😀"), [], id="not ASCII"),
        pytest.param(message("text", text="x" * 10_000), Text(text="x" * 10_000), [], id="longest"),
        pytest.param(message("text", text="a\0b\ud800"), Text(text="ab\ufffd"), [], id="what cannot be stored"),
        pytest.param(
            message("picture", media=MEDIA, text="See", file_name="a.jpg", size=12),
            Attachment(kind=MediaKind.IMAGE, url=MEDIA, caption="See", file_name="a.jpg", size_bytes=12),
            [],
            id="picture",
        ),
        pytest.param(
            message("video", media=MEDIA, size=3214, duration=10),
            Attachment(kind=MediaKind.VIDEO, url=MEDIA, size_bytes=3214),
            [],
            id="video",
        ),
        pytest.param(
            message("file", media=MEDIA, file_name="a.pdf", file_size="77"),
            Attachment(kind=MediaKind.FILE, url=MEDIA, file_name="a.pdf", size_bytes=77),
            [],
            id="file",
        ),
        pytest.param(
            message("picture", media="javascript:1"),
            Text(text="[Viber picture]"),
            ["content_not_understood"],
            id="picture nowhere",
        ),
        pytest.param(
            message("location", location={"lat": 50.76891, "lon": 6.11499, "address": "Aachen"}),
            Location(latitude=50.76891, longitude=6.11499, address="Aachen"),
            [],
            id="location",
        ),
        pytest.param(
            message("location", location={"lat": "37.7898", "lon": "-122.3942"}),
            Location(latitude=37.7898, longitude=-122.3942),
            [],
            id="location in quotes",
        ),
        pytest.param(
            message("location", location={"lat": "nan", "lon": 1}),
            Text(text="[Viber location]"),
            ["content_not_understood"],
            id="location nowhere",
        ),
        pytest.param(
            message("contact", contact={"name": "Alex", "phone_number": "+972511123123"}),
            ContactCard(name="Alex", phone_numbers=("+972511123123",)),
            [],
            id="contact",
        ),
        pytest.param(message("contact", contact={"name": "Alex"}), ContactCard(name="Alex"), [], id="bare contact"),
        pytest.param(message("url", media="https://a.example"), Text(text="https://a.example"), [], id="link"),
        pytest.param(
            message("url", media="https://a.example", text="Look"),
            Text(text="Look\nhttps://a.example"),
            [],
            id="link with text",
        ),
        pytest.param(message("sticker", sticker_id=46105), Text(text="[Viber sticker]"), ["sticker"], id="sticker"),
        pytest.param(
            message("sticker", sticker_id=46105, media=MEDIA),
            Attachment(kind=MediaKind.IMAGE, url=MEDIA),
            ["sticker"],
            id="sticker with picture",
        ),
        pytest.param(
            message("rich_media"), Text(text="[Viber rich media]"), ["content_not_understood"], id="of a new type"
        ),
    ],
)
def test_what_a_contact_says(sent: Json, content: object, codes: list[str]) -> None:
    (told,) = receive(sent).events

    assert isinstance(told, MessageReceived)
    assert told.content == content
    assert [note.code for note in told.notes] == codes
    # An avatar that is not https is none.
    assert told.contact == Contact(address=USER, first_name="John McClane")
    assert told.event_time == SENT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "not a language"),
        ("country", "United Kingdom"),
        ("country", "gb"),
        ("avatar", "javascript:1"),
        ("name", 7.5),
    ],
)
def test_what_is_odd_about_a_contact_is_left_out(field: str, value: object) -> None:
    (told,) = receive(message("text", {"id": USER, field: value}, text="a")).events

    assert isinstance(told, MessageReceived)
    assert told.contact == Contact(address=USER)


@pytest.mark.parametrize(
    ("event", "status"), [("delivered", Status.DELIVERED), ("seen", Status.READ)], ids=["delivered", "seen"]
)
def test_a_report(event: str, status: Status) -> None:
    received = receive(callback(event, user_id=USER))

    assert received == Received(
        events=(
            ReportReceived(
                platform_event_id=f"{event}:4912661846655238145",
                event_time=SENT,
                platform_message_id="4912661846655238145",
                status=status,
            ),
        )
    )


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"desc": "failure description"}, "The contact's Viber could not show this: failure description."),
        ({}, "The contact's Viber could not show this: it gives no reason."),
    ],
)
def test_a_failed_message(told: Json, text: str) -> None:
    (report,) = receive(callback("failed", user_id=USER, **told)).events

    assert isinstance(report, ReportReceived)
    assert report.failure is not None
    assert (report.status, report.failure.kind, report.failure.text) == (
        Status.FAILED,
        FailureKind.CONTENT_REJECTED,
        text,
    )


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(callback("subscribed", user={"id": USER}), "subscribed_ignored", id="subscribed"),
        pytest.param(callback("unsubscribed", user_id=USER), "unsubscribed_ignored", id="unsubscribed"),
        pytest.param(
            callback("conversation_started", type="open", user={"id": USER}, subscribed=False),
            "conversation_started_ignored",
            id="conversation started",
        ),
        pytest.param(callback("webhook"), "webhook_ignored", id="webhook"),
        pytest.param(callback("client_status"), "event_ignored", id="unknown"),
        pytest.param({}, "event_ignored", id="empty"),
        pytest.param(message("text", {"name": "Nobody"}, text="a"), "not_understood", id="no sender"),
        pytest.param(
            {**message("text", text="a"), "message_token": 4.9e18}, "not_understood", id="a float is no token"
        ),
        pytest.param({"event": "seen"}, "not_understood", id="report without token"),
    ],
)
def test_what_is_ignored_says_why(sent: Json, code: str) -> None:
    received = receive(sent)

    assert (received.events, received.reply.status_code) == ((), 200)
    assert [note.code for note in received.notes] == [code]


def test_what_is_told_twice_has_the_same_id() -> None:
    late = {**message("text", text="a"), "timestamp": 1457766999999}

    ids = {event.platform_event_id for sent in (message("text", text="a"), late) for event in receive(sent).events}

    assert len(ids) == 1


@pytest.mark.parametrize(
    ("token", "name"),
    [
        pytest.param(2**63 - 1, "9223372036854775807", id="largest signed"),
        pytest.param(2**64 - 1, "18446744073709551615", id="largest"),
        pytest.param("912661846655238145", "912661846655238145", id="in quotes"),
    ],
)
def test_tokens_keep_every_digit(token: object, name: str) -> None:
    (report,) = receive({**callback("seen"), "message_token": token}).events

    assert isinstance(report, ReportReceived)
    assert report.platform_message_id == name


def test_ids_are_as_long_as_core_can_store() -> None:
    (told,) = receive({**message("text", text="a"), "message_token": "9" * 300}).events

    assert isinstance(told, MessageReceived)
    assert max(len(told.platform_event_id), len(told.platform_message_id)) <= 200


@pytest.mark.parametrize("timestamp", [None, -1, 10**18, "soon", 1.5])
def test_a_time_that_cannot_be_read_is_now(timestamp: object) -> None:
    (told,) = receive({**message("text", text="a"), "timestamp": timestamp}).events

    assert told.event_time == A_TIME


BODY = json.dumps(message("text", text="a")).encode()


@pytest.mark.parametrize(
    ("body", "headers", "token"),
    [
        pytest.param(BODY, {}, TOKEN, id="unsigned"),
        pytest.param(BODY, signature(BODY, "another"), TOKEN, id="another's token"),
        pytest.param(BODY, signature(BODY + b" "), TOKEN, id="another body"),
        pytest.param(BODY, {"X-Viber-Content-Signature": "é😀"}, TOKEN, id="not ASCII"),
        pytest.param(BODY, signature(BODY, ""), "", id="no token"),
        pytest.param(b"{", {}, TOKEN, id="unsigned and broken"),
    ],
)
def test_what_viber_did_not_sign_is_refused(body: bytes, headers: dict[str, str], token: str) -> None:
    received = read_webhook(a_request(body=body, headers=headers), auth_token=token)

    assert (received.reply.status_code, received.events) == (401, ())


def test_vibers_question_whether_anybody_listens_is_answered_without_proof() -> None:
    """It is asked while the webhook is being set, and tells nothing."""
    body = b'{"event":"webhook","timestamp":1457764197627,"message_token":241256543215}'

    received = read_webhook(a_request(body=body), auth_token=TOKEN)

    assert (received.reply.status_code, received.events) == (200, ())


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'{"a":NaN}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    received = read_webhook(a_request(body=body, headers=signature(body)), auth_token=TOKEN)

    assert (received.reply.status_code, received.events) == (400, ())


names = st.sampled_from(
    [
        *(
            "event",
            "timestamp",
            "message_token",
            "sender",
            "message",
            "id",
            "name",
            "type",
            "text",
            "media",
            "location",
        ),
        *("lat", "lon", "contact", "phone_number", "desc", "size", "language", "country"),
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
words = st.sampled_from(["message", "seen", "failed", "text", "picture", "location", "contact", "sticker", "url"])
json_values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@given(fields=st.dictionaries(names, json_values, max_size=5), more=st.dictionaries(names, json_values, max_size=5))
def test_no_callback_makes_it_raise(fields: Json, more: Json) -> None:
    for sent in (callback(**{"event": "message", **fields}), {**message("text"), "message": more}):
        body = json.dumps(sent).encode()

        received = read_webhook(a_request(body=body, headers=signature(body)), auth_token=TOKEN)

        assert all(told.event_time.tzinfo is not None for told in received.events)


@given(body=st.binary(max_size=60), header=st.text(max_size=20))
def test_no_request_makes_it_raise(body: bytes, header: str) -> None:
    for headers in (signature(body), {"X-Viber-Content-Signature": header}):
        assert read_webhook(a_request(body=body, headers=headers), auth_token=TOKEN).events == ()
