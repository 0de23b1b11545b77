import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from anychannel.failures import Failure, FailureKind
from anychannel.message import Lane, Status
from core.lanes import dispatcher as dispatching
from core.lanes import upkeep
from core.lanes.records import Claim, LaneKey, NewMessage, Outcome, Settlement
from core.storage import claim as really_claim
from core.storage.accept import accept
from core.storage.database import Pool
from core.storage.reports import record_reports
from tests.core.flaky import Flaky
from tests.core.lanes.dispatching import done, running, until, utc_now
from tests.core.storage import engine as storage
from tests.core.storage.engine import BLOCKED, DOWN, assert_sound
from tests.core.storage.reporting import report_of


def outbound(address: str = "+49", *texts: str, **changes: Any) -> NewMessage:
    now = utc_now()
    times = {"create_time": now, "event_time": now, "expire_time": now + timedelta(hours=1)}
    return storage.outbound(address, *texts, **times | changes)


def count_claims(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many claims the dispatchers made until now."""
    claims = 0

    async def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal claims
        claims += 1
        return await really_claim.claim(*arguments, **named)

    monkeypatch.setattr(dispatching, "claim", counted)
    return lambda: claims


async def statuses(pool: Pool) -> Counter[Status]:
    rows = await pool.fetch("SELECT status FROM messages")
    return Counter(list(Status)[row["status"] - 1] for row in rows)


async def test_everything_is_delivered_once_and_each_contacts_in_order(shops: Pool) -> None:
    async with running(shops) as engine:
        await engine.bring([outbound(f"+{n % 7}", f"{n}") for n in range(100)])
        await until(engine.is_idle)

    said: defaultdict[str, list[int]] = defaultdict(list)
    for claim in engine.attempts:
        said[claim.address].append(int(claim.content.text))  # type: ignore[union-attr]  # all are texts
    assert {address: sorted(numbers) for address, numbers in said.items()} == said
    assert sum(map(len, said.values())) == 100
    assert await statuses(shops) == {Status.SENT: 100}
    assert Counter(r.status for r in engine.reached) == {Status.SENT: 100}
    await assert_sound(shops)


async def test_two_dispatchers_share_the_work(shops: Pool) -> None:
    async with running(shops) as one, running(shops) as two:
        for n in range(30):
            await (one, two)[n % 2].bring([outbound(f"+{n}-{k}") for k in range(4)])
        await until(one.is_idle)
        await until(two.is_idle)

    attempts = Counter(claim.message_id for claim in one.attempts + two.attempts)
    assert len(attempts) == 120
    assert set(attempts.values()) == {1}


async def test_a_failed_attempt_is_made_again(shops: Pool) -> None:
    async def second_time(claim: Claim) -> Outcome:
        if claim.attempt == 1:
            return done(claim, settlement=Settlement.RETRY, failure=DOWN, retry_time=utc_now(), platform_message_id="")
        return done(claim)

    async with running(shops, second_time) as engine:
        await engine.bring([outbound()])
        await until(engine.is_idle)

    assert [claim.attempt for claim in engine.attempts] == [1, 2]
    assert await statuses(shops) == {Status.SENT: 1}


async def test_what_is_handed_back_is_no_attempt(shops: Pool) -> None:
    async def third_time(claim: Claim) -> Outcome:
        if len(engine.attempts) < 3:
            return done(claim, settlement=Settlement.RELEASE, failure=DOWN, platform_message_id="")
        return done(claim)

    async with running(shops, third_time) as engine:
        await engine.bring([outbound()])
        await until(engine.is_idle)

    assert [claim.attempt for claim in engine.attempts] == [1, 1, 1]


async def test_what_is_given_up_is_kept(shops: Pool) -> None:
    async def refuse(claim: Claim) -> Outcome:
        return done(claim, settlement=Settlement.GIVE_UP, failure=BLOCKED, platform_message_id="")

    async with running(shops, refuse) as engine:
        await engine.bring([outbound()])
        await until(engine.is_idle)

    assert [(r.status, r.failure) for r in engine.reached] == [(Status.FAILED, BLOCKED)]
    assert await shops.fetchval("SELECT count(*) FROM dead_letters") == 1


async def test_a_bug_costs_one_delivery_a_few_attempts_and_no_other_anything(shops: Pool) -> None:
    async def breaks(claim: Claim) -> Outcome:
        if claim.address == "+bad":
            raise ZeroDivisionError
        return done(claim)

    async with running(shops, breaks, internal_attempts=3) as engine:
        await engine.bring([outbound("+bad"), outbound("+good")])
        await until(engine.is_idle)

    assert Counter(claim.address for claim in engine.attempts) == {"+bad": 3, "+good": 1}
    (failed,) = [r for r in engine.reached if r.status is Status.FAILED]
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.INTERNAL


async def test_an_outcome_that_cannot_be_stored_takes_no_other_with_it(shops: Pool) -> None:
    together = asyncio.Barrier(10)

    async def unstorable(claim: Claim) -> Outcome:
        await together.wait()
        return done(claim, platform_message_id="\0") if claim.address == "+0" else done(claim)

    async with running(shops, unstorable) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(10)])
        await until(lambda: len(engine.reached) == 9)
        assert await statuses(shops) == {Status.SENT: 9, Status.ACCEPTED: 1}


async def test_a_hint_that_comes_while_a_claim_runs_is_not_lost(shops: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    message = outbound()
    claims = 0

    async def claim_and_then(*arguments: Any, **named: Any) -> Any:
        nonlocal claims
        claimed = await really_claim.claim(*arguments, **named)
        claims += 1
        if claims == 1:  # committed after the statement began, and hinted at before its answer is here
            await engine.bring([message])
        return claimed

    monkeypatch.setattr(dispatching, "claim", claim_and_then)
    monkeypatch.setattr(upkeep, "SWEEP_SECONDS", 1000)
    async with running(shops) as engine:
        engine.dispatcher.hint([LaneKey("shop", Lane.PLATFORM)])
        await until(lambda: len(engine.attempts) == 1)


async def test_nobodys_hint_is_missed_for_long(shops: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "SWEEP_SECONDS", 0.02)
    await accept(shops, [outbound()])  # by a process that died before it could hint
    await shops.execute("UPDATE turns SET due_time = now() - interval '2 seconds'")
    async with running(shops) as engine:
        await until(lambda: len(engine.attempts) == 1)


async def test_with_no_room_for_more_attempts_everything_else_goes_on(shops: Pool) -> None:
    go_on = asyncio.Event()

    async def waits(claim: Claim) -> Outcome:
        await go_on.wait()
        return done(claim)

    async with running(shops, waits, max_in_flight=3) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(20)])
        await until(lambda: engine.dispatcher.in_flight == 3)
        engine.dispatcher.hint([LaneKey("shop", Lane.PLATFORM), LaneKey("other", Lane.PLATFORM)])
        for _ in range(50):
            await asyncio.sleep(0)  # a dispatcher that spins would let nobody get here
        assert engine.dispatcher.in_flight == 3
        go_on.set()
        await until(engine.is_idle)

    assert len(engine.attempts) == 20


async def test_a_slow_lane_occupies_only_its_share(shops: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "MAX_PER_LANE", 4)
    claims = count_claims(monkeypatch)
    go_on = asyncio.Event()

    async def slow(claim: Claim) -> Outcome:
        if claim.channel_id == "shop":
            await go_on.wait()
        return done(claim)

    async with running(shops, slow, max_in_flight=100) as engine:
        await engine.bring(
            [outbound(f"+{n}", channel_id=channel_id) for n in range(30) for channel_id in ("shop", "other")]
        )
        await until(lambda: engine.attempts_at("other") == 30)
        assert engine.attempts_at("shop") == 4
        engine.dispatcher.hint([LaneKey("shop", Lane.PLATFORM)])
        before = claims()
        deadline = asyncio.get_running_loop().time() + 0.3
        await until(lambda: asyncio.get_running_loop().time() > deadline)
        assert claims() - before < 10, "it keeps asking for a lane that is full"

        go_on.set()
        await until(engine.is_idle)

    assert engine.attempts_at("shop") == 30


async def test_a_lane_that_was_full_goes_on_as_soon_as_it_is_not(shops: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "MAX_PER_LANE", 1)
    monkeypatch.setattr(dispatching, "POLL_SECONDS", 1000.0)
    async with running(shops) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(20)])
        await until(lambda: len(engine.attempts) == 20)


async def test_a_platform_that_asks_to_wait_stops_its_lane_and_no_other(shops: Pool) -> None:
    pause = timedelta(seconds=0.7)
    asked: list[Any] = []

    async def throttles(claim: Claim) -> Outcome:
        if claim.channel_id == "shop" and not asked:
            asked.append(utc_now())
            until_then = asked[0] + pause
            slow = Failure(kind=FailureKind.THROTTLED, text="Slow down.", retry_after=pause)
            changes = {"failure": slow, "retry_time": until_then, "pause_until": until_then, "platform_message_id": ""}
            return done(claim, settlement=Settlement.RETRY, **changes)
        times[claim.channel_id].append(utc_now())
        return done(claim)

    times: defaultdict[str, list[Any]] = defaultdict(list)
    async with running(shops, throttles) as engine:
        await engine.bring([outbound()])
        await until(lambda: bool(asked))
        await engine.bring(
            [outbound(f"+{n}", channel_id=channel_id) for n in range(10) for channel_id in ("shop", "other")]
        )
        await until(engine.is_idle)

    assert len(times["shop"]) == 11
    assert min(times["shop"]) >= asked[0] + pause
    assert min(times["shop"]) < asked[0] + pause + timedelta(seconds=0.5)
    assert max(times["other"]) < asked[0] + pause


async def test_what_waits_for_its_slot_when_its_lane_is_paused_is_handed_back(shops: Pool) -> None:
    await shops.execute("UPDATE lanes SET rate = 40 WHERE (channel_id, lane) = ('shop', 1)")
    pause = timedelta(seconds=0.4)
    seen: list[Any] = []

    async def away(claim: Claim) -> Outcome:
        seen.append(utc_now())
        if len(seen) > 1:
            return done(claim)
        changes = {"failure": DOWN, "pause_until": seen[0] + pause, "is_probe_failed": True, "platform_message_id": ""}
        return done(claim, settlement=Settlement.RELEASE, **changes)

    async with running(shops, away) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(4)])  # slots 25 ms apart, three of them claimed at once
        await until(engine.is_idle)

    assert min(seen[1:]) >= seen[0] + pause
    assert {claim.attempt for claim in engine.attempts} == {1}


async def test_a_pause_that_is_ended_early_is_over(shops: Pool) -> None:
    async def first_away(claim: Claim) -> Outcome:
        if len(engine.attempts) > 1:
            return done(claim)
        changes = {"failure": DOWN, "pause_until": utc_now() + timedelta(hours=1), "is_probe_failed": True}
        return done(claim, settlement=Settlement.RELEASE, platform_message_id="", **changes)

    async def is_paused() -> bool:
        return bool(await shops.fetchval("SELECT true FROM lanes WHERE paused_until > now()"))

    async with running(shops, first_away) as engine:
        await engine.bring([outbound()])
        await until(is_paused)
        await until(lambda: not engine.dispatcher.in_flight)
        await engine.bring([outbound("+2")])
        await shops.execute(
            "UPDATE lanes SET paused_until = '-infinity', wake_time = now() WHERE lane = 1"
        )  # it is back
        await until(engine.is_idle)

    assert await shops.fetchval("SELECT count(*) FROM attempts WHERE lane = 1") == 3


async def test_a_lane_paused_by_its_operator_costs_no_claims(shops: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = count_claims(monkeypatch)
    await shops.execute("UPDATE lanes SET paused_until = 'infinity', wake_time = 'infinity' WHERE channel_id = 'shop'")
    async with running(shops) as engine:
        await engine.bring([outbound()])
        deadline = asyncio.get_running_loop().time() + 0.4
        await until(lambda: asyncio.get_running_loop().time() > deadline)

    assert engine.attempts == []
    assert claims() < 10


async def test_draining_lets_attempts_finish(shops: Pool) -> None:
    go_on = asyncio.Event()

    async def waits(claim: Claim) -> Outcome:
        await go_on.wait()
        return done(claim)

    async with running(shops, waits) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(5)])
        await until(lambda: len(engine.attempts) == 5)
        draining = asyncio.create_task(engine.dispatcher.drain(DEADLINE))
        await asyncio.sleep(0)
        go_on.set()
        await draining
        assert await statuses(shops) == {Status.SENT: 5}
        await engine.bring([outbound("+late")])

    assert len(engine.attempts) == 5


DEADLINE = 10.0


async def test_draining_hands_back_what_does_not_finish_and_another_takes_it_at_once(shops: Pool) -> None:
    async def never(_: Claim) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    async with running(shops, never) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(5)])
        await until(lambda: len(engine.attempts) == 5)
        await engine.dispatcher.drain(0.01)
        assert await shops.fetchval("SELECT count(*) FROM turns WHERE leased OR due_time > now()") == 0

    async with running(shops) as other:  # nobody hints: the lane was woken
        await until(other.is_idle)
    assert {claim.attempt for claim in other.attempts} == {1}


async def test_draining_stores_outcomes_that_wait_for_the_database(shops: Pool) -> None:
    flaky = Flaky(shops)

    async def database_goes(claim: Claim) -> Outcome:
        flaky.is_away = True
        return done(claim)

    async with running(shops, database_goes, flaky=flaky) as engine:
        await engine.bring([outbound()])
        await until(lambda: flaky.is_away)
        draining = asyncio.create_task(engine.dispatcher.drain(0.01))
        await asyncio.sleep(0.05)
        flaky.is_away = False
        await draining

    assert await statuses(shops) == {Status.SENT: 1}


async def test_a_database_that_is_away_for_a_while_loses_no_outcome(shops: Pool) -> None:
    flaky = Flaky(shops)

    async def database_goes(claim: Claim) -> Outcome:
        flaky.is_away = True
        return done(claim)

    async with running(shops, database_goes, flaky=flaky) as engine:
        await engine.bring([outbound(f"+{n}") for n in range(20)])
        await until(lambda: len(engine.attempts) > 0 and flaky.is_away)
        await asyncio.sleep(0)
        flaky.is_away = False

        def keep_back() -> bool:
            flaky.is_away = False
            return len(engine.reached) == 20

        await until(keep_back)

    assert max(Counter(claim.message_id for claim in engine.attempts).values()) == 1
    assert await statuses(shops) == {Status.SENT: 20}


async def test_an_attempt_longer_than_its_lease_keeps_it(shops: Pool) -> None:
    start = asyncio.get_running_loop().time()

    async def long(claim: Claim) -> Outcome:
        await until(lambda: asyncio.get_running_loop().time() > start + 1.0)
        return done(claim)

    async with running(shops, long, lease=timedelta(seconds=0.6)) as one, running(shops) as two:
        await one.bring([outbound()])
        await until(one.is_idle)

    assert len(one.attempts) == 1
    assert two.attempts == []


async def test_a_lease_lost_with_its_process_is_taken_over(shops: Pool) -> None:
    async def never(_: Claim) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    async with running(shops, never, lease=timedelta(hours=1)) as dead:
        await dead.bring([outbound()])
        await until(lambda: len(dead.attempts) == 1)
        async with running(shops) as other:
            await shops.execute("UPDATE turns SET due_time = now(); UPDATE lanes SET wake_time = now() WHERE lane = 1")
            await until(lambda: len(other.attempts) == 1)
            await until(lambda: len(other.reached) == 1)

    assert other.attempts[0].fence > dead.attempts[0].fence
    assert await statuses(shops) == {Status.SENT: 1}


async def test_a_report_that_was_early_follows_its_send(shops: Pool) -> None:
    message = outbound()
    await record_reports(shops, [report_of(message.message_id, Status.DELIVERED)], utc_now())

    async with running(shops) as engine:
        await engine.bring([message])
        await until(lambda: [r.status for r in engine.reached] == [Status.SENT, Status.DELIVERED])
