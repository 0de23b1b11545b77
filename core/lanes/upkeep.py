"""What runs beside the dispatcher: leases are renewed, and what a dead process left behind is taken up."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg

from core.lanes.records import Claim, LaneKey
from core.storage.claim import renew, sweep
from core.storage.database import Pool, is_away
from core.storage.reports import KEEP_EARLY, sweep_early
from core.storage.statuses import Reached

SWEEP_SECONDS = 5.0
_RECENT = timedelta(minutes=10)
"""How far back a sweep looks for reports that a dead process left; the first one looks at all."""


def passes(error: Exception) -> bool:
    """Whether doing the same once more helps: the database is away, or two transactions met."""
    return is_away(error) or isinstance(error, asyncpg.TransactionRollbackError)


async def keep_leases(pool: Pool, claims: Callable[[], Iterable[Claim]], lease: timedelta) -> None:
    """Renew the leases of the claims that are under way, until cancelled."""
    while True:
        await asyncio.sleep(lease.total_seconds() / 3)
        try:
            async with pool.acquire() as connection:
                await renew(connection, list(claims()), lease)
        except Exception as error:
            if not passes(error):
                raise


async def sweep_lanes(
    pool: Pool,
    *,
    clock: Callable[[], datetime],
    on_reached: Callable[[Sequence[Reached]], None],
    on_work: Callable[[frozenset[LaneKey]], None],
) -> None:
    """Wake lanes and fold in reports that a dead process left, until cancelled."""
    within = KEEP_EARLY
    while True:
        try:
            async with pool.acquire() as connection:
                await sweep(connection)
            reported = await sweep_early(pool, clock(), within=within)
            on_reached(reported.reached)
            on_work(reported.work)
            within = _RECENT
        except Exception as error:
            if not passes(error):
                raise
            within = KEEP_EARLY
        await asyncio.sleep(SWEEP_SECONDS)
