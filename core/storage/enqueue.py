"""Putting deliveries on their lanes, inside the transaction that makes them necessary."""

from collections.abc import Sequence

from anychannel.wire import lane_to_proto
from core.lanes.records import LaneKey, NewDelivery
from core.storage.database import Connection

# The turns first: whoever holds a contact's turn is the only one to add to, or take from, what waits behind it, so that it
# always points at the contact's first delivery. One order everywhere, lanes to the platform before lanes to the inbox, so that
# no two wait for each other. A turn that is there already is locked and stays as it is.
_TAKE_TURNS = """
INSERT INTO turns AS t (channel_id, lane, priority, address, delivery_id, due_time)
SELECT channel_id, lane, priority, address, 0, coalesce(not_before, clock_timestamp())
FROM unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[], $5::timestamptz[])
  AS k(channel_id, lane, priority, address, not_before)
ORDER BY lane, channel_id, priority, address
ON CONFLICT (channel_id, lane, priority, address) DO UPDATE SET due_time = t.due_time WHERE false
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
  RETURNING channel_id, lane, priority, address, delivery_id
)
UPDATE turns t SET delivery_id = first.delivery_id
FROM (
  SELECT channel_id, lane, priority, address, min(delivery_id) AS delivery_id FROM new
  GROUP BY channel_id, lane, priority, address
) first
WHERE (t.channel_id, t.lane, t.priority, t.address) = (first.channel_id, first.lane, first.priority, first.address)
  AND t.delivery_id = 0
"""


async def enqueue(connection: Connection, deliveries: Sequence[NewDelivery]) -> set[LaneKey]:
    """Put `deliveries` on their lanes in the order given; tells which lanes have new work."""
    if not deliveries:
        return set()
    first = {(d.channel_id, lane_to_proto(d.lane), d.priority, d.address): d.not_before for d in reversed(deliveries)}
    turns = [(*key, not_before) for key, not_before in first.items()]
    await connection.execute(_TAKE_TURNS, *zip(*turns, strict=True))
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
