import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from anychannel.message import Lane, Status
from core.lanes.records import Claim, LaneKey, Outcome, Settlement, Told
from core.storage.accept import accept
from core.storage.database import Pool
from core.storage.reports import record_reports
from core.storage.settle import settle
from core.storage.told import tell
from tests.core.storage.engine import NOW, assert_sound, claims_at, ended, inbound, outbound
from tests.core.storage.reporting import report_of

SECONDS = 4.0
ADDRESSES = [f"+{n}" for n in range(4)]


class Storm:
    """Everything that locks rows, at once, on four contacts."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.sent: list[str] = []
        self._chance = random.Random(7)
        self._deadline = asyncio.get_running_loop().time() + SECONDS

    async def rage(self, *works: Callable[[], Awaitable[object]]) -> None:
        """Do all of these again and again until the time is over."""
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(self._repeat(work))

    async def _repeat(self, work: Callable[[], Awaitable[object]]) -> None:
        while asyncio.get_running_loop().time() < self._deadline:
            await work()
            await asyncio.sleep(0)

    async def bring(self) -> None:
        batch = [
            outbound(self._chance.choice(ADDRESSES), parts=self._chance.randint(1, 3))
            if self._chance.random() < 0.6
            else inbound(self._chance.choice(ADDRESSES))
            for _ in range(self._chance.randint(1, 8))
        ]
        await accept(self.pool, batch)
        self.sent += [message.message_id for message in batch if message.parts]

    async def deliver(self, lane: Lane, failing: float = 0.2) -> int:
        """Claim what is due on a lane and settle it, some of it badly; tells how much it was."""
        found = await claims_at(self.pool, hints=[LaneKey("shop", lane)], max_lanes=0)
        outcomes = [self._outcome(claim, failing) for claim in found]
        self._chance.shuffle(outcomes)
        if outcomes:
            await settle(self.pool, outcomes, NOW)
        return len(outcomes)

    def _outcome(self, claim: Claim, failing: float) -> Outcome:
        is_void = claim.lane is Lane.PLATFORM and claim.status is Status.FAILED
        end = Settlement.DROP if is_void else Settlement.DONE
        if end is Settlement.DONE and self._chance.random() < failing:
            end = self._chance.choice([Settlement.RETRY, Settlement.RELEASE, Settlement.GIVE_UP])
        return replace(ended(claim, end), retry_time=NOW if end is Settlement.RETRY else None)

    async def report(self) -> None:
        status = self._chance.choice([Status.DELIVERED, Status.READ, Status.FAILED])
        reports = [report_of(message_id, status, self._chance.randint(0, 2)) for message_id in self._some()]
        await record_reports(self.pool, reports, NOW)

    async def confirm(self) -> None:
        told = self._chance.choice([Told.TOLD, Told.TOLD, Told.NEVER])
        await tell(self.pool, [("shop", message_id) for message_id in self._some()], told)

    def _some(self) -> list[str]:
        recent = self.sent[-40:]
        return self._chance.sample(recent, min(len(recent), 10))

    async def calm(self) -> AsyncIterator[int]:
        """Deliver what is left, now without any failure."""
        await tell(self.pool, [("shop", message_id) for message_id in self.sent], Told.TOLD)
        while delivered := await self.deliver(Lane.PLATFORM, 0) + await self.deliver(Lane.INBOX, 0):
            yield delivered


async def test_everything_at_once_on_few_contacts_neither_fails_nor_gets_stuck(shop: Pool) -> None:
    """A deadlock would be an error here."""
    storm = Storm(shop)

    async def to_platform() -> int:
        return await storm.deliver(Lane.PLATFORM)

    async def to_inbox() -> int:
        return await storm.deliver(Lane.INBOX)

    twice = (storm.bring, to_platform, to_inbox, storm.report, storm.confirm) * 2
    await storm.rage(*twice)

    await assert_sound(shop)
    assert storm.sent
    async with asyncio.timeout(20):
        assert sum([delivered async for delivered in storm.calm()]) >= 0
    assert await shop.fetchval("SELECT count(*) FROM turns") == 0, "a turn is stuck"
    assert await shop.fetchval("SELECT count(*) FROM deliveries") == 0
