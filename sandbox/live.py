"""What changes, as server-sent events for the page."""

import asyncio
from typing import Any

import orjson
from aiohttp import web

QUEUE_LENGTH = 1000
HEARTBEAT_SECONDS = 15.0


class Live:
    """Tells every open page what changed. A page too slow to follow is cut off, reconnects and starts afresh."""

    def __init__(self, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    @property
    def is_watched(self) -> bool:
        """Whether any page is open: else nothing need be rendered for it."""
        return bool(self._queues)

    def tell(self, name: str, data: Any) -> None:
        """Queue one event for each page. `data` is what orjson can write."""
        frame = b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))
        for queue in list(self._queues):
            try:
                queue.put_nowait(frame)
            except asyncio.QueueFull:
                self._cut_off(queue)

    def close(self) -> None:
        """End every stream."""
        for queue in list(self._queues):
            self._cut_off(queue)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /events."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_LENGTH)
        self._queues.add(queue)
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            while (frame := await self._next(queue)) is not None:
                await response.write(frame)
        except ConnectionError:  # the page was closed
            return response
        finally:
            self._queues.discard(queue)
        return response

    async def _next(self, queue: asyncio.Queue[bytes | None]) -> bytes | None:
        try:
            async with asyncio.timeout(self._heartbeat_seconds):
                return await queue.get()
        except TimeoutError:
            return b": still here\n\n"

    def _cut_off(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queues.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)
