import asyncio
import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from anychannel.message import Lane
from core.channels import ChannelConfig
from core.lanes.records import LaneKey, Priority, Settlement
from core.secrets import Keyring
from core.storage.accept import accept
from core.storage.channels import insert_channel
from core.storage.claim import renew, seconds_until_wake, sweep
from core.storage.database import Pool
from tests.core.storage.engine import (
    BLOCKED,
    DOWN,
    HORIZON,
    INBOX,
    LEASE,
    NOW,
    PLATFORM,
    accept_one,
    assert_sound,
    claim_at,
    claims_at,
    inbound,
    outbound,
    settle_one,
    wake_in,
)

ConfigOf = Callable[..., ChannelConfig]
SECOND = timedelta(seconds=1)


@pytest.fixture
def pool(emptied: Pool) -> Pool:
    return emptied


def busiest_second(slots: Sequence[datetime]) -> int:
    """The most slots that any second holds."""
    ordered = sorted(slots)
    return max(sum(1 for other in ordered[n:] if other < slot + SECOND) for n, slot in enumerate(ordered))


async def serve_lane(pool: Pool, seed: int, count: int) -> list[datetime]:
    """Claim like a dispatcher that comes up to 60 ms late, until so many slots are given out."""
    delays = random.Random(seed)
    now, slots = NOW, list[datetime]()
    while len(slots) < count:
        claimed = await claim_at(pool, now, hints=[] if slots else [PLATFORM])
        slots += [now + timedelta(seconds=claim.wait) for claim in claimed.claims]
        wake = await wake_in(pool, PLATFORM, now)
        assert wake is not None, "a lane with a backlog sleeps"
        now += timedelta(seconds=max(wake, 0) + delays.uniform(0, 0.06))
    return slots


@pytest.mark.parametrize(("rate", "count"), [(0.5, 4), (1, 6), (3.7, 20), (20, 90), (80, 200), (1000, 800)])
async def test_slots_keep_the_rate_and_use_it(
    pool: Pool, keyring: Keyring, config_of: ConfigOf, rate: float, count: int
) -> None:
    await insert_channel(pool, keyring, config_of("shop", platform_rate=rate))
    await accept(pool, [outbound(f"+{n}") for n in range(count + 60)])

    slots = await serve_lane(pool, seed=round(rate * 10), count=count)

    assert busiest_second(slots) <= math.ceil(rate)
    seconds = (max(slots) - min(slots)).total_seconds()
    assert (len(slots) - 1) / seconds >= 0.98 * rate


async def test_an_idle_lane_saves_up_nothing(twenty: Pool) -> None:
    await accept(twenty, [outbound(f"+{n}") for n in range(40)])
    await claim_at(twenty, NOW)

    much_later = NOW + timedelta(minutes=10)
    assert len((await claim_at(twenty, much_later)).claims) == 2  # as many slots as begin within the horizon


async def test_claimers_at_once_share_the_pace_and_never_a_delivery(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    lanes = [LaneKey(f"shop-{n}", Lane.PLATFORM) for n in range(12)]
    for key in lanes:
        await insert_channel(pool, keyring, config_of(key.channel_id))
    await accept(pool, [outbound(f"+{n}", channel_id=key.channel_id) for key in lanes for n in range(60)])
    slots: defaultdict[str, list[datetime]] = defaultdict(list)
    delivery_ids: list[int] = []

    async def claimer(step: timedelta, seed: int) -> None:
        shuffled = random.Random(seed)
        now = NOW
        while now < NOW + timedelta(seconds=2):
            found = await claim_at(pool, now, hints=shuffled.sample(lanes, len(lanes)))
            for claim in found.claims:
                slots[claim.channel_id].append(now + timedelta(seconds=claim.wait))
                delivery_ids.append(claim.delivery_id)
            now += step

    await asyncio.gather(claimer(timedelta(milliseconds=31), 1), claimer(timedelta(milliseconds=29), 2))

    assert len(delivery_ids) == len(set(delivery_ids))
    assert slots.keys() == {key.channel_id for key in lanes}
    for of_lane in slots.values():
        assert busiest_second(of_lane) <= 20
        assert len(of_lane) >= 36  # of 39.5, less what the end takes


async def test_first_comes_before_second_however_long_that_has_waited(shop: Pool) -> None:
    await accept(shop, [outbound(f"+{n}", priority=Priority.SECOND) for n in range(3)])
    await accept(shop, [outbound(f"+{n}") for n in range(3)])

    found = await claims_at(shop, max_per_lane=4)

    assert [claim.priority for claim in found] == [0, 0, 0, 1]


async def test_one_contact_goes_in_order_and_others_beside_it(shop: Pool) -> None:
    await accept(shop, [outbound("+1", "a1", "a2"), outbound("+2", "b1"), outbound("+1", "a3")])

    def said(claims: Sequence[object]) -> list[str]:
        return sorted(claim.content.text for claim in claims)  # type: ignore[attr-defined]  # all are texts

    first = await claims_at(shop)
    assert said(first) == ["a1", "b1"]
    assert await claims_at(shop) == []
    for claim in first:
        await settle_one(shop, claim)
    (second,) = await claims_at(shop)
    assert said([second]) == ["a2"]
    await settle_one(shop, second)
    assert said(await claims_at(shop)) == ["a3"]


async def test_a_contact_that_waits_for_its_retry_holds_back_only_itself(shop: Pool) -> None:
    await accept(shop, [outbound("+1", "a1"), outbound("+1", "a2"), outbound("+2", "b1"), outbound("+2", "b2")])
    for claim in await claims_at(shop):
        if claim.address == "+1":
            retry_time = NOW + timedelta(minutes=1)
            await settle_one(shop, claim, Settlement.RETRY, failure=DOWN, retry_time=retry_time)
        else:
            await settle_one(shop, claim)

    assert [claim.address for claim in await claims_at(shop, NOW + timedelta(seconds=59), hints=[PLATFORM])] == ["+2"]
    (again,) = await claims_at(shop, NOW + timedelta(seconds=60), hints=[PLATFORM])
    assert again.attempt == 2


async def test_a_paused_lane_is_looked_at_and_not_claimed(shop: Pool) -> None:
    await accept(shop, [outbound("+1"), outbound("+2")])
    await _pause(shop, NOW + timedelta(seconds=3))

    held = await claim_at(shop, NOW + timedelta(seconds=2.9))
    assert held.claims == ()
    assert PLATFORM in held.served  # so that nobody keeps asking
    assert await wake_in(shop, PLATFORM) == 3
    assert len(await claims_at(shop, NOW + timedelta(seconds=3), hints=[])) == 2


async def test_a_lane_paused_for_ever_takes_no_place_among_those_that_wake(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    for n in range(3):
        await insert_channel(pool, keyring, config_of(f"paused-{n}", paused=True))
        await pool.execute("UPDATE lanes SET wake_time = '-infinity' WHERE channel_id = $1", f"paused-{n}")
    await insert_channel(pool, keyring, config_of("shop"))
    await accept_one(pool, outbound())
    await pool.execute("UPDATE lanes SET wake_time = now() WHERE (channel_id, lane) = ('shop', 1)")

    (found,) = await claims_at(pool, hints=[], max_lanes=1)

    assert found.channel_id == "shop"
    async with pool.acquire() as connection:
        wait = await seconds_until_wake(connection)
    assert wait is not None
    assert wait > 0


async def test_a_probing_lane_gives_one_at_a_time(shop: Pool) -> None:
    await accept(shop, [outbound(f"+{n}") for n in range(5)])
    await shop.execute("UPDATE lanes SET probes = 3 WHERE (channel_id, lane) = ('shop', 1)")

    (probe,) = await claims_at(shop)
    assert probe.probes == 3
    assert await wake_in(shop, PLATFORM) == LEASE.total_seconds()

    await settle_one(shop, probe)
    assert len(await claims_at(shop)) == 4


async def test_excluded_lanes_are_left_alone_and_take_no_place(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    full = [LaneKey(f"full-{n}", Lane.PLATFORM) for n in range(3)]
    for key in (*full, PLATFORM):
        await insert_channel(pool, keyring, config_of(key.channel_id))
        await accept_one(pool, outbound(channel_id=key.channel_id))
    await pool.execute(
        "UPDATE lanes SET wake_time = now() - interval '1 minute' WHERE channel_id LIKE 'full%' AND lane = 1"
    )
    await pool.execute("UPDATE lanes SET wake_time = now() WHERE (channel_id, lane) = ('shop', 1)")

    claimed = await claim_at(pool, hints=full, full=full, max_lanes=1)

    assert [claim.channel_id for claim in claimed.claims] == ["shop"]
    assert claimed.served == {PLATFORM}
    async with pool.acquire() as connection:
        wait = await seconds_until_wake(connection, full=full)
    assert wait is not None
    assert wait > 0, "a dispatcher would not sleep while a lane is full"


async def test_a_lane_nobody_hinted_at_and_that_sleeps_is_not_served(shop: Pool) -> None:
    await accept_one(shop, outbound())
    assert (await claim_at(shop, hints=[])).served == frozenset()
    assert len((await claim_at(shop, hints=[PLATFORM])).claims) == 1


async def test_a_lease_that_runs_out_is_claimed_again_with_a_higher_fence(shop: Pool) -> None:
    await accept_one(shop, outbound())
    (first,) = await claims_at(shop)
    assert await claims_at(shop, NOW + LEASE - timedelta(milliseconds=1)) == []

    (second,) = await claims_at(shop, NOW + LEASE, hints=[])

    assert second.delivery_id == first.delivery_id
    assert second.fence > first.fence
    assert second.attempt == 2
    assert await shop.fetchval("SELECT count(*) FROM attempts") == 2


async def test_a_renewed_lease_lasts_longer_and_a_lost_one_is_not_renewed(shop: Pool) -> None:
    await accept_one(shop, outbound())
    (first,) = await claims_at(shop)
    async with shop.acquire() as connection:
        await renew(connection, [first], timedelta(hours=2))
    assert await claims_at(shop, NOW + LEASE) == []
    (second,) = await claims_at(shop, NOW + timedelta(hours=3))

    async with shop.acquire() as connection:
        await renew(connection, [first], timedelta(days=1))
    assert len(await claims_at(shop, NOW + timedelta(hours=3) + LEASE)) == 1
    assert second.fence == first.fence + 1


async def test_renewing_waits_for_nobody(shop: Pool) -> None:
    await accept_one(shop, outbound())
    found = await claims_at(shop)
    async with shop.acquire() as other, other.transaction():
        await other.execute("SELECT 1 FROM turns FOR UPDATE")
        async with asyncio.timeout(2), shop.acquire() as connection:
            await renew(connection, found, LEASE)


async def test_a_turn_that_somebody_holds_is_passed_over(shop: Pool) -> None:
    await accept(shop, [outbound("+1"), outbound("+2")])
    async with shop.acquire() as other, other.transaction():
        await other.execute("SELECT 1 FROM turns WHERE address = '+1' FOR UPDATE")
        async with asyncio.timeout(2):
            assert [claim.address for claim in await claims_at(shop)] == ["+2"]


async def _pause(pool: Pool, until: datetime) -> None:
    statement = "UPDATE lanes SET paused_until = $1, wake_time = $1 WHERE (channel_id, lane) = ('shop', 1)"
    await pool.execute(statement, until)


async def _nothing(pool: Pool) -> None:
    await claim_at(pool)


async def _one(pool: Pool) -> None:
    await accept_one(pool, outbound())
    await claim_at(pool)


async def _backlog(pool: Pool) -> None:
    await accept(pool, [outbound(f"+{n}") for n in range(9)])
    await claim_at(pool)


async def _one_retry_waits(pool: Pool) -> None:
    await accept_one(pool, outbound())
    (found,) = await claims_at(pool)
    await settle_one(pool, found, Settlement.RETRY, failure=DOWN, retry_time=NOW + timedelta(seconds=4))
    await claim_at(pool)


async def _no_slot_free(pool: Pool) -> None:
    await accept(pool, [outbound(f"+{n}") for n in range(9)])
    await claim_at(pool)
    await claim_at(pool)


async def _released(pool: Pool) -> None:
    await accept_one(pool, outbound())
    (found,) = await claims_at(pool)
    await settle_one(pool, found, Settlement.RELEASE, failure=DOWN, pause_until=NOW + timedelta(seconds=2))


# Twenty a second with its margin is a slot every 50.75 ms.
@pytest.mark.parametrize(
    ("prepare", "seconds"),
    [
        pytest.param(_nothing, None, id="nothing to do: sleeps"),
        pytest.param(_one, 10.0, id="all under way: when the lease runs out"),
        pytest.param(_backlog, 2 * 0.05075 - 0.075, id="a backlog: when the third slot comes into the horizon"),
        pytest.param(_no_slot_free, 2 * 0.05075 - 0.075, id="no slot free: as before"),
        pytest.param(_one_retry_waits, 4.0, id="only a retry waits: then"),
        pytest.param(_released, 2.0, id="paused: at its end"),
    ],
)
async def test_a_lane_wakes_when_there_is_something_to_claim(
    twenty: Pool, prepare: Callable[[Pool], object], seconds: float | None
) -> None:
    await prepare(twenty)  # type: ignore[misc]  # all of them are coroutine functions

    wake = await wake_in(twenty, PLATFORM)

    assert wake == (None if seconds is None else pytest.approx(seconds, abs=0.001))


async def test_a_lost_wake_up_is_repaired_by_the_sweep(shop: Pool) -> None:
    await accept(shop, [outbound(), inbound()])  # whoever was to hint at their lanes died
    assert await claims_at(shop, hints=[]) == []

    async with shop.acquire() as connection:
        await sweep(connection, now=NOW)

    assert {claim.lane for claim in await claims_at(shop, hints=[])} == set(Lane)


async def test_the_sweep_leaves_paused_lanes_and_lanes_without_work(shop: Pool) -> None:
    await accept_one(shop, outbound())
    await _pause(shop, NOW + timedelta(minutes=1))
    async with shop.acquire() as connection:
        await sweep(connection, now=NOW)

    assert await wake_in(shop, PLATFORM) == 60
    assert await wake_in(shop, INBOX) is None


async def test_the_sweep_waits_for_nobody(shop: Pool) -> None:
    await accept_one(shop, outbound())
    async with shop.acquire() as other, other.transaction():
        await other.execute("SELECT 1 FROM lanes FOR UPDATE")
        async with asyncio.timeout(2), shop.acquire() as connection:
            await sweep(connection, now=NOW)


async def test_a_lane_served_elsewhere_is_not_waited_for(shop: Pool) -> None:
    await accept_one(shop, outbound())
    async with shop.acquire() as other, other.transaction():
        await other.execute("SELECT 1 FROM lanes WHERE lane = 1 FOR UPDATE")
        async with asyncio.timeout(2):
            claimed = await claim_at(shop)
    assert claimed.served == {INBOX}


async def test_the_slots_of_a_claim_lie_within_the_horizon(twenty: Pool) -> None:
    await accept(twenty, [outbound(f"+{n}") for n in range(9)])
    waits = [claim.wait for claim in (await claim_at(twenty)).claims]
    assert waits == pytest.approx([0, 0.05075])
    assert max(waits) <= HORIZON.total_seconds()


async def test_what_is_too_late_says_how_the_last_attempt_ended(shop: Pool) -> None:
    await accept_one(shop, outbound(expire_time=NOW + timedelta(minutes=1)))
    (first,) = await claims_at(shop)
    await settle_one(shop, first, Settlement.RETRY, failure=BLOCKED, retry_time=NOW)
    (second,) = await claims_at(shop)
    await settle_one(shop, second, Settlement.RELEASE, failure=DOWN)
    (in_time,) = await claims_at(shop, NOW + timedelta(seconds=50))
    await settle_one(shop, in_time, Settlement.RELEASE)

    (too_late,) = await claims_at(shop, NOW + timedelta(minutes=1))

    assert in_time.last_failure is None
    assert too_late.last_failure == DOWN


async def test_what_a_claim_says_of_a_message_that_failed(shop: Pool) -> None:
    await accept_one(shop, outbound(parts=2))
    (first,) = await claims_at(shop)
    await settle_one(shop, first, Settlement.GIVE_UP, failure=BLOCKED)

    (second,) = await claims_at(shop, hints=[PLATFORM])

    assert (second.item_index, second.part_count, second.failure) == (1, 2, BLOCKED)
    await assert_sound(shop)
