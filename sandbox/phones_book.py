"""The phones, what is on their screens, and what the webhook has yet to tell: a fold of facts, without any effect."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field

from sandbox.phones_facts import (
    EventHappened,
    EventsTaken,
    MessageAccepted,
    MessageReplayed,
    PhoneChanged,
    PhonesFact,
    WebhookRegistered,
)


class Behaviour(BaseModel):
    """How a phone, and the network on the way to it, behaves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    online: bool = True
    """Off: messages are accepted, and delivered once it is on again."""
    blocked: bool = False
    """The person blocked the business."""
    opted_out: bool = False
    unregistered: bool = False
    """No phone has this number."""
    answer: Literal[429, 500, 503] | None = None
    """What the API answers instead of taking a message for this phone."""
    retry_after: Annotated[float, Field(ge=0)] | None = None
    """Seconds, as Retry-After beside `answer`."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many messages are answered so; None answers all."""
    slow_seconds: Annotated[float, Field(ge=0)] = 0
    """How long the API's answer takes, after it has taken the message."""
    read_receipts: bool = True

    def after_one_answer(self) -> "Behaviour":
        """What is left once `answer` was given."""
        if self.count is None:
            return self
        left = {"count": self.count - 1} if self.count > 1 else {"count": None, "answer": None, "retry_after": None}
        return self.model_copy(update=left)


@dataclass(slots=True, kw_only=True)
class PhoneMessage:
    """One message on a phone's screen."""

    message_id: str
    origin: Literal["business", "person", "echo"]
    message: dict[str, Any]
    wall: float
    status: str
    reason: str | None = None
    statuses: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the page and tests read it."""
        return {
            "message_id": self.message_id,
            "origin": self.origin,
            "message": self.message,
            "time": self.wall,
            "status": self.status,
            "reason": self.reason,
            "statuses": self.statuses,
        }


@dataclass(slots=True, kw_only=True)
class Phone:
    """One person's phone."""

    number: str
    name: str
    behaviour: Behaviour
    messages: list[PhoneMessage] = field(default_factory=list)
    untold: deque[dict[str, Any]] = field(default_factory=deque)
    """Events the webhook has not answered 2xx for, oldest first."""

    def waiting(self, *statuses: str) -> Iterator[PhoneMessage]:
        """The business's messages that stand at one of these statuses, oldest first."""
        return (it for it in self.messages if it.origin == "business" and it.status in statuses)

    def as_json(self) -> dict[str, Any]:
        """As the page and tests read it, without its messages."""
        return {"number": self.number, "name": self.name, "untold": len(self.untold), **self.behaviour.model_dump()}


class PhonesBook:
    """What the network knows."""

    def __init__(self) -> None:
        self.webhook_url: str | None = None
        self.phones: dict[str, Phone] = {}
        self.replays = 0
        self.messages: dict[str, PhoneMessage] = {}
        self.ids_by_key: dict[str, str] = {}
        self._accepted: list[tuple[MessageAccepted, PhoneMessage]] = []

    def apply(self, fact: PhonesFact) -> PhoneMessage | None:
        """Take one fact in; the message that appeared or changed, if one did."""
        match fact:
            case WebhookRegistered():
                self.webhook_url = fact.url
            case PhoneChanged():
                self._phone_changed(fact)
            case MessageAccepted():
                return self._accept(fact)
            case MessageReplayed():
                self.replays += 1
            case EventHappened():
                return self._happen(fact)
            case EventsTaken():
                untold = self.phones[fact.number].untold
                for _ in range(fact.count):
                    untold.popleft()
            case _:
                assert_never(fact)
        return None

    def ledger(self, after: int) -> list[dict[str, Any]]:
        """Every message the API took behind this position, in order, each with the status it has now."""
        return [
            {
                "seq": seq,
                "number": fact.number,
                "message_id": fact.message_id,
                "idempotency_key": fact.idempotency_key,
                "text": fact.message.get("text", fact.message.get("caption")),
                "message": fact.message,
                "arrived_monotonic": fact.mono,
                "arrived_time": fact.wall,
                "status": message.status,
                "reason": message.reason,
            }
            for seq, (fact, message) in enumerate(self._accepted[after:], after + 1)
        ]

    def _phone_changed(self, fact: PhoneChanged) -> None:
        behaviour = Behaviour.model_validate(fact.behaviour)
        phone = self.phones.get(fact.number)
        if phone is None:
            self.phones[fact.number] = Phone(number=fact.number, name=fact.name, behaviour=behaviour)
        else:
            phone.name, phone.behaviour = fact.name, behaviour

    def _accept(self, fact: MessageAccepted) -> PhoneMessage:
        message = self._show(fact.number, fact.message_id, "business", fact.message, fact.wall, status="accepted")
        self.ids_by_key[fact.idempotency_key] = fact.message_id
        self._accepted.append((fact, message))
        return message

    def _happen(self, fact: EventHappened) -> PhoneMessage:
        event = fact.event
        self.phones[fact.number].untold.append(event)
        if event["type"] != "status":
            origin: Literal["person", "echo"] = "person" if event["type"] == "message" else "echo"
            return self._show(fact.number, event["message_id"], origin, event["message"], fact.wall, status="sent")
        message = self.messages[event["message_id"]]
        message.status, message.reason = event["status"], event.get("reason")
        message.statuses.append({"status": message.status, "reason": message.reason, "time": fact.wall})
        return message

    def _show(
        self,
        number: str,
        message_id: str,
        origin: Literal["business", "person", "echo"],
        message: dict[str, Any],
        wall: float,
        *,
        status: str,
    ) -> PhoneMessage:
        shown = PhoneMessage(message_id=message_id, origin=origin, message=message, wall=wall, status=status)
        self.messages[message_id] = shown
        self.phones[number].messages.append(shown)
        return shown
