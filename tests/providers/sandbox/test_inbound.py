"""Webhooks of the phone network: who is believed, and what is read."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    Contact,
    Content,
    EchoReceived,
    Failure,
    FailureKind,
    HttpRequest,
    Location,
    MediaKind,
    MessageReceived,
    Received,
    ReportReceived,
    Status,
    Text,
)
from providers.sandbox.inbound import read_webhook

SECRET = "sandbox-webhook-secret"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp())).encode()
ADA = Contact(address="+491713920042", phone="+491713920042", first_name="Ada", last_name="Brandt")
HEAD = {"id": "ev_1", "time": "2026-03-01T11:59:58.250Z", "message_id": "ph_1"}
PERSON = {"number": "+491713920042", "name": "Ada Brandt"}
EVENT_TIME = datetime(2026, 3, 1, 11, 59, 58, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "content"),
    [
        pytest.param({"type": "text", "text": "Hi 👋"}, Text(text="Hi 👋"), id="text"),
        pytest.param({"type": "button", "text": "Yes", "button_of": "ph_0"}, Text(text="Yes"), id="tapped button"),
        pytest.param(
            {"type": "media", "kind": "audio", "url": "http://127.0.0.1:8090/files/a/voice.ogg", "mime_type": None},
            Attachment(kind=MediaKind.AUDIO, url="http://127.0.0.1:8090/files/a/voice.ogg"),
            id="voice",
        ),
        pytest.param(
            {
                "type": "media",
                "kind": "image",
                "url": "https://x.example/i",
                "mime_type": "image/png",
                "file_name": "i.png",
                "caption": "Look",
            },
            Attachment(
                kind=MediaKind.IMAGE,
                url="https://x.example/i",
                mime_type="image/png",
                file_name="i.png",
                caption="Look",
            ),
            id="picture with everything",
        ),
        pytest.param(
            {"type": "location", "latitude": 52, "longitude": 13.4, "name": "Office"},
            Location(latitude=52.0, longitude=13.4, name="Office"),
            id="location",
        ),
    ],
)
def test_messages_and_echoes(message: dict[str, Any], content: Content) -> None:
    received = _read(
        {**HEAD, "type": "message", "from": PERSON, "message": message},
        {**HEAD, "type": "echo", "to": PERSON, "message": message},
    )

    facts: dict[str, Any] = {
        "platform_event_id": "ev_1",
        "event_time": EVENT_TIME,
        "contact": ADA,
        "platform_message_id": "ph_1",
        "content": content,
    }
    assert received.events == (MessageReceived(**facts), EchoReceived(**facts))
    assert received.notes == ()
    assert received.reply.status_code == 200


@pytest.mark.parametrize(
    ("told", "status", "failure"),
    [
        ({"status": "delivered"}, Status.DELIVERED, None),
        ({"status": "read"}, Status.READ, None),
        (
            {"status": "failed", "reason": "No phone has this number."},
            Status.FAILED,
            Failure(kind=FailureKind.CONTACT_UNREACHABLE, text="No phone has this number."),
        ),
    ],
)
def test_reports(told: dict[str, str], status: Status, failure: Failure | None) -> None:
    (report,) = _read({**HEAD, "type": "status", **told}).events

    assert report == ReportReceived(
        platform_event_id="ev_1",
        event_time=EVENT_TIME,
        platform_message_id="ph_1",
        status=status,
        failure=failure,
    )


@pytest.mark.parametrize(
    ("name", "first_name", "last_name"),
    [("Ada Brandt", "Ada", "Brandt"), ("Ada", "Ada", ""), ("Ada von Brandt", "Ada", "von Brandt"), (None, "", "")],
)
def test_names(name: str | None, first_name: str, last_name: str) -> None:
    person = {"number": "+491713920042", "name": name}
    (event,) = _read({**HEAD, "type": "message", "from": person, "message": {"type": "text", "text": "Hi"}}).events

    assert isinstance(event, MessageReceived)
    assert (event.contact.first_name, event.contact.last_name) == (first_name, last_name)


TEXT = {"type": "text", "text": "Hi"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param(None, "type is missing", id="null"),
        pytest.param([], "type is missing", id="list"),
        pytest.param({**HEAD, "type": "typing"}, "type 'typing' is not known", id="unknown type"),
        pytest.param({**HEAD, "id": 7, "type": "status", "status": "read"}, "id is missing", id="id is a number"),
        pytest.param({**HEAD, "time": "soon", "type": "status", "status": "read"}, "soon", id="time"),
        pytest.param(
            {**HEAD, "time": "0001-01-01T00:00:00+14:00", "type": "status", "status": "read"}, "range", id="year 0"
        ),
        pytest.param({**HEAD, "type": "status", "status": "gone"}, "status 'gone' is not known", id="unknown status"),
        pytest.param({**HEAD, "type": "message", "message": TEXT}, "number is missing", id="nobody wrote"),
        pytest.param({**HEAD, "type": "message", "from": PERSON}, "type is missing", id="no message"),
        pytest.param(
            {**HEAD, "type": "message", "from": PERSON, "message": {"type": "text", "text": ""}},
            "text is missing",
            id="empty text",
        ),
        pytest.param(
            {**HEAD, "type": "message", "from": PERSON, "message": {"type": "poll"}},
            "message.type 'poll' is not known",
            id="unknown message",
        ),
        pytest.param(
            {**HEAD, "type": "message", "from": PERSON, "message": {"type": "media", "kind": "gif", "url": "x"}},
            "'gif'",
            id="unknown kind of media",
        ),
        pytest.param(
            {
                **HEAD,
                "type": "message",
                "from": PERSON,
                "message": {"type": "location", "latitude": 91, "longitude": 0},
            },
            "latitude is not in degrees",
            id="beyond the pole",
        ),
    ],
)
def test_an_unreadable_event_is_noted_and_holds_back_no_other(event: Any, reason: str) -> None:
    received = _read(event, {**HEAD, "type": "status", "status": "read"})

    (note,) = received.notes
    assert note.code == "unreadable"
    assert reason in note.text
    assert len(received.events) == 1
    assert received.reply.status_code == 200


def test_half_a_surrogate_pair_becomes_sayable() -> None:
    person = {"number": "+49\ud800", "name": "Ada \ud800"}
    told = {**HEAD, "id": "\ud800", "type": "message", "from": person, "message": {"type": "text", "text": "a\ud800"}}

    (event,) = _read(told).events

    assert isinstance(event, MessageReceived)
    assert (event.platform_event_id, event.content) == ("?", Text(text="a?"))
    assert (event.contact.address, event.contact.last_name) == ("+49?", "?")


@pytest.mark.parametrize("body", [b"", b"hello", b"{}", b"[]", b'{"events": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    received = read_webhook(_request(body), SECRET)

    assert received.reply.status_code == 400
    assert received.events == ()
    assert [note.code for note in received.notes] == ["unreadable"]


BODY = json.dumps({"events": [{**HEAD, "type": "status", "status": "read"}]}).encode()


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="no signature"),
        pytest.param(hmac.digest(SECRET.encode(), STAMP + b"." + BODY, "sha256").hex(), id="no scheme"),
        pytest.param(f"sha256={hmac.digest(SECRET.encode(), BODY, 'sha256').hex()}", id="without its time"),
        pytest.param(f"sha256={'0' * 64}", id="wrong signature"),
        pytest.param("sha256=ü\udcff", id="signature beyond ASCII"),
    ],
)
def test_only_the_platform_is_believed(signature: str) -> None:
    received = read_webhook(_request(BODY, {"x-sandbox-signature": signature}), SECRET)

    assert (received.reply.status_code, received.events) == (401, ())


def test_every_byte_is_signed() -> None:
    request = _request(BODY)
    changed = HttpRequest(
        method="POST", url="", headers=request.headers, body=BODY.replace(b"ev_1", b"ev_2"), receive_time=NOW
    )

    assert read_webhook(request, SECRET).reply.status_code == 200
    assert read_webhook(changed, SECRET).reply.status_code == 401
    assert read_webhook(request, "another-secret").reply.status_code == 401


@pytest.mark.parametrize(
    ("timestamp", "status_code"),
    [
        pytest.param(NOW - timedelta(minutes=5), 200, id="five minutes old"),
        pytest.param(NOW - timedelta(minutes=5, seconds=1), 401, id="older"),
        pytest.param(NOW + timedelta(minutes=5), 200, id="five minutes ahead"),
        pytest.param(NOW + timedelta(minutes=5, seconds=1), 401, id="further ahead"),
        pytest.param("", 401, id="not said"),
        pytest.param("noon", 401, id="a word"),
        pytest.param("9" * 30, 401, id="beyond the calendar"),
    ],
)
def test_recordings_are_refused(timestamp: datetime | str, status_code: int) -> None:
    text = timestamp if isinstance(timestamp, str) else str(int(timestamp.timestamp()))

    assert read_webhook(_request(BODY, timestamp=text), SECRET).reply.status_code == status_code


def test_a_recording_under_a_fresh_time_is_refused() -> None:
    """The time is signed, too."""
    recording = _request(BODY, timestamp=str(int((NOW - timedelta(hours=1)).timestamp())))
    signature = {"x-sandbox-signature": recording.header("x-sandbox-signature")}

    assert read_webhook(_request(BODY, signature), SECRET).reply.status_code == 401


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=8,
)
known_words = st.sampled_from(
    ["message", "echo", "status", "text", "media", "location", "button", "image", "failed", "2026-03-01T11:59:58Z"]
)
events = st.dictionaries(
    st.sampled_from(["id", "type", "time", "message_id", "message", "from", "to", "status", "reason"]),
    known_words
    | json_values
    | st.dictionaries(
        st.sampled_from(["type", "text", "kind", "url", "number", "name", "latitude", "longitude"]),
        known_words | json_values,
    ),
)


@given(st.lists(events | json_values, max_size=4))
def test_each_event_is_read_or_noted_whatever_it_is(told: list[Any]) -> None:
    received = _read(*told)

    assert len(received.events) + len(received.notes) == len(told)
    assert received.reply.status_code == 200


@given(st.binary())
def test_no_signed_bytes_raise(body: bytes) -> None:
    assert read_webhook(_request(body), SECRET).reply.status_code in {200, 400}


def _read(*events: Any) -> Received:
    return read_webhook(_request(json.dumps({"events": events}).encode()), SECRET)


def _request(body: bytes, headers: dict[str, str] | None = None, timestamp: str = STAMP.decode()) -> HttpRequest:
    """Signed at `timestamp`, but for what `headers` say otherwise."""
    signed = {
        "x-sandbox-signature": f"sha256={hmac.digest(SECRET.encode(), timestamp.encode() + b'.' + body, 'sha256').hex()}",
        "x-sandbox-timestamp": timestamp,
    }
    every = signed | (headers or {})
    return HttpRequest(method="POST", url="", headers=tuple(every.items()), body=body, receive_time=NOW)
