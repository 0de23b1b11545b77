"""Content and notes ↔ protobuf."""

from collections.abc import Iterable
from typing import assert_never

from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    Note,
    QuickReplies,
    Template,
    Text,
)
from anychannel.v1 import message_pb2
from anychannel.wire.enums import media_kind_from_proto, media_kind_to_proto


def content_to_proto(content: Content) -> message_pb2.Content:  # noqa: PLR0911 - one return for each kind
    """What a message says. Raises `ValueError` or `TypeError` when a value does not fit its field."""
    match content:
        case Text():
            return message_pb2.Content(text=message_pb2.Text(text=content.text))
        case Attachment():
            return message_pb2.Content(attachment=_attachment_to_proto(content))
        case Location():
            return message_pb2.Content(location=_location_to_proto(content))
        case QuickReplies():
            return message_pb2.Content(
                quick_replies=message_pb2.QuickReplies(text=content.text, replies=content.replies)
            )
        case ContactCard():
            return message_pb2.Content(
                contact_card=message_pb2.ContactCard(name=content.name, phone_numbers=content.phone_numbers)
            )
        case Template():
            return message_pb2.Content(
                template=message_pb2.Template(
                    name=content.name, language=content.language, parameters=content.parameters
                )
            )
        case CustomPayload():
            return message_pb2.Content(custom_payload=message_pb2.CustomPayload(json=content.json))
        case _:
            assert_never(content)


def content_from_proto(proto: message_pb2.Content) -> Content:  # noqa: PLR0911 - one return for each kind
    """What a message says. Raises `ValueError` when no kind is set, or one this version does not know."""
    match proto.WhichOneof("kind"):
        case "text":
            return Text(text=proto.text.text)
        case "attachment":
            return _attachment_from_proto(proto.attachment)
        case "location":
            return _location_from_proto(proto.location)
        case "quick_replies":
            return QuickReplies(text=proto.quick_replies.text, replies=tuple(proto.quick_replies.replies))
        case "contact_card":
            card = proto.contact_card
            return ContactCard(name=card.name, phone_numbers=tuple(card.phone_numbers))
        case "template":
            template = proto.template
            return Template(name=template.name, language=template.language, parameters=tuple(template.parameters))
        case "custom_payload":
            return CustomPayload(json=proto.custom_payload.json)
        case None:
            raise ValueError("content: no kind is set, or one that this version does not know")
        case kind:
            assert_never(kind)


def note_to_proto(note: Note) -> message_pb2.Note:
    """A note."""
    return message_pb2.Note(code=note.code, text=note.text)


def note_from_proto(proto: message_pb2.Note) -> Note:
    """A note."""
    return Note(code=proto.code, text=proto.text)


def notes_to_proto(notes: Iterable[Note]) -> list[message_pb2.Note]:
    """Notes, in their order."""
    return [message_pb2.Note(code=note.code, text=note.text) for note in notes]


def notes_from_proto(protos: Iterable[message_pb2.Note]) -> tuple[Note, ...]:
    """Notes, in their order."""
    return tuple([Note(code=proto.code, text=proto.text) for proto in protos])


def _attachment_to_proto(attachment: Attachment) -> message_pb2.Attachment:
    return message_pb2.Attachment(
        kind=media_kind_to_proto(attachment.kind),
        url=attachment.url,
        media_id=attachment.media_id,
        mime_type=attachment.mime_type,
        file_name=attachment.file_name,
        caption=attachment.caption,
        size_bytes=attachment.size_bytes,
    )


def _attachment_from_proto(proto: message_pb2.Attachment) -> Attachment:
    return Attachment(
        kind=media_kind_from_proto(proto.kind),
        url=proto.url,
        media_id=proto.media_id,
        mime_type=proto.mime_type,
        file_name=proto.file_name,
        caption=proto.caption,
        size_bytes=proto.size_bytes,
    )


def _location_to_proto(location: Location) -> message_pb2.Location:
    return message_pb2.Location(
        latitude=location.latitude, longitude=location.longitude, name=location.name, address=location.address
    )


def _location_from_proto(proto: message_pb2.Location) -> Location:
    return Location(latitude=proto.latitude, longitude=proto.longitude, name=proto.name, address=proto.address)
