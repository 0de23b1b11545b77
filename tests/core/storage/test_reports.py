import asyncio
import itertools
from datetime import timedelta

import pytest

from anychannel.message import Status
from core.storage.database import Pool
from core.storage.reports import record_reports, sweep_early, take_early
from tests.core.storage.engine import (
    BLOCKED,
    INBOX,
    NOW,
    PLATFORM,
    accept_one,
    assert_sound,
    claims_at,
    outbound,
    send_and_settle,
    settle_one,
    status_of,
)
from tests.core.storage.reporting import report_of


async def statuses(pool: Pool, message_id: str) -> list[Status]:
    rows = await pool.fetch("SELECT status FROM events WHERE message_id = $1 ORDER BY event_id", message_id)
    return [list(Status)[row["status"] - 1] for row in rows]


async def test_reports_move_a_message_forward(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())

    delivered = await record_reports(shop, [report_of(sent.message_id, Status.DELIVERED)], NOW)
    read = await record_reports(shop, [report_of(sent.message_id, Status.READ)], NOW)

    assert [r.status for r in delivered.reached + read.reached] == [Status.DELIVERED, Status.READ]
    assert delivered.work == {INBOX}
    assert await statuses(shop, sent.message_id) == [Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ]


async def test_a_report_of_an_earlier_status_changes_nothing(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())
    await record_reports(shop, [report_of(sent.message_id, Status.READ)], NOW)

    for status in (Status.SENT, Status.DELIVERED, Status.FAILED, Status.READ):
        reported = await record_reports(shop, [report_of(sent.message_id, status)], NOW)
        assert reported.reached == ()

    assert await status_of(shop, sent.message_id) is Status.READ


async def test_a_reported_failure_has_its_reason(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())
    (reached,) = (await record_reports(shop, [report_of(sent.message_id, Status.FAILED)], NOW)).reached
    assert (reached.status, reached.failure) == (Status.FAILED, BLOCKED)


@pytest.mark.parametrize("order", list(itertools.permutations([Status.SENT, Status.DELIVERED, Status.READ])))
async def test_several_reports_of_one_part_in_one_batch_leave_the_furthest(
    shop: Pool, order: tuple[Status, ...]
) -> None:
    sent = await send_and_settle(shop, outbound())

    await record_reports(shop, [report_of(sent.message_id, status) for status in order], NOW)

    assert await status_of(shop, sent.message_id) is Status.READ
    assert await shop.fetchval("SELECT status FROM parts") == list(Status).index(Status.READ) + 1


async def test_a_message_is_delivered_with_its_last_part(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound(parts=2))
    await record_reports(shop, [report_of(sent.message_id, s, 0) for s in (Status.DELIVERED, Status.READ)], NOW)
    assert await status_of(shop, sent.message_id) is Status.SENT

    await record_reports(shop, [report_of(sent.message_id, Status.DELIVERED, 1)], NOW)
    assert await status_of(shop, sent.message_id) is Status.DELIVERED

    await record_reports(shop, [report_of(sent.message_id, Status.READ, 1)], NOW)
    assert await status_of(shop, sent.message_id) is Status.READ


async def test_parts_that_share_the_platforms_id_share_its_report(shop: Pool) -> None:
    await accept_one(shop, outbound(parts=2))
    for _ in range(2):
        (part,) = await claims_at(shop, hints=[PLATFORM])
        await settle_one(shop, part, platform_message_id="both")

    await record_reports(shop, [report_of(part.message_id, Status.READ, platform_message_id="both")], NOW)

    assert await status_of(shop, part.message_id) is Status.READ


async def test_a_report_that_comes_before_its_send_is_recorded_waits_for_it(shop: Pool) -> None:
    await accept_one(shop, outbound())
    (sending,) = await claims_at(shop)

    early = [report_of(sending.message_id, status) for status in (Status.READ, Status.DELIVERED)]
    assert (await record_reports(shop, early, NOW)).reached == ()
    await settle_one(shop, sending)
    taken = await take_early(shop, [("shop", f"id of {sending.message_id}.0")], NOW)

    assert [r.status for r in taken.reached] == [Status.DELIVERED, Status.READ]
    assert taken.work == {INBOX}
    assert await shop.fetchval("SELECT count(*) FROM early_reports") == 0
    await assert_sound(shop)


async def test_an_early_report_told_twice_is_kept_once(shop: Pool) -> None:
    for _ in range(2):
        await record_reports(shop, [report_of("nobody", Status.READ)] * 2, NOW)
    assert await shop.fetchval("SELECT count(*) FROM early_reports") == 1


async def test_a_report_and_its_send_at_once_miss_each_other_never(shop: Pool) -> None:
    for n in range(25):
        await accept_one(shop, outbound(f"+{n}"))
        (sending,) = await claims_at(shop, hints=[PLATFORM])
        key = ("shop", f"id of {sending.message_id}.0")

        async def send_then_look(claim: object = sending, key: tuple[str, str] = key) -> None:
            await settle_one(shop, claim)  # type: ignore[arg-type]  # bound to this round's
            await take_early(shop, [key], NOW)

        reports = [report_of(sending.message_id, status) for status in (Status.DELIVERED, Status.READ)]
        await asyncio.gather(send_then_look(), *(record_reports(shop, [report], NOW) for report in reports))

        assert await status_of(shop, sending.message_id) is Status.READ
    assert await shop.fetchval("SELECT count(*) FROM early_reports") == 0
    await assert_sound(shop)


async def test_what_a_dead_process_left_between_its_two_steps_is_swept_up(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())
    await shop.execute(
        "INSERT INTO early_reports (channel_id, platform_message_id, status, event_time) VALUES ('shop', $1, 4, now())",
        f"id of {sent.message_id}.0",
    )

    swept = await sweep_early(shop, NOW, within=timedelta(minutes=1))

    assert [r.status for r in swept.reached] == [Status.READ]
    assert await shop.fetchval("SELECT count(*) FROM early_reports") == 0


async def test_reports_of_what_is_not_ours_are_forgotten_after_days(shop: Pool) -> None:
    await record_reports(shop, [report_of("old", Status.READ), report_of("new", Status.READ)], NOW)
    await shop.execute(
        "UPDATE early_reports SET create_time = now() - interval '73 hours' WHERE platform_message_id LIKE '%old%'"
    )

    await sweep_early(shop, NOW)

    assert await shop.fetchval("SELECT array_agg(platform_message_id) FROM early_reports") == ["id of new.0"]


async def test_nothing_reported_asks_nothing(shop: Pool) -> None:
    assert (await record_reports(shop, [], NOW)).reached == ()
    assert (await take_early(shop, [], NOW)).reached == ()
