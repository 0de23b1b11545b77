"""A unified message, where it stands and its story."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anychannel.content import Content, Note
from anychannel.failures import Failure


class Status(StrEnum):
    """Where a message stands. It only moves forward; failed is reached only from accepted or sent."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Direction(StrEnum):
    """Which way a message goes."""

    INBOUND = "inbound"
    """From the contact."""
    OUTBOUND = "outbound"
    """To the contact."""


class Origin(StrEnum):
    """Who brought a message."""

    CONTACT = "contact"
    INBOX = "inbox"
    CLIENT = "client"
    PLATFORM = "platform"
    """The business wrote it elsewhere, on its phone for instance."""


class Lane(StrEnum):
    """A channel's queue in one direction."""

    PLATFORM = "platform"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a message already shaped for one platform."""

    idempotency_key: str
    """The same for every attempt at this part."""
    address: str
    """The contact's id on the platform."""
    content: Content
    message_id: str
    index: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One unified message."""

    message_id: str
    channel_id: str
    direction: Direction
    origin: Origin
    address: str
    contact_id: str
    content: Content
    status: Status | None
    """None for inbound messages, which have none."""
    failure: Failure | None
    notes: tuple[Note, ...]
    create_time: datetime
    event_time: datetime
    expire_time: datetime | None
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """One piece of an outbound message and where it stands."""

    index: int
    content: Content
    status: Status
    platform_message_id: str
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a delivery."""

    number: int
    lane: Lane
    subject: str
    """`part 0`, `message`, `echo` or `status`."""
    start_time: datetime
    end_time: datetime | None
    failure: Failure | None
    retry_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRecord:
    """One step of a message's status."""

    status: Status
    event_time: datetime
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStory:
    """A message with everything that happened to it."""

    message: Message
    parts: tuple[PartRecord, ...]
    attempts: tuple[Attempt, ...]
    statuses: tuple[StatusRecord, ...]
