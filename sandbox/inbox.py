"""The inbox: takes envelopes at its webhook, posts what agents write to the gateway, tells the page."""

import asyncio
import secrets
from collections import Counter, deque
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson
import structlog

from sandbox.clock import Clock
from sandbox.contract import Rules, check_envelope
from sandbox.inbox_book import Bubble, InboxBook
from sandbox.inbox_facts import InboxFact, SendAnswered, SendTried, arrived
from sandbox.inbox_faults import Fault
from sandbox.journal import Journal
from sandbox.live import Live
from sandbox.rate import SlidingWindow
from sandbox.settings import Settings

SEND_TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 64 * 1024
KEPT_REFUSALS = 50
MAX_ID_LENGTH = 50

_log = structlog.get_logger()


class Inbox:
    """One inbox workspace with one custom channel."""

    def __init__(self, settings: Settings, clock: Clock, journal: Journal, live: Live) -> None:
        self.book = InboxBook()
        self.fault: Fault | None = None
        self.window = SlidingWindow(settings.inbox_rate)
        self.refused: Counter[str] = Counter()
        """By reason: token, contract, rate, size, fault. Not kept: nothing of it was answered 200."""
        self._refusals: deque[dict[str, Any]] = deque(maxlen=KEPT_REFUSALS)
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._live = live

    async def take(self, envelope: dict[str, Any]) -> None:
        """Take an envelope; returns when it is durable.

        Raises:
            ContractViolation: It breaks a rule, and nothing of it was taken.
        """
        mono, wall = self._clock.monotonic(), self._clock.wall()
        settings = self._settings
        rules = Rules(channel_id=settings.inbox_channel_id, id_type=settings.id_type, now_ms=round(wall * 1000))
        events = check_envelope(envelope, rules)
        contact_id, contact = envelope["contactId"], envelope.get("contact", {})
        await self._record(*(arrived(event, contact_id, contact, mono=mono, wall=wall) for event in events))

    def set_fault(self, fault: Fault | None) -> None:
        """Misbehave at the webhook from now on, or no longer."""
        self.fault = fault
        self._live.tell("fault", fault and fault.model_dump())

    def refuse(self, reason: str, text: str) -> None:
        """Count a request that was not taken, and keep why."""
        self.refused[reason] += 1
        self._refusals.append({"reason": reason, "text": text, "time": self._clock.wall()})
        self._tell_counts()
        _log.info("inbox.webhook_refused", reason=reason, text=text)

    async def send(self, http: aiohttp.ClientSession, contact_id: str, message: Any, channel_id: str | None) -> Bubble:
        """Post what an agent wrote, once; the bubble says what came of it."""
        tried = SendTried(
            send_id=f"snd_{secrets.token_hex(8)}",
            contact_id=contact_id,
            channel_id=channel_id or self._settings.inbox_channel_id,
            message=message,
            mono=self._clock.monotonic(),
            wall=self._clock.wall(),
        )
        await self._record(tried)
        http_status, m_id, error = await self._post(http, tried)
        bubble = await self._record(
            SendAnswered(
                send_id=tried.send_id,
                http_status=http_status,
                m_id=m_id,
                error=error,
                mono=self._clock.monotonic(),
                wall=self._clock.wall(),
            )
        )
        if bubble is None:
            raise RuntimeError("an answered send has a bubble")
        _log.info("inbox.sent", send_id=tried.send_id, http_status=http_status, m_id=m_id, error=error)
        return bubble

    def close_unanswered(self) -> None:
        """After a restart: sends that were under way when the inbox stopped are failures to their agent."""
        for send_id in self.book.unanswered:
            answered = SendAnswered(
                send_id=send_id,
                http_status=None,
                m_id=None,
                error="The inbox was restarted before the gateway answered.",
                mono=self._clock.monotonic(),
                wall=self._clock.wall(),
            )
            self.book.apply(answered)
            self._journal.note(answered)

    def state(self) -> dict[str, Any]:
        """Everything the page shows and tests look at."""
        return {
            "channelId": self._settings.inbox_channel_id,
            "id_type": self._settings.id_type,
            "conversations": [conversation.as_json() for conversation in self.book.conversations.values()],
            "counters": self.counters(),
            "unknown_statuses": [
                {"contactId": it.contact_id, "mId": it.m_id, "status": it.status, "arrived_time": it.wall}
                for it in self.book.still_unknown()
            ],
            "refusals": list(self._refusals),
            "fault": self.fault.model_dump() if self.fault else None,
        }

    def counters(self) -> dict[str, int]:
        """The ledger's sums, and how many requests were refused for which reason."""
        refused = {f"refused_{reason}": self.refused[reason] for reason in ("token", "contract", "rate", "size")}
        unknown = sum(1 for _ in self.book.still_unknown())
        return {**asdict(self.book.counts), "unknown_status": unknown, **refused, "faults": self.refused["fault"]}

    async def _record(self, *facts: InboxFact) -> Bubble | None:
        changed = [bubble for fact in facts if (bubble := self.book.apply(fact)) is not None]
        await self._journal.append(*facts)
        for bubble in changed if self._live.is_watched else ():
            contact = self.book.conversations[bubble.contact_id].contact
            self._live.tell("bubble", {"contact": contact, "bubble": bubble.as_json()})
        self._tell_counts()
        return changed[-1] if changed else None

    def _tell_counts(self) -> None:
        if self._live.is_watched:
            self._live.tell("counters", self.counters())

    async def _post(self, http: aiohttp.ClientSession, tried: SendTried) -> tuple[int | None, str | None, str | None]:
        """HTTP status, mId, error: what the gateway made of it."""
        body = {"channelId": tried.channel_id, "contactId": tried.contact_id, "message": tried.message}
        headers = {
            "Authorization": f"Bearer {self._settings.inbox_token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        try:
            async with (
                asyncio.timeout(SEND_TIMEOUT_SECONDS),
                http.post(
                    self._settings.message_url, data=orjson.dumps(body), headers=headers, allow_redirects=False
                ) as answer,
            ):
                status, text = answer.status, await answer.content.read(MAX_ANSWER_BYTES)
        except TimeoutError:
            return None, None, f"The gateway could not be reached: no answer in {SEND_TIMEOUT_SECONDS:g} seconds."
        except aiohttp.ClientError as error:
            return None, None, f"The gateway could not be reached ({type(error).__name__})."
        m_id, error_text = read_answer(status, text)
        return status, m_id, error_text


def read_answer(status: int, body: bytes) -> tuple[str | None, str | None]:
    """MId or error text out of the gateway's answer to a message."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    match status, data:
        case 200, {"mId": str(m_id)} if 0 < len(m_id) <= MAX_ID_LENGTH:
            return m_id, None
        case 200, _:
            return None, f"The gateway answered 200 without an mId of 1 to {MAX_ID_LENGTH} characters."
        case _, {"error": {"message": str(text)}} if text:
            return None, text
    return None, f"The gateway answered {status} without saying why."
