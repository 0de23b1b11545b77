"""Spells a part as calls of send_message. Core has shaped it already: texts and buttons are not measured again here.

https://developers.viber.com/docs/api/rest-bot-api/#send-message
"""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from anychannel import (
    Attachment,
    ContactCard,
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

# "The URL must have a resource with a .jpeg, .png or .gif file extension as the last path segment", and .mp4 for videos:
# https://developers.viber.com/docs/api/rest-bot-api/#picture-message; its own example ends in .jpg.
_PICTURES: Final = frozenset({".jpeg", ".jpg", ".png", ".gif"})
_LONGEST_NAME: Final = 28
_LONGEST_NUMBER: Final = 18
_LONGEST_FILE_NAME: Final = 256
_LINKED: Final = Note(
    code="sent_as_link",
    text="Viber takes an attachment only when its address ends like one and its size is known, so it went as a link.",
)
_CARD_AS_TEXT: Final = Note(
    code="contact_card_as_text",
    text="Viber takes a contact only with a number of up to 18 characters: it went as text.",
)
_CARD_SHORTENED: Final = Note(
    code="contact_card_shortened", text="Viber takes one number and 28 characters of name: the rest was dropped."
)
_NO_PLACE_NAMES: Final = Note(code="location_name_dropped", text="Viber shows a place without its name and address.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose name the bot writes: https://developers.viber.com/docs/api/rest-bot-api/#general-send-message-parameters."""

    name: str
    avatar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """The body of one call, and of a second one for what Viber cannot say in the first."""

    body: Json
    caption: Json | None = None
    """What follows: the caption of a video or a file, which Viber has none for."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    message: Json
    caption: str = ""
    notes: tuple[Note, ...] = ()


def spell(part: Part, sender: Sender) -> Spelled:
    """How `part` is said. Raises ContentUnsupported or ContentRejected for what cannot be."""
    author = {"name": sender.name, **({"avatar": sender.avatar} if sender.avatar else {})}
    said = _message(part.content)
    # A custom payload may speak in another name, but to nobody else.
    body = {"sender": author, **said.message, "receiver": part.address}
    caption = {"sender": author, **_text(said.caption), "receiver": part.address} if said.caption else None
    return Spelled(body=body, caption=caption, notes=said.notes)


def encode(body: Json) -> bytes:
    """UTF-8, not escapes: a call may have 30 kB, and 7,000 Cyrillic letters would have 42 as escapes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _message(content: Content) -> _Said:
    match content:
        case Text(text=text):
            return _Said(message=_text(text))
        case QuickReplies(text=text, replies=replies):
            return _Said(message={**_text(text), "keyboard": _keyboard(replies)})
        case Attachment():
            return _attachment(content)
        case Location(latitude=latitude, longitude=longitude):
            point = {"lat": f"{latitude:.6f}", "lon": f"{longitude:.6f}"}
            notes = (_NO_PLACE_NAMES,) if content.name or content.address else ()
            return _Said(message={"type": "location", "location": point}, notes=notes)
        case ContactCard():
            return _card(content)
        case CustomPayload(json=payload):
            return _Said(message=_custom(payload))
        case _:
            raise ContentUnsupported(f"Viber cannot show a {type(content).__name__}.")


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _keyboard(replies: tuple[str, ...]) -> Json:
    """One row for each reply, whose tap sends its words: https://developers.viber.com/docs/tools/keyboards/."""
    buttons = [
        {"Columns": 6, "Rows": 1, "ActionType": "reply", "ActionBody": reply, "Text": html.escape(reply, quote=False)}
        for reply in replies
    ]
    return {"Type": "keyboard", "DefaultHeight": False, "Buttons": buttons}


def _attachment(attachment: Attachment) -> _Said:
    url, size, name = attachment.url, attachment.size_bytes, _last_segment(attachment.url)
    ending = PurePosixPath(name).suffix.lower()
    if attachment.kind is MediaKind.IMAGE and ending in _PICTURES:
        return _Said(message={"type": "picture", "media": url, "text": attachment.caption})
    if attachment.kind is MediaKind.VIDEO and ending == ".mp4" and size:
        return _Said(message={"type": "video", "media": url, "size": size}, caption=attachment.caption)
    file_name = attachment.file_name or name
    if attachment.kind is MediaKind.FILE and PurePosixPath(file_name).suffix and size:
        message = {"type": "file", "media": url, "size": size, "file_name": _file_name(file_name)}
        return _Said(message=message, caption=attachment.caption)
    return _Said(message=_text(f"{attachment.caption}\n{url}" if attachment.caption else url), notes=(_LINKED,))


def _last_segment(url: str) -> str:
    try:
        return unquote(urlsplit(url).path, errors="replace").rpartition("/")[2]
    except ValueError:
        return ""


def _file_name(name: str) -> str:
    """The name, shortened before its ending: without it the contact's app may not open the file."""
    ending = PurePosixPath(name).suffix[:_LONGEST_FILE_NAME]
    return name if len(name) <= _LONGEST_FILE_NAME else name[: _LONGEST_FILE_NAME - len(ending)] + ending


def _card(card: ContactCard) -> _Said:
    number = card.phone_numbers[0] if card.phone_numbers else ""
    name = card.name or number
    if not number or len(number) > _LONGEST_NUMBER:
        return _Said(message=_text("\n".join((card.name, *card.phone_numbers)).strip()), notes=(_CARD_AS_TEXT,))
    is_whole = len(name) <= _LONGEST_NAME and len(card.phone_numbers) == 1
    contact = {"name": name[:_LONGEST_NAME], "phone_number": number}
    return _Said(message={"type": "contact", "contact": contact}, notes=() if is_whole else (_CARD_SHORTENED,))


def _custom(payload: str) -> Json:
    """A message as send_message takes it: a carousel, for instance."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not message:
        raise ContentRejected("A custom payload for Viber is the JSON object of one message.")
    return message
