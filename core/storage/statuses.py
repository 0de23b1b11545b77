"""Moving messages forward when a part was sent, failed, or was reported on; inside the caller's transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from anychannel import wire
from anychannel.failures import Failure
from anychannel.message import Lane, Origin, Status
from core.lanes.records import DeliveryKind, LaneKey, NewDelivery, Priority, StatusChange, Told
from core.lanes.status import advance, overall
from core.storage.database import Connection
from core.storage.encoding import failure_bytes
from core.storage.enqueue import enqueue

EVENT_PATIENCE = timedelta(hours=24)
"""How long an event is offered to the inbox before it becomes a dead letter."""

TELL_PATIENCE = timedelta(seconds=45)
"""A status waits this long, from when its message was stored, for the news that the inbox was told the message's id:
longer than the longest wait of a reply (30 s). It only matters when edge died between answering and telling us."""

# The parts are locked, too, so that both are read as they are once the lock is ours, and not as they were before somebody else's change.
_LOCK_MESSAGES = """
SELECT m.channel_id, m.message_id, m.address, m.status, m.origin, m.told, m.envelopes, m.create_time,
  p.part_index, p.status AS part_status
FROM messages m
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, message_id) USING (channel_id, message_id)
JOIN parts p USING (channel_id, message_id)
ORDER BY m.channel_id, m.message_id, p.part_index
FOR NO KEY UPDATE OF m, p
"""

_RECORD = """
WITH parts_reached AS (
  UPDATE parts p
  SET status = k.status, failure = k.failure, platform_message_id = coalesce(nullif(k.platform_message_id, ''), p.platform_message_id)
  FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::bytea[], $6::text[])
    AS k(channel_id, message_id, part_index, status, failure, platform_message_id)
  WHERE (p.channel_id, p.message_id, p.part_index) = (k.channel_id, k.message_id, k.part_index)
), messages_reached AS (
  UPDATE messages m SET status = k.status, status_time = k.event_time, failure = k.failure
  FROM unnest($7::text[], $8::text[], $9::smallint[], $10::timestamptz[], $11::bytea[])
    AS k(channel_id, message_id, status, event_time, failure)
  WHERE (m.channel_id, m.message_id) = (k.channel_id, k.message_id)
)
INSERT INTO events (channel_id, message_id, status, event_time, failure)
SELECT * FROM unnest($12::text[], $13::text[], $14::smallint[], $15::timestamptz[], $16::bytea[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A message reached a status."""

    channel_id: str
    message_id: str
    status: Status
    event_time: datetime
    failure: Failure | None = None


@dataclass(slots=True)
class _Standing:
    """A message and its parts while changes are folded in."""

    row: Any
    status: Status
    parts: dict[int, Status] = field(default_factory=dict)
    reached: list[Reached] = field(default_factory=list)


async def apply_changes(
    connection: Connection, changes: Sequence[StatusChange], now: datetime
) -> tuple[list[Reached], set[LaneKey]]:
    """Fold `changes` into their messages; tells which statuses were reached, and which lanes have new work."""
    if not changes:
        return [], set()
    keys = list(zip(*sorted({(c.channel_id, c.message_id) for c in changes}), strict=True))
    standings: dict[tuple[str, str], _Standing] = {}
    for row in await connection.fetch(_LOCK_MESSAGES, *keys):
        standing = standings.setdefault(
            (row["channel_id"], row["message_id"]),
            _Standing(row, wire.status_from_proto(row["status"]) or Status.ACCEPTED),
        )
        standing.parts[row["part_index"]] = wire.status_from_proto(row["part_status"]) or Status.ACCEPTED
    parts = [part for change in changes if (part := _fold(standings, change)) is not None]
    reached = [step for standing in standings.values() for step in standing.reached]
    await record_reached(connection, reached, parts)
    events = [event for standing in standings.values() for event in _events_for_inbox(standing, now)]
    return reached, await enqueue(connection, events)


async def record_reached(
    connection: Connection, reached: Sequence[Reached], parts: Sequence[tuple[Any, ...]] = ()
) -> None:
    """Keep the statuses reached, in order, each message's last, and what became of its `parts`."""
    if not reached and not parts:
        return
    rows = [
        (r.channel_id, r.message_id, wire.status_to_proto(r.status), r.event_time, failure_bytes(r.failure))
        for r in reached
    ]
    last = {(row[0], row[1]): row for row in rows}
    await connection.execute(_RECORD, *_columns(_last_of(parts), 6), *_columns(last.values(), 5), *_columns(rows, 5))


def _last_of(parts: Sequence[tuple[Any, ...]]) -> Collection[tuple[Any, ...]]:
    """Of several changes of one part the last counts, and the platform's id that any of them brought."""
    last: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for *row, platform_message_id in parts:
        key = tuple(row[:3])
        last[key] = (*row, platform_message_id or last.get(key, ("",))[-1])
    return last.values()


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _fold(standings: dict[tuple[str, str], _Standing], change: StatusChange) -> tuple[Any, ...] | None:
    standing = standings.get((change.channel_id, change.message_id))
    if standing is None or change.part_index not in standing.parts:
        return None  # the message is gone
    before = standing.parts[change.part_index]
    after = advance(before, change.status)
    if after is before and not change.platform_message_id:
        return None
    standing.parts[change.part_index] = after
    message = advance(standing.status, overall(list(standing.parts.values())))
    if message is not standing.status:
        standing.status = message
        standing.reached.append(
            Reached(
                channel_id=change.channel_id,
                message_id=change.message_id,
                status=message,
                event_time=change.event_time,
                failure=change.failure if message is Status.FAILED else None,
            )
        )
    return (
        change.channel_id,
        change.message_id,
        change.part_index,
        wire.status_to_proto(after),
        failure_bytes(change.failure) if after is Status.FAILED else None,
        change.platform_message_id,
    )


def _events_for_inbox(standing: _Standing, now: datetime) -> list[NewDelivery]:
    """What the inbox is told of the statuses reached.

    Of a message it sent itself: the status, but not before it knows the message's id. Of one that a client sent: the message, as an
    echo, once the platform has taken it.
    """
    if not standing.reached:
        return []
    row = standing.row
    event = NewDelivery(
        channel_id=row["channel_id"],
        lane=Lane.INBOX,
        priority=Priority.SECOND,
        address=row["address"],
        message_id=row["message_id"],
        kind=DeliveryKind.STATUS,
        expire_time=now + EVENT_PATIENCE,
    )
    origin = wire.origin_from_proto(row["origin"])
    if origin is Origin.INBOX and row["told"] != Told.NEVER:
        hold = row["create_time"] + TELL_PATIENCE if row["told"] == Told.NOT_YET else None
        return [replace(event, not_before=hold)]
    was_accepted = wire.status_from_proto(row["status"]) is Status.ACCEPTED
    if origin is Origin.CLIENT and was_accepted and standing.status is not Status.FAILED:
        return [
            replace(event, kind=DeliveryKind.ECHO, priority=Priority.FIRST, item_index=index)
            for index in range(row["envelopes"])
        ]
    return []
