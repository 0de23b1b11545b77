"""Core goes: killed while somebody waits for its answer, or asked to end under traffic, as in every update."""

import asyncio
import json
import random
import time

import asyncpg
import pytest

from anychannel.channel import ReplyMode
from tests.faults.conftest import Tell
from tests.faults.ledger import Saying, judge
from tests.faults.traffic import Arrivals, Traffic, post_to_edge, read_books, send, write
from tests.stack.stack import Stack, running_stack
from tests.stack.waiting import until

pytestmark = pytest.mark.faults

NUMBER = "+491713920090"
FRESH_NUMBER = "+491713920091"
ANSWER_SECONDS = 5.0
END_SECONDS = 15.0
RESUME_SECONDS = 7.0
"""Well before a lease (10 s) runs out, and longer than a busy machine and the platform's own patience (up to 5 s) add."""
SETTLE_SECONDS = 120.0
SLOWER_THAN_A_DRAIN = 12.0
QUEUED = 12

_ATTEMPTS = "SELECT extract(epoch FROM start_time)::float8 FROM attempts WHERE message_id = $1 AND lane = 1 ORDER BY 1"


async def test_who_waits_for_an_outcome_when_core_is_killed_is_answered_at_once() -> None:
    async with running_stack(reply=ReplyMode.OUTCOME) as stack:
        await _make_slow(stack, SLOWER_THAN_A_DRAIN)
        waiting = asyncio.create_task(post_to_edge(stack.edge, Saying(NUMBER, 1, time.time())))
        await _until_on_its_way(stack)
        assert not waiting.done()
        kill_time = time.monotonic()
        await stack.processes.kill("core")
        answer = await waiting
        assert answer.status == 503
        assert answer.retry_after.isdecimal()
        assert time.monotonic() - kill_time < ANSWER_SECONDS


async def test_asked_to_end_under_traffic_it_hands_back_what_it_has_and_nobody_sees_an_error(
    chance: random.Random, tell: Tell
) -> None:
    async with running_stack() as stack:
        arrivals = Arrivals(stack.sandbox)
        await _make_slow(stack, SLOWER_THAN_A_DRAIN)
        async with Traffic(stack.sandbox, chance).flowing():
            held = await send(stack.sandbox, Saying(NUMBER, 1, time.time()))
            await _until_on_its_way(stack)
            await arrivals.until_flowing(time.time(), within=10)
            asked_time = time.monotonic()
            exit_code = await stack.processes.stop("core", within=END_SECONDS)
            end_seconds = time.monotonic() - asked_time
            assert exit_code == 0, stack.processes.log_tail("core")
            await stack.processes.restart("core")
            ready_time = time.time()
            # The phones that wrote meanwhile have become patient: their platform comes again after up to five seconds.
            await write(stack.sandbox, Saying(FRESH_NUMBER, 1, ready_time))
            resumed = await arrivals.until_flowing(ready_time, within=10)
            again_after = await _second_attempt(stack, held["mId"]) - ready_time

        async def is_settled() -> bool:
            return judge(await read_books(stack.sandbox)).is_settled

        await until(is_settled, within=SETTLE_SECONDS, what="everything has arrived", every=0.5)
        books = await read_books(stack.sandbox)
        webhook_answers = _webhook_answers(stack)
    verdict = judge(books)
    tell(
        f"SIGTERM: ended after {end_seconds:.1f} s; after the next core was ready, new messages arrived within "
        f"{resumed.to_phones:.2f} s at phones and {resumed.to_inbox:.2f} s at the inbox, "
        f"what was handed back left after {again_after:.2f} s; "
        f"duplicates {verdict.to_phones.duplicates}+{verdict.to_inbox.duplicates}"
    )
    send_answers = {entry["http_status"] for entry in books.inbox_ledger if entry["kind"] == "send"}
    assert send_answers <= {200, 503}
    assert webhook_answers <= {"503"}
    assert not verdict.to_phones.duplicates
    assert not verdict.to_inbox.duplicates
    assert not verdict.to_phones.reorderings + verdict.to_inbox.reorderings
    assert not verdict.regressions
    assert resumed.of_both < RESUME_SECONDS
    assert again_after < RESUME_SECONDS


async def test_one_contacts_queue_goes_on_at_once_after_a_planned_restart(rounds: int, tell: Tell) -> None:
    async with running_stack() as stack:
        await _make_slow(stack, 0.2)
        for sequence in range(QUEUED * rounds):
            await send(stack.sandbox, Saying(NUMBER, sequence, time.time()))
        slowest = max([await _restart_core(stack) for _ in range(rounds)])
    tell(f"SIGTERM: one contact's queue went on after {slowest:.2f} s at the latest, in {rounds} rounds")
    assert slowest < RESUME_SECONDS


async def _restart_core(stack: Stack) -> float:
    """Seconds from the next core's readiness to the next message."""
    before = time.time()

    async def first_since(moment: float) -> float:
        return next((time for time in await _arrivals(stack) if time > moment), 0)

    await until(lambda: first_since(before), within=20, what="the queue moves")
    assert await stack.processes.stop("core", within=END_SECONDS) == 0
    await stack.processes.restart("core")
    ready_time = time.time()
    return await until(lambda: first_since(ready_time), within=20, what="the queue goes on") - ready_time


async def _make_slow(stack: Stack, seconds: float) -> None:
    """What is sent to this phone stays under way for so long."""
    async with stack.sandbox.put(f"/phones/{NUMBER}", json={"slow_seconds": seconds}) as answer:
        assert answer.status == 200


async def _until_on_its_way(stack: Stack) -> None:
    await until(lambda: _arrivals(stack), within=10, what="the platform has taken the slow message")


async def _arrivals(stack: Stack) -> list[float]:
    """When messages came to the slow phone."""
    async with stack.sandbox.get("/phones/ledger") as answer:
        return [entry["arrived_time"] for entry in await answer.json() if entry["number"] == NUMBER]


async def _second_attempt(stack: Stack, message_id: str) -> float:
    """When the second attempt at a message was made."""
    connection = await asyncpg.connect(stack.database_url)

    async def look() -> list[float]:
        times = [row[0] for row in await connection.fetch(_ATTEMPTS, message_id)]
        return times[1:]

    try:
        return (await until(look, within=20, what="a second attempt"))[0]
    finally:
        await connection.close()


def _webhook_answers(stack: Stack) -> set[str]:
    """What the phones' webhooks were answered when they were not taken."""
    lines = stack.processes.log_path("sandbox").read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines if "phones.webhook_refused" in line]
    return {line["outcome"] for line in said}
