"""What the sandbox is tested with: a clock of our own, a gateway that does as it is told, and words for requests."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.test_utils import TestClient

from sandbox.settings import Settings

T = TypeVar("T")

DEADLINE_SECONDS = 5.0
START = 1_800_000_000.0


class ManualClock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._lay_down = asyncio.Condition()

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return START + self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), waking))
        async with self._lay_down:
            self._lay_down.notify_all()
        await waking

    async def advance(self, seconds: float, *, sleepers: int = 1) -> None:
        """Move on by this much, once at least so many sleepers wait for time to pass."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._lay_down:
            await self._lay_down.wait_for(lambda: len(self._awaited()) >= sleepers)
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self.now += seconds
        while self._sleepers and self._sleepers[0][0] <= self.now + 1e-9:
            _, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)

    def _awaited(self) -> list[float]:
        return [due for due, _, waking in self._sleepers if not waking.done()]


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ScriptedGateway:
    """Answers the inbox and the webhooks as scripted, else with 200; keeps what it was sent."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    messages: asyncio.Queue[tuple[dict[str, str], Any]] = field(default_factory=asyncio.Queue)
    webhooks: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def message(self, request: web.Request) -> web.StreamResponse:
        self.messages.put_nowait((dict(request.headers), await request.json()))
        if self.answers:
            return await self.answers.pop(0)(request)
        return web.json_response({"mId": f"m-{next(self.ids)}"})

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        self.webhooks.put_nowait((dict(request.headers), await request.read()))
        if self.answers:
            return await self.answers.pop(0)(request)
        return web.json_response({})


def answering(status: int, body: Any = None) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status)

    return answer


async def soon(waiting: Awaitable[T]) -> T:
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await waiting


@dataclass
class Sandbox:
    """One running sandbox, and words for what tests do with it."""

    http: TestClient[web.Request, web.Application]
    settings: Settings

    async def json(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        async with self.http.request(method, path, json=body, **options) as answer:
            data = await answer.json()
            assert answer.status == 200, data
            return data

    async def envelope(self, *events: dict[str, Any], contact_id: str = "+491713920042") -> int:
        body = {"channelId": "sandbox-inbox", "contactId": contact_id, "events": list(events)}
        async with self.http.post("/custom/channel/webhook/", json=body, headers=INBOX) as answer:
            return answer.status

    async def counters(self) -> dict[str, int]:
        counters: dict[str, int] = (await self.json("GET", "/inbox/state"))["counters"]
        return counters

    async def send(self, text: str = "Hello") -> dict[str, Any]:
        body = {"contactId": "+491713920042", "message": {"type": "text", "text": text}}
        bubble: dict[str, Any] = await self.json("POST", "/inbox/send", body)
        return bubble

    async def platform(self, key: str = "k1", to: str = "+491713920042", **message: Any) -> tuple[int, Any]:
        body = {"to": to, "idempotency_key": key, "message": message or {"type": "text", "text": "Hi"}}
        async with self.http.post("/platform/v1/messages", json=body, headers=PLATFORM) as answer:
            return answer.status, await answer.json()

    async def screen(self, number: str = "+491713920042") -> list[dict[str, Any]]:
        phones = (await self.json("GET", "/phones"))["phones"]
        messages: list[dict[str, Any]] = next(it["messages"] for it in phones if it["number"] == number)
        return messages


INBOX = {"Authorization": "Bearer sandbox-inbox-token"}
PLATFORM = {"Authorization": "Bearer sandbox-platform-token"}


def left_by_a_kill(folder: Path) -> Path:
    """A copy of a running sandbox's files as they are at this moment: what a killed process leaves behind."""
    crashed = folder / "crashed"
    crashed.mkdir()
    for file in folder.glob("sandbox.sqlite3*"):
        (crashed / file.name).write_bytes(file.read_bytes())
    return crashed


def message_event(m_id: str = "in-1", text: str = "Hi") -> dict[str, Any]:
    message = {"type": "text", "text": text}
    return {"type": "message", "mId": m_id, "timestamp": round(START * 1000), "message": message}


def status_event(m_id: str, status: str) -> dict[str, Any]:
    return {"type": "message_status", "mId": m_id, "timestamp": round(START * 1000), "status": {"value": status}}


StartSandbox = Callable[..., Awaitable[Sandbox]]
