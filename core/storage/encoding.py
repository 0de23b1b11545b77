"""How records are kept in columns: protobuf bytes for what only we read, the proto's numbers for enums."""

from collections.abc import Sequence

import orjson

from anychannel import wire
from anychannel.content import Content, Note
from anychannel.events import Contact
from anychannel.failures import Failure
from anychannel.v1 import event_pb2, message_pb2


def content_bytes(content: Content) -> bytes:
    """Content as kept."""
    return wire.content_to_proto(content).SerializeToString()


def content_of(kept: bytes) -> Content:
    """Content as it was kept."""
    return wire.content_from_proto(message_pb2.Content.FromString(kept))


def failure_bytes(failure: Failure | None) -> bytes | None:
    """A failure as kept."""
    return None if failure is None else wire.failure_to_proto(failure).SerializeToString()


def failure_of(kept: bytes | None) -> Failure | None:
    """A failure as it was kept."""
    return None if kept is None else wire.failure_from_proto(message_pb2.Failure.FromString(kept))


def notes_json(notes: Sequence[Note]) -> str:
    """Notes as kept."""
    return orjson.dumps([[note.code, note.text.replace("\0", "")] for note in notes]).decode()


def notes_of(kept: Sequence[Sequence[str]]) -> tuple[Note, ...]:
    """Notes as they were kept."""
    return tuple(Note(code=code, text=text) for code, text in kept)


def contact_bytes(contact: Contact) -> bytes:
    """A contact as kept."""
    return wire.contact_to_proto(contact).SerializeToString()


def contact_of(kept: bytes) -> Contact:
    """A contact as it was kept."""
    return wire.contact_from_proto(event_pb2.Contact.FromString(kept))
