"""What content a gRPC client may send: the rules of the contract, checked before anything is stored. Pure."""

import json
import math
from typing import assert_never

from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    QuickReplies,
    Template,
    Text,
)
from core.inboxes import web_links

MAX_TEXT_CHARACTERS = 100_000
MAX_URL_CHARACTERS = 2048
MAX_REPLIES = 10
MAX_REPLY_CHARACTERS = 256
MAX_NAME_CHARACTERS = 255
MAX_PAYLOAD_BYTES = 64 * 1024
MAX_ADDRESS_CHARACTERS = 200


class Unsendable(Exception):
    """A field of the content breaks a rule; `field` is its path below the content."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}")
        self.field = field


def check_content(content: Content) -> None:
    """Raise `Unsendable` for the first rule that is broken."""
    match content:
        case Text(text=text):
            _words("text.text", text)
        case Attachment():
            _attachment(content)
        case Location(latitude=latitude, longitude=longitude):
            _degrees("location.latitude", latitude, 90)
            _degrees("location.longitude", longitude, 180)
        case QuickReplies(text=text, replies=replies):
            _words("quick_replies.text", text)
            if not 1 <= len(replies) <= MAX_REPLIES:
                raise Unsendable("quick_replies.replies", f"has 1 to {MAX_REPLIES} replies")
            for index, reply in enumerate(replies):
                _words(f"quick_replies.replies[{index}]", reply, MAX_REPLY_CHARACTERS)
        case ContactCard(name=name):
            _words("contact_card.name", name, MAX_NAME_CHARACTERS)
        case Template(name=name, language=language):
            _words("template.name", name, MAX_NAME_CHARACTERS)
            _words("template.language", language, MAX_NAME_CHARACTERS)
        case CustomPayload(json=payload):
            _payload(payload)
        case _:
            assert_never(content)


def check_address(address: str) -> None:
    """Raise `Unsendable` unless it may be somebody's id on a platform."""
    _words("address", address, MAX_ADDRESS_CHARACTERS)


def _words(field: str, text: str, longest: int = MAX_TEXT_CHARACTERS) -> None:
    if not text.strip():
        raise Unsendable(field, "is empty")
    if len(text) > longest:
        raise Unsendable(field, f"is longer than {longest} characters")
    if "\0" in text:
        raise Unsendable(field, "contains a NUL character")


def _attachment(attachment: Attachment) -> None:
    if not attachment.url:
        raise Unsendable("attachment.url", "is missing")
    if len(attachment.url) > MAX_URL_CHARACTERS:
        raise Unsendable("attachment.url", f"is longer than {MAX_URL_CHARACTERS} characters")
    if rule := web_links.objection(attachment.url):
        raise Unsendable("attachment.url", rule)
    if attachment.caption:
        _words("attachment.caption", attachment.caption)


def _degrees(field: str, value: float, greatest: int) -> None:
    if not math.isfinite(value) or abs(value) > greatest:
        raise Unsendable(field, f"is not between -{greatest} and {greatest} degrees")


def _payload(payload: str) -> None:
    if len(payload.encode()) > MAX_PAYLOAD_BYTES:
        raise Unsendable("custom_payload.json", f"is larger than {MAX_PAYLOAD_BYTES} bytes")
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        raise Unsendable("custom_payload.json", "is not JSON") from None
    if not isinstance(document, dict):
        raise Unsendable("custom_payload.json", "is not a JSON object")
