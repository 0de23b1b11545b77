"""What the inbox's journal holds. `wall` and `mono` are seconds, here; `timestamp` is the sender's."""

from dataclasses import dataclass
from typing import Any

from sandbox.contract import Event, MessageEvent
from sandbox.journal import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageArrived(Fact):
    """The webhook took a message of the contact, or an echo."""

    contact_id: str
    contact: dict[str, Any]
    m_id: str
    echo: bool
    message: dict[str, Any]
    timestamp: int
    mono: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusArrived(Fact):
    """The webhook took a status."""

    contact_id: str
    m_id: str
    status: str
    reason: str | None
    timestamp: int
    mono: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTried(Fact):
    """An agent pressed send."""

    send_id: str
    contact_id: str
    channel_id: str
    message: Any
    mono: float
    wall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnswered(Fact):
    """What came of it: `m_id` where the gateway took it, else `error`. `http_status` is None where nobody answered."""

    send_id: str
    http_status: int | None
    m_id: str | None
    error: str | None
    mono: float
    wall: float


InboxFact = MessageArrived | StatusArrived | SendTried | SendAnswered
INBOX_FACTS = (MessageArrived, StatusArrived, SendTried, SendAnswered)


def arrived(event: Event, contact_id: str, contact: dict[str, Any], *, mono: float, wall: float) -> InboxFact:
    """The fact that an accepted event becomes."""
    if isinstance(event, MessageEvent):
        return MessageArrived(
            contact_id=contact_id,
            contact=contact,
            m_id=event.m_id,
            echo=event.type == "message_echo",
            message=event.message,
            timestamp=event.timestamp,
            mono=mono,
            wall=wall,
        )
    return StatusArrived(
        contact_id=contact_id,
        m_id=event.m_id,
        status=event.status,
        reason=event.reason,
        timestamp=event.timestamp,
        mono=mono,
        wall=wall,
    )
