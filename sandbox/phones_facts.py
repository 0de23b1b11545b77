"""What the phone network's journal holds. `wall` and `mono` are seconds; messages and events are as on the wire."""

from dataclasses import dataclass
from typing import Any

from sandbox.journal import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRegistered(Fact):
    """The business said where its webhooks go."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneChanged(Fact):
    """A phone's name and behaviour, whole. The first of a number is the phone's beginning."""

    number: str
    name: str
    behaviour: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAccepted(Fact):
    """The API took a message of the business."""

    number: str
    message_id: str
    idempotency_key: str
    message: dict[str, Any]
    mono: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReplayed(Fact):
    """The API met an idempotency key again."""

    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHappened(Fact):
    """A message, a status or an echo, as the webhook will tell it."""

    number: str
    event: dict[str, Any]
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsTaken(Fact):
    """The webhook answered 2xx for the oldest `count` events of a phone."""

    number: str
    count: int


PhonesFact = WebhookRegistered | PhoneChanged | MessageAccepted | MessageReplayed | EventHappened | EventsTaken
PHONES_FACTS = (WebhookRegistered, PhoneChanged, MessageAccepted, MessageReplayed, EventHappened, EventsTaken)
