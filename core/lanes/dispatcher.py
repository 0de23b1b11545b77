"""The loop that claims what is due, has it attempted at its slot and settles what became of it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from anychannel._batcher import Batcher
from anychannel.failures import Failure, FailureKind
from anychannel.message import Lane
from core.lanes.departures import Departures
from core.lanes.pauses import Pauses
from core.lanes.records import Claim, LaneKey, Outcome, Settlement
from core.lanes.retry import GiveUp, RetryPolicy, decide
from core.lanes.upkeep import keep_leases, passes, sweep_lanes
from core.storage.claim import claim, seconds_until_wake, wake
from core.storage.database import Connection, Pool
from core.storage.reports import take_early
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
_RETRY_DATABASE_SECONDS = 0.3
_CONTENDED_SECONDS = 0.005
_MAX_HINT_TRIES = 100
_LAST_SETTLE_SECONDS = 2.0
"""How long what was handed back at the end may take to be stored."""

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
        self._attempting: set[asyncio.Task[None]] = set()
        self._has_room = asyncio.Event()
        self._lane_load: Counter[LaneKey] = Counter()
        self._pauses = Pauses()
        self._departures = Departures()
        self._stopping = False
        # One for each lane, because one transaction settles one side only.
        self._settle: dict[Lane, Batcher[Outcome, Exception | None]] = {
            lane: Batcher(self._run_settle, max_batch=250, max_in_flight=1, max_calls=1) for lane in Lane
        }

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
            tasks.create_task(keep_leases(self._pool, self._in_flight.values, self._patience.lease))
            tasks.create_task(
                sweep_lanes(self._pool, clock=self._clock, on_reached=self._on_reached, on_work=self.hint)
            )
            while not self._stopping:
                try:
                    await self._turn()
                except Exception as error:
                    if not passes(error):
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
        for attempt in list(self._attempting):
            attempt.cancel()
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=_LAST_SETTLE_SECONDS)
        for attempt in list(self._in_flight):
            attempt.cancel()
        try:
            async with asyncio.timeout(_LAST_SETTLE_SECONDS), self._pool.acquire() as connection:
                await wake(connection, self._hints)
        except Exception as error:
            if not passes(error):
                raise

    async def _turn(self) -> None:
        self._wake.clear()
        if self.in_flight >= self._patience.max_in_flight:
            self._has_room.clear()
            await self._has_room.wait()
            return
        full = [key for key, load in self._lane_load.items() if load >= MAX_PER_LANE]
        async with self._pool.acquire() as connection:
            if await self._claim(connection, full) >= MAX_LANES:
                return
            wait = await seconds_until_wake(connection, full=full)
        await self._sleep(min(POLL_SECONDS if wait is None else max(wait, 0.001), POLL_SECONDS))

    async def _claim(self, connection: Connection, full: Sequence[LaneKey]) -> int:
        """Claim and start attempts; tells how many lanes were served."""
        # Taken out first: a hint that comes while the statement runs is of something it does not see.
        room = self._patience.max_in_flight - self.in_flight
        lanes = min(MAX_LANES, room)
        hints = {key: self._hints.pop(key) for key in list(islice(self._hints, lanes))}
        start = asyncio.get_running_loop().time()
        served: frozenset[LaneKey] = frozenset()
        try:
            claimed = await claim(
                connection,
                hints=hints.keys() - set(full),
                full=full,
                max_lanes=lanes,
                max_per_lane=max(1, min(MAX_PER_LANE, room // (2 * lanes))),  # lanes awake and lanes hinted at
                horizon=HORIZON,
                lease=self._patience.lease,
            )
            served = claimed.served
        finally:
            for key, tries in hints.items():
                if key not in served and key not in full and tries < _MAX_HINT_TRIES:
                    self._hints.setdefault(key, tries + 1)
        for found in claimed.claims:
            self._start(found, start)
        return len(served)

    async def _sleep(self, seconds: float) -> None:
        """Until then, or until there is a hint; hints on lanes that another replica is just serving are looked at again soon."""
        contended = any(tries for tries in self._hints.values())
        if contended:
            await asyncio.sleep(_CONTENDED_SECONDS)
        elif not self._hints:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    def _start(self, found: Claim, claim_time: float) -> None:
        self._lane_load[found.lane_key] += 1
        task = asyncio.get_running_loop().create_task(self._attempt(found, claim_time))
        self._in_flight[task] = found
        self._attempting.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        found = self._in_flight.pop(task)
        self._attempting.discard(task)
        self._has_room.set()
        if self._lane_load[found.lane_key] >= MAX_PER_LANE:
            self.hint([found.lane_key])  # it was left out of claims until now
        self._lane_load[found.lane_key] -= 1
        if not self._lane_load[found.lane_key]:
            del self._lane_load[found.lane_key]
            self._pauses.forget(found.lane_key)
        if not task.cancelled() and (error := task.exception()):
            _log.error("attempt not settled", exc_info=error, channel_id=found.channel_id, message_id=found.message_id)

    async def _attempt(self, found: Claim, claim_time: float) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        try:
            if found.wait:
                await asyncio.sleep(found.wait)
            while wait := self._departures.leave(found.lane_key, found.rate, loop.time()):  # noqa: ASYNC110  # until a time
                await asyncio.sleep(wait)
            if self._pauses.came_after(found.lane_key, claim_time):
                outcome = self._handed_back(found, "Not attempted: the lane was paused meanwhile.")
            else:
                outcome = await self._attempts[found.lane](found)
        except asyncio.CancelledError:
            outcome = self._handed_back(found, "Handed back: this core is stopping.")
        except Exception:  # noqa: BLE001  # an attempt says what it can: this is a bug, and may cost one delivery only
            _log.exception("attempt failed", channel_id=found.channel_id, message_id=found.message_id)
            outcome = self._broken(found)
        if task is not None:
            self._attempting.discard(task)
        if outcome.pause_until is not None:
            self._pauses.begin(found.lane_key)
        await self._settle_until_stored(outcome)
        if outcome.pause_until is not None:
            self._pauses.store(found.lane_key, loop.time())

    async def _settle_until_stored(self, outcome: Outcome) -> None:
        """What was sent must be remembered, or it would be sent again: the database is asked until it answers."""
        while True:
            try:
                refusal = await self._settle[outcome.claim.lane](outcome)
            except Exception as error:
                if not passes(error):
                    raise
                await asyncio.sleep(_RETRY_DATABASE_SECONDS)
            else:
                if refusal is not None:
                    raise refusal
                return

    async def _run_settle(self, outcomes: Sequence[Outcome]) -> AsyncIterator[tuple[int, Exception | None]]:
        now = self._clock()
        try:
            settled = await settle(self._pool, outcomes, now)
        except Exception as error:
            if passes(error):
                raise
            if len(outcomes) == 1:
                yield 0, error
                return
            # One that cannot be stored must not take those with it that ended at the same time.
            for index, outcome in enumerate(outcomes):
                async for _, refusal in self._run_settle([outcome]):
                    yield index, refusal
            return
        self._on_reached(settled.reached)
        self.hint(settled.work)
        for index in range(len(outcomes)):
            yield index, None
        sent = [(o.claim.channel_id, o.platform_message_id) for o in outcomes if o.platform_message_id]
        reported = await take_early(self._pool, sent, now)
        self._on_reached(reported.reached)
        self.hint(reported.work)

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
