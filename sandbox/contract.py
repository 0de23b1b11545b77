"""The inbox's rules for what a custom channel posts to its webhook, strictly: one envelope in, its events out.

Real inboxes forgive some of this in ways nobody wrote down; whoever satisfies these rules relies on none of that.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal
from urllib.parse import urlsplit

from sandbox.settings import IdType

MAX_ID_LENGTH = 50
MAX_REPLIES = 10
EARLIEST_MS = 946_684_800_000  # 2000-01-01: a time in seconds, read as milliseconds, is in January 1970
MAX_AHEAD_MS = 10 * 60 * 1000  # clocks differ; a time in microseconds is thousands of years ahead

STATUSES = ("sent", "delivered", "read", "failed")
ATTACHMENT_TYPES = ("image", "video", "audio", "file")

_CONTACT_ID = {
    IdType.PHONE: (re.compile(r"\+[1-9][0-9]{1,14}"), "must be a phone number in E.164 form, like +4915112345678"),
    IdType.CUSTOM: (re.compile(r"[A-Za-z0-9_=+/@]+"), "may only hold A-Z a-z 0-9 _ = + / @"),
}
_CONTACT_FIELDS = {
    "firstName": (re.compile(r".*\S.*", re.DOTALL), "must not be blank"),
    "lastName": (re.compile(r".*\S.*", re.DOTALL), "must not be blank"),
    "countryCode": (re.compile(r"[A-Z]{2}"), "must be two capital letters (ISO 3166-1)"),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "must be an e-mail address"),
    "phone": _CONTACT_ID[IdType.PHONE],
    "language": (re.compile(r"[a-z]{2}"), "must be two small letters (ISO 639-1)"),
}
_MIME_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?")


class ContractViolation(Exception):
    """The envelope breaks a rule; `field` is the path of what breaks it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the inbox channel was created with, and what time it is."""

    channel_id: str
    id_type: IdType
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent:
    """A message by the contact, or (`message_echo`) by the business from elsewhere."""

    type: Literal["message", "message_echo"]
    m_id: str
    timestamp: int
    message: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """Where a message stands; `reason` only where it failed."""

    m_id: str
    timestamp: int
    status: str
    reason: str | None = None


Event = MessageEvent | StatusEvent


def check_envelope(data: object, rules: Rules) -> list[Event]:
    """The events of one envelope, in order.

    Raises:
        ContractViolation: Naming the first field that breaks a rule.
    """
    envelope = _object(data, "", required=("channelId", "contactId", "events"), optional=("contact",))
    if _text(envelope, "channelId", "") != rules.channel_id:
        raise ContractViolation("channelId", "is not the id of this channel")
    pattern, shape = _CONTACT_ID[rules.id_type]
    contact_id = _text(envelope, "contactId", "", limit=MAX_ID_LENGTH)
    if not pattern.fullmatch(contact_id):
        raise ContractViolation("contactId", shape)
    if "contact" in envelope:
        _check_contact(envelope["contact"])
    events = envelope["events"]
    if not isinstance(events, list) or not events:
        raise ContractViolation("events", "must be an array of at least one event")
    return [_event(event, f"events[{index}]", rules) for index, event in enumerate(events)]


def _check_contact(value: object) -> None:
    contact = _object(value, "contact", optional=(*_CONTACT_FIELDS, "profilePic"))
    for name, (pattern, shape) in _CONTACT_FIELDS.items():
        if name in contact and not pattern.fullmatch(_text(contact, name, "contact")):
            raise ContractViolation(f"contact.{name}", shape)
    if "profilePic" in contact:
        _check_url(contact, "profilePic", "contact")


def _event(value: object, path: str, rules: Rules) -> Event:
    if not isinstance(value, dict):
        raise ContractViolation(path, "must be an object")
    kind = value.get("type")
    if kind == "message" or kind == "message_echo":  # noqa: PLR1714 -- mypy narrows literals by equality, not by `in`
        event = _object(value, path, required=("type", "mId", "timestamp", "message"))
        message = _message(event["message"], f"{path}.message")
        return MessageEvent(type=kind, m_id=_m_id(event, path), timestamp=_time(event, path, rules), message=message)
    if kind == "message_status":
        event = _object(value, path, required=("type", "mId", "timestamp", "status"), optional=("error",))
        status, reason = _status(event, path)
        return StatusEvent(m_id=_m_id(event, path), timestamp=_time(event, path, rules), status=status, reason=reason)
    if kind is None:
        raise ContractViolation(f"{path}.type", "is required")
    raise ContractViolation(f"{path}.type", "must be message, message_echo or message_status")


def _m_id(event: dict[str, Any], path: str) -> str:
    return _text(event, "mId", path, limit=MAX_ID_LENGTH)


def _time(event: dict[str, Any], path: str, rules: Rules) -> int:
    time = event["timestamp"]
    if not isinstance(time, int) or isinstance(time, bool):
        raise ContractViolation(f"{path}.timestamp", "must be an integer")
    if not EARLIEST_MS <= time <= rules.now_ms + MAX_AHEAD_MS:
        raise ContractViolation(f"{path}.timestamp", "must be the time of the event in milliseconds since 1970")
    return time


def _status(event: dict[str, Any], path: str) -> tuple[str, str | None]:
    """The status and its reason, out of the nested shape or the flat one."""
    status = event["status"]
    if isinstance(status, str):
        value, reason = status, _flat_reason(event, path)
        value_path, reason_path = f"{path}.status", f"{path}.error"
    else:
        if "error" in event:
            raise ContractViolation(f"{path}.error", "belongs to the flat shape of a status only")
        nested = _object(status, f"{path}.status", required=("value",), optional=("message",))
        value = _text(nested, "value", f"{path}.status")
        reason = _text(nested, "message", f"{path}.status") if "message" in nested else None
        value_path, reason_path = f"{path}.status.value", f"{path}.status.message"
    if value not in STATUSES:
        raise ContractViolation(value_path, f"must be one of {', '.join(STATUSES)}")
    if reason is not None and value != "failed":
        raise ContractViolation(reason_path, "is for failed messages only")
    return value, reason


def _flat_reason(event: dict[str, Any], path: str) -> str | None:
    match event.get("error"):
        case None:
            return None
        case str(text):
            return text
        case error:
            return _text(_object(error, f"{path}.error", required=("message",)), "message", f"{path}.error")


def _message(value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractViolation(path, "must be an object")
    match value.get("type"):
        case "text":
            message = _object(value, path, required=("type", "text"))
            _text(message, "text", path)
        case "attachment":
            message = _object(value, path, required=("type", "attachment"))
            _check_attachment(message["attachment"], f"{path}.attachment")
        case "location":
            message = _object(value, path, required=("type", "latitude", "longitude"), optional=("address", "name"))
            _check_degrees(message, "latitude", path, limit=90)
            _check_degrees(message, "longitude", path, limit=180)
            _check_texts(message, ("address", "name"), path)
        case "quick_reply":
            message = _object(value, path, required=("type", "title", "replies"))
            _text(message, "title", path)
            _check_replies(message["replies"], f"{path}.replies")
        case None:
            raise ContractViolation(f"{path}.type", "is required")
        case _:
            raise ContractViolation(f"{path}.type", "must be text, attachment, location or quick_reply")
    return message


def _check_attachment(value: object, path: str) -> None:
    attachment = _object(value, path, required=("type", "url"), optional=("mimeType", "fileName", "description"))
    if attachment["type"] not in ATTACHMENT_TYPES:
        raise ContractViolation(f"{path}.type", f"must be one of {', '.join(ATTACHMENT_TYPES)}")
    _check_url(attachment, "url", path)
    if "mimeType" in attachment and not _MIME_TYPE.fullmatch(_text(attachment, "mimeType", path)):
        raise ContractViolation(f"{path}.mimeType", "must be a media type, like image/png")
    _check_texts(attachment, ("fileName", "description"), path)


def _check_replies(replies: object, path: str) -> None:
    if not isinstance(replies, list) or not 1 <= len(replies) <= MAX_REPLIES:
        raise ContractViolation(path, f"must be an array of 1 to {MAX_REPLIES} texts")
    for index, reply in enumerate(replies):
        if not isinstance(reply, str) or not reply:
            raise ContractViolation(f"{path}[{index}]", "must be a text that is not empty")


def _check_degrees(holder: dict[str, Any], name: str, path: str, *, limit: int) -> None:
    degrees = holder[name]
    is_number = isinstance(degrees, int | float) and not isinstance(degrees, bool) and isfinite(degrees)
    if not is_number or abs(degrees) > limit:
        raise ContractViolation(f"{path}.{name}", f"must be a number from -{limit} to {limit}")


def _check_url(holder: dict[str, Any], name: str, path: str) -> None:
    url = _text(holder, name, path)
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url)
    except ValueError:
        is_web = False
    if not is_web:
        raise ContractViolation(f"{path}.{name}", "must be an http or https URL")


def _check_texts(holder: dict[str, Any], names: Collection[str], path: str) -> None:
    for name in names:
        if name in holder:
            _text(holder, name, path)


def _text(holder: dict[str, Any], name: str, path: str, *, limit: int | None = None) -> str:
    text = holder[name]
    if not isinstance(text, str):
        raise ContractViolation(_join(path, name), "must be a string")
    if limit is not None and len(text) > limit:
        raise ContractViolation(_join(path, name), f"must be at most {limit} characters, not {len(text)}")
    return text


def _object(
    value: object, path: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ContractViolation(path or "body", "must be an object")
    for name, item in value.items():
        if item is None:
            raise ContractViolation(_join(path, name), "must be left out rather than null")
        if item == "":
            raise ContractViolation(_join(path, name), "must not be empty")
        if name not in required and name not in optional:
            raise ContractViolation(_join(path, name), "is not a field of the contract")
    for name in required:
        if name not in value:
            raise ContractViolation(_join(path, name), "is required")
    return value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
