"""Reads Meta's webhooks: one may hold several accounts' entries, each with several changes.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint

Every change says something, be it only a note on why it was ignored; none makes this module raise. Whether it
is Meta's is decided by `proof`, what a message says by `message`, who wrote it by `people`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from anychannel import (
    Contact,
    EchoReceived,
    HttpRequest,
    MessageReceived,
    Note,
    ProviderEvent,
    Received,
    ReportReceived,
    Status,
)
from providers.whatsapp.failures import read_report
from providers.whatsapp.fields import Fields
from providers.whatsapp.message import read_message
from providers.whatsapp.people import People, contact_at
from providers.whatsapp.proof import Secrets, answer_verification, is_signed, refused

# The last second that datetime can hold.
_LAST_SECOND: Final = 253_402_300_799

_STATUSES: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,  # a voice message, for the first time
    "failed": Status.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What one change says."""

    events: tuple[ProviderEvent, ...] = ()
    notes: tuple[Note, ...] = ()


def read_request(request: HttpRequest, *, secrets: Secrets, phone_number_id: str) -> Received:
    """Answer Meta's verification, or read one webhook for the business number with this id."""
    match request.method:
        case "GET":
            return answer_verification(request, secrets)
        case "POST" if is_signed(request, secrets):
            return _read_body(request, phone_number_id)
        case "POST":
            return refused(HTTPStatus.UNAUTHORIZED, "not_verified", "The request was not signed with the app secret.")
        case _:
            return refused(HTTPStatus.METHOD_NOT_ALLOWED, "not_understood", "Meta only sends GET and POST requests.")


def _read_body(request: HttpRequest, phone_number_id: str) -> Received:
    body = Fields.parse(request.body)
    if body is None:
        return refused(HTTPStatus.BAD_REQUEST, "not_understood", "The request's body is no JSON object.")
    if body.text("object") != "whatsapp_business_account":
        return Received(notes=(Note(code="not_understood", text="The webhook is not about a WhatsApp account."),))
    readings = [
        _change(change, phone_number_id=phone_number_id, now=request.receive_time)
        for entry in body.objects("entry")
        for change in entry.objects("changes")
    ]
    return Received(
        events=tuple(event for reading in readings for event in reading.events),
        notes=tuple(note for reading in readings for note in reading.notes),
    )


def _change(change: Fields, *, phone_number_id: str, now: datetime) -> _Reading:
    field, value = change.text("field"), change.object("value")
    if field not in {"messages", "smb_message_echoes"}:
        return _ignored(
            "change_ignored", f"A change of a kind that is not read was ignored: {field[:60] or 'unnamed'}."
        )
    if value.object("metadata").text("phone_number_id") != phone_number_id:
        return _ignored("other_number_ignored", "A change of another phone number of the same app was ignored.")
    people = People.of(value)
    readings = [
        *(_message(message, people=people, now=now) for message in value.objects("messages")),
        *(_echo(echo, now=now) for echo in value.objects("message_echoes")),
        *(_report(status, now=now) for status in value.objects("statuses")),
    ]
    errors = tuple(_error_note(error) for error in value.objects("errors"))
    if not readings and not errors:
        return _ignored("not_understood", "A change without messages and statuses was ignored.")
    return _Reading(
        events=tuple(event for reading in readings for event in reading.events),
        notes=(*errors, *(note for reading in readings for note in reading.notes)),
    )


def _message(message: Fields, *, people: People, now: datetime) -> _Reading:
    """.../webhooks/reference/messages#incoming-messages."""
    if message.text("group_id"):
        return _ignored("group_ignored", "Only chats with one person are joined to the inbox; a group's was ignored.")
    return _told(MessageReceived, message, contact=people.sender_of(message), now=now)


def _echo(echo: Fields, *, now: datetime) -> _Reading:
    """What the business wrote in the WhatsApp Business app: .../webhooks/reference/smb_message_echoes."""
    contact = contact_at(echo.text("to"), user_id=echo.text("to_user_id"))
    return _told(EchoReceived, echo, contact=contact, now=now)


def _told(
    kind: type[MessageReceived | EchoReceived], message: Fields, *, contact: Contact | None, now: datetime
) -> _Reading:
    said, message_id = read_message(message), message.text("id")
    if not said.contents:
        return _Reading(notes=said.notes)
    if contact is None or not message_id:
        return _ignored("not_understood", "A message without an id, or without saying whose, was ignored.")
    ids = _ids(message_id, len(said.contents))
    return _Reading(
        events=tuple(
            kind(
                platform_event_id=each_id,
                event_time=_time(message, default=now),
                contact=contact,
                platform_message_id=each_id,
                content=content,
                notes=said.notes,
            )
            for each_id, content in zip(ids, said.contents, strict=True)
        )
    )


def _report(status: Fields, *, now: datetime) -> _Reading:
    """.../webhooks/reference/messages/status."""
    message_id, name = status.text("id"), status.text("status")
    if status.text("recipient_type") == "group":
        return _ignored("group_ignored", "A report on a message to a group was ignored.")
    reached = _STATUSES.get(name)
    if not message_id or reached is None:
        return _ignored(
            "status_ignored", f"A report that is not understood was ignored: {name[:40] or 'without status'}."
        )
    report = ReportReceived(
        platform_event_id=f"{message_id}:{name}",
        event_time=_time(status, default=now),
        platform_message_id=message_id,
        status=reached,
        failure=read_report(status.objects("errors")) if reached is Status.FAILED else None,
    )
    return _Reading(events=(report,))


def _ids(message_id: str, count: int) -> tuple[str, ...]:
    """WhatsApp's id for the first content of a message, and one made of it for each further one."""
    return (message_id, *(f"{message_id}:{number}" for number in range(2, count + 1)))


def _error_note(error: Fields) -> Note:
    """.../webhooks/reference/messages/errors."""
    words = error.object("error_data").text("details") or error.text("message") or error.text("title")
    return Note(code="platform_error", text=f"WhatsApp reports the error {error.number('code')}: {words[:300]}")


def _time(fields: Fields, *, default: datetime) -> datetime:
    seconds = fields.number("timestamp")
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= _LAST_SECOND else default


def _ignored(code: str, text: str) -> _Reading:
    return _Reading(notes=(Note(code=code, text=text),))
