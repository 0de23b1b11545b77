"""Following what happens: events in an order in which none is ever skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from anychannel import wire
from anychannel.failures import Failure
from anychannel.message import Status
from core.storage.database import Pool
from core.storage.encoding import failure_of

# Ids are given out before transactions commit: a later id can be seen before an earlier one. Rows of transactions that began
# before every one still running are settled: nothing can come before them any more.
_FOLLOW = """
SELECT channel_id, event_id, transaction_id::text, message_id, status, is_new, event_time, failure, create_time FROM events
WHERE (transaction_id, event_id) > ($1::text::xid8, $2::bigint) AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY transaction_id, event_id LIMIT $3
"""
_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"


class Position(NamedTuple):
    """How far a watcher got."""

    transaction_id: str
    event_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A message was stored, or reached a status."""

    position: Position
    channel_id: str
    message_id: str
    status: Status | None
    """None for inbound messages."""
    is_new: bool
    """The message was stored, with this status."""
    event_time: datetime
    failure: Failure | None
    create_time: datetime


async def position_now(pool: Pool) -> Position:
    """The position behind everything that has happened."""
    return Position(await pool.fetchval(_NOW), 0)


async def events_after(pool: Pool, position: Position, limit: int) -> Sequence[EventRow]:
    """What happened after `position`, in order."""
    return [_event(row) for row in await pool.fetch(_FOLLOW, *position, limit)]


def _event(row: Any) -> EventRow:
    return EventRow(
        position=Position(row["transaction_id"], row["event_id"]),
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        status=wire.status_from_proto(row["status"]),
        is_new=row["is_new"],
        event_time=row["event_time"],
        failure=failure_of(row["failure"]),
        create_time=row["create_time"],
    )
