import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from core.storage.embedded import embedded_database

DEADLINE_SECONDS = 30

# Another process on the same folder: says its database's address, then waits to be ended.
OTHER = """
import asyncio, signal, sys
from pathlib import Path
from core.storage.embedded import embedded_database

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with embedded_database(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await stop.wait()

asyncio.run(main())
"""


async def _start_other(folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, str(folder), stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}
    )
    assert other.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        return other, (await other.stdout.readline()).decode().strip()


async def _end(other: asyncio.subprocess.Process, number: signal.Signals) -> None:
    other.send_signal(number)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await other.wait()


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except OSError:
        return False
    await connection.close()
    return True


async def test_it_keeps_what_was_committed_and_loses_no_power(database_folder: Path) -> None:
    async with embedded_database(database_folder) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        settings = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in ("fsync", "synchronous_commit", "listen_addresses", "max_connections")
        }
        await connection.close()
    assert settings == {"fsync": "on", "synchronous_commit": "on", "listen_addresses": "", "max_connections": "100"}
    assert not await _answers(url)

    async with embedded_database(database_folder) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT n FROM kept") == 7
        await connection.close()


async def test_the_last_to_leave_stops_it(database_folder: Path) -> None:
    other, url = await _start_other(database_folder)
    async with embedded_database(database_folder) as same_url:
        assert same_url == url
        await _end(other, signal.SIGTERM)
        assert other.returncode == 0
        assert await _answers(url)
    assert not await _answers(url)


async def test_a_process_asked_to_stop_stops_it(database_folder: Path) -> None:
    other, url = await _start_other(database_folder)
    await _end(other, signal.SIGTERM)
    assert not await _answers(url)


async def test_a_killed_process_neither_hinders_the_next_nor_keeps_it_alive(database_folder: Path) -> None:
    other, _ = await _start_other(database_folder)
    await _end(other, signal.SIGKILL)
    async with embedded_database(database_folder) as url:
        assert await _answers(url)
    assert not await _answers(url)


async def test_a_killed_server_whose_number_another_process_has_is_started_anew(database_folder: Path) -> None:
    async with embedded_database(database_folder):
        pid_file = database_folder / "postgres" / "postmaster.pid"
        left_behind = pid_file.read_text().splitlines()
    left_behind[0] = str(os.getpid())
    pid_file.write_text("\n".join(left_behind) + "\n")

    async with embedded_database(database_folder) as url:
        assert await _answers(url)


async def test_a_broken_folder_is_named_with_what_to_do(database_folder: Path) -> None:
    broken = database_folder / "postgres"
    broken.mkdir()
    (broken / "PG_VERSION").write_text("18\n")

    with pytest.raises(Exception, match="does not start") as caught:
        async with embedded_database(database_folder):
            pass
    assert str(broken) in str(caught.value)
    assert "ANYCHANNEL_CORE_DATABASE_URL" in str(caught.value)
