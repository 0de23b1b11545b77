"""Keeps what was given up, until it is replayed or discarded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anychannel import wire
from anychannel.channel import DeadLetter
from anychannel.failures import Failure, FailureKind
from anychannel.message import Lane, Status
from core.lanes.records import DeliveryKind, LaneKey, NewDelivery, Priority
from core.lanes.status import overall
from core.storage.database import Connection, Pool
from core.storage.encoding import failure_of
from core.storage.enqueue import enqueue
from core.storage.statuses import EVENT_PATIENCE, Reached, record_reached

REPLAY_BATCH = 500

_ACCEPTED, _FAILED = wire.status_to_proto(Status.ACCEPTED), wire.status_to_proto(Status.FAILED)

_WHERE = """
channel_id = $1 AND ($2::text[] IS NULL OR dead_letter_id = ANY($2)) AND ($3::smallint IS NULL OR lane = $3)
  AND ($4::smallint IS NULL OR failure_kind = $4)
"""
_LIST = f"""
SELECT * FROM dead_letters WHERE {_WHERE} AND ($5 = '' OR dead_letter_id < $5)
ORDER BY dead_letter_id DESC LIMIT $6
"""  # noqa: S608  # our own text
_DISCARD = f"""
WITH gone AS (DELETE FROM dead_letters WHERE {_WHERE} RETURNING 1) SELECT count(*) FROM gone
"""  # noqa: S608  # our own text
_NEWEST = f"SELECT max(dead_letter_id) FROM dead_letters WHERE {_WHERE}"  # noqa: S608  # our own text
# Oldest first, so that a contact's messages go again in the order in which they failed. Two replays at once share the work.
_TAKE = f"""
WITH taken AS (
  SELECT channel_id, dead_letter_id FROM dead_letters WHERE {_WHERE} AND dead_letter_id <= $5
  ORDER BY dead_letter_id LIMIT $6 FOR UPDATE SKIP LOCKED
)
DELETE FROM dead_letters d USING taken t
WHERE (d.channel_id, d.dead_letter_id) = (t.channel_id, t.dead_letter_id)
RETURNING d.*, EXISTS (
  SELECT 1 FROM messages m WHERE (m.channel_id, m.message_id) = (d.channel_id, d.message_id)
) AS has_message
"""  # noqa: S608  # our own text
_LOCK_MESSAGES = """
SELECT 1 FROM messages WHERE channel_id = $1 AND message_id = ANY($2) ORDER BY message_id FOR NO KEY UPDATE
"""
# When a part is given up, those behind it are dropped: they live again with it.
_FAILED_PARTS = """
SELECT message_id, part_index FROM parts WHERE channel_id = $1 AND message_id = ANY($2) AND status = $3
ORDER BY message_id, part_index
"""
_REVIVE_PARTS = """
UPDATE parts SET status = $4, failure = NULL WHERE channel_id = $1 AND message_id = ANY($2) AND status = $3
"""
_PART_STATUSES = "SELECT message_id, status FROM parts WHERE channel_id = $1 AND message_id = ANY($2)"
_PROLONG = "UPDATE messages SET expire_time = $3 WHERE channel_id = $1 AND message_id = ANY($2)"
_WAKE = """
UPDATE lanes SET wake_time = greatest(now(), paused_until)
WHERE channel_id = $1 AND lane = $2 AND wake_time > greatest(now(), paused_until)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which dead letters of a channel are meant."""

    channel_id: str
    dead_letter_ids: Sequence[str] = ()
    """Empty = all."""
    lane: Lane | None = None
    failure_kind: FailureKind | None = None

    def parameters(self, lane: Lane | None = None) -> tuple[Any, ...]:
        """What _WHERE takes; of one lane only when it is given."""
        lane = lane or self.lane
        kind = self.failure_kind
        return (
            self.channel_id,
            list(self.dead_letter_ids) or None,
            None if lane is None else wire.lane_to_proto(lane),
            None if kind is None else wire.failure_kind_to_proto(kind),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay changed."""

    count: int
    reached: tuple[Reached, ...] = ()
    """Messages that had failed and are accepted again."""
    work: frozenset[LaneKey] = field(default_factory=frozenset)
    """Lanes that have something due now."""


async def list_dead_letters(pool: Pool, which: Filter, *, before: str, limit: int) -> tuple[DeadLetter, ...]:
    """Up to `limit` dead letters, newest first, those older than the one with the id `before`."""
    rows = await pool.fetch(_LIST, *which.parameters(), before, limit)
    return tuple(_read(row) for row in rows)


async def discard_dead_letters(pool: Pool, which: Filter) -> int:
    """Forget dead letters; tells how many."""
    count: int = await pool.fetchval(_DISCARD, *which.parameters())
    return count


async def replay_dead_letters(pool: Pool, which: Filter, now: datetime) -> Replayed:
    """Put dead letters back on their lanes, with fresh attempts and a fresh deadline. Those that fail again meanwhile stay."""
    count = 0
    reached: list[Reached] = []
    work: set[LaneKey] = set()
    for lane in Lane if which.lane is None else (which.lane,):
        newest = await pool.fetchval(_NEWEST, *which.parameters(lane))
        while newest is not None:
            async with pool.acquire() as connection, connection.transaction():
                taken = await connection.fetch(_TAKE, *which.parameters(lane), newest, REPLAY_BATCH)
                replayed = await _replay(connection, LaneKey(which.channel_id, lane), taken, now)
            count += replayed.count
            reached += replayed.reached
            work |= replayed.work
            if len(taken) < REPLAY_BATCH:
                break
    return Replayed(count=count, reached=tuple(reached), work=frozenset(work))


async def _replay(connection: Connection, key: LaneKey, taken: Sequence[Any], now: datetime) -> Replayed:
    """One transaction, one lane: it locks turns, then messages, then the lane, in the order in which settling does."""
    rows = sorted((row for row in taken if row["has_message"]), key=lambda row: row["dead_letter_id"])
    patience = EVENT_PATIENCE
    parts: dict[str, list[int]] = {}
    if key.lane is Lane.PLATFORM:
        patience = await connection.fetchval("SELECT expire_after FROM channels WHERE channel_id = $1", key.channel_id)
        parts = await _failed_parts(connection, key.channel_id, [row["message_id"] for row in rows])
    expire_time = now + (patience or EVENT_PATIENCE)
    # A letter without an item is of a part that lives again with an earlier letter, or that the platform took after all.
    items = [
        (row, parts.pop(row["message_id"], []) if key.lane is Lane.PLATFORM else [row["item_index"]]) for row in rows
    ]
    deliveries = [_delivery(row, key, index, expire_time) for row, indexes in items for index in indexes]
    if not deliveries:
        return Replayed(count=0)
    await enqueue(connection, deliveries)
    reached: list[Reached] = []
    if key.lane is Lane.PLATFORM:
        message_ids = sorted({delivery.message_id for delivery in deliveries})
        reached = await _revive(connection, key.channel_id, message_ids, now, expire_time)
    await connection.execute(_WAKE, key.channel_id, wire.lane_to_proto(key.lane))
    return Replayed(count=len(rows), reached=tuple(reached), work=frozenset({key}))


async def _failed_parts(connection: Connection, channel_id: str, message_ids: Sequence[str]) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = {}
    for row in await connection.fetch(_FAILED_PARTS, channel_id, message_ids, _FAILED):
        parts.setdefault(row["message_id"], []).append(row["part_index"])
    return parts


def _delivery(row: Any, key: LaneKey, item_index: int, expire_time: datetime) -> NewDelivery:
    return NewDelivery(
        channel_id=key.channel_id,
        lane=key.lane,
        priority=Priority(row["priority"]),
        address=row["address"],
        message_id=row["message_id"],
        kind=DeliveryKind(row["kind"]),
        item_index=item_index,
        expire_time=expire_time,
    )


async def _revive(
    connection: Connection, channel_id: str, message_ids: Sequence[str], now: datetime, expire_time: datetime
) -> list[Reached]:
    """Set failed parts back to accepted, and their messages to what their parts say now: a replay is a new life."""
    await connection.fetch(_LOCK_MESSAGES, channel_id, message_ids)
    await connection.execute(_REVIVE_PARTS, channel_id, message_ids, _FAILED, _ACCEPTED)
    await connection.execute(_PROLONG, channel_id, message_ids, expire_time)
    statuses: dict[str, list[Status]] = {}
    for row in await connection.fetch(_PART_STATUSES, channel_id, message_ids):
        statuses.setdefault(row["message_id"], []).append(wire.status_from_proto(row["status"]) or Status.ACCEPTED)
    reached = [
        Reached(channel_id=channel_id, message_id=message_id, status=overall(of_parts), event_time=now)
        for message_id, of_parts in sorted(statuses.items())
    ]
    await record_reached(connection, reached)
    return reached


def _read(row: Any) -> DeadLetter:
    kind = DeliveryKind(row["kind"])
    return DeadLetter(
        dead_letter_id=row["dead_letter_id"],
        channel_id=row["channel_id"],
        lane=wire.lane_from_proto(row["lane"]) or Lane.PLATFORM,
        message_id=row["message_id"],
        subject=kind.subject(row["item_index"]),
        address=row["address"],
        failure=failure_of(row["failure"]) or Failure(kind=FailureKind.INTERNAL, text=""),
        attempt_count=row["attempt_count"],
        create_time=row["create_time"],
    )
