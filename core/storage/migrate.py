"""Brings a database's schema up to this version: numbered SQL files, forward only.

Each file is applied in a transaction of its own, under one advisory lock: several cores may start at once. A database
that is ahead of this version is served as it is, because every migration keeps the version before working.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.storage.database import Connection, Pool

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x616E7963  # "anyc"; the same in every version
_PATIENCE_SECONDS = 3600.0  # a migration may rewrite a large table, and another core waits as long
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  version     integer PRIMARY KEY,
  name        text NOT NULL,
  checksum    text NOT NULL,
  apply_time  timestamptz NOT NULL DEFAULT now()
)
"""
_log = structlog.get_logger(__name__)


class MigrationRefused(Exception):
    """The database's history of migrations is not the one of this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """The folder's migrations in order. Raises `MigrationRefused` for a wrong name, a gap or a number used twice."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationRefused(f"{path.name}: a migration is named NNNN_what_it_does.sql")
        migrations.append(Migration(version=int(match[1]), name=match[2], sql=path.read_text(encoding="utf-8")))
    for expected, migration in enumerate(migrations, start=1):
        if migration.version != expected:
            raise MigrationRefused(f"migration {migration.version:04} ({migration.name}): {expected:04} was expected")
    return tuple(migrations)


def pending(migrations: Iterable[Migration], applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """What is left to apply, given each applied version's checksum.

    Raises `MigrationRefused` when an applied one differs or was skipped.
    """
    newest = max(applied, default=0)
    left = []
    for migration in migrations:
        checksum = applied.get(migration.version)
        if checksum is None and migration.version < newest:
            raise MigrationRefused(
                f"migration {migration.version:04} ({migration.name}) was never applied, but {newest:04} was: "
                "this database belongs to another line of versions"
            )
        if checksum is None:
            left.append(migration)
        elif checksum != migration.checksum:
            raise MigrationRefused(
                f"migration {migration.version:04} ({migration.name}) was changed after it had been applied: "
                "put the file back as it was, and write the change as a new migration"
            )
    return tuple(left)


async def migrate(pool: Pool, migrations: tuple[Migration, ...] | None = None) -> int:
    """Apply what is missing, and answer how many that were.

    Raises:
        MigrationRefused: the database's history is not ours.
        asyncpg.PostgresError: a migration failed; the ones before it stay applied.
    """
    migrations = read_migrations() if migrations is None else migrations
    async with pool.acquire() as connection:
        # Held by the session, over several transactions.
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=_PATIENCE_SECONDS)
        try:
            return await _migrate(connection, migrations)
        finally:
            if not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _migrate(connection: Connection, migrations: tuple[Migration, ...]) -> int:
    await connection.execute(_TABLE)
    applied = {row["version"]: row["checksum"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
    left = pending(migrations, applied)
    newest = max((migration.version for migration in migrations), default=0)
    if max(applied, default=0) > newest:
        _log.warning("database is newer than this version", database_version=max(applied), version=newest)
    for migration in left:
        async with connection.transaction():
            await connection.execute(migration.sql, timeout=_PATIENCE_SECONDS)
            await connection.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
        _log.info("migration applied", version=migration.version, name=migration.name)
    return len(left)
