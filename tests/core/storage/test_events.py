import asyncio
import random

from anychannel.message import Status
from core.lanes.records import Settlement
from core.storage.accept import accept
from core.storage.database import Pool
from core.storage.events import EventRow, Position, events_after, position_now
from tests.core.storage.engine import BLOCKED, accept_one, claims_at, inbound, outbound, send_and_settle, settle_one


async def follow(pool: Pool, position: Position, limit: int = 100) -> list[EventRow]:
    seen: list[EventRow] = []
    while page := await events_after(pool, position, limit):
        seen += page
        position = page[-1].position
    return seen


async def test_events_tell_what_happened_in_order(shop: Pool) -> None:
    start = await position_now(shop)
    sent = await send_and_settle(shop, outbound("+1"))
    received = await accept_one(shop, inbound("+2"))

    assert [(e.message_id, e.status, e.is_new) for e in await follow(shop, start)] == [
        (sent.message_id, Status.ACCEPTED, True),
        (sent.message_id, Status.SENT, False),
        (received.message_id, None, True),
    ]


async def test_a_failed_one_has_its_reason(shop: Pool) -> None:
    await accept_one(shop, outbound())
    (part,) = await claims_at(shop)
    start = await position_now(shop)
    await settle_one(shop, part, Settlement.GIVE_UP)
    (event,) = await follow(shop, start)
    assert (event.status, event.failure) == (Status.FAILED, BLOCKED)


async def test_what_was_before_the_position_is_not_told(shop: Pool) -> None:
    await accept_one(shop, outbound())
    assert await follow(shop, await position_now(shop)) == []


async def test_pages_of_any_size_tell_the_same(shop: Pool) -> None:
    start = await position_now(shop)
    for n in range(7):
        await accept(shop, [outbound(f"+{n}"), inbound(f"+{n}")])
    assert await follow(shop, start, limit=1) == await follow(shop, start, limit=5) == await follow(shop, start)


async def test_an_event_of_a_transaction_that_commits_later_is_not_skipped(shop: Pool) -> None:
    start = await position_now(shop)
    insert = "INSERT INTO events (channel_id, message_id, status, event_time) VALUES ('shop', $1, 1, now())"
    async with shop.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(insert, "slow")
        await shop.execute(insert, "quick")  # a later id, committed first

        assert await follow(shop, start) == []
        await transaction.commit()

    assert [event.message_id for event in await follow(shop, start)] == ["slow", "quick"]


async def test_a_watcher_beside_many_transactions_misses_nothing(shop: Pool) -> None:
    start = await position_now(shop)
    chance = random.Random(3)
    running = True
    seen: list[EventRow] = []

    async def watch() -> None:
        position = start
        while True:
            was_running = running
            page = await events_after(shop, position, 7)
            seen.extend(page)
            position = page[-1].position if page else position
            if not page and not was_running:
                return
            await asyncio.sleep(0)

    async def write(writer: int) -> None:
        for n in range(25):
            await accept(shop, [outbound(f"+{writer}-{n}-{k}") for k in range(chance.randint(1, 4))])

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(write(writer) for writer in range(5)))
    running = False
    async with asyncio.timeout(10):
        await watching

    ids = [
        row["message_id"] for row in await shop.fetch("SELECT message_id FROM events ORDER BY transaction_id, event_id")
    ]
    assert [event.message_id for event in seen] == ids
