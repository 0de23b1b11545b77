import asyncio
import socket

import asyncpg
import pytest

from core.storage.database import DatabaseAway, Pool, is_away, open_pool


@pytest.mark.parametrize(
    ("error", "away"),
    [
        pytest.param(DatabaseAway(), True, id="ours"),
        pytest.param(ConnectionRefusedError(), True, id="refused"),
        pytest.param(ConnectionResetError(), True, id="reset"),
        pytest.param(TimeoutError(), True, id="timeout"),
        pytest.param(socket.gaierror(), True, id="no-such-host"),
        pytest.param(asyncpg.AdminShutdownError("x"), True, id="shutdown"),
        pytest.param(asyncpg.CannotConnectNowError("x"), True, id="starting"),
        pytest.param(asyncpg.TooManyConnectionsError("x"), True, id="full"),
        pytest.param(asyncpg.ConnectionDoesNotExistError("x"), True, id="gone"),
        pytest.param(asyncpg.InternalClientError("cannot switch to state 12"), True, id="lost-in-a-call"),
        pytest.param(asyncpg.ReadOnlySQLTransactionError("x"), True, id="replica"),
        pytest.param(asyncpg.InterfaceError("connection is closed"), True, id="closed"),
        pytest.param(asyncpg.InterfaceError("cannot use this"), False, id="misuse"),
        pytest.param(asyncpg.UniqueViolationError("x"), False, id="unique"),
        pytest.param(asyncpg.UndefinedTableError("x"), False, id="no-table"),
        pytest.param(asyncpg.InvalidPasswordError("x"), False, id="password"),
        pytest.param(ValueError(), False, id="bug"),
    ],
)
def test_which_errors_mean_that_the_database_is_away(error: Exception, away: bool) -> None:  # noqa: FBT001  # a table
    assert is_away(error) is away


async def test_nobody_there_is_said_without_the_address(unused_port: int) -> None:
    with pytest.raises(DatabaseAway) as caught:
        async with open_pool(f"postgresql://u:hunter2@127.0.0.1:{unused_port}/x", size=1):
            pass
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def test_a_connection_cut_in_a_statement_is_the_database_away_and_the_next_works(
    pool: Pool, database: str
) -> None:
    killer = await asyncpg.connect(database)
    async with pool.acquire() as connection:
        number = connection.get_server_pid()
        query = asyncio.create_task(connection.fetchval("SELECT pg_sleep(60)"))
        async with asyncio.timeout(10):
            while not await killer.fetchval(  # noqa: ASYNC110  # the server tells nobody that a statement runs
                "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $1", number
            ):
                await asyncio.sleep(0)
        await killer.execute("SELECT pg_terminate_backend($1)", number)
        with pytest.raises(asyncpg.PostgresError) as cut:
            await query
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as after:
            await connection.fetchval("SELECT 1")
    await killer.close()

    assert is_away(cut.value)
    assert is_away(after.value)
    assert await pool.fetchval("SELECT 1") == 1


async def test_json_goes_in_and_out_as_it_is(pool: Pool) -> None:
    value = {"a": [1, 2.5, None, True], "ü": {"nested": "x"}}
    assert await pool.fetchval("SELECT $1::jsonb", value) == value
    assert await pool.fetchval("SELECT $1::jsonb->'a'->>0", value) == "1"


async def test_the_server_can_tell_whose_connections_these_are(pool: Pool) -> None:
    assert await pool.fetchval("SELECT current_setting('application_name')") == "anychannel-core"
    assert await pool.fetchval("SELECT current_setting('timezone')") == "UTC"
