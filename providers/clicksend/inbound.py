"""What ClickSend tells us: one webhook in, events and the reply out. No I/O, and no exception for any input.

ClickSend signs nothing: its webhooks are proved by the token in their path, which core has checked, and by the
parameter `key` where the channel has a token of its own. The API reference is silent on what they hold. This reads
what ClickSend's help lists and what its own integration expects, leniently: in any format that a rule can have, each
field by its current or its older name.

* https://help.clicksend.com/article/p4c49va5b6-what-dlr-format-will-the-api-send
* https://github.com/ClickSend/integration-n8n/blob/bd95349af8/nodes/ClickSend/ClickSendTrigger.node.ts
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from anychannel import (
    Contact,
    HttpReply,
    HttpRequest,
    MessageReceived,
    Note,
    Received,
    ReportReceived,
    Status,
    Text,
)
from providers.clicksend.failures import undelivered
from providers.clicksend.wire import parse_json

INBOUND_PATH = "/inbound"
RECEIPTS_PATH = "/receipts"
KEY_PARAMETER = "key"

_MAX_FIELDS = 100
_LONGEST_SHORT_CODE = 6
# "message_type": receipts of ClickSend's other services come in the same format.
_OTHER_SERVICES = frozenset({"voice", "email", "fax"})


def read_webhook(request: HttpRequest, key: str) -> Received:
    """Verify and read one webhook. An empty `key` demands none.

    ClickSend sends again what is not answered with 200: time for an operator to mend a wrong address or key. For how long
    is no longer documented; it was hours: https://help.clicksend.com/article/ipkvj08rks-do-you-retry-webhooks-on-timeout-or-failure.
    """
    query = _form(request.query)
    if key and not hmac.compare_digest(query.get(KEY_PARAMETER, "").encode(errors="replace"), key.encode()):
        return Received(reply=HttpReply(status_code=401))
    read = _READERS.get(request.path.rstrip("/"))
    if read is None:
        return Received(reply=HttpReply(status_code=404))
    return read(request, _fields(request, query))


def _read_message(request: HttpRequest, fields: Mapping[str, str]) -> Received:
    # Not "sms": it is the receiving number in the documentation, and the sending one in ClickSend's own example.
    number = _e164(fields.get("from", ""))
    if not number:
        return _unreadable("A webhook for inbound messages names no sender.")
    text = fields.get("body") or fields.get("message") or ""
    # An MMS comes here too, its attachment turned into a link; in which field is documented nowhere.
    if not text:
        return Received(notes=(Note(code="empty_message", text="An SMS without text was ignored."),))
    # Without an id the same bytes are the same message: ClickSend repeats webhooks that it believes lost.
    message_id = fields.get("message_id") or fields.get("messageid") or _digest(request)
    message = MessageReceived(
        platform_event_id=message_id,
        event_time=_time(fields.get("timestamp") or fields.get("timestamp_send") or "", request.receive_time),
        contact=Contact(address=number, phone=number),
        platform_message_id=message_id,
        content=Text(text=text),
    )
    return Received(events=(message,))


def _read_receipt(request: HttpRequest, fields: Mapping[str, str]) -> Received:
    message_id = fields.get("message_id") or fields.get("messageid") or ""
    if not message_id:
        return _unreadable("A webhook for delivery receipts names no message.")
    if fields.get("message_type", "").lower() in _OTHER_SERVICES:
        return Received(notes=(Note(code="other_service", text="The receipt is not about an SMS."),))
    status = _status(fields)
    if status is None:
        return Received(notes=(Note(code="not_final", text="The receipt says that the SMS is still on its way."),))
    report = ReportReceived(
        # A message may have several receipts, and a receipt may be told several times.
        platform_event_id=f"{message_id}:{status}",
        event_time=_time(fields.get("timestamp", ""), request.receive_time),
        platform_message_id=message_id,
        status=status,
        failure=undelivered(
            status=fields.get("status", ""),
            text=fields.get("error_text") or fields.get("status_text") or "",
            code=fields.get("error_code") or fields.get("status_code") or "",
        )
        if status is Status.FAILED
        else None,
    )
    return Received(events=(report,))


_READERS = {INBOUND_PATH: _read_message, RECEIPTS_PATH: _read_receipt}


def _status(fields: Mapping[str, str]) -> Status | None:
    """None while ClickSend still tries: https://help.clicksend.com/en/articles/42318-sms-error-codes."""
    match fields.get("status_code", ""), fields.get("status", "").lower():
        case "201", _:
            return Status.DELIVERED
        case "301", _:
            return Status.FAILED
        case "", "failed" | "cancelled" | "cancelledafterreview":  # the last of them has no code
            return Status.FAILED
        case _:
            return None


def _fields(request: HttpRequest, query: Mapping[str, str]) -> Mapping[str, str]:
    """The fields, whichever webhook_type the rule has; which Content-Type goes with JSON is documented nowhere."""
    body = request.body.strip()
    if not body:
        return query
    if not body.startswith(b"{"):
        return _form(body.decode(errors="replace"))
    answer = parse_json(body)
    return {name: _plain(value) for name, value in answer.items()} if isinstance(answer, dict) else {}


def _form(encoded: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(encoded, keep_blank_values=True, errors="replace", max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def _plain(value: object) -> str:
    match value:
        case str():
            # JSON can spell half a surrogate pair, which no UTF-8 can carry on.
            return value.encode(errors="replace").decode()
        case int():
            return str(value)
        case _:
            return ""


def _e164(number: str) -> str:
    """ClickSend writes E.164; where a plus was not escaped in a form, it arrives as a space, or not at all."""
    number = number.strip()
    return f"+{number}" if number.isascii() and number.isdecimal() and len(number) > _LONGEST_SHORT_CODE else number


def _time(timestamp: str, default: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        return default


def _digest(request: HttpRequest) -> str:
    return hashlib.sha256(request.body or request.query.encode()).hexdigest()


def _unreadable(text: str) -> Received:
    return Received(reply=HttpReply(status_code=400), notes=(Note(code="unreadable", text=text),))
