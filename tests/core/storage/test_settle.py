from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from anychannel.content import Note
from anychannel.failures import Failure, FailureKind
from anychannel.message import Origin, Status
from core.lanes.records import Claim, DeliveryKind, Settlement, Told
from core.storage.accept import accept
from core.storage.database import Pool
from core.storage.messages import get_message, get_story
from core.storage.reports import record_reports
from core.storage.settle import settle
from core.storage.told import tell
from tests.core.storage.engine import (
    BLOCKED,
    DOWN,
    INBOX,
    NOW,
    PLATFORM,
    accept_one,
    assert_sound,
    claims_at,
    ended,
    inbound,
    outbound,
    send_and_settle,
    settle_one,
    status_of,
    wake_in,
)
from tests.core.storage.reporting import report_of

LATER = NOW + timedelta(minutes=1)


async def claimed(pool: Pool, parts: int = 1) -> Claim:
    await accept_one(pool, outbound(parts=parts))
    (found,) = await claims_at(pool, hints=[PLATFORM])
    return found


async def test_done_sends_the_message_and_tells_who_waits(shop: Pool) -> None:
    found = await claimed(shop)

    settled = await settle_one(shop, found)

    assert [(r.message_id, r.status) for r in settled.reached] == [(found.message_id, Status.SENT)]
    assert settled.work == {PLATFORM, INBOX}
    story = await get_story(shop, found.message_id, [])
    assert story is not None
    assert [record.status for record in story.statuses] == [Status.ACCEPTED, Status.SENT]
    assert story.parts[0].platform_message_id == f"id of {found.message_id}.0"
    (attempt,) = story.attempts
    assert (attempt.number, attempt.end_time, attempt.failure) == (1, NOW, None)
    assert await claims_at(shop, LATER, hints=[PLATFORM]) == []
    await assert_sound(shop)


async def test_what_the_provider_changed_is_told_beside_what_shaping_changed(shop: Pool) -> None:
    await accept_one(shop, replace(outbound(parts=2), notes=(Note(code="text_split", text="Split."),)))
    for caption in ("first", "second"):
        (found,) = await claims_at(shop, LATER, hints=[PLATFORM])
        await settle(shop, [replace(ended(found), notes=(Note(code="caption_lost", text=caption),))], NOW)

    message = await get_message(shop, found.message_id, [])

    assert message is not None
    assert [note.text for note in message.notes] == ["Split.", "first", "second"]


async def test_retry_waits_and_counts(shop: Pool) -> None:
    found = await claimed(shop)

    settled = await settle_one(shop, found, Settlement.RETRY, failure=DOWN, retry_time=LATER)

    assert settled.reached == ()
    assert await claims_at(shop, LATER - timedelta(milliseconds=1)) == []
    (again,) = await claims_at(shop, LATER)
    assert again.attempt == 2
    (first, _) = (await get_story(shop, found.message_id, [])).attempts  # type: ignore[union-attr]  # it is there
    assert (first.failure, first.retry_time) == (DOWN, LATER)


async def test_release_is_due_again_and_does_not_count(shop: Pool) -> None:
    found = await claimed(shop)

    await settle_one(shop, found, Settlement.RELEASE, failure=DOWN)

    (again,) = await claims_at(shop)
    assert again.attempt == 1
    assert again.fence > found.fence


async def test_giving_up_fails_the_message_and_keeps_one_dead_letter(shop: Pool) -> None:
    found = await claimed(shop)

    settled = await settle_one(shop, found, Settlement.GIVE_UP)

    assert [(r.status, r.failure) for r in settled.reached] == [(Status.FAILED, BLOCKED)]
    letters = await shop.fetch("SELECT message_id, kind, attempt_count FROM dead_letters")
    assert [tuple(row) for row in letters] == [(found.message_id, DeliveryKind.PART, 1)]
    assert await claims_at(shop, LATER, hints=[PLATFORM]) == []
    await assert_sound(shop)


async def test_giving_up_an_event_keeps_a_dead_letter_and_the_message_as_it_is(shop: Pool) -> None:
    await accept_one(shop, inbound())
    (found,) = await claims_at(shop)

    settled = await settle_one(shop, found, Settlement.GIVE_UP)

    assert settled.reached == ()
    assert await shop.fetchval("SELECT count(*) FROM dead_letters WHERE lane = 2") == 1


@pytest.mark.parametrize("settlement", list(Settlement))
async def test_a_lost_lease_changes_nothing_but_its_own_attempt(shop: Pool, settlement: Settlement) -> None:
    found = await claimed(shop)
    (current,) = await claims_at(shop, LATER)
    before = await snapshot(shop)

    settled = await settle_one(
        shop,
        found,
        settlement,
        failure=DOWN,
        retry_time=LATER,
        pause_until=LATER,
        pause_reason="away",
        is_answered=True,
    )

    assert (settled.reached, settled.work) == ((), frozenset())
    assert await snapshot(shop) == before
    ends = await shop.fetch("SELECT fence, end_time FROM attempts ORDER BY fence")
    assert [tuple(row) for row in ends] == [(found.fence, NOW), (current.fence, None)]
    await settle_one(shop, current)
    assert await status_of(shop, found.message_id) is Status.SENT


async def test_an_outcome_settled_twice_counts_once(shop: Pool) -> None:
    found = await claimed(shop)
    await settle_one(shop, found)
    before = await snapshot(shop)

    settled = await settle_one(shop, found, Settlement.GIVE_UP)

    assert settled.reached == ()
    assert await snapshot(shop) == before


async def snapshot(pool: Pool) -> list[list[tuple[object, ...]]]:
    tables = ("messages", "parts", "deliveries", "turns", "lanes", "events", "dead_letters")
    return [[tuple(row) for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")] for table in tables]


async def test_a_message_of_several_parts_is_sent_with_its_last_one(shop: Pool) -> None:
    message_id = (await accept_one(shop, outbound(parts=3))).message_id
    statuses, indexes = [], []
    while found := await claims_at(shop, hints=[PLATFORM]):
        indexes.append(found[0].item_index)
        await settle_one(shop, found[0])
        statuses.append(await status_of(shop, message_id))

    assert indexes == [0, 1, 2]
    assert statuses == [Status.ACCEPTED, Status.ACCEPTED, Status.SENT]


async def test_a_message_resumes_at_the_part_that_is_not_sent(shop: Pool) -> None:
    first = await claimed(shop, parts=3)
    await settle_one(shop, first)
    (second,) = await claims_at(shop, hints=[PLATFORM])
    await settle_one(shop, second, Settlement.RETRY, failure=DOWN, retry_time=LATER)

    (again,) = await claims_at(shop, LATER, hints=[PLATFORM])

    assert (again.item_index, again.attempt) == (1, 2)


async def test_when_a_part_fails_the_others_are_passed_over(shop: Pool) -> None:
    first = await claimed(shop, parts=3)
    await settle_one(shop, first)
    (second,) = await claims_at(shop, hints=[PLATFORM])
    settled = await settle_one(shop, second, Settlement.GIVE_UP)
    assert [r.status for r in settled.reached] == [Status.FAILED]

    (third,) = await claims_at(shop, hints=[PLATFORM])
    assert (third.item_index, third.status) == (2, Status.FAILED)
    settled = await settle_one(shop, third, Settlement.DROP)

    assert settled.reached == ()
    assert await status_of(shop, first.message_id) is Status.FAILED
    assert await shop.fetchval("SELECT count(*) FROM dead_letters") == 1
    parts = await shop.fetch("SELECT status FROM parts ORDER BY part_index")
    assert [list(Status)[row["status"] - 1] for row in parts] == [Status.SENT, Status.FAILED, Status.FAILED]
    await assert_sound(shop)


async def test_a_status_replaced_while_the_one_before_is_under_way_is_told_again(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())
    await tell(shop, [("shop", sent.message_id)], Told.TOLD)
    (first,) = await claims_at(shop, hints=[INBOX])
    assert first.status is Status.SENT

    await record_reports(shop, [report_of(sent.message_id, Status.READ)], NOW)
    await settle_one(shop, first)

    (second,) = await claims_at(shop, hints=[INBOX])
    assert (second.status, second.attempt, second.revision) == (Status.READ, 1, first.revision + 1)
    await settle_one(shop, second)
    assert await claims_at(shop, LATER, hints=[INBOX]) == []
    await assert_sound(shop)


async def test_of_statuses_that_wait_only_the_newest_is_told(shop: Pool) -> None:
    sent = await send_and_settle(shop, outbound())
    for status in (Status.DELIVERED, Status.READ):
        await record_reports(shop, [report_of(sent.message_id, status)], NOW)
    await tell(shop, [("shop", sent.message_id)], Told.TOLD)

    (told,) = await claims_at(shop, hints=[INBOX])
    assert told.status is Status.READ
    await settle_one(shop, told)
    assert await claims_at(shop, LATER, hints=[INBOX]) == []


async def test_a_message_of_a_client_reaches_the_inbox_as_an_echo_once_it_is_sent(shop: Pool) -> None:
    message = outbound(origin=Origin.CLIENT, envelopes=2)
    await accept_one(shop, message)
    (part,) = await claims_at(shop)
    assert await claims_at(shop) == []

    await settle_one(shop, part)
    await record_reports(shop, [report_of(message.message_id, Status.DELIVERED)], NOW)

    seen = []
    while found := await claims_at(shop, hints=[INBOX]):
        seen.append((found[0].kind, found[0].item_index))
        await settle_one(shop, found[0])
    assert seen == [(DeliveryKind.ECHO, 0), (DeliveryKind.ECHO, 1)]


async def test_a_failed_message_of_a_client_is_no_echo(shop: Pool) -> None:
    await accept_one(shop, outbound(origin=Origin.CLIENT))
    (part,) = await claims_at(shop)
    await settle_one(shop, part, Settlement.GIVE_UP)
    assert await claims_at(shop) == []


async def test_a_lane_whose_other_side_is_away_is_paused_and_counts_its_looks(shop: Pool) -> None:
    found = await claimed(shop)
    for looks in (1, 2):
        now, until = NOW + (looks - 1) * timedelta(minutes=1), NOW + looks * timedelta(minutes=1)
        away: dict[str, Any] = {"failure": DOWN, "pause_until": until, "is_probe_failed": True}
        await settle_one(shop, found, Settlement.RELEASE, now, **away)
        assert await wake_in(shop, PLATFORM) == looks * 60
        (found,) = await claims_at(shop, until)
        assert found.probes == looks


async def test_many_that_fail_together_count_as_one_look(shop: Pool) -> None:
    await accept(shop, [outbound(f"+{n}") for n in range(5)])
    found = await claims_at(shop)
    pause: dict[str, Any] = {"failure": DOWN, "pause_until": LATER, "pause_reason": "away", "is_probe_failed": True}

    await settle(shop, [ended(claim, Settlement.RELEASE, **pause) for claim in found[:3]], NOW)
    await settle(shop, [ended(claim, Settlement.RELEASE, **pause) for claim in found[3:]], NOW)

    (probe,) = await claims_at(shop, LATER)
    assert probe.probes == 1


@pytest.mark.parametrize(
    ("settlement", "changes"),
    [
        pytest.param(Settlement.DONE, {}, id="it took it"),
        pytest.param(Settlement.GIVE_UP, {"is_answered": True}, id="it refused it"),
        pytest.param(
            Settlement.RETRY,
            {"is_answered": True, "retry_time": LATER, "failure": Failure(kind=FailureKind.INTERNAL, text="Oh.")},
            id="it broke over it",
        ),
    ],
)
async def test_an_answer_opens_a_probing_lane(shop: Pool, settlement: Settlement, changes: dict[str, Any]) -> None:
    await accept(shop, [outbound(f"+{n}") for n in range(4)])
    await shop.execute("UPDATE lanes SET probes = 4, pause_reason = 'away' WHERE lane = 1")
    (probe,) = await claims_at(shop)

    await settle_one(shop, probe, settlement, **changes)

    found = await claims_at(shop, hints=[PLATFORM])
    assert len(found) == 3
    assert found[0].probes == 0
    assert await shop.fetchval("SELECT pause_reason FROM lanes WHERE lane = 1") == ""


async def test_a_lane_asked_to_wait_waits_and_is_not_taken_for_away(shop: Pool) -> None:
    await accept(shop, [outbound("+1"), outbound("+2")])
    await shop.execute("UPDATE lanes SET probes = 4 WHERE lane = 1")
    (probe,) = await claims_at(shop)
    slow: dict[str, Any] = {
        "failure": DOWN,
        "retry_time": LATER,
        "pause_until": LATER,
        "pause_reason": "too fast",
        "is_answered": True,
    }

    await settle_one(shop, probe, Settlement.RETRY, **slow)

    assert await claims_at(shop, LATER - timedelta(milliseconds=1), hints=[PLATFORM]) == []
    found = await claims_at(shop, LATER, hints=[PLATFORM])
    assert [claim.probes for claim in found] == [0, 0]


async def test_what_was_under_way_when_a_lane_was_asked_to_wait_does_not_end_its_wait(shop: Pool) -> None:
    await accept(shop, [outbound(f"+{n}") for n in range(3)])
    throttled, late, _ = await claims_at(shop)
    await settle_one(shop, throttled, Settlement.RETRY, failure=DOWN, retry_time=LATER, pause_until=LATER)

    await settle_one(shop, late)

    assert await claims_at(shop, LATER - timedelta(milliseconds=1), hints=[PLATFORM]) == []


async def test_a_pause_by_the_operator_outlasts_every_other(shop: Pool) -> None:
    found = await claimed(shop)
    await shop.execute("UPDATE lanes SET paused_until = 'infinity', wake_time = 'infinity'")

    await settle_one(shop, found, Settlement.RETRY, failure=DOWN, retry_time=LATER, pause_until=LATER)

    assert await claims_at(shop, LATER, hints=[PLATFORM]) == []
    assert await wake_in(shop, PLATFORM) is None


async def test_outcomes_of_one_batch_settle_together(shop: Pool) -> None:
    await accept(shop, [outbound(f"+{n}") for n in range(4)])
    found = await claims_at(shop)
    ends = [Settlement.DONE, Settlement.GIVE_UP, Settlement.RETRY, Settlement.RELEASE]

    outcomes = [
        replace(ended(claim, end), retry_time=LATER if end is Settlement.RETRY else None)
        for claim, end in zip(found, ends, strict=True)
    ]
    settled = await settle(shop, outcomes, NOW)

    assert {(r.message_id, r.status) for r in settled.reached} == {
        (found[0].message_id, Status.SENT),
        (found[1].message_id, Status.FAILED),
    }
    assert [claim.address for claim in await claims_at(shop, hints=[PLATFORM])] == [found[3].address]
    await assert_sound(shop)
