from collections.abc import Sequence
from datetime import datetime

import pytest

from anychannel.message import Origin, Status
from core.lanes.records import DeliveryKind, LaneKey, StatusChange, Told
from core.storage.database import Pool
from core.storage.statuses import EVENT_PATIENCE, TELL_PATIENCE, Reached, apply_changes
from core.storage.told import tell
from tests.core.storage.engine import BLOCKED, INBOX, NOW, accept_one, outbound, status_of


def change(message_id: str, status: Status, part_index: int = 0, platform_message_id: str = "") -> StatusChange:
    return StatusChange(
        channel_id="shop",
        message_id=message_id,
        part_index=part_index,
        status=status,
        event_time=NOW,
        failure=BLOCKED if status is Status.FAILED else None,
        platform_message_id=platform_message_id,
    )


async def apply(pool: Pool, *changes: StatusChange) -> tuple[Sequence[Reached], set[LaneKey]]:
    async with pool.acquire() as connection, connection.transaction():
        return await apply_changes(connection, changes, NOW)


async def test_no_change_is_no_work(shop: Pool) -> None:
    assert await apply(shop) == ([], set())


async def test_several_statuses_of_a_message_are_all_kept_and_one_is_told(shop: Pool) -> None:
    message_id = (await accept_one(shop, outbound())).message_id

    reached, work = await apply(shop, *(change(message_id, s) for s in (Status.SENT, Status.DELIVERED, Status.READ)))

    assert [one.status for one in reached] == [Status.SENT, Status.DELIVERED, Status.READ]
    assert work == {INBOX}
    assert await shop.fetchval("SELECT count(*) FROM events WHERE NOT is_new") == 3
    assert await shop.fetchval("SELECT count(*) FROM deliveries WHERE kind = $1", DeliveryKind.STATUS) == 1
    assert await status_of(shop, message_id) is Status.READ


@pytest.mark.parametrize(
    ("told", "holds"),
    [(Told.NOT_YET, [NOW + TELL_PATIENCE]), (Told.TOLD, [None]), (Told.NEVER, [])],
    ids=["not yet", "told", "never"],
)
async def test_a_status_goes_to_an_inbox_that_knows_the_message(
    shop: Pool, told: Told, holds: list[datetime | None]
) -> None:
    message_id = (await accept_one(shop, outbound())).message_id
    if told is not Told.NOT_YET:
        await tell(shop, [("shop", message_id)], told)

    await apply(shop, change(message_id, Status.SENT))

    rows = await shop.fetch("SELECT not_before, expire_time FROM deliveries WHERE kind = $1", DeliveryKind.STATUS)
    assert [tuple(row) for row in rows] == [(hold, NOW + EVENT_PATIENCE) for hold in holds]


@pytest.mark.parametrize(
    ("statuses", "echoes"),
    [
        pytest.param([Status.SENT], 1, id="sent"),
        pytest.param([Status.SENT, Status.DELIVERED, Status.READ], 1, id="sent and read at once"),
        pytest.param([Status.READ], 1, id="read, for all we know"),
        pytest.param([Status.FAILED], 0, id="failed"),
    ],
)
async def test_what_a_client_sent_is_an_echo_once(shop: Pool, statuses: list[Status], echoes: int) -> None:
    message_id = (await accept_one(shop, outbound(origin=Origin.CLIENT))).message_id
    await apply(shop, *(change(message_id, status) for status in statuses))
    await apply(shop, change(message_id, Status.READ))
    assert await shop.fetchval("SELECT count(*) FROM deliveries WHERE kind = $1", DeliveryKind.ECHO) == echoes


async def test_an_id_of_the_platform_is_kept_also_when_the_part_has_failed_meanwhile(shop: Pool) -> None:
    message_id = (await accept_one(shop, outbound())).message_id
    await apply(shop, change(message_id, Status.FAILED))
    reached, _ = await apply(shop, change(message_id, Status.SENT, platform_message_id="p1"))

    assert reached == []
    row = await shop.fetchrow("SELECT status, platform_message_id, failure FROM parts")
    assert row is not None
    assert (list(Status)[row["status"] - 1], row["platform_message_id"]) == (Status.FAILED, "p1")


async def test_a_later_change_keeps_the_platforms_id(shop: Pool) -> None:
    message_id = (await accept_one(shop, outbound())).message_id
    await apply(shop, change(message_id, Status.SENT, platform_message_id="p1"), change(message_id, Status.READ))
    assert await shop.fetchval("SELECT platform_message_id FROM parts") == "p1"


async def test_changes_of_what_is_gone_are_ignored(shop: Pool) -> None:
    message_id = (await accept_one(shop, outbound())).message_id
    assert await apply(shop, change("msg_gone", Status.SENT), change(message_id, Status.SENT, 7)) == ([], set())
