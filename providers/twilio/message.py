"""Reads an inbound message: https://www.twilio.com/docs/messaging/guides/webhook-request.

Twilio gives no time, so a message is dated when it reached us.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from anychannel import (
    Attachment,
    Contact,
    Content,
    Location,
    MediaKind,
    MessageReceived,
    Note,
    Text,
)
from providers.twilio.sender import Sender, phone_number

_MEDIA_URL: Final = re.compile(
    r"https://[^/?#]+/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/Messages/([SM]M[0-9a-fA-F]{32})/Media/(ME[0-9a-fA-F]{32})",
    re.ASCII,
)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
# https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
_OPT_OUT_NOTES: Final = {
    "STOP": Note(code="opted_out", text="The contact opted out: Twilio sends them nothing until they opt in again."),
    "START": Note(code="opted_in", text="The contact opted in again."),
    "HELP": Note(code="help_requested", text="The contact asked for help, and Twilio answered."),
}
_OTHER_NETWORK: Final = Note(
    code="other_network", text="The message came over another network than the one the channel's sender is on."
)


def read_message(fields: Mapping[str, str], *, sender: Sender, now: datetime) -> tuple[MessageReceived, ...] | Note:
    """The message, or several when it has several media: one after the other, the text with the first.

    A note on why it was ignored, when it names no sender or says nothing.
    """
    spelled = fields.get("From", "")
    address = sender.read(spelled)
    if not address:
        return Note(code="no_sender", text="A message without a sender was ignored.")
    contents = list(_contents(fields))
    if not contents:
        kind = fields.get("MessageType", "")[:20] or "empty"
        return Note(code="empty_message", text=f"A message without content was ignored: {kind}.")
    message_id = fields["MessageSid"]
    ids = [message_id, *(f"{message_id}/{index}" for index in range(1, len(contents)))]
    return tuple(
        MessageReceived(
            platform_event_id=event_id,
            event_time=now,
            contact=_contact(fields, address=address, spelled=spelled),
            platform_message_id=event_id,
            content=content,
            notes=_notes(fields, is_own_network=sender.is_reached_by(spelled)),
        )
        for event_id, content in zip(ids, contents, strict=True)
    )


def _contents(fields: Mapping[str, str]) -> Iterator[Content]:
    # A tapped button and a chosen row arrive with their labels as the text; the other fields are for when they do not.
    text = fields.get("Body") or fields.get("ButtonText") or fields.get("ListTitle") or ""
    if location := _location(fields, name=text):
        yield location
        return
    attachments = list(_attachments(fields, caption=text))
    if text and not attachments:
        yield Text(text=text)
    yield from attachments


def _location(fields: Mapping[str, str], *, name: str) -> Location | None:
    latitude, longitude = _degrees(fields.get("Latitude", ""), 90), _degrees(fields.get("Longitude", ""), 180)
    if latitude is None or longitude is None:
        return None
    return Location(
        latitude=latitude,
        longitude=longitude,
        name=fields.get("Label", "") or name,
        address=fields.get("Address", ""),
    )


def _attachments(fields: Mapping[str, str], *, caption: str) -> Iterator[Attachment]:
    index = 0
    while url := fields.get(f"MediaUrl{index}", ""):
        mime_type = fields.get(f"MediaContentType{index}", "")
        media_id = media_id_of(url)
        yield Attachment(
            kind=_kind(mime_type),
            # Somebody else's link, which Twilio does not promise to give, needs no credentials of ours.
            url="" if media_id else url,
            media_id=media_id,
            mime_type=mime_type,
            caption=caption if index == 0 else "",
        )
        index += 1


def media_id_of(url: str) -> str:
    """The sids by which media are fetched; empty when the address is not one of Twilio's.

    Whether fetching them demands credentials is a switch in the account, so the address alone may lead nowhere:
    https://help.twilio.com/articles/223183748.
    """
    match = _MEDIA_URL.fullmatch(url)
    return "/".join(match.groups()) if match else ""


def _kind(mime_type: str) -> MediaKind:
    match mime_type.partition("/")[0].lower():
        case "image":
            return MediaKind.IMAGE
        case "video":
            return MediaKind.VIDEO
        case "audio":
            return MediaKind.AUDIO
        case _:
            return MediaKind.FILE


def _contact(fields: Mapping[str, str], *, address: str, spelled: str) -> Contact:
    first_name, _, last_name = fields.get("ProfileName", "").strip().partition(" ")
    country = fields.get("FromCountry", "")
    return Contact(
        address=address,
        phone=phone_number(spelled),
        first_name=first_name,
        last_name=last_name.strip(),
        country_code=country if _COUNTRY.fullmatch(country) else "",
    )


def _notes(fields: Mapping[str, str], *, is_own_network: bool) -> tuple[Note, ...]:
    opt_out = _OPT_OUT_NOTES.get(fields.get("OptOutType", "").upper())
    return tuple(note for note in (opt_out, None if is_own_network else _OTHER_NETWORK) if note)


def _degrees(text: str, limit: int) -> float | None:
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= limit else None
