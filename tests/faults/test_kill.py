"""kill -9 under traffic both ways: nothing is lost, nothing goes backwards, and what is doubled is what was under way."""

import asyncio
import random
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

import pytest

from tests.faults.conftest import Tell
from tests.faults.ledger import Verdict, judge
from tests.faults.traffic import Arrivals, Recovery, Traffic, read_books
from tests.stack.processes import Processes
from tests.stack.stack import Stack, running_stack
from tests.stack.waiting import until

pytestmark = pytest.mark.faults

RECOVERY_SECONDS = 30.0
# A status whose message's reply was cut off waits 45 s for the news that the inbox knows the id; then what has queued goes at its pace.
SETTLE_SECONDS = 120.0
UNDER_WAY = 10
"""Most attempts of a lane under way at a kill: at twenty slots a second, those of half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a victim's rounds came to."""

    victim: str
    rounds: int
    recoveries: tuple[Recovery, ...]
    settle_seconds: float
    verdict: Verdict

    def __str__(self) -> str:
        out, back = self.verdict.to_phones, self.verdict.to_inbox
        return (
            f"FAULTS {self.victim}: {self.rounds} rounds, {out.said} to phones + {back.said} to inbox, "
            f"lost {len(out.missing)}+{len(back.missing)}, failed {self.verdict.failed}, "
            f"duplicates {out.duplicates}+{back.duplicates}, replays {self.verdict.replays}, "
            f"regressions {self.verdict.regressions}, reorderings {out.reorderings}+{back.reorderings}, "
            f"stale ticks {self.verdict.stale}, unknown statuses {self.verdict.unknown_statuses}, "
            f"refused for rate {self.verdict.refused_for_rate}, "
            f"recovery {_spread(it.to_phones for it in self.recoveries)} to phones, "
            f"{_spread(it.to_inbox for it in self.recoveries)} to inbox, "
            f"settled after {self.settle_seconds:.0f} s"
        )


@pytest.mark.parametrize("victim", ["core", "provider", "sandbox", "postgres", "edge"])
async def test_nothing_is_lost_when_it_is_killed(victim: str, rounds: int, chance: random.Random, tell: Tell) -> None:
    async with running_stack() as stack:
        arrivals = Arrivals(stack.sandbox)
        async with Traffic(stack.sandbox, chance).flowing():
            await arrivals.until_flowing(time.time(), within=RECOVERY_SECONDS)
            recoveries = [await _kill_once(stack, victim, chance, arrivals) for _ in range(rounds)]
        report = await _settled(stack, victim, recoveries)
    tell(str(report))
    _check(report)


async def _kill_once(stack: Stack, victim: str, chance: random.Random, arrivals: Arrivals) -> Recovery:
    """How long from the victim's new start until both directions flow."""
    processes: Processes = stack.processes
    await asyncio.sleep(chance.uniform(0.2, 1.5))  # the moment is the fault: nothing is waited for
    await processes.kill(victim)
    await asyncio.sleep(chance.uniform(0, 0.5))
    start_time = time.time()
    await processes.restart(victim)
    return await arrivals.until_flowing(start_time, within=RECOVERY_SECONDS)


async def _settled(stack: Stack, victim: str, recoveries: list[Recovery]) -> Report:
    began = time.time()

    async def is_settled() -> bool:
        return judge(await read_books(stack.sandbox)).is_settled

    with suppress(AssertionError):  # the report says what has not
        await until(is_settled, within=SETTLE_SECONDS, what="everything has arrived", every=0.5)
    return Report(
        victim=victim,
        rounds=len(recoveries),
        recoveries=tuple(recoveries),
        settle_seconds=time.time() - began,
        verdict=judge(await read_books(stack.sandbox)),
    )


def _spread(values: Iterable[float]) -> str:
    seconds = sorted(values)
    return f"{median(seconds):.1f} s (slowest {seconds[-1]:.1f} s)"


def _check(report: Report) -> None:
    verdict = report.verdict
    assert not verdict.to_phones.missing
    assert not verdict.to_inbox.missing
    assert not verdict.stale
    assert not verdict.regressions
    assert not verdict.to_phones.reorderings
    assert not verdict.to_inbox.reorderings
    assert not verdict.to_phones.duplicates  # the phone network knows an idempotency key again
    assert verdict.to_inbox.duplicates <= report.rounds * UNDER_WAY
