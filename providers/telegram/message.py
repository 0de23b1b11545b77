"""Reads the content of one Telegram message: https://core.telegram.org/bots/api#message.

Which update a message came in, and from whom, is left to `inbound`.
"""

import re
from dataclasses import dataclass
from typing import Final

from anychannel import Attachment, ContactCard, Content, Location, MediaKind, Note, Text
from providers.telegram.fields import Fields

# https://core.telegram.org/bots/api#getfile: bots can download files of up to 20 MB.
MAX_DOWNLOAD_BYTES: Final = 20_000_000

# What a person can send and no unified content can say. The inbox is told that something came, rather than nothing.
_UNSAYABLE: Final = (
    "poll",
    "checklist",
    "game",
    "story",
    "paid_media",
    "rich_message",
    "giveaway",
    "gift",
    "unique_gift",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says; `content` is None for a service message, which nobody wrote."""

    content: Content | None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _MediaField:
    name: str
    kind: MediaKind
    mime_type: str
    """What it is when the field does not say."""


# An animation also fills `document`, so it comes first: https://core.telegram.org/bots/api#message
# Animations are GIF or soundless MPEG-4: https://core.telegram.org/bots/api#animation
# Voice notes are OGG with OPUS: https://core.telegram.org/bots/api#sendvoice
# Video notes are MPEG-4: https://core.telegram.org/bots/api#sendvideonote
_MEDIA_FIELDS: Final = (
    _MediaField(name="animation", kind=MediaKind.VIDEO, mime_type="video/mp4"),
    _MediaField(name="video", kind=MediaKind.VIDEO, mime_type="video/mp4"),
    _MediaField(name="video_note", kind=MediaKind.VIDEO, mime_type="video/mp4"),
    _MediaField(name="voice", kind=MediaKind.AUDIO, mime_type="audio/ogg"),
    _MediaField(name="audio", kind=MediaKind.AUDIO, mime_type="audio/mpeg"),
    _MediaField(name="document", kind=MediaKind.FILE, mime_type=""),
)


def read_content(message: Fields) -> Said:
    """What `message` says, with notes on what of it could not be kept."""
    content = _content(message)
    if content is None:
        return Said(content=None)
    notes = [*_reply_note(message), *_link_notes(message)]
    if isinstance(content, Attachment) and content.size_bytes > MAX_DOWNLOAD_BYTES:
        notes.append(
            Note(code="media_too_large", text="Telegram lets a bot download at most 20 MB: this file is larger.")
        )
    if content == _placeholder(message):
        notes.append(Note(code="content_not_understood", text="A placeholder stands for what cannot be shown."))
    return Said(content=content, notes=tuple(notes))


def _content(message: Fields) -> Content | None:
    readers = (_text, _photo, _sticker, _media, _location, _contact_card, _dice, _placeholder)
    return next((content for reader in readers if (content := reader(message)) is not None), None)


def _text(message: Fields) -> Text | None:
    text = message.text("text")
    return Text(text=text) if text else None


def _dice(message: Fields) -> Text | None:
    emoji = message.object("dice").text("emoji")
    return Text(text=emoji) if emoji else None


def _placeholder(message: Fields) -> Text | None:
    name = next((name for name in _UNSAYABLE if name in message), "")
    return Text(text=f"[Telegram {name.replace('_', ' ')}]") if name else None


def _photo(message: Fields) -> Attachment | None:
    """The largest of a photo's sizes: https://core.telegram.org/bots/api#photosize."""
    sizes = [size for size in message.objects("photo") if size.text("file_id")]
    if not sizes:
        return None
    largest = max(sizes, key=lambda size: size.number("width") * size.number("height"))
    # Telegram turns every photo into a JPEG; what must stay as it is, people send as a document.
    return _attachment(largest, kind=MediaKind.IMAGE, mime_type="image/jpeg", caption=message.text("caption"))


def _sticker(message: Fields) -> Attachment | None:
    """Stickers are WEBP, animated ones TGS (compressed Lottie), video ones WEBM: https://core.telegram.org/bots/api#sendsticker."""
    sticker = message.object("sticker")
    if not sticker.text("file_id"):
        return None
    if sticker.flag("is_video"):
        return _attachment(sticker, kind=MediaKind.VIDEO, mime_type="video/webm")
    if sticker.flag("is_animated"):
        return _attachment(sticker, kind=MediaKind.FILE, mime_type="application/x-tgsticker")
    return _attachment(sticker, kind=MediaKind.IMAGE, mime_type="image/webp")


def _media(message: Fields) -> Attachment | None:
    for field in _MEDIA_FIELDS:
        media = message.object(field.name)
        if media.text("file_id"):
            mime_type = media.text("mime_type") or field.mime_type
            kind = MediaKind.IMAGE if mime_type == "image/gif" else field.kind
            return _attachment(media, kind=kind, mime_type=mime_type, caption=message.text("caption"))
    return None


def _attachment(media: Fields, *, kind: MediaKind, mime_type: str, caption: str = "") -> Attachment:
    return Attachment(
        kind=kind,
        media_id=media.text("file_id"),
        mime_type=mime_type,
        file_name=media.text("file_name"),
        caption=caption,
        size_bytes=max(0, media.number("file_size")),
    )


def _location(message: Fields) -> Location | None:
    """A venue also fills `location`, and says more: https://core.telegram.org/bots/api#venue."""
    venue = message.object("venue")
    point = venue.object("location") or message.object("location")
    latitude, longitude = point.degrees("latitude"), point.degrees("longitude")
    if latitude is None or longitude is None:
        return None
    return Location(latitude=latitude, longitude=longitude, name=venue.text("title"), address=venue.text("address"))


def _contact_card(message: Fields) -> ContactCard | None:
    card = message.object("contact")
    if not card:
        return None
    name = f"{card.text('first_name')} {card.text('last_name')}".strip()
    number = phone_number(card)
    return ContactCard(name=name, phone_numbers=(number,) if number else ())


def phone_number(card: Fields) -> str:
    """The number on a contact card as E.164; Telegram writes it with or without a plus.

    A number that was saved without its country stays as it was typed.
    """
    typed = card.text("phone_number").strip()
    digits = re.sub(r"[\s().-]", "", typed).removeprefix("+")
    belongs_to_account = card.number("user_id") != 0  # an account's number always carries its country
    if digits.isascii() and digits.isdigit() and (belongs_to_account or typed.startswith("+")):
        return f"+{digits}"
    return typed


def _reply_note(message: Fields) -> tuple[Note, ...]:
    replied_to = message.object("reply_to_message").number("message_id")
    if not replied_to:
        return ()
    chat_id = message.object("chat").number("id")
    return (Note(code="reply", text=f"The contact replied to the message {platform_message_id(chat_id, replied_to)}."),)


def _link_notes(message: Fields) -> tuple[Note, ...]:
    """Links that hide behind words would be lost in plain text: https://core.telegram.org/bots/api#messageentity."""
    entities = (*message.objects("entities"), *message.objects("caption_entities"))
    links = [entity.text("url") for entity in entities if entity.text("type") == "text_link" and entity.text("url")]
    return (Note(code="links_hidden", text=f"Words of the message were links to {', '.join(links)}."),) if links else ()


def platform_message_id(chat_id: int, message_id: int) -> str:
    """A message's id is unique only inside its chat: https://core.telegram.org/bots/api#message."""
    return f"{chat_id}:{message_id}"
