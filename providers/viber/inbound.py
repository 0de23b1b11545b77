"""Reads the callbacks of a Viber bot: https://developers.viber.com/docs/api/rest-bot-api/#callbacks.

A callback tells one event. It says something, be it only a note on why it was ignored; none makes this module raise. What a
message says is read by `message`.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

from anychannel import (
    Contact,
    Failure,
    FailureKind,
    HttpReply,
    HttpRequest,
    MessageReceived,
    Note,
    ProviderEvent,
    Received,
    ReportReceived,
    Status,
)
from providers.viber.fields import Fields
from providers.viber.message import read_message
from providers.viber.proof import is_signed, refused

_STATUSES: Final = {"delivered": Status.DELIVERED, "seen": Status.READ, "failed": Status.FAILED}
_IGNORED: Final = {
    "subscribed": "The contact subscribed to the bot.",
    "unsubscribed": "The contact unsubscribed from the bot.",
    "conversation_started": "The contact opened the conversation.",
    "webhook": "Viber asked whether the gateway listens.",
}
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)


def read_webhook(request: HttpRequest, *, auth_token: str) -> Received:
    """Verify and read one callback.

    The callback by which Viber tries an address that is being set tells nothing, and is answered without proof too.
    https://developers.viber.com/docs/api/rest-bot-api/#setting-a-webhook
    """
    signed, body = is_signed(request, auth_token=auth_token), Fields.parse(request.body)
    if not signed and (body is None or body.text("event") != "webhook"):
        return refused()
    if body is None:
        note = Note(code="not_understood", text="The request's body is no JSON object.")
        return Received(reply=HttpReply(status_code=HTTPStatus.BAD_REQUEST), notes=(note,))
    read = _event(body, request.receive_time)
    return Received(notes=(read,)) if isinstance(read, Note) else Received(events=(read,))


def _event(fields: Fields, now: datetime) -> ProviderEvent | Note:
    kind = fields.text("event")
    if reader := _READERS.get(kind):
        return reader(fields, fields.time("timestamp") or now)
    if kind in _IGNORED:
        return Note(code=f"{kind}_ignored", text=_IGNORED[kind])
    return Note(
        code="event_ignored", text=f"An event of a kind that is not read was ignored: {kind[:40] or 'unknown'}."
    )


def _message(fields: Fields, time: datetime) -> ProviderEvent | Note:
    sender, token = fields.object("sender"), _token(fields)
    if not token or not sender.text("id"):
        return Note(code="not_understood", text="A message without a token or a sender was ignored.")
    said = read_message(fields.object("message"))
    return MessageReceived(
        platform_event_id=f"message:{token}",
        event_time=time,
        contact=_contact(sender),
        platform_message_id=token,
        content=said.content,
        notes=said.notes,
    )


def _report(fields: Fields, time: datetime) -> ProviderEvent | Note:
    kind, token = fields.text("event"), _token(fields)
    if not token:
        return Note(code="not_understood", text="A report without a token was ignored.")
    status = _STATUSES[kind]
    return ReportReceived(
        platform_event_id=f"{kind}:{token}",
        event_time=time,
        platform_message_id=token,
        status=status,
        failure=_failure(fields) if status is Status.FAILED else None,
    )


def _failure(fields: Fields) -> Failure:
    """The message reached the contact's app, which could not show it.

    https://developers.viber.com/docs/api/rest-bot-api/#failed-callback
    """
    reason = fields.text("desc").rstrip(".")[:300] or "it gives no reason"
    return Failure(kind=FailureKind.CONTENT_REJECTED, text=f"The contact's Viber could not show this: {reason}.")


_READERS: Final[Mapping[str, Callable[[Fields, datetime], ProviderEvent | Note]]] = {
    "message": _message,
    **dict.fromkeys(_STATUSES, _report),
}


def _contact(sender: Fields) -> Contact:
    """https://developers.viber.com/docs/api/rest-bot-api/#user-object."""
    language, country, picture = sender.text("language"), sender.text("country"), sender.text("avatar")
    return Contact(
        address=sender.text("id"),
        first_name=sender.text("name"),
        language=language if _LANGUAGE.fullmatch(language) else "",
        country_code=country if _COUNTRY.fullmatch(country) else "",
        picture_url=picture if picture.startswith("https://") else "",
    )


def _token(fields: Fields) -> str:
    """A whole number of up to 64 bits; a hash of anything longer, because core stores up to 200 characters."""
    token = fields.text("message_token")
    return token if len(token) <= 100 else f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"
