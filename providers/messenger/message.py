"""Reads what one Messenger message says.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages
Which event a message came in, and from whom, is left to `inbound`.

Addresses of media are public and expire after a while; who stores what they lead to is not decided here.
"""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from anychannel import Attachment, Content, Location, MediaKind, Note, Text
from providers.messenger.fields import Fields

_MEDIA: Final = {kind.value: kind for kind in MediaKind}
_STICKER_NOTE: Final = Note(code="sticker", text="This is a sticker.")
_PLACEHOLDER_NOTE: Final = Note(code="content_not_understood", text="A placeholder stands for what cannot be shown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One piece of what a message says."""

    content: Content
    notes: tuple[Note, ...] = ()


def read_message(message: Fields) -> tuple[Said, ...]:
    """What `message` says, in one or more pieces, with notes on what of it could not be kept.

    A text goes as the caption of a single attachment, and otherwise before all of them.
    """
    text = message.text("text")
    attached = [said for attachment in _distinct(message) if (said := _attachment(attachment, text))]
    if text and len(attached) == 1 and isinstance(attached[0].content, Attachment):
        attached = [replace(attached[0], content=replace(attached[0].content, caption=text))]
    elif text:
        attached.insert(0, Said(content=Text(text=text)))
    if not attached:
        attached.append(_placeholder("message"))
    attached[0] = replace(attached[0], notes=(*attached[0].notes, *_context(message)))
    return tuple(attached)


def _distinct(message: Fields) -> list[Fields]:
    """The attachments, each once: until August 30, 2026 a sticker also came as an image with the same `sticker_id`.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/changelog/
    """
    attachments = message.objects("attachments")
    has_stickers = any(attachment.text("type") == "sticker" for attachment in attachments)
    return [each for each in attachments if not (has_stickers and each.text("type") == "image" and _sticker_id(each))]


def _sticker_id(attachment: Fields) -> str:
    return attachment.object("payload").text("sticker_id")


def _attachment(attachment: Fields, text: str) -> Said | None:  # noqa: PLR0911 - one return for each type
    kind, payload = attachment.text("type"), attachment.object("payload")
    url = _web_address(payload.text("url")) or _web_address(attachment.text("url"))
    match kind:
        case "image" | "video" | "audio" | "file" if url:
            notes = (_STICKER_NOTE,) if _sticker_id(attachment) else ()
            name = _file_name(url) if kind == "file" else ""
            return Said(content=Attachment(kind=_MEDIA[kind], url=url, file_name=name), notes=notes)
        case "sticker" if url:
            return Said(content=Attachment(kind=MediaKind.IMAGE, url=url), notes=(_STICKER_NOTE,))
        case "location":
            return _location(payload) or _placeholder(kind)
        case "template":
            return _template(attachment)
        case "fallback" if text and (not url or url in text):
            return None  # the preview of a link that the text spells out
        case _ if url:  # a shared link, post or reel
            title = payload.text("title") or attachment.text("title")
            note = Note(code="shared_link", text=f"A link of the kind {kind[:40]} was shared.")
            return Said(content=Text(text=f"{title}\n{url}" if title else url), notes=(note,))
        case _:
            return _placeholder(kind)


def _location(payload: Fields) -> Said | None:
    point = payload.object("coordinates")
    latitude, longitude = point.degrees("lat"), point.degrees("long")
    if latitude is None or longitude is None:
        return None
    return Said(content=Location(latitude=latitude, longitude=longitude))


def _template(attachment: Fields) -> Said:
    """The words of a structured message: a shared product, or an echo of something with buttons."""
    payload = attachment.object("payload")
    elements = (*payload.objects("elements"), *payload.object("product").objects("elements"))
    words = [payload.text("text"), *(element.text("title") for element in elements)]
    text = "\n".join(word for word in words if word) or attachment.text("title")
    note = Note(code="template_as_text", text="Of a message with buttons or pictures only the words are kept.")
    return Said(content=Text(text=text), notes=(note,)) if text else _placeholder("template")


def _placeholder(kind: str) -> Said:
    words = kind.replace("_", " ")[:40] or "message"
    return Said(content=Text(text=f"[Messenger {words}]"), notes=(_PLACEHOLDER_NOTE,))


def _context(message: Fields) -> tuple[Note, ...]:
    notes = []
    if replied_to := message.object("reply_to").text("mid"):
        notes.append(Note(code="reply", text=f"This replies to the message {replied_to}."))
    if referral := message.object("referral"):
        source = referral.text("source")[:40] or "elsewhere"
        notes.append(Note(code="referral", text=f"The contact came from {source}."))
    return tuple(notes)


def _web_address(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def _file_name(url: str) -> str:
    """Messenger gives a file's name only as the last part of its address."""
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2], errors="replace")
    except ValueError:
        return ""
    return name if "." in name.strip(".") else ""
