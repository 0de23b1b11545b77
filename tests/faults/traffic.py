"""Traffic both ways: agents send from the inbox, persons write on their phones, each conversation one thing after the other."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.faults.ledger import Books, Saying
from tests.stack.waiting import until

NUMBERS = tuple(f"+49171392{number:04}" for number in range(100, 130))
SENDS_PER_SECOND = 15.0
WRITES_PER_SECOND = 10.0


class Traffic:
    """What both ends say, until told to stop. What a gateway or sandbox that is away did not take is not said again."""

    def __init__(self, sandbox: aiohttp.ClientSession, chance: random.Random, numbers: Sequence[str] = NUMBERS) -> None:
        self._sandbox = sandbox
        self._chance = chance
        self._numbers = numbers
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Talk while the context lasts; at its end, what is being said is said to its end."""
        async with asyncio.TaskGroup() as group:
            for number in self._numbers:
                group.create_task(self._talk(number, send, len(self._numbers) / SENDS_PER_SECOND))
                group.create_task(self._talk(number, write, len(self._numbers) / WRITES_PER_SECOND))
            try:
                yield
            finally:
                self._stopping.set()

    async def _talk(self, number: str, say: Any, every: float) -> None:
        sequence = 0
        await self._pause(self._chance.uniform(0, every))
        while not self._stopping.is_set():
            sequence += 1
            # The sandbox may be the one that was killed; only what its own books show counts.
            with suppress(aiohttp.ClientError, TimeoutError):
                await say(self._sandbox, Saying(number, sequence, time.time()))
            await self._pause(every)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def send(sandbox: aiohttp.ClientSession, saying: Saying) -> dict[str, Any]:
    """An agent sends; the bubble with what the gateway answered."""
    body = {"contactId": saying.number, "message": {"type": "text", "text": str(saying)}}
    async with sandbox.post("/inbox/send", json=body) as answer:
        bubble: dict[str, Any] = await answer.json()
        return bubble


async def write(sandbox: aiohttp.ClientSession, saying: Saying) -> None:
    """A person writes."""
    body = {"message": {"type": "text", "text": str(saying)}}
    async with sandbox.post(f"/phones/{saying.number}/messages", json=body) as answer:
        await answer.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What edge answered, and how fast."""

    status: int
    retry_after: str
    seconds: float


async def post_to_edge(edge: aiohttp.ClientSession, saying: Saying) -> Answer:
    """Send as the inbox does, past its books."""
    body = {
        "channelId": "sandbox-inbox",
        "contactId": saying.number,
        "message": {"type": "text", "text": str(saying)},
    }
    began = time.monotonic()
    async with edge.post("/message", json=body, headers={"Authorization": "Bearer sandbox-inbox-token"}) as answer:
        await answer.read()
        seconds = time.monotonic() - began
        return Answer(status=answer.status, retry_after=answer.headers.get("Retry-After", ""), seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Seconds until each direction flowed."""

    to_phones: float
    to_inbox: float

    @property
    def of_both(self) -> float:
        """Until the later one did."""
        return max(self.to_phones, self.to_inbox)


class Arrivals:
    """What arrives at both ends, read on from where it was read last."""

    def __init__(self, sandbox: aiohttp.ClientSession) -> None:
        self._sandbox = sandbox
        self._positions = {"/phones/ledger": 0, "/inbox/ledger": 0}

    async def until_flowing(self, since: float, *, within: float) -> Recovery:
        """Wait until something that was said after `since` has arrived in each direction; how long that took."""
        firsts: dict[str, float] = {}

        async def look() -> bool:
            with suppress(aiohttp.ClientError, TimeoutError):
                for path in self._positions:
                    for arrive_time in await self._read_on(path, since):
                        firsts.setdefault(path, arrive_time)
            return firsts.keys() == self._positions.keys()

        try:
            await until(look, within=within, what="both directions flow again")
        except AssertionError as error:
            error.add_note(f"since {since:.3f} there arrived: {firsts}")
            raise
        return Recovery(to_phones=firsts["/phones/ledger"] - since, to_inbox=firsts["/inbox/ledger"] - since)

    async def _read_on(self, path: str, since: float) -> list[float]:
        entries = await _json(self._sandbox, f"{path}?after={self._positions[path]}")
        self._positions[path] += len(entries)
        arrived = [entry for entry in entries if entry.get("kind", "message") == "message"]
        return [entry["arrived_time"] for entry in arrived if Saying.read(entry["message"]).say_time >= since]


async def read_books(sandbox: aiohttp.ClientSession) -> Books:
    """Both ends' books, as they are now."""
    inbox_ledger, inbox_state, phones_ledger, phones = [
        await _json(sandbox, path) for path in ("/inbox/ledger", "/inbox/state", "/phones/ledger", "/phones")
    ]
    return Books(inbox_ledger=inbox_ledger, inbox_state=inbox_state, phones_ledger=phones_ledger, phones=phones)


async def _json(sandbox: aiohttp.ClientSession, path: str) -> Any:
    async with sandbox.get(path) as answer:
        return await answer.json()
