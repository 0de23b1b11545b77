"""Sends together what is waiting, and never waits in order to send together.

Every hop that costs much per call and little per item uses this one batcher: calls between services, commits to the database.
An idle hop is called at once with one item; a busy one gathers what came in while its calls were under way.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Run = Callable[[Sequence[T]], AsyncIterator[tuple[int, R]]]
"""Does the items' work; yields each one's (index, result) as soon as it is known. An async generator."""


class Unanswered(Exception):
    """The call ended without a result for this item."""


class Overloaded(Exception):
    """Too many items wait already; try again later."""


@dataclass(slots=True)
class _Waiting(Generic[T, R]):
    item: T
    result: asyncio.Future[R]
    since: float


class Batcher(Generic[T, R]):
    """Gathers items into calls of `run`.

    Args:
        run: does the work of up to `max_batch` items.
        max_batch: most items in one call.
        max_in_flight: while fewer calls are open, an item goes out in the same turn of the loop; further ones gather.
        max_calls: most calls open at all. Beyond `max_in_flight` a call is opened only for an item that has waited `linger`,
            so that a few slow calls hold up nobody.
        linger: seconds.
        max_waiting: items that may wait; more are refused with `Overloaded`.
    """

    def __init__(
        self,
        run: Run[T, R],
        *,
        max_batch: int = 100,
        max_in_flight: int = 4,
        max_calls: int = 64,
        linger: float = 0.002,
        max_waiting: int = 20_000,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._max_in_flight = max_in_flight
        self._max_calls = max(max_calls, max_in_flight)
        self._linger = linger
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._wake: asyncio.TimerHandle | asyncio.Handle | None = None

    @property
    def waiting(self) -> int:
        """How many items wait for a call."""
        return len(self._waiting)

    async def __call__(self, item: T) -> R:
        """Have `item` done with others.

        Raises:
            Overloaded: too many wait.
            Unanswered: the call ended without a result for it.
            Exception: whatever `run` raised.
        """
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{len(self._waiting)} items wait already; try again later")
        loop = asyncio.get_running_loop()
        waiting = _Waiting[T, R](item, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        self._schedule(loop)
        return await waiting.result

    async def aclose(self) -> None:
        """Wait until everything handed over is done."""
        while self._waiting or self._calls:
            if self._calls:
                await asyncio.wait(self._calls)
            else:
                await asyncio.sleep(0)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._wake is not None or not self._waiting:
            return
        if len(self._calls) < self._max_in_flight:
            self._wake = loop.call_soon(self._open_call)
        elif len(self._calls) < self._max_calls:
            self._wake = loop.call_at(self._waiting[0].since + self._linger, self._open_call)

    def _open_call(self) -> None:
        self._wake = None
        loop = asyncio.get_running_loop()
        batch = self._next_batch()
        if batch:
            call = loop.create_task(self._call(batch))
            self._calls.add(call)
            call.add_done_callback(self._close_call)
        self._schedule(loop)

    def _next_batch(self) -> list[_Waiting[T, R]]:
        batch: list[_Waiting[T, R]] = []
        while self._waiting and len(batch) < self._max_batch:
            waiting = self._waiting.popleft()
            if not waiting.result.done():  # its caller gave up
                batch.append(waiting)
        return batch

    def _close_call(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if self._wake is not None and len(self._calls) < self._max_in_flight:
            self._wake.cancel()
            self._wake = None
        self._schedule(call.get_loop())

    async def _call(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            async with aclosing(self._run([waiting.item for waiting in batch])) as results:  # type: ignore[type-var]  # an async generator
                async for index, result in results:
                    if not batch[index].result.done():
                        batch[index].result.set_result(result)
        except Exception as error:  # noqa: BLE001  # handed to those who wait
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, Unanswered("the call was cancelled"))
            raise
        _fail(batch, Unanswered("the call ended without an answer for this item"))


def _fail(batch: list[_Waiting[T, R]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.result.done():
            waiting.result.set_exception(error)
