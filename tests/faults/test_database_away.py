"""PostgreSQL is away for a while: callers are told to come again at once, and nothing that was promised is lost."""

import random
import time

import pytest

from tests.faults.conftest import Tell
from tests.faults.ledger import Saying, judge
from tests.faults.traffic import Arrivals, Traffic, post_to_edge, read_books
from tests.stack.postgres import FAST_SHUTDOWN
from tests.stack.stack import running_stack
from tests.stack.waiting import until

pytestmark = pytest.mark.faults

ANSWER_SECONDS = 5.0
RETURN_SECONDS = 10.0
SETTLE_SECONDS = 120.0
TRIES = 8
NUMBER = "+491713920090"


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_callers_are_told_to_come_again_and_all_flows_once_it_is_back(
    how: str, chance: random.Random, tell: Tell
) -> None:
    async with running_stack() as stack:
        arrivals = Arrivals(stack.sandbox)
        async with Traffic(stack.sandbox, chance).flowing():
            await arrivals.until_flowing(time.time(), within=RETURN_SECONDS)
            if how == "stopped":
                await stack.processes.stop("postgres", within=10, how=FAST_SHUTDOWN)
            else:
                await stack.processes.kill("postgres")
            answers = [
                await post_to_edge(stack.edge, Saying(NUMBER, sequence, time.time())) for sequence in range(TRIES)
            ]
            assert {answer.status for answer in answers} == {503}
            assert all(answer.retry_after.isdecimal() for answer in answers)
            slowest = max(answer.seconds for answer in answers)
            assert slowest < ANSWER_SECONDS
            await stack.processes.restart("postgres")
            back = await arrivals.until_flowing(time.time(), within=RETURN_SECONDS)

        async def is_settled() -> bool:
            return judge(await read_books(stack.sandbox)).is_settled

        await until(is_settled, within=SETTLE_SECONDS, what="everything has arrived", every=0.5)
        verdict = judge(await read_books(stack.sandbox))
    tell(f"DATABASE {how}: 503 within {slowest:.2f} s, all flows {back.of_both:.1f} s after its return")
    assert not verdict.regressions
    assert not verdict.to_phones.reorderings + verdict.to_inbox.reorderings
    assert not verdict.to_phones.duplicates
