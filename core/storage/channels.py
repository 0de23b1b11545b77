"""Keeps channels: what is secret sealed, the rest readable, each with its two lanes. Every change is announced on `directory`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from anychannel.provider import ChannelSettings
from core.channels import ChannelConfig
from core.inboxes.binding import IdType, InboxBinding, ReplyMode, StatusShape
from core.secrets import Keyring, SecretsUnreadable
from core.storage.database import Connection, Pool

NOTIFICATION = "directory"

_INSERT = """
WITH channel AS (
  INSERT INTO channels (channel_id, platform, display_name, settings, sealed, inbox, platform_rate, inbox_rate,
    expire_after, paused)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  RETURNING *
), lane AS (
  INSERT INTO lanes (channel_id, lane, rate, paused_until)
  SELECT channel_id, lane, rate, CASE WHEN paused THEN 'infinity' ELSE '-infinity' END::timestamptz FROM channel,
    LATERAL (VALUES
      (1::smallint, least(platform_rate, (SELECT nullif(p.rate, 0) FROM providers p WHERE p.platform = channel.platform))),
      (2::smallint, inbox_rate)
    ) AS own(lane, rate)
)
SELECT * FROM channel
"""
_UPDATE = """
UPDATE channels SET display_name = $2, settings = $3, sealed = $4, inbox = $5, platform_rate = $6, inbox_rate = $7,
  expire_after = $8, paused = $9, revision = nextval('channel_revisions'), update_time = now()
WHERE channel_id = $1
RETURNING *
"""
# A paused channel's lanes are paused for ever. Whoever mends a channel wants to see it work: a lane that waits for its other side
# to come back looks now; one that was asked to wait keeps waiting. A slot given out at a lower rate does not hold up a higher one.
_UPDATE_LANES = """
UPDATE lanes SET rate = own.rate, paused_until = own.paused_until,
  slot_time = least(slot_time, now() + make_interval(secs => 1 / own.rate)),
  wake_time = greatest(now(), own.paused_until)
FROM (
  SELECT lane, CASE lane
      WHEN 1 THEN least($2::float8, (
        SELECT nullif(p.rate, 0) FROM providers p JOIN channels c USING (platform) WHERE c.channel_id = $1
      ))
      ELSE $3
    END AS rate,
    CASE WHEN $4 THEN 'infinity' WHEN probes > 0 OR paused_until = 'infinity' THEN '-infinity' ELSE paused_until END
      AS paused_until
  FROM lanes WHERE channel_id = $1 ORDER BY lane FOR NO KEY UPDATE
) own
WHERE lanes.channel_id = $1 AND lanes.lane = own.lane
"""
# What has no foreign key to the channel, in the order in which settling locks it.
_DATA = (
    "turns",
    "deliveries",
    "dead_letters",
    "attempts",
    "events",
    "early_reports",
    "parts",
    "messages",
    "contacts",
)
_DELETE_TIMEOUT_SECONDS = 600.0  # a busy channel has millions of messages


class ChannelExists(Exception):
    """There is a channel with this id already."""


class ChannelNotFound(Exception):
    """There is no channel with this id."""


class DeliveriesWait(Exception):
    """The channel has deliveries that would be lost."""


async def insert_channel(pool: Pool, keyring: Keyring, config: ChannelConfig) -> ChannelConfig:
    """Add a channel with its lanes. Raises `ChannelExists`."""
    async with pool.acquire() as connection, connection.transaction():
        try:
            row = await connection.fetchrow(_INSERT, config.channel_id, config.platform, *_columns(keyring, config))
        except asyncpg.UniqueViolationError:
            raise ChannelExists(config.channel_id) from None
        await _announce(connection, config.channel_id)
        return _read(keyring, row)


async def change_channel(
    pool: Pool, keyring: Keyring, channel_id: str, change: Callable[[ChannelConfig], ChannelConfig]
) -> ChannelConfig:
    """Apply `change` to the channel as it is now; nobody else changes it meanwhile.

    Raises `ChannelNotFound`, and what `change` raises.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow("SELECT * FROM channels WHERE channel_id = $1 FOR UPDATE", channel_id)
        if row is None:
            raise ChannelNotFound(channel_id)
        config = change(_read(keyring, row))
        changed = await connection.fetchrow(_UPDATE, channel_id, *_columns(keyring, config))
        await connection.execute(_UPDATE_LANES, channel_id, config.platform_rate, config.inbox_rate, config.paused)
        await _announce(connection, channel_id)
        return _read(keyring, changed)


async def get_channel(pool: Pool, keyring: Keyring, channel_id: str) -> ChannelConfig:
    """One channel. Raises `ChannelNotFound`."""
    row = await pool.fetchrow("SELECT * FROM channels WHERE channel_id = $1", channel_id)
    if row is None:
        raise ChannelNotFound(channel_id)
    return _read(keyring, row)


async def list_channels(
    pool: Pool, keyring: Keyring, *, after: str, limit: int, only: Sequence[str] | None = None
) -> tuple[ChannelConfig, ...]:
    """Up to `limit` channels by id, those behind `after`; of `only` those ids, when they are given."""
    rows = await pool.fetch(
        "SELECT * FROM channels WHERE channel_id > $1 AND ($2::text[] IS NULL OR channel_id = ANY($2)) "
        "ORDER BY channel_id LIMIT $3",
        after,
        only,
        limit,
    )
    return tuple(_read(keyring, row) for row in rows)


async def delete_channel(pool: Pool, channel_id: str, *, force: bool) -> None:
    """Remove a channel with everything stored for it.

    Raises `ChannelNotFound`, and `DeliveriesWait` unless `force` is set.
    """
    async with pool.acquire() as connection, connection.transaction():
        found = await connection.fetchval("SELECT 1 FROM channels WHERE channel_id = $1 FOR UPDATE", channel_id)
        if found is None:
            raise ChannelNotFound(channel_id)
        if not force and await connection.fetchval(
            "SELECT 1 FROM deliveries WHERE channel_id = $1 LIMIT 1", channel_id
        ):
            raise DeliveriesWait(channel_id)
        for table in (*_DATA, "channels"):
            await connection.execute(
                f"DELETE FROM {table} WHERE channel_id = $1",  # noqa: S608  # our own names
                channel_id,
                timeout=_DELETE_TIMEOUT_SECONDS,
            )
        await _announce(connection, channel_id)


async def revisions(pool: Pool) -> dict[str, int]:
    """The revision of every channel."""
    rows = await pool.fetch("SELECT channel_id, revision FROM channels")
    return {row["channel_id"]: row["revision"] for row in rows}


async def fingerprint(pool: Pool) -> tuple[int, int]:
    """Two numbers that are others when any channel is."""
    row = await pool.fetchrow("SELECT count(*), coalesce(sum(revision), 0)::bigint AS sum FROM channels")
    return (row["count"], row["sum"]) if row else (0, 0)


async def channels_of(pool: Pool, keyring: Keyring, channel_ids: Sequence[str]) -> tuple[ChannelConfig, ...]:
    """These channels, in no order."""
    rows = await pool.fetch("SELECT * FROM channels WHERE channel_id = ANY($1)", channel_ids)
    return tuple(_read(keyring, row) for row in rows)


async def _announce(connection: Connection, channel_id: str) -> None:
    await connection.execute("SELECT pg_notify($1, $2)", NOTIFICATION, channel_id)


def _columns(keyring: Keyring, config: ChannelConfig) -> tuple[Any, ...]:
    """From display_name to paused."""
    secret = {name: value for name, value in config.settings.items() if name in config.secret_names}
    sealed = keyring.seal(
        {
            "settings": secret,
            "inbox_token": config.inbox_token,
            "inbox_previous_token": config.inbox_previous_token,
            "webhook_token": config.webhook_token,
        },
        context=config.channel_id,
    )
    inbox = {
        "webhook_url": config.inbox.webhook_url,
        "inbox_channel_id": config.inbox.inbox_channel_id,
        "id_type": config.inbox.id_type.value,
        "status_shape": config.inbox.status_shape.value,
        "reply": config.reply.value,
        "reply_timeout": config.reply_timeout.total_seconds(),
    }
    return (
        config.display_name,
        {name: value for name, value in config.settings.items() if name not in config.secret_names},
        sealed,
        inbox,
        config.platform_rate,
        config.inbox_rate,
        config.expire_after,
        config.paused,
    )


def _read(keyring: Keyring, row: Any) -> ChannelConfig:
    problem = ""
    try:
        sealed: Mapping[str, Any] = keyring.open(row["sealed"], context=row["channel_id"])
    except SecretsUnreadable as error:
        sealed, problem = {}, str(error)
    secret = sealed.get("settings", {})
    inbox = row["inbox"]
    return ChannelConfig(
        channel_id=row["channel_id"],
        platform=row["platform"],
        display_name=row["display_name"],
        settings=ChannelSettings({**row["settings"], **secret}),
        secret_names=frozenset(secret),
        inbox=InboxBinding(
            webhook_url=inbox["webhook_url"],
            inbox_channel_id=inbox["inbox_channel_id"],
            id_type=IdType(inbox["id_type"]),
            status_shape=StatusShape(inbox["status_shape"]),
        ),
        inbox_token=sealed.get("inbox_token", ""),
        inbox_previous_token=sealed.get("inbox_previous_token", ""),
        reply=ReplyMode(inbox["reply"]),
        reply_timeout=timedelta(seconds=inbox["reply_timeout"]),
        platform_rate=row["platform_rate"],
        inbox_rate=row["inbox_rate"],
        expire_after=row["expire_after"],
        paused=row["paused"],
        webhook_token=sealed.get("webhook_token", ""),
        revision=row["revision"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        problem=problem,
    )
