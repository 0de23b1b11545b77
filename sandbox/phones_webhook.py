"""Tells the business what happened: signed webhooks, in order per phone, again and again until they are taken."""

import asyncio
import hmac
from itertools import islice
from typing import Any

import aiohttp
import orjson
import structlog

from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.journal import Journal
from sandbox.live import Live
from sandbox.phones_book import Phone, PhonesBook
from sandbox.phones_facts import EventsTaken

MAX_EVENTS_PER_POST = 20
TIMEOUT_SECONDS = 10.0
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0

_log = structlog.get_logger()


def wait_before(attempt: int) -> float:
    """Seconds to wait before the next attempt, after this many in vain (1, 2, ...): 0.2, 0.4, ... 5."""
    return min(FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 10), LONGEST_WAIT_SECONDS)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Sandbox-Signature: over the time, too, so that a recorded webhook cannot be sent again under a fresh one."""
    return f"sha256={hmac.digest(secret.encode(), timestamp.encode() + b'.' + body, 'sha256').hex()}"


class Teller:
    """Empties the phones' queues of events, each phone in its own pace."""

    def __init__(
        self, *, secret: str, clock: Clock, book: PhonesBook, journal: Journal, live: Live, background: Background
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._book = book
        self._journal = journal
        self._live = live
        self._background = background
        self._telling: set[str] = set()
        self.http: aiohttp.ClientSession | None = None
        """Set while the sandbox runs."""

    def tell(self, phone: Phone) -> None:
        """See to it that this phone's events are being told."""
        if phone.number not in self._telling and phone.untold and self._book.webhook_url and self.http:
            self._telling.add(phone.number)
            self._background.spawn(self._tell(phone, self.http))

    def tell_all(self) -> None:
        """The same for every phone."""
        for phone in self._book.phones.values():
            self.tell(phone)

    async def _tell(self, phone: Phone, http: aiohttp.ClientSession) -> None:
        attempt = 0
        try:
            while phone.untold:
                events = list(islice(phone.untold, MAX_EVENTS_PER_POST))
                if await self._post(http, phone.number, events):
                    attempt = 0
                    taken = EventsTaken(number=phone.number, count=len(events))
                    self._book.apply(taken)
                    self._journal.note(taken)  # lost in a crash, they are told twice: what every platform does
                    self._live.tell("phone", phone.as_json())
                else:
                    attempt += 1
                    await self._clock.sleep(wait_before(attempt))
        finally:
            self._telling.discard(phone.number)

    async def _post(self, http: aiohttp.ClientSession, number: str, events: list[dict[str, Any]]) -> bool:
        body = orjson.dumps({"events": events})
        timestamp = str(int(self._clock.wall()))
        headers = {
            "Content-Type": "application/json",
            "X-Sandbox-Signature": signature(self._secret, timestamp, body),
            "X-Sandbox-Timestamp": timestamp,
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                http.post(self._book.webhook_url or "", data=body, headers=headers, allow_redirects=False) as answer,
            ):
                taken = 200 <= answer.status < 300  # a redirect took nothing
                outcome = str(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            taken, outcome = False, type(error).__name__
        if not taken:
            _log.info("phones.webhook_refused", number=number, events=len(events), outcome=outcome)
        return taken
