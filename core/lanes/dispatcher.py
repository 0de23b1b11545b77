"""The loop that claims what is due, has it attempted at its slot and settles what became of it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from anychannel._batcher import Batcher
from anychannel.failures import Failure, FailureKind
from anychannel.message import Lane
from core.lanes.records import Claim, LaneKey, Outcome, Settlement
from core.lanes.retry import GiveUp, RetryPolicy, decide
from core.storage.claim import claim, renew, seconds_until_wake, sweep
from core.storage.database import Pool, is_away
from core.storage.reports import sweep_early, take_early
from core.storage.settle import settle
from core.storage.statuses import Reached

HORIZON = timedelta(milliseconds=75)
"""How far ahead slots are handed out: longer than a claim takes, so that no slot is missed, and at twenty a second not
more than two slots, so that a reply that comes now does not wait behind more of a broadcast."""
MAX_LANES = 64
"""Lanes served by one claim."""
MAX_PER_LANE = 50
"""Deliveries of one lane under way at once, here: what a slow other side can occupy."""
POLL_SECONDS = 0.25
"""Longest sleep: how late work of another process is seen when nothing else wakes us."""
SWEEP_SECONDS = 5.0
_RETRY_DATABASE_SECONDS = 0.3
_CONTENDED_SECONDS = 0.005
_MAX_HINT_TRIES = 100

_log = structlog.get_logger(__name__)

Attempt = Callable[[Claim], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The dispatcher's bounds."""

    lease: timedelta
    max_in_flight: int
    retry: RetryPolicy


class Dispatcher:
    """Runs the lanes of all channels, together with any number of others on the same database."""

    def __init__(
        self,
        pool: Pool,
        attempts: dict[Lane, Attempt],
        *,
        patience: Patience,
        clock: Callable[[], datetime],
        on_reached: Callable[[Sequence[Reached]], None],
    ) -> None:
        self._pool = pool
        self._attempts = attempts
        self._patience = patience
        self._clock = clock
        self._on_reached = on_reached
        self._hints: dict[LaneKey, int] = {}
        self._wake = asyncio.Event()
        self._in_flight: dict[asyncio.Task[None], Claim] = {}
        self._lane_load: Counter[LaneKey] = Counter()
        self._paused: dict[LaneKey, float] = {}
        self._stopping = False
        self._settle: Batcher[Outcome, None] = Batcher(self._run_settle, max_batch=200, max_in_flight=2)

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return len(self._in_flight)

    def hint(self, lanes: Iterable[LaneKey]) -> None:
        """These lanes may have something due now."""
        for key in lanes:
            self._hints[key] = 0
        self._wake.set()

    async def run(self) -> None:
        """Claim, attempt and settle until cancelled. The database may come and go."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._renew_leases())
            tasks.create_task(self._sweep())
            while not self._stopping:
                try:
                    await self._turn()
                except Exception as error:
                    if not is_away(error):
                        raise
                    _log.warning("database away", error=type(error).__name__)
                    await asyncio.sleep(_RETRY_DATABASE_SECONDS)
            raise asyncio.CancelledError

    async def drain(self, grace: float) -> None:
        """Claim no more; finish what is under way, or hand it back after `grace` seconds."""
        self._stopping = True
        self._wake.set()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=grace)
        for attempt in list(self._in_flight):
            attempt.cancel()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=1.0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settle.aclose(), timeout=2.0)

    async def _turn(self) -> None:
        self._wake.clear()
        if self.in_flight >= self._patience.max_in_flight:
            await self._sleep(POLL_SECONDS)
            return
        async with self._pool.acquire() as connection:
            claimed = await claim(
                connection,
                hints=list(self._hints)[:MAX_LANES],
                full=[key for key, load in self._lane_load.items() if load >= MAX_PER_LANE],
                max_lanes=min(MAX_LANES, self._patience.max_in_flight - self.in_flight),
                max_per_lane=MAX_PER_LANE,
                horizon=HORIZON,
                lease=self._patience.lease,
            )
            self._forget_hints(claimed.served)
            for found in claimed.claims:
                self._start(found)
            if len(claimed.served) >= MAX_LANES:
                return
            wait = await seconds_until_wake(connection)
        await self._sleep(min(POLL_SECONDS if wait is None else max(wait, 0.001), POLL_SECONDS))

    async def _sleep(self, seconds: float) -> None:
        """Until then, or until there is a hint; hints on lanes that another replica is just serving are looked at again soon."""
        contended = any(tries for tries in self._hints.values())
        if contended:
            await asyncio.sleep(_CONTENDED_SECONDS)
        elif not self._hints:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    def _forget_hints(self, served: frozenset[LaneKey]) -> None:
        for key in list(self._hints)[:MAX_LANES]:
            self._hints[key] += 1
            if key in served or self._hints[key] > _MAX_HINT_TRIES or self._is_paused(key):
                del self._hints[key]

    def _start(self, found: Claim) -> None:
        self._lane_load[found.lane_key] += 1
        task = asyncio.get_running_loop().create_task(self._attempt(found))
        self._in_flight[task] = found
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        found = self._in_flight.pop(task)
        self._lane_load[found.lane_key] -= 1
        if not self._lane_load[found.lane_key]:
            del self._lane_load[found.lane_key]
        if not task.cancelled() and (error := task.exception()):
            _log.error("attempt not settled", exc_info=error, channel_id=found.channel_id, message_id=found.message_id)

    async def _attempt(self, found: Claim) -> None:
        try:
            if found.wait:
                await asyncio.sleep(found.wait)
            if self._is_paused(found.lane_key):
                outcome = self._handed_back(found, "Not attempted: the lane was paused meanwhile.")
            else:
                outcome = await self._attempts[found.lane](found)
        except asyncio.CancelledError:
            outcome = self._handed_back(found, "Handed back: this core is stopping.")
        except Exception:  # noqa: BLE001  # an attempt says what it can: this is a bug, and may cost one delivery only
            _log.exception("attempt failed", channel_id=found.channel_id, message_id=found.message_id)
            outcome = self._broken(found)
        if outcome.pause_until is not None:
            pause = (outcome.pause_until - self._clock()).total_seconds()
            self._paused[found.lane_key] = asyncio.get_running_loop().time() + pause
        await self._settle_until_stored(outcome)

    def _is_paused(self, key: LaneKey) -> bool:
        until = self._paused.get(key)
        if until is None:
            return False
        if until > asyncio.get_running_loop().time():
            return True
        del self._paused[key]
        return False

    async def _settle_until_stored(self, outcome: Outcome) -> None:
        """What was sent must be remembered, or it would be sent again: the database is asked until it answers."""
        while True:
            try:
                await self._settle(outcome)
            except Exception as error:
                if not is_away(error):
                    raise
                await asyncio.sleep(_RETRY_DATABASE_SECONDS)
            else:
                return

    async def _run_settle(self, outcomes: Sequence[Outcome]) -> AsyncIterator[tuple[int, None]]:
        now = self._clock()
        settled = await settle(self._pool, outcomes, now)
        self._on_reached(settled.reached)
        self.hint(settled.work)
        for index in range(len(outcomes)):
            yield index, None
        sent = [(o.claim.channel_id, o.platform_message_id) for o in outcomes if o.platform_message_id]
        reported = await take_early(self._pool, sent, now)
        self._on_reached(reported.reached)
        self.hint(reported.work)

    async def _renew_leases(self) -> None:
        every = self._patience.lease.total_seconds() / 3
        while True:
            await asyncio.sleep(every)
            try:
                async with self._pool.acquire() as connection:
                    await renew(connection, list(self._in_flight.values()), self._patience.lease)
            except Exception as error:
                if not is_away(error):
                    raise

    async def _sweep(self) -> None:
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await sweep(connection)
                reported = await sweep_early(self._pool, self._clock())
                self._on_reached(reported.reached)
                self.hint(reported.work)
            except Exception as error:
                if not is_away(error):
                    raise
            await asyncio.sleep(SWEEP_SECONDS)

    def _handed_back(self, found: Claim, why: str) -> Outcome:
        return Outcome(
            claim=found,
            settlement=Settlement.RELEASE,
            end_time=self._clock(),
            failure=Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text=why),
        )

    def _broken(self, found: Claim) -> Outcome:
        now = self._clock()
        failure = Failure(kind=FailureKind.INTERNAL, text="Something broke inside the gateway; its log says what.")
        decision = decide(
            attempt=found.attempt,
            failure=failure,
            policy=self._patience.retry,
            now=now,
            expire_time=found.expire_time,
            jitter=1.0,
        )
        if isinstance(decision, GiveUp):
            return Outcome(claim=found, settlement=Settlement.GIVE_UP, end_time=now, failure=decision.failure)
        return Outcome(
            claim=found, settlement=Settlement.RETRY, end_time=now, failure=failure, retry_time=decision.time
        )
