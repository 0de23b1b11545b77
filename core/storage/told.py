"""Noting that the inbox has been told a message's id, or that it never will be: its statuses may go, or are dropped."""

from collections.abc import Sequence

from anychannel.message import Lane, Status
from anychannel.wire import status_to_proto
from core.lanes.records import LaneKey, Told
from core.storage.database import Pool

# Also where another delivery of the contact is first: a settlement that hands its turn on reads whether the status is held.
_LOCK_TURNS = """
SELECT 1 FROM turns t
JOIN deliveries d USING (channel_id, lane, priority, address)
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, message_id) ON (d.channel_id, d.message_id) = (k.channel_id, k.message_id)
WHERE d.kind = 3
ORDER BY t.lane, t.channel_id, t.priority, t.address
FOR NO KEY UPDATE OF t
"""

_TELL = """
WITH held AS (
  SELECT m.channel_id, m.message_id FROM messages m
  JOIN unnest($1::text[], $2::text[]) AS k(channel_id, message_id) USING (channel_id, message_id)
  ORDER BY m.channel_id, m.message_id
  FOR NO KEY UPDATE OF m
)
UPDATE messages m SET told = $3 FROM held
WHERE (m.channel_id, m.message_id) = (held.channel_id, held.message_id) AND m.told = 0
RETURNING m.status
"""

_RELEASE = """
WITH released AS (
  UPDATE deliveries d SET not_before = NULL
  FROM unnest($1::text[], $2::text[]) AS k(channel_id, message_id)
  WHERE (d.channel_id, d.message_id) = (k.channel_id, k.message_id) AND d.kind = 3
  RETURNING d.channel_id, d.lane, d.priority, d.address, d.delivery_id
)
UPDATE turns t SET due_time = clock_timestamp()
FROM released r
WHERE (t.channel_id, t.lane, t.priority, t.address, t.delivery_id) = (r.channel_id, r.lane, r.priority, r.address, r.delivery_id)
  AND NOT t.leased
RETURNING t.channel_id
"""


_ACCEPTED = status_to_proto(Status.ACCEPTED)


async def tell(pool: Pool, messages: Sequence[tuple[str, str]], told: Told) -> set[LaneKey]:
    """Note it of (channel id, message id) pairs; tells which lanes have something due now because of it."""
    if not messages:
        return set()
    keys = list(zip(*sorted(set(messages)), strict=True))
    async with pool.acquire() as connection, connection.transaction():
        # The messages first: a status that is being recorded meanwhile waits, and then sees that the inbox was told.
        statuses = {row["status"] for row in await connection.fetch(_TELL, *keys, told)}
        if statuses <= {_ACCEPTED}:
            return (
                set()
            )  # no status waits yet: the quick case, where the inbox is told before the platform has answered
        await connection.execute(_LOCK_TURNS, *keys)
        rows = await connection.fetch(_RELEASE, *keys)
    return {LaneKey(row["channel_id"], Lane.INBOX) for row in rows}
