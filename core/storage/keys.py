"""Keeps API keys: the hash of each secret, and what it may do."""

from typing import Any

from anychannel.channel import Key, Scope
from core.storage.database import Pool

_INSERT = """
INSERT INTO api_keys (key_id, display_name, secret_hash, scopes, channel_ids)
VALUES ($1, $2, $3, $4, $5)
RETURNING *
"""
_REVOKE = "UPDATE api_keys SET revoke_time = coalesce(revoke_time, now()) WHERE key_id = $1 RETURNING *"


async def insert_key(pool: Pool, key: Key, secret_hash: bytes) -> Key:
    """Keep a new key."""
    scopes = [scope.value for scope in key.scopes]
    return _read(await pool.fetchrow(_INSERT, key.key_id, key.display_name, secret_hash, scopes, key.channel_ids))


async def find_key(pool: Pool, secret_hash: bytes) -> Key | None:
    """The key with this secret, unless it was revoked."""
    row = await pool.fetchrow("SELECT * FROM api_keys WHERE secret_hash = $1 AND revoke_time IS NULL", secret_hash)
    return None if row is None else _read(row)


async def list_keys(pool: Pool) -> tuple[Key, ...]:
    """All keys, newest first."""
    return tuple(_read(row) for row in await pool.fetch("SELECT * FROM api_keys ORDER BY key_id DESC"))


async def revoke_key(pool: Pool, key_id: str) -> Key | None:
    """The key, which no longer works; None when there is none. Revoked again, it keeps its first time."""
    row = await pool.fetchrow(_REVOKE, key_id)
    return None if row is None else _read(row)


def _read(row: Any) -> Key:
    return Key(
        key_id=row["key_id"],
        display_name=row["display_name"],
        scopes=tuple(Scope(scope) for scope in row["scopes"] if scope in set(Scope)),
        channel_ids=tuple(row["channel_ids"]),
        create_time=row["create_time"],
        revoke_time=row["revoke_time"],
    )
