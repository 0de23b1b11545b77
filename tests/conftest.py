"""What tests of several packages share: one PostgreSQL a session, one database a test."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import structlog

from core.storage.database import Pool, open_pool
from core.storage.embedded import embedded_database
from core.storage.migrate import migrate

POOL_SIZE = 10


def _database_folder() -> tempfile.TemporaryDirectory[str]:
    """Not under pytest's own folder: there every other run, as it starts, shuts out the user that the server runs as under root."""
    return tempfile.TemporaryDirectory(prefix="anychannel-test-", ignore_cleanup_errors=True)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    async with open_pool(url, size=1) as pool:
        await migrate(pool)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A test that sets logging up, by starting a service for instance, sets it up for itself only."""
    before, configure = structlog.get_config(), structlog.configure

    def configure_for_now(*arguments: Any, **options: Any) -> None:
        configure(*arguments, **{**options, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", configure_for_now)
        yield
    configure(**before)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server on which databases may be created."""
    given = os.environ.get("ANYCHANNEL_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with _database_folder() as folder, asyncio.Runner() as runner:
        server = embedded_database(Path(folder))
        url = runner.run(server.__aenter__())
        try:
            # Nothing here outlives the machine, so nothing needs to reach its disk.
            unsafe = ("fsync", "synchronous_commit", "full_page_writes")
            runner.run(_execute(url, *(f"ALTER SYSTEM SET {name} = off" for name in unsafe), "SELECT pg_reload_conf()"))
            yield url
        finally:
            runner.run(server.__aexit__(None, None, None))


@pytest.fixture
def database_folder() -> Iterator[Path]:
    """A folder for a server of this test's own."""
    with _database_folder() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """A migrated database to copy."""
    name = f"template_{secrets.token_hex(6)}"
    with asyncio.Runner() as runner:
        runner.run(_execute(postgres_url, f"CREATE DATABASE {name}"))
        runner.run(_migrate(_with_database(postgres_url, name)))
        yield name
        runner.run(_execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    """The address of a database of this test's own, without any table."""
    name = f"test_{secrets.token_hex(6)}"
    await _execute(postgres_url, f"CREATE DATABASE {name}")
    yield _with_database(postgres_url, name)
    await _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """The address of a database of this test's own, migrated."""
    name = f"test_{secrets.token_hex(6)}"
    await _execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template_database}")
    yield _with_database(postgres_url, name)
    await _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """Connections to this test's own database."""
    async with open_pool(database, size=POOL_SIZE) as pool:
        yield pool
