"""Reads what one Viber message says: https://developers.viber.com/docs/api/rest-bot-api/#receive-message-from-user.

Which callback a message came in, and from whom, is left to `inbound`. Addresses of media are public and expire after an hour;
who stores what they lead to is not decided here.
"""

from dataclasses import dataclass
from typing import Final

from anychannel import Attachment, ContactCard, Content, Location, MediaKind, Note, Text
from providers.viber.fields import Fields

_PLACEHOLDER_NOTE: Final = Note(code="content_not_understood", text="A placeholder stands for what cannot be shown.")
_STICKER_NOTE: Final = Note(code="sticker", text="This is a sticker.")
_KINDS: Final = {"picture": MediaKind.IMAGE, "video": MediaKind.VIDEO, "file": MediaKind.FILE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says."""

    content: Content
    notes: tuple[Note, ...] = ()


def read_message(message: Fields) -> Said:  # noqa: PLR0911 - one return for each type
    """What `message` says, with notes on what of it could not be kept."""
    match message.text("type"):
        case "text" if text := message.text("text"):
            return Said(content=Text(text=text))
        case "picture" | "video" | "file" as kind if _media(message):
            return Said(content=_attachment(message, _KINDS[kind]))
        case "url" if link := message.text("media") or message.text("text"):
            text = message.text("text")
            return Said(content=Text(text=f"{text}\n{link}" if text and link not in text else text or link))
        case "sticker":
            return _sticker(message)
        case "location":
            return _location(message.object("location")) or _placeholder("location")
        case "contact" if card := message.object("contact"):
            number = card.text("phone_number")
            return Said(content=ContactCard(name=card.text("name"), phone_numbers=(number,) if number else ()))
        case kind:
            return _placeholder(kind)


def _attachment(message: Fields, kind: MediaKind) -> Attachment:
    return Attachment(
        kind=kind,
        url=_media(message),
        file_name=message.text("file_name"),
        caption=message.text("text"),
        size_bytes=max(0, message.number("file_size") or message.number("size")),
    )


def _sticker(message: Fields) -> Said:
    """Documented with a number alone; often the picture's address is there too."""
    url = _media(message)
    content = Attachment(kind=MediaKind.IMAGE, url=url) if url else Text(text="[Viber sticker]")
    return Said(content=content, notes=(_STICKER_NOTE,))


def _location(point: Fields) -> Said | None:
    latitude, longitude = point.degrees("lat", limit=90), point.degrees("lon", limit=180)
    if latitude is None or longitude is None:
        return None
    return Said(content=Location(latitude=latitude, longitude=longitude, address=point.text("address")))


def _media(message: Fields) -> str:
    url = message.text("media")
    return url if url.startswith(("https://", "http://")) else ""


def _placeholder(kind: str) -> Said:
    words = kind.replace("_", " ")[:40] or "message"
    return Said(content=Text(text=f"[Viber {words}]"), notes=(_PLACEHOLDER_NOTE,))
