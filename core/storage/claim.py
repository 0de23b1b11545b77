"""Claiming: one statement takes the due deliveries of many lanes, spends their pace and marks them leased; another reads them.

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

PACE_MARGIN = 1.015
"""Slots lie this much further apart than the rate asks: twenty of them take 15 ms more than a second, so that what leaves or
arrives a few milliseconds late or early never makes twenty-one in one second."""

_LEASE = """
WITH clock AS (
  SELECT coalesce($1::timestamptz, clock_timestamp()) AS now
), candidates AS (
  (SELECT channel_id, lane FROM lanes, clock
   WHERE wake_time <= clock.now AND paused_until <= clock.now
     AND (channel_id, lane) NOT IN (SELECT * FROM unnest($6::text[], $7::smallint[]))
   ORDER BY wake_time LIMIT $2)
  UNION
  SELECT channel_id, lane FROM unnest($3::text[], $4::smallint[]) AS hinted(channel_id, lane)
), ready AS MATERIALIZED (
  SELECT l.channel_id, l.lane, l.rate, l.probes, l.paused_until > clock.now AS is_paused, clock.now,
    greatest(l.slot_time, clock.now) AS first_slot,
    make_interval(secs => $5::float8 / l.rate) AS spacing
  FROM candidates JOIN lanes l USING (channel_id, lane), clock
  WHERE (l.channel_id, l.lane) NOT IN (SELECT * FROM unnest($6::text[], $7::smallint[]))
  FOR NO KEY UPDATE OF l SKIP LOCKED
), open AS (
  SELECT *, CASE
      WHEN is_paused THEN 0
      WHEN probes > 0 THEN 1
      ELSE least($8::int, greatest(0, 1 + floor(extract(epoch FROM now + $9::interval - first_slot) / extract(epoch FROM spacing))))::int
    END AS free
  FROM ready
), due AS (
  SELECT o.channel_id, o.lane, t.priority, t.address, t.delivery_id,
    row_number() OVER (PARTITION BY o.channel_id, o.lane ORDER BY t.priority, t.due_time, t.delivery_id) AS n
  FROM open o
  CROSS JOIN (VALUES (0), (1)) AS p(priority)
  CROSS JOIN LATERAL (
    SELECT t.priority, t.address, t.delivery_id, t.due_time FROM turns t
    WHERE t.channel_id = o.channel_id AND t.queue = (2 * o.lane + p.priority)::smallint AND t.due_time <= o.now
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
    SELECT min(due_time) AS due_time FROM (VALUES (0), (1)) AS p(priority)
    CROSS JOIN LATERAL (
      SELECT t.due_time FROM turns t
      WHERE t.channel_id = o.channel_id AND t.queue = (2 * o.lane + p.priority)::smallint AND t.due_time > o.now
      ORDER BY t.due_time LIMIT 1
    ) t
  ) next
  WHERE (l.channel_id, l.lane) = (o.channel_id, o.lane) AND NOT o.is_paused
), tried AS (
  INSERT INTO attempts (channel_id, message_id, delivery_id, fence, number, lane, kind, item_index, start_time)
  SELECT l.channel_id, d.message_id, d.delivery_id, l.fence, l.attempt_count, l.lane, d.kind, d.item_index, greatest(l.slot, l.now)
  FROM leased l JOIN deliveries d USING (channel_id, lane, delivery_id)
)
SELECT o.channel_id, o.lane, o.rate, o.probes, l.priority, l.address, l.delivery_id, l.fence, l.attempt_count, l.slot - o.now AS wait
FROM open o
LEFT JOIN leased l USING (channel_id, lane)
ORDER BY l.slot
"""

# A statement of its own: a turn may have been handed on, or its message cancelled, since the one that leased it began, and what that
# one sees of other tables is as old as its beginning. What is leased does not change any more.
_READ = """
SELECT k.n, d.revision, d.kind, d.item_index, d.message_id, d.expire_time,
  m.origin, m.contact_id, m.event_time, m.status, m.status_time, m.failure,
  last.failure AS last_failure, coalesce(p.content, m.content) AS content, coalesce(p.part_count, 1) AS part_count, c.profile,
  d.kind = 3 AND m.told = 2 OR d.kind = 2 AND EXISTS (
    SELECT 1 FROM parts own WHERE own.channel_id = m.channel_id AND own.platform_message_id = m.platform_message_id
  ) AS is_unwanted
FROM unnest($1::text[], $2::smallint[], $3::bigint[]) WITH ORDINALITY AS k(channel_id, lane, delivery_id, n)
CROSS JOIN LATERAL (
  SELECT * FROM deliveries d WHERE (d.channel_id, d.lane, d.delivery_id) = (k.channel_id, k.lane, k.delivery_id) LIMIT 1
) d
CROSS JOIN LATERAL (
  SELECT * FROM messages m WHERE (m.channel_id, m.message_id) = (d.channel_id, d.message_id) LIMIT 1
) m
LEFT JOIN LATERAL (
  SELECT * FROM parts p WHERE (p.channel_id, p.message_id, p.part_index) = (d.channel_id, d.message_id, d.item_index) LIMIT 1
) p ON d.kind = 0
LEFT JOIN LATERAL (
  SELECT * FROM contacts c WHERE (c.channel_id, c.contact_id) = (m.channel_id, m.contact_id) LIMIT 1
) c ON d.kind IN (1, 2)
LEFT JOIN LATERAL (  -- only what is too late, or will be in a moment, says what went wrong before
  SELECT a.failure FROM attempts a
  WHERE d.expire_time <= coalesce($4::timestamptz, clock_timestamp()) + interval '1 second' AND a.failure IS NOT NULL
    AND (a.channel_id, a.message_id, a.delivery_id) = (d.channel_id, d.message_id, d.delivery_id)
  ORDER BY a.fence DESC LIMIT 1
) last ON true
ORDER BY k.n
"""

_NEXT_WAKE = """
SELECT extract(epoch FROM wake_time - clock_timestamp())::float8 FROM lanes
WHERE wake_time < 'infinity' AND paused_until <= greatest(wake_time, clock_timestamp())
  AND (channel_id, lane) NOT IN (SELECT * FROM unnest($1::text[], $2::smallint[]))
ORDER BY wake_time LIMIT 1
"""

# Turns that somebody holds just now are left for the next time: waiting for one while holding others is how deadlocks begin.
_RENEW = """
WITH held AS (
  SELECT t.channel_id, t.lane, t.priority, t.address FROM turns t
  JOIN unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[], $5::bigint[]) AS k(channel_id, lane, priority, address, fence)
    USING (channel_id, lane, priority, address, fence)
  WHERE t.leased
  FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE turns t SET due_time = greatest(t.due_time, clock_timestamp() + $6::interval) FROM held h
WHERE (t.channel_id, t.lane, t.priority, t.address) = (h.channel_id, h.lane, h.priority, h.address)
"""

# Lanes whose wake-up was lost with the process that owed it; one that is being served just now needs none.
_SWEEP = """
WITH lost AS (
  SELECT l.channel_id, l.lane FROM lanes l, (SELECT coalesce($1::timestamptz, now()) AS now) clock
  WHERE l.wake_time > clock.now + interval '1 second' AND l.paused_until <= clock.now AND EXISTS (
    SELECT 1 FROM turns t
    WHERE t.channel_id = l.channel_id AND t.queue IN ((2 * l.lane)::smallint, (2 * l.lane + 1)::smallint)
      AND t.due_time <= clock.now - interval '1 second'
  )
  FOR NO KEY UPDATE OF l SKIP LOCKED
)
UPDATE lanes l SET wake_time = coalesce($1::timestamptz, now()) FROM lost
WHERE (l.channel_id, l.lane) = (lost.channel_id, lost.lane)
"""


_WAKE = """
WITH asleep AS (
  SELECT l.channel_id, l.lane FROM lanes l JOIN unnest($1::text[], $2::smallint[]) AS k(channel_id, lane) USING (channel_id, lane)
  ORDER BY l.channel_id, l.lane
  FOR NO KEY UPDATE OF l
)
UPDATE lanes l SET wake_time = least(l.wake_time, greatest(l.paused_until, clock_timestamp())) FROM asleep
WHERE (l.channel_id, l.lane) = (asleep.channel_id, asleep.lane)
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
    rows = await connection.fetch(
        _LEASE, now, max_lanes, *_columns(hints), PACE_MARGIN, *_columns(full), max_per_lane, horizon, lease
    )
    leased = [row for row in rows if row["delivery_id"] is not None]
    keys = [[row[name] for row in leased] for name in ("channel_id", "lane", "delivery_id")]
    read = await connection.fetch(_READ, *keys, now) if leased else []
    return Claimed(
        claims=tuple(_claim(leased[row["n"] - 1], row) for row in read),
        served=frozenset(LaneKey(row["channel_id"], _lane(row["lane"])) for row in rows),
    )


async def seconds_until_wake(connection: Connection, *, full: Iterable[LaneKey] = ()) -> float | None:
    """How long until a lane wakes that is not among the `full` ones; None when all sleep."""
    seconds: float | None = await connection.fetchval(_NEXT_WAKE, *_columns(full))
    return seconds


async def renew(connection: Connection, claims: Iterable[Claim], lease: timedelta) -> None:
    """Extend the leases of attempts that are still under way."""
    rows = [(c.channel_id, wire.lane_to_proto(c.lane), c.priority, c.address, c.fence) for c in claims]
    if rows:
        await connection.execute(_RENEW, *zip(*rows, strict=True), lease)


async def wake(connection: Connection, lanes: Iterable[LaneKey]) -> None:
    """Have lanes looked at by whoever comes next: for a process that ends and cannot look itself."""
    await connection.execute(_WAKE, *_columns(lanes))


async def sweep(connection: Connection, *, now: datetime | None = None) -> None:
    """Wake the lanes that have had due work for a second and sleep all the same. `now` is for tests."""
    await connection.execute(_SWEEP, now)


def _columns(lanes: Iterable[LaneKey]) -> tuple[list[str], list[int]]:
    keys = list(lanes)
    return [key.channel_id for key in keys], [wire.lane_to_proto(key.lane) for key in keys]


def _lane(number: Any) -> Lane:
    return wire.lane_from_proto(number) or Lane.PLATFORM


def _claim(leased: Any, row: Any) -> Claim:
    kind = DeliveryKind(row["kind"])
    return Claim(
        channel_id=leased["channel_id"],
        lane=_lane(leased["lane"]),
        priority=leased["priority"],
        address=leased["address"],
        delivery_id=leased["delivery_id"],
        fence=leased["fence"],
        revision=row["revision"],
        attempt=leased["attempt_count"],
        kind=kind,
        item_index=row["item_index"],
        message_id=row["message_id"],
        rate=leased["rate"],
        wait=max(0.0, leased["wait"].total_seconds()),
        expire_time=row["expire_time"],
        origin=wire.origin_from_proto(row["origin"]),
        contact_id=row["contact_id"],
        content=content_of(row["content"]),
        part_count=row["part_count"],
        event_time=row["status_time"] if kind is DeliveryKind.STATUS else row["event_time"],
        status=wire.status_from_proto(row["status"]),
        failure=failure_of(row["failure"]),
        last_failure=failure_of(row["last_failure"]),
        contact=contact_of(row["profile"]) if row["profile"] else None,
        is_unwanted=row["is_unwanted"] or False,
        probes=leased["probes"],
    )
