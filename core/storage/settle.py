"""Settling: what became of claimed deliveries, many in one transaction.

Everything that locks rows of several messages does so in one order, so that no two wait for each other: turns of lanes to the
platform, messages, turns of lanes to the inbox, lanes; each of them sorted. That is why one transaction settles one lane's side only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anychannel import wire
from anychannel.content import Note
from anychannel.failures import Failure, FailureKind
from anychannel.message import Status
from core.identifiers import new_dead_letter_id
from core.lanes.records import Claim, DeliveryKind, LaneKey, Outcome, Settlement, StatusChange
from core.storage.database import Connection, Pool
from core.storage.encoding import failure_bytes, notes_json
from core.storage.statuses import Reached, apply_changes

_LOCK_OWN_TURNS = """
SELECT t.channel_id, t.lane, t.priority, t.address, t.delivery_id, t.fence FROM turns t
JOIN unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[]) AS k(channel_id, lane, priority, address)
  USING (channel_id, lane, priority, address)
ORDER BY t.lane, t.channel_id, t.priority, t.address
FOR NO KEY UPDATE OF t
"""

_END = """
WITH ended AS (
  UPDATE attempts a SET end_time = k.end_time, failure = k.failure, retry_time = k.retry_time
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::bytea[], $7::timestamptz[])
    AS k(channel_id, message_id, delivery_id, fence, end_time, failure, retry_time)
  WHERE (a.channel_id, a.message_id, a.delivery_id, a.fence) = (k.channel_id, k.message_id, k.delivery_id, k.fence)
)
DELETE FROM deliveries d
USING unnest($8::text[], $9::smallint[], $10::bigint[], $11::int[]) AS k(channel_id, lane, delivery_id, revision)
WHERE (d.channel_id, d.lane, d.delivery_id, d.revision) = (k.channel_id, k.lane, k.delivery_id, k.revision)
"""

_NEXT_TURNS = """
WITH next AS (
  SELECT k.*, d.delivery_id, d.not_before
  FROM unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[]) AS k(channel_id, lane, priority, address)
  LEFT JOIN LATERAL (
    SELECT delivery_id, not_before FROM deliveries d
    WHERE (d.channel_id, d.lane, d.priority, d.address) = (k.channel_id, k.lane, k.priority, k.address)
    ORDER BY d.delivery_id LIMIT 1
  ) d ON true
), moved AS (
  UPDATE turns t
  SET delivery_id = n.delivery_id, due_time = coalesce(n.not_before, clock_timestamp()), leased = false, attempt_count = 0
  FROM next n
  WHERE (t.channel_id, t.lane, t.priority, t.address) = (n.channel_id, n.lane, n.priority, n.address) AND n.delivery_id IS NOT NULL
)
DELETE FROM turns t USING next n
WHERE (t.channel_id, t.lane, t.priority, t.address) = (n.channel_id, n.lane, n.priority, n.address) AND n.delivery_id IS NULL
"""

_WAIT_TURNS = """
UPDATE turns t SET due_time = k.due_time, leased = false, attempt_count = t.attempt_count - k.uncounted
FROM unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[], $5::timestamptz[], $6::int[])
  AS k(channel_id, lane, priority, address, due_time, uncounted)
WHERE (t.channel_id, t.lane, t.priority, t.address) = (k.channel_id, k.lane, k.priority, k.address)
"""

_INSERT_DEAD_LETTERS = """
INSERT INTO dead_letters
  (channel_id, dead_letter_id, lane, priority, address, message_id, kind, item_index, failure, failure_kind, attempt_count)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::text[], $6::text[], $7::smallint[], $8::smallint[],
  $9::bytea[], $10::smallint[], $11::int[])
"""

_DROP_MESSAGES = """
WITH k AS (SELECT * FROM unnest($1::text[], $2::text[]) AS k(channel_id, message_id)),
  dropped_events AS (DELETE FROM events e USING k WHERE (e.channel_id, e.message_id) = (k.channel_id, k.message_id)),
  dropped_attempts AS (DELETE FROM attempts a USING k WHERE (a.channel_id, a.message_id) = (k.channel_id, k.message_id))
DELETE FROM messages m USING k WHERE (m.channel_id, m.message_id) = (k.channel_id, k.message_id)
"""

# What the provider had to change is told beside what shaping changed. The messages are locked already.
_ADD_NOTES = """
UPDATE messages m SET notes = m.notes || k.notes::jsonb
FROM unnest($1::text[], $2::text[], $3::text[]) AS k(channel_id, message_id, notes)
WHERE (m.channel_id, m.message_id) = (k.channel_id, k.message_id)
"""

_LOCK_LANES = """
SELECT 1 FROM lanes l JOIN unnest($1::text[], $2::smallint[], $3::boolean[]) AS k(channel_id, lane, is_paused) USING (channel_id, lane)
WHERE k.is_paused OR l.probes > 0
ORDER BY l.channel_id, l.lane
FOR NO KEY UPDATE OF l
"""

# One look counts once, however many deliveries were under way when the other side went.
_PAUSE_LANES = """
UPDATE lanes l SET
  probes = CASE WHEN k.probe_failed THEN l.probes + 1 ELSE 0 END,
  paused_until = greatest(l.paused_until, k.pause_until), wake_time = greatest(l.paused_until, k.pause_until), pause_reason = k.reason
FROM unnest($1::text[], $2::smallint[], $3::timestamptz[], $4::text[], $5::boolean[])
  AS k(channel_id, lane, pause_until, reason, probe_failed)
WHERE (l.channel_id, l.lane) = (k.channel_id, k.lane) AND (l.paused_until <= $6 OR NOT k.probe_failed)
"""

_LANES_ARE_UP = """
UPDATE lanes l SET probes = 0, paused_until = '-infinity', pause_reason = '', wake_time = clock_timestamp()
FROM unnest($1::text[], $2::smallint[]) AS k(channel_id, lane)
WHERE (l.channel_id, l.lane) = (k.channel_id, k.lane) AND l.probes > 0 AND l.paused_until < 'infinity'
"""

_TurnKey = tuple[str, int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What settling changed."""

    reached: tuple[Reached, ...]
    work: frozenset[LaneKey]
    """Lanes that may have something due now."""


async def settle(pool: Pool, outcomes: Sequence[Outcome], now: datetime) -> Settled:
    """Settle claims, all of lanes to platforms or all of lanes to inboxes.

    The outcome of a claim whose lease was lost changes nothing but its own attempt's record.
    """
    async with pool.acquire() as connection, connection.transaction():
        own = await _own(connection, outcomes)
        finished = [o for o in own if o.settlement in (Settlement.DONE, Settlement.GIVE_UP, Settlement.DROP)]
        await _end(connection, outcomes, finished)
        reached, work = await apply_changes(connection, [c for o in finished if (c := _change(o)) is not None], now)
        await _add_notes(connection, finished)
        await _insert_dead_letters(connection, finished)
        await _drop_messages(connection, [o for o in finished if o.settlement is Settlement.DROP])
        await _next_turns(connection, finished)
        await _wait_turns(connection, [o for o in own if o.settlement in (Settlement.RETRY, Settlement.RELEASE)])
        await _tell_lanes(connection, own, now)
    return Settled(reached=tuple(reached), work=frozenset(work | {o.claim.lane_key for o in own}))


async def _own(connection: Connection, outcomes: Sequence[Outcome]) -> list[Outcome]:
    keys = sorted({_turn_key(o.claim) for o in outcomes})
    rows = await connection.fetch(_LOCK_OWN_TURNS, *zip(*keys, strict=True))
    held = {(r["channel_id"], r["lane"], r["priority"], r["address"], r["delivery_id"], r["fence"]) for r in rows}
    return [o for o in outcomes if (*_turn_key(o.claim), o.claim.delivery_id, o.claim.fence) in held]


async def _end(connection: Connection, outcomes: Sequence[Outcome], finished: Sequence[Outcome]) -> None:
    """Every attempt is over; what is finished is no longer on its lane."""
    attempts = [
        (
            o.claim.channel_id,
            o.claim.message_id,
            o.claim.delivery_id,
            o.claim.fence,
            o.end_time,
            failure_bytes(o.failure),
            o.retry_time,
        )
        for o in outcomes
    ]
    deliveries: tuple[Sequence[Any], ...] = (
        [o.claim.channel_id for o in finished],
        [wire.lane_to_proto(o.claim.lane) for o in finished],
        [o.claim.delivery_id for o in finished],
        [o.claim.revision for o in finished],
    )
    await connection.execute(_END, *zip(*attempts, strict=True), *deliveries)


def _change(outcome: Outcome) -> StatusChange | None:
    """What the end of a part's delivery means for its message; nothing for events to the inbox."""
    claim = outcome.claim
    if claim.kind is not DeliveryKind.PART:
        return None
    return StatusChange(
        channel_id=claim.channel_id,
        message_id=claim.message_id,
        part_index=claim.item_index,
        status=Status.SENT if outcome.settlement is Settlement.DONE else Status.FAILED,
        event_time=outcome.end_time,
        failure=outcome.failure,
        platform_message_id=outcome.platform_message_id,
    )


async def _add_notes(connection: Connection, finished: Sequence[Outcome]) -> None:
    notes: dict[tuple[str, str], list[Note]] = {}
    for outcome in finished:
        if outcome.notes:
            notes.setdefault((outcome.claim.channel_id, outcome.claim.message_id), []).extend(outcome.notes)
    if notes:
        rows = [(*key, notes_json(said)) for key, said in notes.items()]
        await connection.execute(_ADD_NOTES, *zip(*rows, strict=True))


async def _insert_dead_letters(connection: Connection, finished: Sequence[Outcome]) -> None:
    rows = [
        (
            o.claim.channel_id,
            new_dead_letter_id(o.end_time),
            wire.lane_to_proto(o.claim.lane),
            o.claim.priority,
            o.claim.address,
            o.claim.message_id,
            o.claim.kind,
            o.claim.item_index,
            failure_bytes(failure),
            wire.failure_kind_to_proto(failure.kind),
            o.claim.attempt,
        )
        for o in finished
        if o.settlement is Settlement.GIVE_UP
        for failure in [o.failure or Failure(kind=FailureKind.INTERNAL, text="It failed without a reason.")]
    ]
    if rows:
        await connection.execute(_INSERT_DEAD_LETTERS, *zip(*rows, strict=True))


async def _drop_messages(connection: Connection, dropped: Sequence[Outcome]) -> None:
    rows = [(o.claim.channel_id, o.claim.message_id) for o in dropped if o.claim.kind is DeliveryKind.ECHO]
    if rows:
        await connection.execute(_DROP_MESSAGES, *zip(*rows, strict=True))


async def _next_turns(connection: Connection, finished: Sequence[Outcome]) -> None:
    keys = sorted({_turn_key(o.claim) for o in finished})
    if keys:
        await connection.execute(_NEXT_TURNS, *zip(*keys, strict=True))


async def _wait_turns(connection: Connection, waiting: Sequence[Outcome]) -> None:
    rows: list[tuple[Any, ...]] = [
        (*_turn_key(o.claim), o.retry_time or o.end_time, int(o.settlement is Settlement.RELEASE)) for o in waiting
    ]
    if rows:
        await connection.execute(_WAIT_TURNS, *zip(*rows, strict=True))


async def _tell_lanes(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Pause the lanes whose other side is away or asked us to wait; open those that answered a probe."""
    paused: dict[LaneKey, Outcome] = {}
    for outcome in outcomes:
        before = paused.get(outcome.claim.lane_key)
        if outcome.pause_until is not None and (before is None or before.pause_until < outcome.pause_until):  # type: ignore[operator]  # only those with a pause are kept
            paused[outcome.claim.lane_key] = outcome
    # Only lanes that were being probed are told that they are up: all others know.
    answered = {
        o.claim.lane_key for o in outcomes if o.claim.probes and (o.settlement is Settlement.DONE or o.is_answered)
    }
    up = answered - paused.keys()
    touched = [
        (key.channel_id, wire.lane_to_proto(key.lane), key in paused) for key in sorted(answered | paused.keys())
    ]
    if touched:
        await connection.execute(_LOCK_LANES, *zip(*touched, strict=True))
    if up:
        rows = [(key.channel_id, wire.lane_to_proto(key.lane)) for key in sorted(up)]
        await connection.execute(_LANES_ARE_UP, *zip(*rows, strict=True))
    if paused:
        pauses = [
            (key.channel_id, wire.lane_to_proto(key.lane), o.pause_until, o.pause_reason, o.is_probe_failed)
            for key, o in sorted(paused.items())
        ]
        await connection.execute(_PAUSE_LANES, *zip(*pauses, strict=True), now)


def _turn_key(claim: Claim) -> _TurnKey:
    return claim.channel_id, wire.lane_to_proto(claim.lane), claim.priority, claim.address
