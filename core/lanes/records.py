"""What travels through the engine: deliveries to enqueue, claims on them, outcomes that settle them."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from anychannel.content import Content, Note
from anychannel.events import Contact
from anychannel.failures import Failure
from anychannel.message import Direction, Lane, Origin, Status


class LaneKey(NamedTuple):
    """One lane of one channel."""

    channel_id: str
    lane: Lane


class Priority(IntEnum):
    """Lower goes first; within one priority a contact's deliveries keep their order."""

    FIRST = 0
    """Replies to the platform; messages and echoes to the inbox."""
    SECOND = 1
    """Broadcasts to the platform; statuses to the inbox."""


class DeliveryKind(IntEnum):
    """What a delivery delivers."""

    PART = 0
    MESSAGE = 1
    ECHO = 2
    STATUS = 3

    def subject(self, item_index: int) -> str:
        """For people: `part 0`, `message`, `echo` or `status`."""
        return f"part {item_index}" if self is DeliveryKind.PART else self.name.lower()


class Told(IntEnum):
    """Whether the inbox has been told a message's id: only then may its statuses go there."""

    NOT_YET = 0
    TOLD = 1
    NEVER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to store, with what has to be delivered because of it."""

    channel_id: str
    message_id: str
    direction: Direction
    origin: Origin
    address: str
    contact_id: str
    content: Content
    notes: tuple[Note, ...] = ()
    create_time: datetime
    event_time: datetime
    envelopes: int = 1
    """How many events tell the inbox of it."""
    contact: Contact | None = None
    """What the platform said of the contact."""
    parts: tuple[Content, ...] = ()
    """What goes to the platform; none for what came from there."""
    priority: Priority = Priority.FIRST
    expire_time: datetime | None = None
    request_id: str | None = None
    platform_event_id: str | None = None
    platform_message_id: str | None = None
    hold_until: datetime | None = None
    """An echo that may be our own is looked at again then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to put on a lane."""

    channel_id: str
    lane: Lane
    priority: Priority
    address: str
    message_id: str
    kind: DeliveryKind
    item_index: int = 0
    not_before: datetime | None = None
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that is ours to attempt until its lease runs out."""

    channel_id: str
    lane: Lane
    priority: int
    address: str
    delivery_id: int
    fence: int
    revision: int
    attempt: int
    """Which one this is, from 1."""
    kind: DeliveryKind
    item_index: int
    message_id: str
    wait: float
    """Seconds from the claim until its slot."""
    rate: float = math.inf
    """Of the lane, in slots a second."""
    expire_time: datetime
    origin: Origin
    contact_id: str
    content: Content
    """Of the part, or of the message."""
    part_count: int = 1
    event_time: datetime
    status: Status | None = None
    failure: Failure | None = None
    """Why the message failed."""
    last_failure: Failure | None = None
    """How the attempt before ended; known only of what is too late."""
    contact: Contact | None = None
    is_unwanted: bool = False
    """The inbox is not to hear of it: an echo of our own send, or a status of a message whose id it will never learn."""
    probes: int = 0
    """How often in a row the lane's other side could not be reached before this attempt."""

    @property
    def lane_key(self) -> LaneKey:
        """The lane it is on."""
        return LaneKey(self.channel_id, self.lane)


class Settlement(StrEnum):
    """How an attempt ends."""

    DONE = "done"
    """Delivered."""
    RETRY = "retry"
    """Another attempt at `retry_time`."""
    RELEASE = "release"
    """No attempt was made, or none that counts: due again at once, or when the lane's pause is over."""
    GIVE_UP = "give_up"
    """No other attempt: a dead letter."""
    DROP = "drop"
    """Not to be delivered, and nothing to keep: an echo of our own send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a claim."""

    claim: Claim
    settlement: Settlement
    end_time: datetime
    platform_message_id: str = ""
    notes: tuple[Note, ...] = ()
    failure: Failure | None = None
    retry_time: datetime | None = None
    pause_until: datetime | None = None
    """The whole lane waits until then."""
    pause_reason: str = ""
    is_answered: bool = False
    """The other side is there, whatever it said: a lane that was looking for it is open again."""
    is_probe_failed: bool = False
    """The other side could not be reached: the lane looks again with growing distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A status that a part of a message has reached, from an attempt or a report."""

    channel_id: str
    message_id: str
    part_index: int
    status: Status
    event_time: datetime
    failure: Failure | None = None
    platform_message_id: str = ""
