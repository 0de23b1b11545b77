"""Claiming: one statement takes the due deliveries of many lanes, spends their pace and marks them leased.

The statement locks the rows of the lanes it serves and skips those that another replica is serving, so pace and order are exact
across replicas without any other coordinator. All its times are the database's, so that clocks of replicas need not agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anychannel import wire
from anychannel.message import Lane
from core.lanes.records import Claim, DeliveryKind, LaneKey
from core.storage.database import Connection
from core.storage.encoding import contact_of, content_of, failure_of

PACE_MARGIN = 1.012
"""Slots lie this much further apart than the rate asks: twenty of them take a little more than a second, so that slots
that leave a few milliseconds late or early never make twenty-one in one second."""

_CLAIM = """
WITH clock AS (
  SELECT coalesce($1::timestamptz, clock_timestamp()) AS now
), candidates AS (
  (SELECT channel_id, lane FROM lanes, clock WHERE wake_time <= clock.now ORDER BY wake_time LIMIT $2)
  UNION
  SELECT channel_id, lane FROM unnest($3::text[], $4::smallint[]) AS hinted(channel_id, lane)
), ready AS MATERIALIZED (
  SELECT l.channel_id, l.lane, l.probes, clock.now,
    greatest(l.slot_time, clock.now) AS first_slot,
    make_interval(secs => $5::float8 / l.rate) AS spacing
  FROM candidates JOIN lanes l USING (channel_id, lane), clock
  WHERE l.paused_until <= clock.now
    AND NOT (l.channel_id, l.lane) IN (SELECT * FROM unnest($6::text[], $7::smallint[]))
  FOR NO KEY UPDATE OF l SKIP LOCKED
), open AS (
  SELECT *, CASE
      WHEN probes > 0 THEN 1
      ELSE least($8::int, greatest(0, 1 + floor(extract(epoch FROM now + $9::interval - first_slot) / extract(epoch FROM spacing))))::int
    END AS free
  FROM ready
), due AS (
  SELECT o.channel_id, o.lane, t.priority, t.address, t.delivery_id,
    row_number() OVER (PARTITION BY o.channel_id, o.lane ORDER BY t.priority, t.due_time, t.delivery_id) AS n
  FROM open o
  CROSS JOIN (VALUES (0::smallint), (1::smallint)) AS p(priority)
  CROSS JOIN LATERAL (
    SELECT t.priority, t.address, t.delivery_id, t.due_time FROM turns t
    WHERE t.channel_id = o.channel_id AND t.lane = o.lane AND t.priority = p.priority AND t.due_time <= o.now
    ORDER BY t.due_time
    LIMIT o.free
    FOR NO KEY UPDATE SKIP LOCKED
  ) t
), picked AS (
  SELECT due.*, o.now, o.first_slot + (due.n - 1) * o.spacing AS slot
  FROM due JOIN open o USING (channel_id, lane)
  WHERE due.n <= o.free
), leased AS (
  UPDATE turns t
  SET due_time = greatest(p.slot, p.now) + $10::interval, leased = true, fence = t.fence + 1, attempt_count = t.attempt_count + 1
  FROM picked p
  WHERE (t.channel_id, t.lane, t.priority, t.address) = (p.channel_id, p.lane, p.priority, p.address)
  RETURNING t.channel_id, t.lane, t.priority, t.address, t.delivery_id, t.fence, t.attempt_count, p.slot, p.now
), taken AS (
  SELECT channel_id, lane, count(*) AS n FROM picked GROUP BY channel_id, lane
), paced AS (
  UPDATE lanes l
  SET slot_time = CASE WHEN taken.n > 0 THEN o.first_slot + taken.n * o.spacing ELSE l.slot_time END,
    wake_time = CASE
      WHEN o.probes > 0 AND taken.n > 0 THEN o.now + $10::interval
      WHEN coalesce(taken.n, 0) >= o.free THEN o.first_slot + coalesce(taken.n, 0) * o.spacing - $9::interval
      ELSE least(next.due_time, CASE WHEN taken.n > 0 THEN o.now + $10::interval ELSE 'infinity' END)
    END
  FROM open o
  LEFT JOIN taken USING (channel_id, lane)
  CROSS JOIN LATERAL (
    SELECT min(due_time) AS due_time FROM (VALUES (0::smallint), (1::smallint)) AS p(priority)
    CROSS JOIN LATERAL (
      SELECT t.due_time FROM turns t
      WHERE t.channel_id = o.channel_id AND t.lane = o.lane AND t.priority = p.priority AND t.due_time > o.now
      ORDER BY t.due_time LIMIT 1
    ) t
  ) next
  WHERE (l.channel_id, l.lane) = (o.channel_id, o.lane)
), tried AS (
  INSERT INTO attempts (channel_id, message_id, delivery_id, fence, number, lane, kind, item_index, start_time)
  SELECT l.channel_id, d.message_id, d.delivery_id, l.fence, l.attempt_count, l.lane, d.kind, d.item_index, greatest(l.slot, l.now)
  FROM leased l JOIN deliveries d USING (channel_id, lane, delivery_id)
)
SELECT o.channel_id, o.lane, o.probes, l.priority, l.address, l.delivery_id, l.fence, l.attempt_count, l.slot - o.now AS wait,
  d.revision, d.kind, d.item_index, d.message_id, d.expire_time,
  m.origin, m.contact_id, m.event_time, m.status, m.status_time, m.failure,
  coalesce(p.content, m.content) AS content, coalesce(p.part_count, 1) AS part_count, c.profile,
  d.kind = 2 AND EXISTS (
    SELECT 1 FROM parts own WHERE own.channel_id = m.channel_id AND own.platform_message_id = m.platform_message_id
  ) AS is_own_echo
FROM open o
LEFT JOIN leased l USING (channel_id, lane)
LEFT JOIN deliveries d ON (d.channel_id, d.lane, d.delivery_id) = (l.channel_id, l.lane, l.delivery_id)
LEFT JOIN messages m ON (m.channel_id, m.message_id) = (d.channel_id, d.message_id)
LEFT JOIN parts p ON d.kind = 0 AND (p.channel_id, p.message_id, p.part_index) = (d.channel_id, d.message_id, d.item_index)
LEFT JOIN contacts c ON d.kind IN (1, 2) AND (c.channel_id, c.address) = (l.channel_id, l.address)
ORDER BY l.slot
"""

_NEXT_WAKE = (
    "SELECT extract(epoch FROM min(wake_time) - clock_timestamp())::float8 FROM lanes WHERE wake_time < 'infinity'"
)

_RENEW = """
UPDATE turns t SET due_time = clock_timestamp() + $6::interval
FROM unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[], $5::bigint[]) AS k(channel_id, lane, priority, address, fence)
WHERE (t.channel_id, t.lane, t.priority, t.address, t.fence) = (k.channel_id, k.lane, k.priority, k.address, k.fence) AND t.leased
"""

# Lanes whose wake-up was lost with the process that owed it.
_SWEEP = """
UPDATE lanes l SET wake_time = now()
WHERE l.wake_time > now() + interval '1 second' AND l.paused_until <= now() AND EXISTS (
  SELECT 1 FROM turns t
  WHERE t.channel_id = l.channel_id AND t.lane = l.lane AND t.priority IN (0, 1) AND t.due_time <= now() - interval '1 second'
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What one claim brought."""

    claims: tuple[Claim, ...]
    served: frozenset[LaneKey]
    """The lanes looked at, with or without work; a hinted lane that is not among them is being served elsewhere, or paused."""


async def claim(  # the statement's parameters
    connection: Connection,
    *,
    hints: Iterable[LaneKey],
    full: Iterable[LaneKey],
    max_lanes: int,
    max_per_lane: int,
    horizon: timedelta,
    lease: timedelta,
    now: datetime | None = None,
) -> Claimed:
    """Claim what is due on lanes that are awake or hinted at, except on `full` ones.

    Slots up to `horizon` ahead are handed out; each claim says how long to wait for its own. `now` is for tests.
    """
    hinted = [(key.channel_id, wire.lane_to_proto(key.lane)) for key in hints]
    excluded = [(key.channel_id, wire.lane_to_proto(key.lane)) for key in full]
    rows = await connection.fetch(
        _CLAIM,
        now,
        max_lanes,
        [channel_id for channel_id, _ in hinted],
        [lane for _, lane in hinted],
        PACE_MARGIN,
        [channel_id for channel_id, _ in excluded],
        [lane for _, lane in excluded],
        max_per_lane,
        horizon,
        lease,
    )
    return Claimed(
        claims=tuple(_claim(row) for row in rows if row["message_id"] is not None and row["content"] is not None),
        served=frozenset(LaneKey(row["channel_id"], _lane(row["lane"])) for row in rows),
    )


async def seconds_until_wake(connection: Connection) -> float | None:
    """How long until a lane wakes; None when all sleep."""
    seconds: float | None = await connection.fetchval(_NEXT_WAKE)
    return seconds


async def renew(connection: Connection, claims: Iterable[Claim], lease: timedelta) -> None:
    """Extend the leases of attempts that are still under way."""
    rows = [(c.channel_id, wire.lane_to_proto(c.lane), c.priority, c.address, c.fence) for c in claims]
    if rows:
        await connection.execute(_RENEW, *zip(*rows, strict=True), lease)


async def sweep(connection: Connection) -> None:
    """Wake the lanes that have had due work for a second and sleep all the same."""
    await connection.execute(_SWEEP)


def _lane(number: Any) -> Lane:
    return wire.lane_from_proto(number) or Lane.PLATFORM


def _claim(row: Any) -> Claim:
    kind = DeliveryKind(row["kind"])
    return Claim(
        channel_id=row["channel_id"],
        lane=_lane(row["lane"]),
        priority=row["priority"],
        address=row["address"],
        delivery_id=row["delivery_id"],
        fence=row["fence"],
        revision=row["revision"],
        attempt=row["attempt_count"],
        kind=kind,
        item_index=row["item_index"],
        message_id=row["message_id"],
        wait=max(0.0, row["wait"].total_seconds()),
        expire_time=row["expire_time"],
        origin=wire.origin_from_proto(row["origin"]),
        contact_id=row["contact_id"],
        content=content_of(row["content"]),
        part_count=row["part_count"],
        event_time=row["status_time"] if kind is DeliveryKind.STATUS else row["event_time"],
        status=wire.status_from_proto(row["status"]),
        failure=failure_of(row["failure"]),
        contact=contact_of(row["profile"]) if row["profile"] else None,
        is_own_echo=row["is_own_echo"] or False,
        probes=row["probes"],
    )
