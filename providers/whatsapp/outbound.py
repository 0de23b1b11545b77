"""Spells a part as a message of the Cloud API. Core has shaped it already: no limit is checked again here.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never
from urllib.parse import unquote

from anychannel import (
    Attachment,
    ContactCard,
    ContactUnreachable,
    Content,
    ContentRejected,
    CustomPayload,
    Location,
    MediaKind,
    Note,
    Part,
    QuickReplies,
    Template,
    Text,
)
from providers.whatsapp.fields import Fields

Json: TypeAlias = Mapping[str, object]

# https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages:
# up to 3 buttons under a text of up to 1024 characters. Anything longer is a list, with up to 10 rows under 4096:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages
_MAX_REPLY_BUTTONS: Final = 3
_MAX_TEXT_OVER_BUTTONS: Final = 1024
MAX_LIST_LABEL: Final = 20
DEFAULT_LIST_LABEL: Final = "Options"

_PHONE_NUMBER: Final = re.compile(r"\+?[0-9]{4,20}", re.ASCII)
# "country code, period, up to 128 alphanumeric characters", and ENT. in those of several portfolios:
# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
_USER_ID: Final = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a channel's settings say about the look of its messages."""

    has_link_previews: bool = False
    list_label: str = DEFAULT_LIST_LABEL
    """On the button that opens a list of quick replies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """The body of one call of the Messages API, and of a second one for what WhatsApp cannot say in the first."""

    body: Json
    caption: Json | None = None
    """What follows: the caption of audio, which WhatsApp has none for."""
    notes: tuple[Note, ...] = ()


def spell(part: Part, style: Style) -> Spelled:
    """How `part` is said. Raises ContactUnreachable or ContentRejected for what cannot be said."""
    # Reports bring it back. WhatsApp itself keeps no record of it: a repeated attempt arrives twice.
    # https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
    frame = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_addressed_to(part.address),
        "biz_opaque_callback_data": part.idempotency_key,
    }
    message, notes = _message(part.content, style)
    caption = part.content.caption if isinstance(part.content, Attachment) and _is_audio(part.content) else ""
    return Spelled(
        body={**frame, **message},
        caption={**frame, **_text(caption, style)} if caption else None,
        notes=notes,
    )


def _addressed_to(address: str) -> Json:
    """`to` takes phone numbers, `recipient` the ids of people who hide theirs."""
    if _PHONE_NUMBER.fullmatch(address):
        return {"to": address}
    if _USER_ID.fullmatch(address):
        return {"recipient": address}
    raise ContactUnreachable("The contact's address is neither a phone number nor a WhatsApp user ID.")


def _message(content: Content, style: Style) -> tuple[Json, tuple[Note, ...]]:  # noqa: PLR0911 - one return for each kind
    match content:
        case Text():
            return _text(content.text, style), ()
        case Attachment():
            return _attachment(content), ()
        case Location():
            return _location(content), ()
        case QuickReplies():
            return _quick_replies(content, style)
        case ContactCard():
            return _contacts(content), ()
        case Template():
            return _template(content), ()
        case CustomPayload():
            return _custom(content), ()
        case _:
            assert_never(content)


def _text(text: str, style: Style) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages."""
    return {"type": "text", "text": {"preview_url": style.has_link_previews, "body": text}}


def _attachment(attachment: Attachment) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/document-messages and its sisters."""
    media: dict[str, object] = {"link": attachment.url} if attachment.url else {"id": attachment.media_id}
    if attachment.caption and not _is_audio(attachment):
        media["caption"] = attachment.caption
    match attachment.kind:
        case MediaKind.IMAGE:
            return {"type": "image", "image": media}
        case MediaKind.VIDEO:
            return {"type": "video", "video": media}
        case MediaKind.AUDIO:
            # WhatsApp takes OGG with OPUS only, which is what voice messages are made of:
            # https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/audio-messages
            return {"type": "audio", "audio": {**media, "voice": True} if _is_ogg(attachment) else media}
        case MediaKind.FILE:
            name = _file_name(attachment)
            return {"type": "document", "document": {**media, "filename": name} if name else media}


def _is_audio(attachment: Attachment) -> bool:
    return attachment.kind is MediaKind.AUDIO


def _is_ogg(attachment: Attachment) -> bool:
    said = attachment.mime_type.partition(";")[0].strip().lower()
    return said == "audio/ogg" if said else _file_name(attachment).lower().endswith((".ogg", ".oga", ".opus"))


def _file_name(attachment: Attachment) -> str:
    """As the sender said it, or as the address ends, when that looks like a file. Its ending decides on the icon."""
    match = re.match(r"[a-z]+://[^/?#]+/(?:[^?#]*/)?([^/?#]+\.[^/?#.]+)", attachment.url)
    return attachment.file_name or (unquote(match[1]) if match else "")


def _location(location: Location) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/location-messages."""
    place: dict[str, object] = {"latitude": location.latitude, "longitude": location.longitude}
    place |= {key: value for key, value in (("name", location.name), ("address", location.address)) if value}
    return {"type": "location", "location": place}


def _quick_replies(question: QuickReplies, style: Style) -> tuple[Json, tuple[Note, ...]]:
    """Reply buttons when they fit, else a list. A tap brings the label back, so the id need not carry it."""
    # "Meta rejects duplicates with code 131009": https://docs.nextaibot.tech/flows/blocks/reply-buttons
    labels = tuple(dict.fromkeys(question.replies))
    notes: tuple[Note, ...] = ()
    if len(labels) < len(question.replies):
        notes = (Note(code="replies_merged", text="Quick replies that read the same became one."),)
    choices = [{"id": f"reply-{number}", "title": label} for number, label in enumerate(labels, start=1)]
    fits = (
        len(choices) <= _MAX_REPLY_BUTTONS
        and len(question.text.encode("utf-16-le", "replace")) // 2 <= _MAX_TEXT_OVER_BUTTONS
    )
    action: Json = (
        {"buttons": [{"type": "reply", "reply": choice} for choice in choices]}
        if fits
        else {"button": style.list_label, "sections": [{"title": style.list_label, "rows": choices}]}
    )
    kind = "button" if fits else "list"
    interactive = {"type": kind, "body": {"text": question.text}, "action": action}
    return {"type": "interactive", "interactive": interactive}, notes


def _contacts(card: ContactCard) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/contacts-messages."""
    name = card.name or next(iter(card.phone_numbers), "")
    # "At least one of the optional parameters needs to be included along with the formatted_name":
    # https://d7networks.com/docs/whatsapp/send-message/contacts-message
    contact: dict[str, object] = {"name": {"formatted_name": name, "first_name": name}}
    if card.phone_numbers:
        contact["phones"] = [{"phone": number, "type": "CELL"} for number in card.phone_numbers]
    return {"type": "contacts", "contacts": [contact]}


def _template(template: Template) -> Json:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview."""
    spelled: dict[str, object] = {"name": template.name, "language": {"code": template.language}}
    if template.parameters:
        parameters = [{"type": "text", "text": parameter} for parameter in template.parameters]
        spelled["components"] = [{"type": "body", "parameters": parameters}]
    return {"type": "template", "template": spelled}


def _custom(payload: CustomPayload) -> Json:
    """A message as the Messages API documents it: `type`, and the object of that name. To whom it goes is not in it."""
    fields = Fields.parse(payload.json)
    kind = fields.text("type") if fields else ""
    message = fields.value(kind) if fields and kind else None
    if not isinstance(message, Mapping | list) or not message:
        raise ContentRejected(
            'A custom payload is a WhatsApp message, for instance {"type": "sticker", "sticker": {…}}.'
        )
    return {"type": kind, kind: message}
