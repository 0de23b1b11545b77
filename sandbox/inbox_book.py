"""The inbox's conversations and its ledger: a fold of facts, without any effect."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from sandbox.inbox_facts import InboxFact, MessageArrived, SendAnswered, SendTried, StatusArrived

_RANK = {"sending": 0, "accepted": 1, "sent": 2, "delivered": 3, "read": 4}


@dataclass(slots=True, kw_only=True)
class Bubble:
    """One message in a conversation."""

    bubble_id: str
    contact_id: str
    origin: Literal["agent", "contact", "echo"]
    message: Any
    m_id: str | None
    timestamp: int
    """Milliseconds since the epoch, by whoever wrote it."""
    status: str
    reason: str | None = None
    statuses: list[dict[str, Any]] = field(default_factory=list)
    duplicates: int = 0

    def as_json(self) -> dict[str, Any]:
        """As the page and tests read it."""
        return {
            "id": self.bubble_id,
            "contactId": self.contact_id,
            "direction": "incoming" if self.origin == "contact" else "outgoing",
            "origin": self.origin,
            "mId": self.m_id,
            "message": self.message,
            "timestamp": self.timestamp,
            "status": self.status,
            "reason": self.reason,
            "statuses": self.statuses,
            "duplicates": self.duplicates,
        }


@dataclass(slots=True, kw_only=True)
class Conversation:
    """Everything said with one contact, in the order the inbox learned it."""

    contact_id: str
    contact: dict[str, Any] = field(default_factory=dict)
    bubbles: list[Bubble] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the page and tests read it."""
        return {
            "contactId": self.contact_id,
            "contact": self.contact,
            "messages": [bubble.as_json() for bubble in self.bubbles],
        }


@dataclass(slots=True, kw_only=True)
class Counts:
    """What fault tests read. Each event that arrived is in exactly one of messages, echoes, statuses, duplicates."""

    messages: int = 0
    echoes: int = 0
    statuses: int = 0
    duplicates: int = 0
    """A message or an echo whose mId was known already; it is shown once."""
    repeated_status: int = 0
    regressions: int = 0
    """A status behind the one known: sent < delivered < read, failed only before delivered, nothing after failed."""
    early_status: int = 0
    """A status that overtook the answer with its mId, by no more than a moment."""
    sends: int = 0
    sends_accepted: int = 0
    sends_failed: int = 0


def judge(current: str, reported: str) -> Literal["forward", "repeat", "backward"]:
    """How a reported status relates to the one a message has."""
    if reported == current:
        return "repeat"
    if current == "failed":
        return "backward"
    if reported == "failed":
        return "forward" if _RANK[current] < _RANK["delivered"] else "backward"
    return "forward" if _RANK[reported] > _RANK[current] else "backward"


class InboxBook:
    """What the inbox knows."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.ledger: list[dict[str, Any]] = []
        self.counts = Counts()
        self.unknown_statuses: dict[str, list[StatusArrived]] = {}
        self._by_m_id: dict[str, Bubble] = {}
        self._sending: dict[str, tuple[SendTried, Bubble]] = {}

    @property
    def unanswered(self) -> list[str]:
        """Sends whose answer is not known (yet)."""
        return list(self._sending)

    def apply(self, fact: InboxFact) -> Bubble | None:
        """Take one fact in; the bubble that changed, if one did."""
        match fact:
            case MessageArrived():
                return self._message_arrived(fact)
            case StatusArrived():
                return self._status_arrived(fact)
            case SendTried():
                return self._send_tried(fact)
            case SendAnswered():
                return self._send_answered(fact)
            case _:
                assert_never(fact)

    def _message_arrived(self, fact: MessageArrived) -> Bubble:
        conversation = self._conversation(fact.contact_id)
        conversation.contact |= fact.contact
        known = self._by_m_id.get(fact.m_id)
        self._enter(
            fact,
            kind="echo" if fact.echo else "message",
            message=fact.message,
            timestamp=fact.timestamp,
            duplicate=known is not None,
        )
        if known is not None:
            known.duplicates += 1
            self.counts.duplicates += 1
            return known
        bubble = Bubble(
            bubble_id=fact.m_id,
            contact_id=fact.contact_id,
            origin="echo" if fact.echo else "contact",
            message=fact.message,
            m_id=fact.m_id,
            timestamp=fact.timestamp,
            status="sent" if fact.echo else "received",
        )
        if fact.echo:
            self.counts.echoes += 1
        else:
            self.counts.messages += 1
        conversation.bubbles.append(bubble)
        self._know(fact.m_id, bubble)
        return bubble

    def _status_arrived(self, fact: StatusArrived) -> Bubble | None:
        self.counts.statuses += 1
        bubble = self._by_m_id.get(fact.m_id)
        is_known = bubble is not None and bubble.origin != "contact"
        self._enter(
            fact,
            kind="status",
            status=fact.status,
            reason=fact.reason,
            timestamp=fact.timestamp,
            unknown=not is_known,
        )
        if bubble is None or not is_known:
            self.unknown_statuses.setdefault(fact.m_id, []).append(fact)
            return None
        self._advance(bubble, fact)
        return bubble

    def _advance(self, bubble: Bubble, fact: StatusArrived) -> None:
        bubble.statuses.append(
            {
                "status": fact.status,
                "reason": fact.reason,
                "timestamp": fact.timestamp,
                "arrived_monotonic": fact.mono,
                "arrived_time": fact.wall,
            }
        )
        match judge(bubble.status, fact.status):
            case "forward":
                bubble.status, bubble.reason = fact.status, fact.reason
            case "repeat":
                # An echo is shown as sent from the start: its first `sent` is news to nobody, but no repetition.
                self.counts.repeated_status += len(bubble.statuses) > 1 or bubble.origin == "agent"
            case "backward":
                self.counts.regressions += 1

    def _send_tried(self, fact: SendTried) -> Bubble:
        self.counts.sends += 1
        bubble = Bubble(
            bubble_id=fact.send_id,
            contact_id=fact.contact_id,
            origin="agent",
            message=fact.message,
            m_id=None,
            timestamp=round(fact.wall * 1000),
            status="sending",
        )
        self._conversation(fact.contact_id).bubbles.append(bubble)
        self._sending[fact.send_id] = (fact, bubble)
        return bubble

    def _send_answered(self, fact: SendAnswered) -> Bubble:
        tried, bubble = self._sending.pop(fact.send_id)
        self.ledger.append(
            {
                "seq": len(self.ledger) + 1,
                "kind": "send",
                "contactId": tried.contact_id,
                "channelId": tried.channel_id,
                "mId": fact.m_id,
                "id": fact.send_id,
                "message": tried.message,
                "http_status": fact.http_status,
                "error": fact.error,
                "tried_monotonic": tried.mono,
                "tried_time": tried.wall,
                "answered_monotonic": fact.mono,
                "answered_time": fact.wall,
            }
        )
        if fact.m_id is None:
            self.counts.sends_failed += 1
            bubble.status, bubble.reason = "failed", fact.error
            return bubble
        self.counts.sends_accepted += 1
        bubble.m_id, bubble.status = fact.m_id, "accepted"
        self._know(fact.m_id, bubble)
        return bubble

    def _know(self, m_id: str, bubble: Bubble) -> None:
        known = self._by_m_id.setdefault(m_id, bubble)
        if known is not bubble:  # two messages under one id: an echo of what the inbox sent, or an id given out twice
            known.duplicates += 1
            self.counts.duplicates += 1
            return
        if bubble.origin != "contact":
            for early in self.unknown_statuses.pop(m_id, []):
                self.counts.early_status += 1
                self._advance(bubble, early)

    def _conversation(self, contact_id: str) -> Conversation:
        return self.conversations.setdefault(contact_id, Conversation(contact_id=contact_id))

    def _enter(self, fact: MessageArrived | StatusArrived, **entry: Any) -> None:
        self.ledger.append(
            {
                "seq": len(self.ledger) + 1,
                "contactId": fact.contact_id,
                "mId": fact.m_id,
                "arrived_monotonic": fact.mono,
                "arrived_time": fact.wall,
                **entry,
            }
        )

    def still_unknown(self) -> Iterator[StatusArrived]:
        """Statuses of messages the inbox has never heard of, or which the contact wrote."""
        for statuses in self.unknown_statuses.values():
            yield from statuses
