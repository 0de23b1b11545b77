"""Putting deliveries on their lanes, inside the transaction that makes them necessary."""

from collections.abc import Sequence

from anychannel.wire import lane_to_proto
from core.lanes.records import LaneKey, NewDelivery
from core.storage.database import Connection

# Locking the turns first, in one order everywhere, is what lets an enqueue and a settlement of the same contact meet without a deadlock.
_LOCK_TURNS = """
SELECT 1 FROM turns t
JOIN unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[]) AS k(channel_id, lane, priority, address)
  USING (channel_id, lane, priority, address)
ORDER BY channel_id, lane, priority, address
FOR NO KEY UPDATE OF t
"""

# A newer status takes the place of one that still waits: same delivery, next revision.
_ENQUEUE = """
WITH new AS (
  INSERT INTO deliveries AS d
    (channel_id, lane, priority, address, message_id, kind, item_index, not_before, expire_time)
  SELECT channel_id, lane, priority, address, message_id, kind, item_index, not_before, expire_time
  FROM unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[], $5::text[], $6::smallint[], $7::smallint[],
              $8::timestamptz[], $9::timestamptz[])
    WITH ORDINALITY AS n(channel_id, lane, priority, address, message_id, kind, item_index, not_before, expire_time, n)
  ORDER BY n
  ON CONFLICT (channel_id, message_id) WHERE kind = 3 DO UPDATE SET revision = d.revision + 1
  RETURNING channel_id, lane, priority, address, delivery_id, not_before
)
INSERT INTO turns AS t (channel_id, lane, priority, address, delivery_id, due_time)
SELECT DISTINCT ON (channel_id, lane, priority, address)
  channel_id, lane, priority, address, delivery_id, coalesce(not_before, clock_timestamp())
FROM new
ORDER BY channel_id, lane, priority, address, delivery_id
ON CONFLICT (channel_id, lane, priority, address) DO UPDATE SET due_time = t.due_time
"""


async def enqueue(connection: Connection, deliveries: Sequence[NewDelivery]) -> set[LaneKey]:
    """Put `deliveries` on their lanes in the order given; tells which lanes have new work."""
    if not deliveries:
        return set()
    keys = sorted({(d.channel_id, lane_to_proto(d.lane), d.priority, d.address) for d in deliveries})
    await connection.execute(_LOCK_TURNS, *zip(*keys, strict=True))
    rows = [
        (
            d.channel_id,
            lane_to_proto(d.lane),
            d.priority,
            d.address,
            d.message_id,
            d.kind,
            d.item_index,
            d.not_before,
            d.expire_time,
        )
        for d in deliveries
    ]
    await connection.execute(_ENQUEUE, *zip(*rows, strict=True))
    return {LaneKey(d.channel_id, d.lane) for d in deliveries}
