import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from anychannel.content import Note, Text
from anychannel.failures import FailureKind
from anychannel.message import Direction, Origin, Status
from core.lanes.records import Settlement, Told
from core.storage.accept import accept
from core.storage.database import Pool
from core.storage.messages import (
    NotCancellable,
    cancel_message,
    get_message,
    get_messages,
    get_story,
    list_messages,
)
from core.storage.told import tell
from tests.core.storage.engine import (
    DOWN,
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


async def test_a_message_comes_back_as_it_was_stored(shop: Pool) -> None:
    notes = (Note(code="text_split", text="It was split."),)
    stored = outbound(content=Text(text="hi"), notes=notes, request_id="request-1")
    await accept_one(shop, stored)

    message = await get_message(shop, stored.message_id, [])

    assert message is not None
    assert (message.content, message.notes, message.request_id) == (Text(text="hi"), notes, "request-1")
    assert (message.direction, message.origin, message.status) == (
        Direction.OUTBOUND,
        Origin.INBOX,
        Status.ACCEPTED,
    )
    assert message.expire_time == stored.expire_time


async def test_what_came_from_the_contact_has_no_status(shop: Pool) -> None:
    received = await accept_one(shop, inbound())
    message = await get_message(shop, received.message_id, ["shop"])
    assert message is not None
    assert message.status is None


async def test_a_message_of_another_channel_is_not_found(shop: Pool) -> None:
    sent = await accept_one(shop, outbound())
    assert await get_message(shop, sent.message_id, ["other"]) is None
    assert await get_story(shop, sent.message_id, ["other"]) is None
    assert await get_messages(shop, [("other", sent.message_id)]) == {}
    assert await get_messages(shop, []) == {}
    assert (await get_messages(shop, [("shop", sent.message_id)])).keys() == {("shop", sent.message_id)}


async def test_messages_are_listed_newest_first_by_pages_and_contact(shop: Pool) -> None:
    accepted = await accept(shop, [outbound(f"+{n % 2}") for n in range(6)])
    newest_first = [one.message_id for one in reversed(accepted)]

    first = await list_messages(shop, channel_id="shop", address="", before="", limit=4)
    rest = await list_messages(shop, channel_id="shop", address="", before=first[-1].message_id, limit=4)
    assert [m.message_id for m in first + rest] == newest_first
    of_one = await list_messages(shop, channel_id="shop", address="+1", before="", limit=9)
    assert [m.message_id for m in of_one] == newest_first[::2]


async def test_a_message_that_waits_is_cancelled_and_passed_over(shop: Pool) -> None:
    first, second = await accept(shop, [outbound(parts=2), outbound()])
    await tell(shop, [("shop", first.message_id)], Told.TOLD)

    work = await cancel_message(shop, "shop", first.message_id, NOW)

    assert work == {PLATFORM, INBOX}
    assert await status_of(shop, first.message_id) is Status.FAILED
    indexes = []
    while (found := await claims_at(shop, hints=[PLATFORM]))[0].message_id == first.message_id:
        assert found[0].status is Status.FAILED
        assert found[0].failure is not None
        assert found[0].failure.kind is FailureKind.CANCELLED
        indexes.append(found[0].item_index)
        await settle_one(shop, found[0], Settlement.DROP, failure=found[0].failure)
    assert indexes == [0, 1]
    assert found[0].message_id == second.message_id
    assert await shop.fetchval("SELECT count(*) FROM dead_letters") == 0
    await assert_sound(shop)


async def test_a_message_behind_another_one_that_is_under_way_is_cancelled(shop: Pool) -> None:
    _, second = await accept(shop, [outbound(), outbound()])
    await claims_at(shop)
    await cancel_message(shop, "shop", second.message_id, NOW)
    assert await status_of(shop, second.message_id) is Status.FAILED


async def test_a_message_between_two_attempts_is_cancelled(shop: Pool) -> None:
    sent = await accept_one(shop, outbound())
    (part,) = await claims_at(shop)
    await settle_one(shop, part, Settlement.RETRY, failure=DOWN, retry_time=NOW + timedelta(minutes=5))
    await cancel_message(shop, "shop", sent.message_id, NOW)
    assert await status_of(shop, sent.message_id) is Status.FAILED


async def _under_way(pool: Pool) -> str:
    sent = await accept_one(pool, outbound())
    await claims_at(pool)
    return sent.message_id


async def _sent(pool: Pool) -> str:
    return (await send_and_settle(pool, outbound())).message_id


async def _half_sent(pool: Pool) -> str:
    sent = await accept_one(pool, outbound(parts=2))
    (part,) = await claims_at(pool)
    await settle_one(pool, part)
    return sent.message_id


async def _cancelled(pool: Pool) -> str:
    sent = await accept_one(pool, outbound())
    await cancel_message(pool, "shop", sent.message_id, NOW)
    return sent.message_id


async def _received(pool: Pool) -> str:
    return (await accept_one(pool, inbound())).message_id


async def _unknown(_: Pool) -> str:
    return "msg_unknown"


@pytest.mark.parametrize("prepare", [_under_way, _sent, _half_sent, _cancelled, _received, _unknown])
async def test_what_cannot_be_taken_back_is_not_cancelled(
    shop: Pool, prepare: Callable[[Pool], Awaitable[str]]
) -> None:
    message_id = await prepare(shop)
    before = await shop.fetch("SELECT * FROM messages")
    with pytest.raises(NotCancellable):
        await cancel_message(shop, "shop", message_id, NOW)
    assert await shop.fetch("SELECT * FROM messages") == before


async def test_a_cancelling_and_a_claim_at_once_never_both_succeed(shop: Pool) -> None:
    async def cancels(message_id: str) -> bool:
        try:
            await cancel_message(shop, "shop", message_id, NOW)
        except NotCancellable:
            return False
        return True

    for n in range(40):
        sent = await accept_one(shop, outbound(f"+{n}"))
        claims, is_cancelled = await asyncio.gather(claims_at(shop, hints=[PLATFORM]), cancels(sent.message_id))
        is_sent = any(claim.message_id == sent.message_id and claim.status is not Status.FAILED for claim in claims)
        assert not (is_sent and is_cancelled)
        assert is_sent or is_cancelled
        for claim in claims:
            await settle_one(shop, claim, Settlement.DROP if claim.status is Status.FAILED else Settlement.DONE)
