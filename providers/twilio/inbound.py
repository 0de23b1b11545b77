"""What Twilio tells us: one webhook in, events and the reply out. No I/O, and no exception for any input.

A webhook tells of one message. Whether that came in or is one of ours is said by its fields, so both kinds may come to
any of the paths here, as an account that was set up by hand may have it.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from anychannel import HttpReply, HttpRequest, Note, ProviderEvent, Received
from providers.twilio.message import read_message
from providers.twilio.report import read_report
from providers.twilio.sender import Sender
from providers.twilio.signature import signed_fields
from providers.twilio.wire import by_name

INBOUND_PATH: Final = "/inbound"
STATUS_PATH: Final = "/status"

_PATHS: Final = frozenset({"", INBOUND_PATH, STATUS_PATH})
# No verb in it: nothing is answered to the contact. https://www.twilio.com/docs/messaging/twiml
_NOTHING_TO_SAY: Final = HttpReply(headers=(("content-type", "text/xml"),), body=b"<Response/>")


def read_webhook(request: HttpRequest, *, sender: Sender, webhook_url: str, auth_tokens: Iterable[str]) -> Received:
    """Verify and read one webhook; `webhook_url` is the channel's, empty when it has none."""
    signed = signed_fields(request, webhook_url=webhook_url, auth_tokens=auth_tokens)
    if signed is None:
        return Received(reply=HttpReply(status_code=HTTPStatus.UNAUTHORIZED), notes=(_NOT_VERIFIED,))
    if request.path.rstrip("/") not in _PATHS:
        return Received(reply=HttpReply(status_code=HTTPStatus.NOT_FOUND))
    fields = by_name(signed)
    if not fields.get("MessageSid"):
        return Received(reply=_NOTHING_TO_SAY, notes=(_NOT_A_MESSAGE,))
    if _is_about_ours(fields):
        return _received(read_report(fields, now=request.receive_time))
    return _received(read_message(fields, sender=sender, now=request.receive_time))


def _received(read: tuple[ProviderEvent, ...] | Note) -> Received:
    if isinstance(read, Note):
        return Received(notes=(read,), reply=_NOTHING_TO_SAY)
    return Received(events=read, reply=_NOTHING_TO_SAY)


def _is_about_ours(fields: dict[str, str]) -> bool:
    """https://www.twilio.com/docs/messaging/api/message-resource#message-status-values."""
    return fields.get("MessageStatus", "") not in {"", "receiving", "received"}


_NOT_VERIFIED: Final = Note(
    code="not_verified",
    text="The signature is not Twilio's: check the auth token, and that the gateway's public address is the one "
    "that Twilio calls.",
)
_NOT_A_MESSAGE: Final = Note(code="unknown_webhook", text="A webhook that is not about a message was ignored.")
