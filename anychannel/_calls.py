"""The calls under way at a server, so that it can stop without cutting one off."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class ShuttingDown(Exception):
    """The server is stopping; the caller finds another one."""


class Calls:
    """Counts calls, and ends waits that could last for ever when the server stops."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._waits: set[asyncio.Timeout] = set()
        self._is_closing = False

    @property
    def is_closing(self) -> bool:
        """Whether new calls are to be refused."""
        return self._is_closing

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """One call, from its begin to its end."""
        self._count += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """A wait that `close` may end. Raises `ShuttingDown` then; what was awaited has been cancelled."""
        if self._is_closing:
            raise ShuttingDown
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits.add(wait)
                try:
                    yield
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            if wait.expired():
                raise ShuttingDown from None
            raise

    async def close(self, grace: float) -> bool:
        """Refuse new calls, end interruptible waits, and give the other calls `grace` seconds. Whether all have ended."""
        self._is_closing = True
        now = asyncio.get_running_loop().time()
        for wait in list(self._waits):
            wait.reschedule(now)
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
