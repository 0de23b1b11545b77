"""Reports: what a platform says of a message later, or sooner than we recorded having sent it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from anychannel import wire
from anychannel.events import ReportReceived
from anychannel.message import Status
from core.lanes.records import LaneKey, StatusChange
from core.storage.database import Connection, Pool
from core.storage.encoding import failure_bytes, failure_of
from core.storage.statuses import Reached, apply_changes

_FIND_PARTS = """
SELECT k.n - 1 AS n, p.message_id, p.part_index FROM parts p
JOIN unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(channel_id, platform_message_id, n)
  ON (p.channel_id, p.platform_message_id) = (k.channel_id, k.platform_message_id)
ORDER BY k.n
"""

_KEEP_EARLY = """
INSERT INTO early_reports (channel_id, platform_message_id, status, event_time, failure)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::timestamptz[], $5::bytea[]) ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
"""

# One that is being taken by somebody else is theirs: waiting for it could be a deadlock. A part is looked up for each report,
# by its index: the reports may be few and the parts millions.
_TAKE = """
, taken AS (
  DELETE FROM early_reports e USING found f
  WHERE (e.channel_id, e.platform_message_id, e.status) = (f.channel_id, f.platform_message_id, f.status)
  RETURNING e.*
)
SELECT t.channel_id, p.message_id, p.part_index, t.status, t.event_time, t.failure
FROM taken t JOIN parts p USING (channel_id, platform_message_id)
"""
_TAKE_EARLY = f"""
WITH found AS (
  SELECT e.channel_id, e.platform_message_id, e.status FROM early_reports e
  JOIN (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS k(channel_id, platform_message_id)
    USING (channel_id, platform_message_id)
  WHERE EXISTS (SELECT 1 FROM parts p WHERE (p.channel_id, p.platform_message_id) = (e.channel_id, e.platform_message_id))
  FOR UPDATE OF e SKIP LOCKED
)
{_TAKE}"""  # noqa: S608  # our own text
_ARE_THERE_EARLY = """
SELECT EXISTS (
  SELECT 1 FROM unnest($1::text[], $2::text[]) AS k(channel_id, platform_message_id)
  JOIN early_reports e USING (channel_id, platform_message_id)
)
"""
_TAKE_LEFT_BEHIND = f"""
WITH found AS (
  SELECT e.channel_id, e.platform_message_id, e.status FROM early_reports e
  WHERE e.create_time > now() - $1::interval
    AND (SELECT true FROM parts p WHERE (p.channel_id, p.platform_message_id) = (e.channel_id, e.platform_message_id) LIMIT 1)
  FOR UPDATE SKIP LOCKED
)
{_TAKE}"""  # noqa: S608  # our own text

KEEP_EARLY = timedelta(days=3)
"""How long a report waits for its send; then it was of a message that is not ours."""

_FORGET = "DELETE FROM early_reports WHERE create_time < now() - $1::interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """A report and the channel it came on."""

    channel_id: str
    report: ReportReceived


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What reports changed."""

    reached: tuple[Reached, ...]
    work: frozenset[LaneKey]


async def record_reports(pool: Pool, reports: Sequence[ChannelReport], now: datetime) -> Reported:
    """Fold reports into their messages. One whose send is not recorded yet is kept until it is.

    Both sides look for the other after their own commit: whichever commits last sees it, so none is missed.
    """
    if not reports:
        return Reported(reached=(), work=frozenset())
    keys = [(r.channel_id, r.report.platform_message_id) for r in reports]
    async with pool.acquire() as connection:
        async with connection.transaction():
            rows = await connection.fetch(_FIND_PARTS, *zip(*keys, strict=True))
            changes = [_change(reports[row["n"]], row) for row in rows]
            reached, work = await apply_changes(connection, changes, now)
        found = {row["n"] for row in rows}
        early = [r for n, r in enumerate(reports) if n not in found]
        if not early:
            return Reported(reached=tuple(reached), work=frozenset(work))
        await _keep_early(connection, early)
    late = await take_early(pool, [(r.channel_id, r.report.platform_message_id) for r in early], now)
    return Reported(reached=(*reached, *late.reached), work=frozenset(work) | late.work)


async def take_early(pool: Pool, sent: Sequence[tuple[str, str]], now: datetime) -> Reported:
    """Fold in the reports that were waiting for these sends: (channel id, platform message id)."""
    if not sent:
        return Reported(reached=(), work=frozenset())
    keys = list(zip(*sent, strict=True))
    async with pool.acquire() as connection:
        if not await connection.fetchval(_ARE_THERE_EARLY, *keys):  # nearly always, and no transaction
            return Reported(reached=(), work=frozenset())
        async with connection.transaction():
            return await _apply_early(connection, await connection.fetch(_TAKE_EARLY, *keys), now)


async def sweep_early(pool: Pool, now: datetime, *, within: timedelta = KEEP_EARLY) -> Reported:
    """Fold in what a process left behind `within` that time when it died between its two steps.

    Forgets what nothing was ever sent for.
    """
    async with pool.acquire() as connection:
        await connection.execute(_FORGET, KEEP_EARLY)
        async with connection.transaction():
            return await _apply_early(connection, await connection.fetch(_TAKE_LEFT_BEHIND, within), now)


async def _apply_early(connection: Connection, rows: Sequence[Any], now: datetime) -> Reported:
    rows = sorted(rows, key=lambda row: row["status"])
    changes = [
        StatusChange(
            channel_id=row["channel_id"],
            message_id=row["message_id"],
            part_index=row["part_index"],
            status=wire.status_from_proto(row["status"]) or Status.SENT,
            event_time=row["event_time"],
            failure=failure_of(row["failure"]),
        )
        for row in rows
    ]
    reached, work = await apply_changes(connection, changes, now)
    return Reported(reached=tuple(reached), work=frozenset(work))


def _change(channel_report: ChannelReport, row: Any) -> StatusChange:
    report = channel_report.report
    return StatusChange(
        channel_id=channel_report.channel_id,
        message_id=row["message_id"],
        part_index=row["part_index"],
        status=report.status,
        event_time=report.event_time,
        failure=report.failure,
    )


async def _keep_early(connection: Connection, early: Sequence[ChannelReport]) -> None:
    rows = [
        (
            r.channel_id,
            r.report.platform_message_id,
            wire.status_to_proto(r.report.status),
            r.report.event_time,
            failure_bytes(r.report.failure),
        )
        for r in early
    ]
    await connection.execute(_KEEP_EARLY, *zip(*rows, strict=True))
