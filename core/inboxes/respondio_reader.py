"""Reads what a respond.io inbox posts to `/message`: leniently in form, strictly in what it means.

Where the vendor shows one spelling and code in the field another, both are read; a field nobody knows is ignored; a
field that would change what the contact gets is refused by name, in words for the agent.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from anychannel.content import Attachment, Content, CustomPayload, Location, MediaKind, QuickReplies, Text
from core.contact_ids import is_contact_id
from core.inboxes import web_links
from core.inboxes.binding import IdType
from core.inboxes.sends import InboxSend, refused_field
from core.inboxes.strict_json import printable

MAX_TEXT_LENGTH = 100_000
MAX_URL_LENGTH = 2048
MAX_REPLIES = 10
MAX_REPLY_LENGTH = 256
MAX_PAYLOAD_BYTES = 64 * 1024

_MAX_FILE_NAME_LENGTH = 255
_MAX_SIZE_BYTES = 2**63 - 1
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,30})?")
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}/[a-z0-9][a-z0-9.+_-]{0,126}(;[\x20-\x7e]{0,60})?", re.IGNORECASE)
_KNOWN_TYPES = ("text", "attachment", "location", "quick_reply", "custom_payload")
_ID_RULES = {
    IdType.PHONE: "is not a phone number in international form, like +4915112345678.",
    IdType.CUSTOM: "is not an id of this channel: up to 50 letters, digits and _ = + / @.",
}


def inbox_channel_id(document: Mapping[str, object]) -> str:
    """The inbox's id of the channel it writes to; empty when it gives none."""
    return _stringified(document.get("channelId"))


def read_send(document: Mapping[str, object], id_type: IdType) -> InboxSend:
    """Read a whole send out of what `decode` made of the request.

    Raises:
        RequestRefused: 400, with the field.
    """
    contact_id = _contact_id(document.get("contactId"), id_type)
    message = _object(document.get("message"), "message")
    return InboxSend(contact_id=contact_id, content=_content(message))


def _content(message: Mapping[str, Any]) -> Content:
    match message.get("type"):
        case "text":
            return Text(text=_words(message.get("text"), "message.text"))
        case "attachment":
            return _attachment(_object(message.get("attachment"), "message.attachment"))
        case "location":
            return _location(message)
        case "quick_reply":
            return _quick_replies(message)
        case "custom_payload":
            return _custom_payload(message)
        case other:
            known = ", ".join(_KNOWN_TYPES)
            said = f'"{printable(other)}" is not known' if isinstance(other, str) else "is missing"
            raise refused_field("message.type", f"{said}; this channel takes {known}.")


def _attachment(attachment: Mapping[str, Any]) -> Attachment:
    kind = attachment.get("type")
    if kind not in tuple(MediaKind):
        raise refused_field("message.attachment.type", f"is not one of {', '.join(MediaKind)}.")
    return Attachment(
        kind=MediaKind(kind),
        url=_link(attachment.get("url"), "message.attachment.url"),
        mime_type=_mime_type(attachment.get("mimeType")) or _mime_type(attachment.get("mime")),
        file_name=_file_name(attachment.get("fileName")),
        caption=_optional_words(attachment.get("description"), "message.attachment.description"),
        size_bytes=_size(attachment.get("size")),
    )


def _location(message: Mapping[str, Any]) -> Location:
    nested = message.get("location")
    place, path = (nested, "message.location") if isinstance(nested, Mapping) else (message, "message")
    return Location(
        latitude=_degrees(place, ("latitude", "lat"), path, 90),
        longitude=_degrees(place, ("longitude", "lng", "lon"), path, 180),
        name=_optional_words(place.get("name"), f"{path}.name"),
        address=_optional_words(place.get("address"), f"{path}.address"),
    )


def _quick_replies(message: Mapping[str, Any]) -> QuickReplies:
    title = _words(message.get("title"), "message.title")
    replies = message.get("replies")
    if not isinstance(replies, list) or not 1 <= len(replies) <= MAX_REPLIES:
        raise refused_field("message.replies", f"is not a list of 1 to {MAX_REPLIES} answers.")
    labels = (
        _words(reply, f"message.replies[{index}]", max_length=MAX_REPLY_LENGTH) for index, reply in enumerate(replies)
    )
    return QuickReplies(text=title, replies=tuple(labels))


def _custom_payload(message: Mapping[str, Any]) -> CustomPayload:
    payload = _object(message.get("payload"), "message.payload")
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode("utf-8", "replace")) > MAX_PAYLOAD_BYTES:
        raise refused_field("message.payload", f"is larger than {MAX_PAYLOAD_BYTES:,} bytes.")
    return CustomPayload(json=text)


def _contact_id(value: object, id_type: IdType) -> str:
    contact_id = _stringified(value)
    if id_type is IdType.PHONE and contact_id and not isinstance(value, str):
        contact_id = f"+{contact_id}"  # a JSON number cannot carry it
    if not contact_id:
        raise refused_field("contactId", "is missing.")
    if not is_contact_id(contact_id, id_type):
        raise refused_field("contactId", _ID_RULES[id_type])
    return contact_id


def _stringified(value: object) -> str:
    match value:
        case str():
            return value
        case int() if not isinstance(value, bool):
            return str(value) if abs(value) < 10**50 else ""
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return ""


def _object(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise refused_field(field, "is missing." if value is None else "is not an object.")
    return value


def _words(value: object, field: str, *, max_length: int = MAX_TEXT_LENGTH) -> str:
    if not isinstance(value, str):
        raise refused_field(field, "is missing." if value is None else "is not a text.")
    if not value.strip():
        raise refused_field(field, "is empty.")
    if len(value) > max_length:
        raise refused_field(field, f"is longer than {max_length:,} characters.")
    return value


def _optional_words(value: object, field: str) -> str:
    is_blank = value is None or (isinstance(value, str) and not value.strip())
    return "" if is_blank else _words(value, field)


def _link(value: object, field: str) -> str:
    url = _words(value, field, max_length=MAX_URL_LENGTH)
    objection = web_links.objection(url)
    if objection:
        raise refused_field(field, objection)
    return url


def _mime_type(value: object) -> str:
    return value.strip() if isinstance(value, str) and _MIME_TYPE.fullmatch(value.strip()) else ""


def _file_name(value: object) -> str:
    if not isinstance(value, str):
        return ""
    name = re.split(r"[/\\]", value)[-1]
    return "".join(character for character in name if character.isprintable()).strip()[:_MAX_FILE_NAME_LENGTH]


def _size(value: object) -> int:
    size = _number(value)
    return int(size) if size is not None and 0 <= size <= _MAX_SIZE_BYTES else 0


def _degrees(place: Mapping[str, Any], names: tuple[str, ...], path: str, greatest: int) -> float:
    name = next((name for name in names if place.get(name) is not None), names[0])
    degrees = _number(place.get(name))
    if degrees is None or not -greatest <= degrees <= greatest:
        raise refused_field(f"{path}.{name}", f"is not a number from -{greatest} to {greatest}.")
    return degrees


def _number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value) if math.isfinite(value) else None
        except OverflowError:
            return None
    return None
