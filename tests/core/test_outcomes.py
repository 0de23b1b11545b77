import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from anychannel.failures import Failure, FailureKind
from anychannel.message import Status
from core.outcomes import MAX_EARLY, Outcomes
from core.storage.statuses import Reached
from tests.core.lanes.dispatching import until

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LONG = Failure(kind=FailureKind.CONTENT_REJECTED, text="🤷\n" * 5000, platform_code="\x01" * 5000)


class Notified:
    """A pool that remembers what was told to other replicas."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[str] = []
        self.error = error

    async def execute(self, _statement: str, _topic: str, payload: str) -> None:
        if self.error is not None:
            raise self.error
        self.told.append(payload)


def reached(status: Status = Status.SENT, message_id: str = "msg_1", failure: Failure | None = None) -> Reached:
    return Reached(channel_id="shop", message_id=message_id, status=status, event_time=NOW, failure=failure)


def outcomes_of(pool: Any = None, *, elsewhere: bool = True) -> Outcomes:
    some: Any = pool or Notified()
    return Outcomes(some, is_awaited_elsewhere=lambda _: elsewhere)


async def test_who_waits_is_told_the_first_outcome() -> None:
    outcomes = outcomes_of()
    waiting = outcomes.expect("msg_1")
    outcomes.publish([reached(Status.ACCEPTED)])
    assert not waiting.done()
    outcomes.publish([reached(Status.SENT), reached(Status.DELIVERED)])
    assert await waiting == reached(Status.SENT)


async def test_who_waits_here_is_no_news_for_others() -> None:
    pool = Notified()
    outcomes = outcomes_of(pool)
    outcomes.expect("msg_1")
    outcomes.publish([reached()])
    await asyncio.sleep(0)
    assert pool.told == []


@pytest.mark.parametrize(
    "failure", [None, Failure(kind=FailureKind.CONTENT_REJECTED, text="No.", platform_code="7"), LONG]
)
async def test_another_replica_hears_of_it(failure: Failure | None) -> None:
    pool = Notified()
    outcomes_of(pool).publish([reached(Status.FAILED if failure else Status.SENT, failure=failure)])
    await until(lambda: len(pool.told) == 1)
    assert len(pool.told[0].encode()) < 8000, "PostgreSQL takes no more"

    there = outcomes_of()
    waiting = there.expect("msg_1")
    there.hear(pool.told[0])

    heard = await waiting
    assert (heard.status, heard.message_id, heard.event_time) == (
        Status.FAILED if failure else Status.SENT,
        "msg_1",
        NOW,
    )
    if failure:
        assert heard.failure is not None
        assert heard.failure.kind is failure.kind
        assert failure.text.startswith(heard.failure.text)
        assert failure.platform_code.startswith(heard.failure.platform_code)


async def test_what_nobody_waits_for_is_told_to_nobody() -> None:
    pool = Notified()
    outcomes_of(pool, elsewhere=False).publish([reached()])
    await asyncio.sleep(0)
    assert pool.told == []


async def test_an_outcome_that_is_here_before_it_is_expected_is_not_missed() -> None:
    here, there = outcomes_of(), outcomes_of()
    here.publish([reached(), reached(Status.DELIVERED)])
    there.hear(
        json.dumps({"channel_id": "shop", "message_id": "msg_1", "status": "sent", "event_time": NOW.isoformat()})
    )
    for outcomes in (here, there):
        assert await outcomes.expect("msg_1") == reached()


async def test_outcomes_that_nobody_asks_for_are_forgotten() -> None:
    outcomes = outcomes_of()
    for n in range(MAX_EARLY + 1):
        outcomes.publish([reached(message_id=f"msg_{n}")])
    assert not outcomes.expect("msg_0").done()
    assert outcomes.expect(f"msg_{MAX_EARLY}").done()


async def test_who_gave_up_waiting_harms_nobody() -> None:
    outcomes = outcomes_of()
    outcomes.expect("msg_1").cancel()
    outcomes.publish([reached()])
    outcomes.forget("msg_1")
    outcomes.forget("msg_1")
    assert not outcomes.expect("msg_1").done()


async def test_a_database_that_is_away_costs_only_the_news() -> None:
    outcomes_of(Notified(ConnectionRefusedError())).publish([reached()])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
