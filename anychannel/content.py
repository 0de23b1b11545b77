"""What a message says: one frozen record for each kind of content."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class MediaKind(StrEnum):
    """How an attachment is shown."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Media by reference: `url`, or inbound the platform's own `media_id`, never both."""

    kind: MediaKind
    url: str = ""
    media_id: str = ""
    mime_type: str = ""
    file_name: str = ""
    caption: str = ""
    size_bytes: int = 0
    """0 = not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A point on the map, in degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReplies:
    """A text with answers to tap."""

    text: str
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCard:
    """Somebody's address-book entry."""

    name: str
    phone_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template that the platform has approved beforehand."""

    name: str
    language: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomPayload:
    """Whatever the provider documents: a JSON object as text."""

    json: str


Content: TypeAlias = Text | Attachment | Location | QuickReplies | ContactCard | Template | CustomPayload


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was changed, lost or ignored on the way, for people to read."""

    code: str
    """Lower case with underscores, for instance `text_split`."""
    text: str
    """One sentence."""
