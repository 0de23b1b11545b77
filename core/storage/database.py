"""Opens the database, and knows by which errors it is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import orjson
import structlog

from core.settings import Settings
from core.storage.embedded import embedded_database

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

CONNECT_TIMEOUT_SECONDS = 3.0
COMMAND_TIMEOUT_SECONDS = 10.0
CLOSE_TIMEOUT_SECONDS = 5.0

# Queues are empty most of the time, and a million rows a minute later: a plan made by statistics of the empty table would read all
# of them, and planning each statement anew costs more than running it. Every statement here finds its rows by an index, a few at a
# time, so that one plan is right at every size: nested loops over indexes.
_PLANNING = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}

_log = structlog.get_logger(__name__)


class DatabaseAway(Exception):
    """The database cannot be reached now; what was asked was not done, or nobody can tell whether it was."""


# What is said when the server is not there, is not ready, or has gone in the middle of a statement.
_AWAY: tuple[type[BaseException], ...] = (
    DatabaseAway,
    OSError,  # refused, reset, unreachable, name not resolved; TimeoutError is one too
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,  # starting up or shutting down
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica that has not been promoted yet
    asyncpg.DiskFullError,
    asyncpg.QueryCanceledError,  # statement_timeout of the server, or a cancel while it shuts down
    asyncpg.LockNotAvailableError,
    asyncpg.ConnectionDoesNotExistError,
    # The connection was lost between two steps of one call, as when the server is killed: asyncpg then finds itself in a state it does
    # not expect. The pool throws such a connection away.
    asyncpg.InternalClientError,
)
_AWAY_INTERFACE_TEXTS = (
    "connection is closed",
    "connection was closed",
    "pool is clos",
    "connection has been released",
)


def is_away(error: BaseException) -> bool:
    """Whether the error means that the database is away, and trying again later helps."""
    if isinstance(error, asyncpg.InterfaceError):  # asyncpg has no finer type for a connection that went away under it
        return any(text in str(error) for text in _AWAY_INTERFACE_TEXTS)
    return isinstance(error, _AWAY)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Pool]:
    """Connect to the configured server, or to an embedded one under the data folder.

    Raises:
        DatabaseAway: nothing answers at the configured address.
        EmbeddedDatabaseFailed: the embedded server does not start.
        asyncpg.PostgresError: the server refuses us: password, database name, rights.
    """
    url = settings.database_url.get_secret_value()
    if url:
        async with open_pool(url, size=settings.database_pool) as pool:
            yield pool
        return
    async with (
        embedded_database(settings.data_folder) as embedded_url,
        open_pool(embedded_url, size=settings.database_pool) as pool,
    ):
        _log.info("embedded database ready", folder=str(settings.data_folder))
        yield pool


@asynccontextmanager
async def open_pool(url: str, *, size: int) -> AsyncIterator[Pool]:
    """A pool of up to `size` connections. Raises `DatabaseAway` when nothing answers."""
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            init=_set_up,
            reset=_leave_as_it_is,
            server_settings={"application_name": "anychannel-core", "timezone": "UTC", **_PLANNING},
        )
    except Exception as error:
        if is_away(error):
            raise DatabaseAway(f"nothing answers at the database's address ({type(error).__name__})") from error
        raise
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await pool.close()
        except Exception as error:
            if not (is_away(error) or isinstance(error, asyncpg.InterfaceError)):
                raise
            pool.terminate()


async def _leave_as_it_is(_connection: Connection) -> None:
    """Give a connection back without asking the server to forget its session: we set nothing there, and it costs a round trip."""


async def _set_up(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_jsonb, decoder=_from_jsonb, format="binary"
    )


def _to_jsonb(value: Any) -> bytes:
    return b"\x01" + orjson.dumps(value)  # the binary form begins with its version


def _from_jsonb(value: bytes) -> Any:
    return orjson.loads(value[1:])
