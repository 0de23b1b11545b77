"""Dispatchers that run beside a test, with attempts of its choice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from anychannel.message import Lane
from core.lanes.dispatcher import Attempt, Dispatcher, Patience
from core.lanes.records import Claim, NewMessage, Outcome, Settlement
from core.lanes.retry import RetryPolicy
from core.storage.accept import accept
from core.storage.database import Pool
from core.storage.statuses import Reached
from tests.core.flaky import Flaky

DEADLINE_SECONDS = 10.0


def utc_now() -> datetime:
    return datetime.now(UTC)


def done(claim: Claim, **changes: Any) -> Outcome:
    values: dict[str, Any] = {"claim": claim, "settlement": Settlement.DONE, "end_time": utc_now()}
    if claim.lane is Lane.PLATFORM:
        values["platform_message_id"] = f"id of {claim.message_id}.{claim.item_index}"
    return Outcome(**values | changes)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for a condition; a test that waits longer than its deadline has failed."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.005)


@dataclass
class Engine:
    """A dispatcher that runs, and what it did."""

    pool: Pool
    dispatcher: Dispatcher
    reached: list[Reached] = field(default_factory=list)
    attempts: list[Claim] = field(default_factory=list)

    async def bring(self, messages: Sequence[NewMessage]) -> None:
        """Accept messages and hint at their lanes, as core does."""
        for accepted in await accept(self.pool, messages):
            self.dispatcher.hint(accepted.work)

    async def is_idle(self) -> bool:
        return not self.dispatcher.in_flight and not await self.pool.fetchval(
            "SELECT count(*) FROM turns WHERE lane = 1"
        )

    def attempts_at(self, channel_id: str) -> int:
        return sum(claim.channel_id == channel_id for claim in self.attempts)


@asynccontextmanager
async def running(
    pool: Pool,
    attempt: Attempt | None = None,
    *,
    flaky: Flaky | None = None,
    lease: timedelta = timedelta(seconds=10),
    max_in_flight: int = 500,
    internal_attempts: int = 5,
) -> AsyncIterator[Engine]:
    """A dispatcher whose attempts at platforms are `attempt`; events are taken by every inbox."""
    all_reached: list[Reached] = []
    policy = RetryPolicy(first=timedelta(milliseconds=1), internal_attempts=internal_attempts)

    async def platform(claim: Claim) -> Outcome:
        engine.attempts.append(claim)
        return done(claim) if attempt is None else await attempt(claim)

    async def inbox(claim: Claim) -> Outcome:
        return done(claim)

    dispatcher = Dispatcher(
        flaky or pool,  # type: ignore[arg-type]  # it can do what a dispatcher asks of a pool
        {Lane.PLATFORM: platform, Lane.INBOX: inbox},
        patience=Patience(lease=lease, max_in_flight=max_in_flight, retry=policy),
        clock=utc_now,
        on_reached=all_reached.extend,
    )
    engine = Engine(pool, dispatcher, all_reached)
    task = asyncio.create_task(dispatcher.run())
    try:
        yield engine
    finally:
        await dispatcher.drain(0.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled() or task.exception() is None, task.exception()
