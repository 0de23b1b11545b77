"""Reading messages: one with its whole story, or a channel's newest first; and cancelling one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from anychannel import wire
from anychannel.failures import Failure, FailureKind
from anychannel.message import Attempt, Direction, Lane, Message, MessageStory, PartRecord, Status, StatusRecord
from core.lanes.records import DeliveryKind, LaneKey, StatusChange
from core.storage.database import Connection, Pool
from core.storage.encoding import content_of, failure_of, notes_of
from core.storage.statuses import apply_changes

_GET = """
SELECT channel_id, message_id, direction, origin, address, contact_id, content, notes, status, failure, create_time,
  event_time, expire_time, request_id
FROM messages WHERE message_id = $1 AND ($2::text[] = '{}' OR channel_id = ANY($2::text[]))
"""
_GET_MANY = """
SELECT channel_id, message_id, direction, origin, address, contact_id, content, notes, status, failure, create_time,
  event_time, expire_time, request_id
FROM messages JOIN unnest($1::text[], $2::text[]) AS k(channel_id, message_id) USING (channel_id, message_id)
"""
_LIST = """
SELECT channel_id, message_id, direction, origin, address, contact_id, content, notes, status, failure, create_time,
  event_time, expire_time, request_id
FROM messages
WHERE channel_id = $1 AND ($2 = '' OR address = $2) AND ($3 = '' OR message_id < $3)
ORDER BY message_id DESC LIMIT $4
"""
_PARTS = """
SELECT part_index, content, status, platform_message_id, failure FROM parts
WHERE (channel_id, message_id) = ($1, $2) ORDER BY part_index
"""
_ATTEMPTS = """
SELECT number, lane, kind, item_index, start_time, end_time, failure, retry_time FROM attempts
WHERE (channel_id, message_id) = ($1, $2) ORDER BY start_time, fence
"""
_STATUSES = """
SELECT status, event_time, failure FROM events WHERE (channel_id, message_id) = ($1, $2) AND status > 0 ORDER BY event_id
"""
# The contact's turn, whichever message has it: nobody hands it on to this one meanwhile.
_LOCK_TURN = """
SELECT t.leased AND t.delivery_id = ANY($4::bigint[]) AS is_under_way FROM turns t
WHERE (t.channel_id, t.lane, t.priority, t.address) = ($1, 1, $2, $3)
FOR NO KEY UPDATE
"""
_WAITING = """
SELECT priority, address, array_agg(delivery_id) AS delivery_ids FROM deliveries
WHERE (channel_id, message_id, lane) = ($1, $2, 1) GROUP BY priority, address
"""
_PART_STATUSES = "SELECT part_index, status FROM parts WHERE (channel_id, message_id) = ($1, $2) ORDER BY part_index"


class NotCancellable(Exception):
    """A part of the message is sent already, or under way."""


async def get_message(pool: Pool, message_id: str, channel_ids: Sequence[str]) -> Message | None:
    """A message of one of these channels; of any when none is named."""
    row = await pool.fetchrow(_GET, message_id, channel_ids)
    return None if row is None else _message(row)


async def get_messages(pool: Pool, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Message]:
    """Messages by (channel id, message id); those that are gone are left out."""
    if not keys:
        return {}
    rows = await pool.fetch(_GET_MANY, *zip(*keys, strict=True))
    return {(row["channel_id"], row["message_id"]): _message(row) for row in rows}


async def get_story(pool: Pool, message_id: str, channel_ids: Sequence[str]) -> MessageStory | None:
    """A message of one of these channels (of any when none is named) with everything that happened to it."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(_GET, message_id, channel_ids)
        if row is None:
            return None
        key = (row["channel_id"], message_id)
        return MessageStory(
            message=_message(row),
            parts=tuple(_part(part) for part in await connection.fetch(_PARTS, *key)),
            attempts=tuple(_attempt(attempt) for attempt in await connection.fetch(_ATTEMPTS, *key)),
            statuses=tuple(_status(status) for status in await connection.fetch(_STATUSES, *key)),
        )


async def list_messages(pool: Pool, *, channel_id: str, address: str, before: str, limit: int) -> list[Message]:
    """Newest first; `before` is the last message id of the page before, or empty."""
    return [_message(row) for row in await pool.fetch(_LIST, channel_id, address, before, limit)]


async def cancel_message(pool: Pool, channel_id: str, message_id: str, now: datetime) -> set[LaneKey]:
    """Fail a message with cancelled, if none of its parts is sent or under way. Raises `NotCancellable`.

    Its deliveries stay where they are and are passed over when it is their turn.
    """
    async with pool.acquire() as connection, connection.transaction():
        is_under_way = False
        for waiting in await connection.fetch(_WAITING, channel_id, message_id):
            turn = (channel_id, waiting["priority"], waiting["address"], waiting["delivery_ids"])
            is_under_way |= bool(await connection.fetchval(_LOCK_TURN, *turn))
        parts = await connection.fetch(_PART_STATUSES, channel_id, message_id)
        is_sent = any(wire.status_from_proto(part["status"]) is not Status.ACCEPTED for part in parts)
        if not parts or is_sent or is_under_way:
            raise NotCancellable(message_id)
        work = await _fail_all(connection, channel_id, message_id, [part["part_index"] for part in parts], now)
    # A claim passes over a turn that is locked: its lane has to look again.
    return work | {LaneKey(channel_id, Lane.PLATFORM)}


async def _fail_all(
    connection: Connection, channel_id: str, message_id: str, indexes: Sequence[int], now: datetime
) -> set[LaneKey]:
    failure = Failure(kind=FailureKind.CANCELLED, text="It was cancelled before it was sent.")
    changes = [
        StatusChange(
            channel_id=channel_id,
            message_id=message_id,
            part_index=index,
            status=Status.FAILED,
            event_time=now,
            failure=failure,
        )
        for index in indexes
    ]
    _, work = await apply_changes(connection, changes, now)
    return work


def _message(row: Any) -> Message:
    return Message(
        message_id=row["message_id"],
        channel_id=row["channel_id"],
        direction=wire.direction_from_proto(row["direction"]),
        origin=wire.origin_from_proto(row["origin"]),
        address=row["address"],
        contact_id=row["contact_id"],
        content=content_of(row["content"]),
        status=None
        if wire.direction_from_proto(row["direction"]) is Direction.INBOUND
        else wire.status_from_proto(row["status"]),
        failure=failure_of(row["failure"]),
        notes=notes_of(row["notes"]),
        create_time=row["create_time"],
        event_time=row["event_time"],
        expire_time=row["expire_time"],
        request_id=row["request_id"] or "",
    )


def _part(row: Any) -> PartRecord:
    return PartRecord(
        index=row["part_index"],
        content=content_of(row["content"]),
        status=wire.status_from_proto(row["status"]) or Status.ACCEPTED,
        platform_message_id=row["platform_message_id"] or "",
        failure=failure_of(row["failure"]),
    )


def _attempt(row: Any) -> Attempt:
    return Attempt(
        number=row["number"],
        lane=wire.lane_from_proto(row["lane"]) or Lane.PLATFORM,
        subject=DeliveryKind(row["kind"]).subject(row["item_index"]),
        start_time=row["start_time"],
        end_time=row["end_time"],
        failure=failure_of(row["failure"]),
        retry_time=row["retry_time"],
    )


def _status(row: Any) -> StatusRecord:
    return StatusRecord(
        status=wire.status_from_proto(row["status"]) or Status.ACCEPTED,
        event_time=row["event_time"],
        failure=failure_of(row["failure"]),
    )
