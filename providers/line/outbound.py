"""Spells a part as one push: https://developers.line.biz/en/reference/messaging-api/#send-push-message.

Core has shaped it already: texts and buttons are not measured again here. One push carries up to five messages and counts
as one, so a caption goes with its attachment.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from anychannel import (
    Attachment,
    Content,
    ContentRejected,
    ContentUnsupported,
    CustomPayload,
    Location,
    MediaKind,
    Note,
    Part,
    QuickReplies,
    Text,
)

Json = Mapping[str, object]

_LONGEST_URL: Final = 2000
# https://developers.line.biz/en/reference/messaging-api/#location-message, in UTF-16 code units:
# https://developers.line.biz/en/docs/messaging-api/text-character-count/
_LONGEST_PLACE: Final = 100
_OURS: Final = uuid.UUID("6f1c1f57-4f0e-5d55-9a70-0c0f0a7c1d1e")
_NO_PREVIEW: Final = Note(
    code="sent_as_link",
    text="LINE shows a video only with a preview picture, so it went as a link: see the setting preview_url.",
)
_NO_ADDRESS: Final = Note(
    code="sent_as_link", text="LINE takes only https addresses of up to 2,000 characters, so it went as a link."
)
_SHORTENED: Final = Note(
    code="location_shortened", text="LINE takes 100 characters for a place's name and as many for its address."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """The body of one push, and the key by which LINE knows a repeated one."""

    body: Json
    retry_key: str
    notes: tuple[Note, ...] = ()


def spell(part: Part, *, preview_url: str = "") -> Push:
    """How `part` is said. Raises ContentUnsupported or ContentRejected for what cannot be.

    `preview_url` is the picture shown in place of a video until it is played.
    """
    messages, notes = _messages(part.content, preview_url)
    return Push(
        body={"to": part.address, "messages": messages},
        # https://developers.line.biz/en/docs/messaging-api/retrying-api-request/: valid for 24 hours
        retry_key=str(uuid.uuid5(_OURS, part.idempotency_key)),
        notes=notes,
    )


def _messages(content: Content, preview_url: str) -> tuple[list[Json], tuple[Note, ...]]:
    match content:
        case Text(text=text):
            return [_text(text)], ()
        case QuickReplies(text=text, replies=replies):
            return [{**_text(text), "quickReply": {"items": [_reply(reply) for reply in replies]}}], ()
        case Attachment():
            message, notes = _attachment(content, preview_url)
            return [message, *([_text(content.caption)] if content.caption else [])], notes
        case Location():
            return _location(content)
        case CustomPayload(json=payload):
            return [_custom(payload)], ()
        case _:
            raise ContentUnsupported(f"LINE cannot show a {type(content).__name__}.")


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _reply(reply: str) -> Json:
    """A tap sends the words, as if typed: https://developers.line.biz/en/reference/messaging-api/#message-action."""
    return {"type": "action", "action": {"type": "message", "label": reply, "text": reply}}


def _attachment(attachment: Attachment, preview_url: str) -> tuple[Json, tuple[Note, ...]]:
    url = attachment.url
    if not url.startswith("https://") or len(url) > _LONGEST_URL:
        return _text(url), (_NO_ADDRESS,)
    if attachment.kind is MediaKind.IMAGE:
        return {"type": "image", "originalContentUrl": url, "previewImageUrl": url}, ()
    if attachment.kind is MediaKind.VIDEO and preview_url:
        return {"type": "video", "originalContentUrl": url, "previewImageUrl": preview_url}, ()
    if attachment.kind is MediaKind.VIDEO:
        return _text(url), (_NO_PREVIEW,)
    raise ContentUnsupported(f"LINE takes no attachment of the kind {attachment.kind}.")


def _location(location: Location) -> tuple[list[Json], tuple[Note, ...]]:
    """LINE requires a title and an address of every place."""
    point = f"{location.latitude:.6f}, {location.longitude:.6f}"
    name, address = location.name or location.address or point, location.address or point
    title, street = _shortened(name), _shortened(address)
    message = {
        "type": "location",
        "title": title,
        "address": street,
        "latitude": location.latitude,
        "longitude": location.longitude,
    }
    return [message], (_SHORTENED,) if (title, street) != (name, address) else ()


def _shortened(text: str) -> str:
    """The beginning of `text`, never half a character."""
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * _LONGEST_PLACE else units[: 2 * _LONGEST_PLACE].decode("utf-16-le", "ignore")


def _custom(payload: str) -> Json:
    """A message object, as LINE documents it: a Flex message, for instance."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not message:
        raise ContentRejected("A custom payload for LINE is the JSON object of one message.")
    return message
