"""Reports: what a platform says of a message later, or sooner than we recorded having sent it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anychannel import wire
from anychannel.events import ReportReceived
from anychannel.message import Status
from core.lanes.records import LaneKey, StatusChange
from core.storage.database import Connection, Pool
from core.storage.encoding import failure_bytes, failure_of
from core.storage.statuses import Reached, apply_changes

_FIND_PARTS = """
SELECT k.n, p.message_id, p.part_index FROM parts p
JOIN unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(channel_id, platform_message_id, n)
  ON (p.channel_id, p.platform_message_id) = (k.channel_id, k.platform_message_id)
"""

_KEEP_EARLY = """
INSERT INTO early_reports (channel_id, platform_message_id, status, event_time, failure)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::timestamptz[], $5::bytea[])
ON CONFLICT DO NOTHING
"""

_TAKE_EARLY = """
DELETE FROM early_reports e
USING unnest($1::text[], $2::text[]) AS k(channel_id, platform_message_id), parts p
WHERE (e.channel_id, e.platform_message_id) = (k.channel_id, k.platform_message_id)
  AND (p.channel_id, p.platform_message_id) = (k.channel_id, k.platform_message_id)
RETURNING e.channel_id, p.message_id, p.part_index, e.status, e.event_time, e.failure
"""

_TAKE_LEFT_BEHIND = """
DELETE FROM early_reports e
USING parts p
WHERE (p.channel_id, p.platform_message_id) = (e.channel_id, e.platform_message_id)
RETURNING e.channel_id, p.message_id, p.part_index, e.status, e.event_time, e.failure
"""

_FORGET = "DELETE FROM early_reports WHERE create_time < now() - interval '3 days'"


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
    keys = [(r.channel_id, r.report.platform_message_id) for r in reports]
    async with pool.acquire() as connection:
        async with connection.transaction():
            found = {row["n"] - 1: row for row in await connection.fetch(_FIND_PARTS, *zip(*keys, strict=True))}
            changes = [_change(reports[n], row) for n, row in sorted(found.items())]
            reached, work = await apply_changes(connection, changes, now)
            early = [r for n, r in enumerate(reports) if n not in found]
            await _keep_early(connection, early)
        if not early:
            return Reported(reached=tuple(reached), work=frozenset(work))
    late = await take_early(pool, [(r.channel_id, r.report.platform_message_id) for r in early], now)
    return Reported(reached=(*reached, *late.reached), work=frozenset(work) | late.work)


async def take_early(pool: Pool, sent: Sequence[tuple[str, str]], now: datetime) -> Reported:
    """Fold in the reports that were waiting for these sends: (channel id, platform message id)."""
    if not sent:
        return Reported(reached=(), work=frozenset())
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(_TAKE_EARLY, *zip(*sent, strict=True))
        return await _apply_early(connection, rows, now)


async def sweep_early(pool: Pool, now: datetime) -> Reported:
    """Fold in what a process left behind when it died between its two steps; forget what nothing was ever sent for."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_FORGET)
        return await _apply_early(connection, await connection.fetch(_TAKE_LEFT_BEHIND), now)


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
    if rows:
        await connection.execute(_KEEP_EARLY, *zip(*rows, strict=True))
