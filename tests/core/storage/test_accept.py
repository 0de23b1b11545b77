import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from anychannel.content import Text
from anychannel.events import Contact
from anychannel.message import Direction, Lane, Origin, Status
from core.lanes.records import DeliveryKind, LaneKey, NewMessage, Priority, Settlement
from core.storage.accept import ECHO_PATIENCE, accept
from core.storage.database import Pool
from tests.core.storage.engine import (
    INBOX,
    NOW,
    PLATFORM,
    accept_one,
    assert_sound,
    claims_at,
    inbound,
    outbound,
    send_and_settle,
    settle_one,
    status_of,
)

Make = Callable[[], NewMessage]
IDENTITIES = pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: outbound(request_id="request-1"), id="request_id"),
        pytest.param(lambda: inbound(platform_event_id="event-1"), id="platform_event_id"),
    ],
)


def echo(address: str = "+49", platform_message_id: str = "theirs", **changes: object) -> NewMessage:
    return inbound(
        address,
        direction=Direction.OUTBOUND,
        origin=Origin.PLATFORM,
        platform_event_id=f"echo of {platform_message_id}",
        platform_message_id=platform_message_id,
        **changes,
    )


@IDENTITIES
async def test_the_same_identity_in_one_batch_is_stored_once(shop: Pool, make: Make) -> None:
    first, second = await accept(shop, [make(), make()])

    assert (first.is_new, second.is_new) == (True, False)
    assert second.message_id == first.message_id
    assert second.work == frozenset()
    assert await shop.fetchval("SELECT count(*) FROM messages") == 1
    assert await shop.fetchval("SELECT count(*) FROM deliveries") == 1


@IDENTITIES
async def test_the_same_identity_later_is_answered_with_the_first_id(shop: Pool, make: Make) -> None:
    first = await accept_one(shop, make())
    again = await accept_one(shop, make())

    assert (again.message_id, again.is_new) == (first.message_id, False)
    assert await shop.fetchval("SELECT count(*) FROM events") == 1


@IDENTITIES
async def test_the_same_identity_in_two_transactions_at_once_is_stored_once(shop: Pool, make: Make) -> None:
    answers = await asyncio.gather(*(accept_one(shop, make()) for _ in range(6)))

    assert len({answer.message_id for answer in answers}) == 1
    assert sum(answer.is_new for answer in answers) == 1
    await assert_sound(shop)


async def test_batches_with_the_same_events_in_opposite_order_do_not_wait_for_each_other(shop: Pool) -> None:
    def batch() -> list[NewMessage]:
        return [inbound(f"+{n}", platform_event_id=f"event {n}", contact=Contact(address=f"+{n}")) for n in range(40)]

    for _ in range(5):
        async with asyncio.timeout(5):
            await asyncio.gather(*(accept(shop, batch()[::step]) for step in (1, -1, 1, -1)))
        await shop.execute("TRUNCATE messages, deliveries, turns, contacts, events")


async def test_the_same_request_id_on_another_channel_is_another_message(shop: Pool) -> None:
    here, there = await accept(
        shop, [outbound(request_id="request-1"), outbound(request_id="request-1", channel_id="other")]
    )
    assert here.is_new
    assert there.is_new


async def test_a_batch_is_stored_as_a_whole_or_not_at_all(shop: Pool) -> None:
    with pytest.raises(Exception, match="0x00"):
        await accept(shop, [outbound("+1"), outbound("+\0")])
    for table in ("messages", "parts", "deliveries", "turns", "contacts", "events"):
        assert await shop.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_deliveries_keep_the_order_given(shop: Pool) -> None:
    texts = [f"{n}" for n in range(50)]
    await accept(shop, [outbound("+1", text) for text in texts])

    seen = []
    while found := await claims_at(shop):
        (claim,) = found
        seen.append(claim.content)
        await settle_one(shop, claim)

    assert seen == [Text(text=text) for text in texts]


async def test_a_message_waits_on_the_lane_it_is_for(shop: Pool) -> None:
    sent = await accept_one(shop, outbound("+1", parts=2))
    received = await accept_one(shop, inbound("+2", envelopes=2))

    assert sent.work == {PLATFORM}
    assert received.work == {INBOX}
    rows = await shop.fetch("SELECT lane, kind, priority, item_index FROM deliveries ORDER BY delivery_id")
    assert [tuple(row) for row in rows] == [
        (1, DeliveryKind.PART, Priority.FIRST, 0),
        (1, DeliveryKind.PART, Priority.FIRST, 1),
        (2, DeliveryKind.MESSAGE, Priority.FIRST, 0),
        (2, DeliveryKind.MESSAGE, Priority.FIRST, 1),
    ]
    assert await status_of(shop, sent.message_id) is Status.ACCEPTED


async def test_an_echo_of_our_own_send_is_dropped(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound("+1"))

    accepted = await accept_one(shop, echo("+1", f"id of {sent.message_id}.0"))

    assert not accepted.is_new
    assert accepted.work == frozenset()
    assert await shop.fetchval("SELECT count(*) FROM messages") == 1


async def test_an_echo_of_what_was_written_elsewhere_is_told_at_once(shop: Pool) -> None:
    await send_and_settle(shop, outbound("+1"))

    accepted = await accept_one(shop, echo("+1", "written on the phone"))

    found = {claim.kind: claim for claim in await claims_at(shop, hints=[LaneKey("shop", Lane.INBOX)])}
    assert found[DeliveryKind.ECHO].message_id == accepted.message_id
    assert not found[DeliveryKind.ECHO].is_unwanted


async def test_an_early_echo_is_held_and_dropped_when_the_send_turns_out_to_be_ours(shop: Pool) -> None:
    await accept_one(shop, outbound("+1"))
    (sending,) = await claims_at(shop)

    early = await accept_one(shop, echo("+1", "p1"))
    assert early.is_new
    assert await claims_at(shop, hints=[INBOX]) == []

    await settle_one(shop, sending, platform_message_id="p1")
    later = NOW + ECHO_PATIENCE
    (held,) = [c for c in await claims_at(shop, later, hints=[INBOX]) if c.kind is DeliveryKind.ECHO]
    assert held.is_unwanted
    await settle_one(shop, held, Settlement.DROP, later)

    assert await shop.fetchval("SELECT array_agg(message_id) FROM messages") == [sending.message_id]
    assert await shop.fetchval("SELECT count(*) FROM events WHERE message_id = $1", early.message_id) == 0
    assert await shop.fetchval("SELECT count(*) FROM attempts WHERE message_id = $1", early.message_id) == 0
    await assert_sound(shop)


async def test_an_early_echo_is_told_when_it_was_not_ours(shop: Pool) -> None:
    await accept_one(shop, outbound("+1"))
    (sending,) = await claims_at(shop)
    early = await accept_one(shop, echo("+1", "another"))

    await settle_one(shop, sending, platform_message_id="p1")

    later = NOW + ECHO_PATIENCE
    (held,) = [c for c in await claims_at(shop, later, hints=[INBOX]) if c.kind is DeliveryKind.ECHO]
    assert held.message_id == early.message_id
    assert not held.is_unwanted


async def test_an_echo_to_a_contact_nobody_is_sending_to_is_not_held(shop: Pool) -> None:
    await accept_one(shop, outbound("+1"))
    await claims_at(shop)

    await accept_one(shop, echo("+2", "p1"))

    assert [claim.address for claim in await claims_at(shop, hints=[INBOX])] == ["+2"]


async def test_a_turn_points_at_the_first_delivery_whichever_transaction_commits_first(shop: Pool) -> None:
    for _ in range(20):
        await asyncio.gather(*(accept(shop, [outbound("+1"), outbound("+2")]) for _ in range(4)))
        await assert_sound(shop)


async def test_events_expire_after_a_day_when_the_message_names_no_time(shop: Pool) -> None:
    await accept_one(shop, inbound())
    assert await shop.fetchval("SELECT expire_time FROM deliveries") == NOW + timedelta(hours=24)
