import asyncio
from dataclasses import replace
from datetime import timedelta

from anychannel.message import Lane
from core.lanes.records import DeliveryKind, LaneKey, NewDelivery, Priority
from core.storage.database import Pool
from core.storage.enqueue import enqueue
from tests.core.storage.engine import INBOX, NOW, accept_one, assert_sound, claims_at, inbound, settle_one

LATER = NOW + timedelta(minutes=1)


async def an_event(pool: Pool, kind: DeliveryKind = DeliveryKind.MESSAGE) -> NewDelivery:
    """Another event of a message that is stored already, and delivered."""
    received = await accept_one(pool, inbound())
    (first,) = await claims_at(pool, hints=[INBOX])
    await settle_one(pool, first)
    return NewDelivery(
        channel_id="shop",
        lane=Lane.INBOX,
        priority=Priority.SECOND if kind is DeliveryKind.STATUS else Priority.FIRST,
        address="+49",
        message_id=received.message_id,
        kind=kind,
        expire_time=NOW + timedelta(hours=1),
    )


async def put(pool: Pool, *deliveries: NewDelivery) -> set[LaneKey]:
    async with pool.acquire() as connection, connection.transaction():
        return await enqueue(connection, deliveries)


async def test_nothing_is_no_work(shop: Pool) -> None:
    assert await put(shop) == set()


async def test_the_first_of_several_has_the_turn_and_its_time(shop: Pool) -> None:
    event = await an_event(shop)
    assert await put(shop, replace(event, not_before=LATER, item_index=1), replace(event, item_index=2)) == {INBOX}

    assert await claims_at(shop, hints=[INBOX]) == []
    (first,) = await claims_at(shop, LATER, hints=[INBOX])
    assert first.item_index == 1
    await assert_sound(shop)


async def test_what_comes_later_changes_no_turn_that_is_there(shop: Pool) -> None:
    event = await an_event(shop)
    await put(shop, event)
    (under_way,) = await claims_at(shop, hints=[INBOX])
    before = await shop.fetchrow("SELECT * FROM turns")

    await put(shop, replace(event, not_before=LATER))

    assert await shop.fetchrow("SELECT * FROM turns") == before
    await settle_one(shop, under_way)
    assert await claims_at(shop, hints=[INBOX]) == [], "the next one is held until later"
    assert len(await claims_at(shop, LATER, hints=[INBOX])) == 1


async def test_a_newer_status_takes_the_place_of_one_that_waits_and_its_hold(shop: Pool) -> None:
    status = await an_event(shop, DeliveryKind.STATUS)
    await put(shop, replace(status, not_before=LATER))
    await put(shop, status)

    assert [tuple(row) for row in await shop.fetch("SELECT revision, not_before FROM deliveries")] == [(1, LATER)]
    await assert_sound(shop)


async def test_transactions_that_meet_on_the_same_contacts_do_not_wait_for_each_other(shop: Pool) -> None:
    event = await an_event(shop)
    here = [replace(event, address=f"+{n}", lane=lane) for n in range(20) for lane in Lane]

    async with asyncio.timeout(10):
        for _ in range(5):
            await asyncio.gather(put(shop, *here), put(shop, *reversed(here)), put(shop, *here[::3]))

    await assert_sound(shop)


async def test_a_turn_that_is_just_ending_begins_anew(shop: Pool) -> None:
    event = await an_event(shop)
    for _ in range(20):
        await put(shop, event)
        (last,) = await claims_at(shop, hints=[INBOX])
        await asyncio.gather(settle_one(shop, last), put(shop, event))
        await assert_sound(shop)
        (one_more,) = await claims_at(shop, hints=[INBOX])
        await settle_one(shop, one_more)
    assert await shop.fetchval("SELECT count(*) FROM turns") == 0
