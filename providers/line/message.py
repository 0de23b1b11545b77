"""Reads what one LINE message says: https://developers.line.biz/en/reference/messaging-api/#message-event.

Which event a message came in, and from whom, is left to `inbound`.
"""

from dataclasses import dataclass, replace
from typing import Final

from anychannel import Attachment, Content, Location, MediaKind, Note, Text
from providers.line.fields import Fields

_MEDIA: Final = {kind.value: kind for kind in MediaKind}
_MOST_KEYWORDS: Final = 3
_PLACEHOLDER_NOTE: Final = Note(code="content_not_understood", text="A placeholder stands for what cannot be shown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says."""

    content: Content
    notes: tuple[Note, ...] = ()


def read_message(message: Fields) -> Said:
    """What `message` says, with notes on what of it could not be kept."""
    said = _content(message)
    quoted = message.text("quotedMessageId")
    if not quoted:
        return said
    return replace(said, notes=(*said.notes, Note(code="reply", text=f"This replies to the message {quoted[:200]}.")))


def _content(message: Fields) -> Said:
    match message.text("type"):
        case "text" if text := message.text("text"):
            return Said(content=Text(text=text))
        case "image" | "video" | "audio" | "file" as kind:
            return _attachment(message, _MEDIA[kind])
        case "location":
            return _location(message) or _placeholder("location")
        case "sticker":
            return _sticker(message)
        case kind:
            return _placeholder(kind)


def _attachment(message: Fields, kind: MediaKind) -> Said:
    """What a LIFF app sent in the contact's name lies elsewhere and cannot be fetched from LINE."""
    provider = message.object("contentProvider")
    if provider.text("type") == "external":
        url = provider.text("originalContentUrl")
        is_address = url.startswith(("https://", "http://"))
        return Said(content=Attachment(kind=kind, url=url)) if is_address else _placeholder(kind.value)
    return Said(
        content=Attachment(
            kind=kind,
            media_id=message.text("id"),
            file_name=message.text("fileName"),
            size_bytes=max(0, message.number("fileSize")),
        )
    )


def _location(message: Fields) -> Said | None:
    latitude, longitude = message.degrees("latitude", limit=90), message.degrees("longitude", limit=180)
    if latitude is None or longitude is None:
        return None
    return Said(
        content=Location(
            latitude=latitude, longitude=longitude, name=message.text("title"), address=message.text("address")
        )
    )


def _sticker(message: Fields) -> Said:
    """The picture cannot be had: https://developers.line.biz/en/reference/messaging-api/#wh-sticker."""
    keywords = ", ".join(message.texts("keywords")[:_MOST_KEYWORDS])
    text = message.text("text") or (f"[LINE sticker: {keywords}]" if keywords else "[LINE sticker]")
    return Said(content=Text(text=text), notes=(Note(code="sticker", text="This is a sticker."),))


def _placeholder(kind: str) -> Said:
    return Said(content=Text(text=f"[LINE {kind[:40] or 'message'}]"), notes=(_PLACEHOLDER_NOTE,))
