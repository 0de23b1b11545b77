import asyncio

import pytest

from anychannel.message import Status
from core.lanes.records import DeliveryKind, Settlement, Told
from core.storage.database import Pool
from core.storage.reports import record_reports
from core.storage.statuses import TELL_PATIENCE
from core.storage.told import tell
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
)
from tests.core.storage.reporting import report_of


async def test_a_status_is_held_until_the_inbox_knows_the_message(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())
    assert await claims_at(shop, hints=[INBOX]) == []

    assert await tell(shop, [("shop", sent.message_id)], Told.TOLD) == {INBOX}

    (status,) = await claims_at(shop, hints=[INBOX])
    assert (status.kind, status.status) == (DeliveryKind.STATUS, Status.SENT)


async def test_a_held_status_goes_when_nobody_says_whether_the_inbox_was_told(shop: Pool) -> None:
    await send_and_settle(shop, outbound())
    assert await claims_at(shop, NOW + TELL_PATIENCE * 0.99, hints=[INBOX]) == []
    assert len(await claims_at(shop, NOW + TELL_PATIENCE, hints=[INBOX])) == 1


async def test_a_message_told_before_it_is_sent_holds_nothing(shop: Pool) -> None:
    message = outbound()
    await accept_one(shop, message)
    assert await tell(shop, [("shop", message.message_id)], Told.TOLD) == set()
    (part,) = await claims_at(shop)

    await settle_one(shop, part)

    assert len(await claims_at(shop, hints=[INBOX])) == 1


async def test_a_message_the_inbox_never_learns_of_has_no_statuses_there(shop: Pool) -> None:
    message = outbound()
    await accept_one(shop, message)
    (part,) = await claims_at(shop)
    await settle_one(shop, part, Settlement.GIVE_UP)

    await tell(shop, [("shop", message.message_id)], Told.NEVER)

    (held,) = await claims_at(shop, hints=[INBOX])
    assert held.is_unwanted
    await settle_one(shop, held, Settlement.DROP)
    assert await shop.fetchval("SELECT count(*) FROM deliveries") == 0
    assert await shop.fetchval("SELECT count(*) FROM messages") == 1


async def test_later_statuses_of_a_message_the_inbox_never_learns_of_are_not_even_queued(shop: Pool) -> None:
    message = outbound()
    await accept_one(shop, message)
    await tell(shop, [("shop", message.message_id)], Told.NEVER)
    (part,) = await claims_at(shop)
    await settle_one(shop, part)
    await record_reports(shop, [report_of(message.message_id, Status.READ)], NOW)
    assert await shop.fetchval("SELECT count(*) FROM deliveries") == 0


@pytest.mark.parametrize(("first", "then"), [(Told.TOLD, Told.NEVER), (Told.NEVER, Told.TOLD)])
async def test_what_was_said_first_stays(shop: Pool, first: Told, then: Told) -> None:
    message = outbound()
    await accept_one(shop, message)
    await tell(shop, [("shop", message.message_id)], first)
    await tell(shop, [("shop", message.message_id)], then)
    assert await shop.fetchval("SELECT told FROM messages") == first


async def test_a_status_behind_another_delivery_of_its_contact_is_released_too(shop: Pool) -> None:
    first, second = outbound(), outbound()
    await send_and_settle(shop, first)
    await accept_one(shop, second)
    (part,) = await claims_at(shop, hints=[PLATFORM])
    await settle_one(shop, part)

    await tell(shop, [("shop", second.message_id)], Told.TOLD)
    assert await claims_at(shop, hints=[INBOX]) == [], "the first one's status is still held"
    await tell(shop, [("shop", first.message_id)], Told.TOLD)

    seen = []
    while found := await claims_at(shop, hints=[INBOX]):
        seen.append(found[0].message_id)
        await settle_one(shop, found[0])
    assert seen == [first.message_id, second.message_id]


async def test_telling_while_the_status_is_recorded_or_its_turn_comes_leaves_it_never_held(shop: Pool) -> None:
    for n in range(15):
        first, second = outbound(f"+{n}"), outbound(f"+{n}")
        await send_and_settle(shop, first)
        await tell(shop, [("shop", first.message_id)], Told.TOLD)
        await accept_one(shop, second)
        (part,) = await claims_at(shop, hints=[PLATFORM])
        (status,) = await claims_at(shop, hints=[INBOX])

        await asyncio.gather(
            settle_one(shop, part), settle_one(shop, status), tell(shop, [("shop", second.message_id)], Told.TOLD)
        )

        (status,) = await claims_at(shop, hints=[INBOX])
        assert status.message_id == second.message_id
        await settle_one(shop, status)
    await assert_sound(shop)


async def test_telling_of_messages_that_are_not_there_changes_nothing(shop: Pool) -> None:
    received = await accept_one(shop, inbound())
    assert await tell(shop, [("shop", "msg_unknown"), ("shop", received.message_id)], Told.TOLD) == set()
    assert await tell(shop, [], Told.TOLD) == set()
