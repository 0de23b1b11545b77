"""Two replicas of core share one channel's pace: together never more than it, and hardly less."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.faults.conftest import Tell
from tests.faults.ledger import Books, Saying, judge, most_within, share_of_rate
from tests.faults.traffic import read_books, send, write
from tests.stack.stack import CHANNEL_ID, Stack, running_stack
from tests.stack.waiting import until

pytestmark = pytest.mark.faults

MESSAGES = 1000
RATE = 20
LEAST_SHARE = 0.98
NUMBERS = tuple(f"+49171392{number:04}" for number in range(200, 300))
AT_ONCE = 20
JITTER_SECONDS = 0.1
"""How much later than its slot a request may arrive, with all of these processes on two processors: one that is late and one that is not
are nearer to each other than their slots."""
ARRIVE_SECONDS = MESSAGES / RATE + 60
_LOOK_SECONDS = 0.5

_WAITING = "SELECT count(*) FROM deliveries WHERE channel_id = $1 AND kind < 3"
_START_TIMES = "SELECT extract(epoch FROM start_time)::float8 FROM attempts WHERE channel_id = $1 AND lane = $2"


async def test_a_thousand_each_way_leave_at_the_rate_of_the_channel(tell: Tell) -> None:
    # Unlimited, so that one request too many is counted instead of refused and made up for later.
    async with running_stack(replicas=2, sandbox={"inbox_rate": "0"}) as stack:
        await asyncio.gather(_say_all(stack.sandbox, send), _say_all(stack.sandbox, write))

        async with _database(stack) as database:

            async def has_arrived() -> (
                bool
            ):  # asked of the database: reading the sandbox's books would disturb its clock
                return bool(await database.fetchval(_WAITING, CHANNEL_ID) == 0)

            await until(has_arrived, within=ARRIVE_SECONDS, what="everything has arrived", every=_LOOK_SECONDS)
            starts = [[row[0] for row in await database.fetch(_START_TIMES, CHANNEL_ID, lane)] for lane in (1, 2)]
        books = await read_books(stack.sandbox)
        work = [stack.processes.cpu_seconds(name) for name in ("core", "core-2")]
    outward = [arrive_time for _, arrive_time in books.shown()]
    inward = _inbox_requests(books)
    for name, times in [
        ("phones, arrivals", outward),
        ("phones, starts of attempts", starts[0]),
        ("inbox, arrivals", inward),
        ("inbox, starts of attempts", starts[1]),
    ]:
        share = share_of_rate(times, RATE)
        tell(f"PACE {name}: {len(times)}, most in a second {most_within(times, 1)}, {share:.1%} of the rate")
    tell(f"PACE processor time of the replicas: {', '.join(f'{seconds:.1f} s' for seconds in work)}")
    verdict = judge(books)
    assert len(outward) == len(books.received()) == MESSAGES
    assert not verdict.to_phones.reorderings + verdict.to_inbox.reorderings
    for times in starts:
        assert most_within(times, 1) <= RATE
    for times in (outward, inward):
        assert most_within(times, 1 - JITTER_SECONDS) <= RATE
        assert share_of_rate(times, RATE) >= LEAST_SHARE


async def _say_all(
    sandbox: aiohttp.ClientSession, say: Callable[[aiohttp.ClientSession, Saying], Awaitable[Any]]
) -> None:
    """Ten things to each of the contacts, one after the other; some contacts at once."""
    numbers = iter(NUMBERS)

    async def talk() -> None:
        for number in numbers:
            for sequence in range(MESSAGES // len(NUMBERS)):
                await say(sandbox, Saying(number, sequence, time.time()))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(talk())


@asynccontextmanager
async def _database(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(stack.database_url)
    try:
        yield connection
    finally:
        await connection.close()


def _inbox_requests(books: Books) -> Sequence[float]:
    """Every request to the inbox, statuses too, from the first message to the last: so long there was work all the time."""
    last = max(arrive_time for _, arrive_time in books.received())
    told = (entry["arrived_time"] for entry in books.inbox_ledger if entry["kind"] in {"message", "status"})
    return [arrive_time for arrive_time in told if arrive_time <= last]
