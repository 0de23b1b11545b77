"""Spells a part as one call of the Bot API. Core has shaped it already: no limit is checked again here.

Texts go without a parse mode, so that no character of theirs is read as markup:
https://core.telegram.org/bots/api#formatting-options
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from anychannel import (
    Attachment,
    ContactCard,
    ContactUnreachable,
    ContentUnsupported,
    Location,
    MediaKind,
    Note,
    Part,
    QuickReplies,
    Text,
)

# https://core.telegram.org/bots/api#inlinekeyboardbutton: callback_data is 1-64 bytes.
MAX_CALLBACK_DATA_BYTES: Final = 64
# https://core.telegram.org/bots/api#sendcontact: vcard is 0-2048 bytes.
_MAX_VCARD_BYTES: Final = 2048
# The only types that decide on a method.
_TYPES_BY_ENDING: Final = {".gif": "image/gif", ".oga": "audio/ogg", ".ogg": "audio/ogg"}
# https://core.telegram.org/bots/api#chat: a chat's id is a number, negative for groups. Telegram also takes the
# @username of a group or bot, never of a person.
_CHAT_ID: Final = re.compile(r"-?[0-9]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the Bot API."""

    method: str
    parameters: Mapping[str, object]
    notes: tuple[Note, ...] = ()


def spell(part: Part) -> Call:
    """The call that sends `part`. Raises ContactUnreachable or ContentUnsupported for what it cannot say."""
    if not _CHAT_ID.fullmatch(part.address):
        raise ContactUnreachable("The contact's address is not the number of a Telegram chat.")
    call = _spell_content(part)
    return Call(method=call.method, parameters={"chat_id": int(part.address), **call.parameters}, notes=call.notes)


def _spell_content(part: Part) -> Call:
    match part.content:
        case Text(text=text):
            return Call(method="sendMessage", parameters={"text": text})
        case QuickReplies() as quick_replies:
            return _quick_replies(quick_replies)
        case Attachment() as attachment:
            return _attachment(attachment)
        case Location() as location:
            return _location(location)
        case ContactCard() as card:
            return _contact_card(card)
        case _:
            raise ContentUnsupported("Telegram has neither templates nor custom payloads here.")


def _quick_replies(quick_replies: QuickReplies) -> Call:
    # One button a row: Telegram shortens labels that share a row on a narrow screen.
    rows = [
        [{"text": label, "callback_data": callback_data(index, label)}]
        for index, label in enumerate(quick_replies.replies)
    ]
    parameters: dict[str, object] = {"text": quick_replies.text}
    if rows:
        parameters["reply_markup"] = {"inline_keyboard": rows}
    return Call(method="sendMessage", parameters=parameters)


def callback_data(index: int, label: str) -> str:
    """What a tapped button sends back: `t` and the label when that fits, else `i`, its index and a hash of the label.

    The hash tells two buttons apart that share an index in different messages.
    """
    data = f"t{label}"
    if len(data.encode()) <= MAX_CALLBACK_DATA_BYTES:
        return data
    return f"i{index}:{hashlib.sha256(label.encode()).hexdigest()[:12]}"


def _attachment(attachment: Attachment) -> Call:
    method, field = _media_method(attachment)
    # https://core.telegram.org/bots/api#sending-files: an HTTP URL that Telegram downloads, or the id of a file it has.
    parameters: dict[str, object] = {field: attachment.url or attachment.media_id}
    if attachment.caption:
        parameters["caption"] = attachment.caption
    return Call(method=method, parameters=parameters)


def _media_method(attachment: Attachment) -> tuple[str, str]:
    mime_type = _mime_type(attachment)
    match attachment.kind:
        case MediaKind.IMAGE if mime_type == "image/gif":
            return (
                "sendAnimation",
                "animation",
            )  # https://core.telegram.org/bots/api#sendanimation; a photo would stand still
        case MediaKind.IMAGE:
            return "sendPhoto", "photo"
        case MediaKind.VIDEO:
            return "sendVideo", "video"
        case MediaKind.AUDIO if mime_type == "audio/ogg":
            return (
                "sendVoice",
                "voice",
            )  # https://core.telegram.org/bots/api#sendvoice; sendAudio takes only MP3 and M4A
        case MediaKind.AUDIO:
            return "sendAudio", "audio"
        case MediaKind.FILE:
            return "sendDocument", "document"


def _mime_type(attachment: Attachment) -> str:
    """The type as the sender said it, without parameters, or else by the ending of the name or the address."""
    said = attachment.mime_type.partition(";")[0].strip().lower()
    name = attachment.file_name or re.split(r"[?#]", attachment.url, maxsplit=1)[0]
    return said or _TYPES_BY_ENDING.get(PurePosixPath(name).suffix.lower(), "")


def _location(location: Location) -> Call:
    parameters: dict[str, object] = {"latitude": location.latitude, "longitude": location.longitude}
    if not (location.name or location.address):
        return Call(method="sendLocation", parameters=parameters)
    # https://core.telegram.org/bots/api#sendvenue requires both.
    parameters["title"] = location.name or location.address
    parameters["address"] = location.address or location.name
    return Call(method="sendVenue", parameters=parameters)


def _contact_card(card: ContactCard) -> Call:
    if not card.phone_numbers:
        note = Note(code="contact_card_as_text", text="A contact card without a phone number went as a text.")
        return Call(method="sendMessage", parameters={"text": card.name}, notes=(note,))
    first = card.phone_numbers[0]
    parameters: dict[str, object] = {"phone_number": first, "first_name": card.name or first}
    if len(card.phone_numbers) == 1:
        return Call(method="sendContact", parameters=parameters)
    vcard = _vcard(card)
    if len(vcard.encode()) > _MAX_VCARD_BYTES:
        note = Note(code="phone_numbers_dropped", text="Only the first phone number of the contact card fits.")
        return Call(method="sendContact", parameters=parameters, notes=(note,))
    return Call(method="sendContact", parameters={**parameters, "vcard": vcard})


def _vcard(card: ContactCard) -> str:
    """All numbers of a card; sendContact itself has room for one. https://www.rfc-editor.org/rfc/rfc2426#section-4."""
    name = card.name or card.phone_numbers[0]
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{_escape(name)}", f"N:{_escape(name)};;;;"]
    lines += [f"TEL;TYPE=CELL:{_escape(number)}" for number in card.phone_numbers]
    return "\r\n".join([*lines, "END:VCARD", ""])


def _escape(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (",", "\\,"), (";", "\\;"), ("\r", ""), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text
