"""What the phone network tells us: one webhook in, events and the reply out. No I/O, and no exception for any input."""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from anychannel import (
    Attachment,
    Contact,
    Content,
    EchoReceived,
    Failure,
    HttpReply,
    HttpRequest,
    Location,
    MediaKind,
    MessageReceived,
    Note,
    ProviderEvent,
    Received,
    ReportReceived,
    Status,
    Text,
)
from providers.sandbox.failures import undelivered
from providers.sandbox.wire import parse_json

_MAX_AGE = timedelta(minutes=5)


def read_webhook(request: HttpRequest, secret: str) -> Received:
    """Verify and read one webhook: 401 when it is not the platform's, 400 when it is no webhook at all.

    One event that cannot be read becomes a note. Refusing it would hold back all that come after it, forever.
    """
    if not _is_authentic(request, secret):
        return Received(reply=HttpReply(status_code=401))
    match parse_json(request.body):
        case {"events": [*told]}:
            read = [_read(event) for event in told]
            return Received(
                events=tuple(it for it in read if not isinstance(it, Note)),
                notes=tuple(it for it in read if isinstance(it, Note)),
            )
        case _:
            return Received(reply=HttpReply(status_code=400), notes=(_unreadable("The webhook holds no events."),))


def _is_authentic(request: HttpRequest, secret: str) -> bool:
    """Signed over the time and the raw bytes with our secret, and fresh: an old webhook may be somebody's recording."""
    # As bytes: compare_digest raises for text beyond ASCII, and this text is anybody's.
    timestamp = request.header("x-sandbox-timestamp").encode(errors="replace")
    given = request.header("x-sandbox-signature").encode(errors="replace")
    expected = f"sha256={hmac.digest(secret.encode(), timestamp + b'.' + request.body, 'sha256').hex()}"
    return hmac.compare_digest(given, expected.encode()) and _is_fresh(request)


def _is_fresh(request: HttpRequest) -> bool:
    try:
        send_time = datetime.fromtimestamp(int(request.header("x-sandbox-timestamp")), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return abs(request.receive_time - send_time) <= _MAX_AGE


def _read(event: Any) -> ProviderEvent | Note:
    try:
        return _event(event)
    except (ValueError, OverflowError) as reason:
        return _unreadable(f"An event was ignored: {reason}.")


def _event(event: Any) -> ProviderEvent:
    match _text(event, "type"):
        case "message":
            return MessageReceived(
                platform_event_id=_text(event, "id"),
                event_time=_time(event, "time"),
                contact=_contact(event.get("from")),
                platform_message_id=_text(event, "message_id"),
                content=_content(event.get("message")),
            )
        case "echo":
            return EchoReceived(
                platform_event_id=_text(event, "id"),
                event_time=_time(event, "time"),
                contact=_contact(event.get("to")),
                platform_message_id=_text(event, "message_id"),
                content=_content(event.get("message")),
            )
        case "status":
            status, failure = _status(event)
            return ReportReceived(
                platform_event_id=_text(event, "id"),
                event_time=_time(event, "time"),
                platform_message_id=_text(event, "message_id"),
                status=status,
                failure=failure,
            )
        case other:
            raise ValueError(f"type {other!r} is not known")


def _contact(person: Any) -> Contact:
    number = _text(person, "number")
    first_name, _, last_name = _optional_text(person, "name").partition(" ")
    return Contact(address=number, phone=number, first_name=first_name, last_name=last_name)


def _content(message: Any) -> Content:
    match _text(message, "type"):
        case "text" | "button":  # a tapped button is an answer like any other
            return Text(text=_text(message, "text"))
        case "media":
            return Attachment(
                kind=MediaKind(_text(message, "kind")),
                url=_text(message, "url"),
                mime_type=_optional_text(message, "mime_type"),
                file_name=_optional_text(message, "file_name"),
                caption=_optional_text(message, "caption"),
            )
        case "location":
            return Location(
                latitude=_degrees(message, "latitude", 90),
                longitude=_degrees(message, "longitude", 180),
                name=_optional_text(message, "name"),
                address=_optional_text(message, "address"),
            )
        case other:
            raise ValueError(f"message.type {other!r} is not known")


def _status(event: Any) -> tuple[Status, Failure | None]:
    match _text(event, "status"):
        case "delivered":
            return Status.DELIVERED, None
        case "read":
            return Status.READ, None
        case "failed":
            return Status.FAILED, undelivered(_optional_text(event, "reason"))
        case other:
            raise ValueError(f"status {other!r} is not known")


def _text(fields: Any, name: str) -> str:
    if text := _optional_text(fields, name):
        return text
    raise ValueError(f"{name} is missing")


def _optional_text(fields: Any, name: str) -> str:
    text = fields.get(name) if isinstance(fields, dict) else None
    # JSON can spell half a surrogate pair, which no UTF-8 can carry on.
    return text.encode(errors="replace").decode() if isinstance(text, str) else ""


def _time(fields: Any, name: str) -> datetime:
    return datetime.fromisoformat(_text(fields, name)).astimezone(UTC)


def _degrees(fields: Any, name: str, limit: int) -> float:
    match fields.get(name):
        case int() | float() as degrees if abs(degrees) <= limit:
            return float(degrees)
        case _:
            raise ValueError(f"{name} is not in degrees")


def _unreadable(text: str) -> Note:
    return Note(code="unreadable", text=text)
