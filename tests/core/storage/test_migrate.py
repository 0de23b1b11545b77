import asyncio
from pathlib import Path

import asyncpg
import pytest

from core.storage.database import open_pool
from core.storage.migrate import Migration, MigrationRefused, migrate, pending, read_migrations

FIRST = Migration(version=1, name="one", sql="CREATE TABLE one (n integer)")
SECOND = Migration(version=2, name="two", sql="CREATE TABLE two (n integer)")


async def _tables(database: str) -> set[str]:
    async with open_pool(database, size=1) as pool:
        rows = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {row["tablename"] for row in rows}


async def test_our_own_migrations_apply_once(empty_database: str) -> None:
    async with open_pool(empty_database, size=1) as pool:
        assert await migrate(pool) == len(read_migrations())
        assert await migrate(pool) == 0
    assert {"channels", "lanes", "schema_migrations"} <= await _tables(empty_database)


async def test_two_that_start_at_once_apply_each_migration_once(empty_database: str) -> None:
    slow = Migration(version=1, name="one", sql="CREATE TABLE one (n integer); SELECT pg_sleep(0.3)")
    async with open_pool(empty_database, size=1) as here, open_pool(empty_database, size=1) as there:
        counts = await asyncio.gather(migrate(here, (slow, SECOND)), migrate(there, (slow, SECOND)))
    assert sorted(counts) == [0, 2]


async def test_a_failed_migration_leaves_the_ones_before_it_and_nothing_of_itself(empty_database: str) -> None:
    broken = Migration(version=2, name="two", sql="CREATE TABLE two (n integer); SELECT 1 / 0")
    async with open_pool(empty_database, size=1) as pool:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(pool, (FIRST, broken))
        assert await _tables(empty_database) == {"schema_migrations", "one"}
        assert await migrate(pool, (FIRST, SECOND)) == 1


async def test_a_database_ahead_of_this_version_is_served(empty_database: str) -> None:
    async with open_pool(empty_database, size=1) as pool:
        await migrate(pool, (FIRST, SECOND))
        assert await migrate(pool, (FIRST,)) == 0


@pytest.mark.parametrize(
    ("applied", "text"),
    [
        pytest.param({1: "other"}, "0001 .one. was changed after it had been applied", id="changed"),
        pytest.param({2: SECOND.checksum}, "0001 .one. was never applied, but 0002 was", id="skipped"),
    ],
)
def test_another_history_is_refused(applied: dict[int, str], text: str) -> None:
    with pytest.raises(MigrationRefused, match=text):
        pending((FIRST, SECOND), applied)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        pytest.param(["0001_one.sql", "0003_three.sql"], "0002 was expected", id="gap"),
        pytest.param(["0001_one.sql", "0001_uno.sql"], "0002 was expected", id="twice"),
        pytest.param(["0002_two.sql"], "0001 was expected", id="first-missing"),
        pytest.param(["one.sql"], "a migration is named", id="misnamed"),
    ],
)
def test_misnumbered_files_are_refused(tmp_path: Path, names: list[str], text: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match=text):
        read_migrations(tmp_path)


def test_our_own_files_are_in_order() -> None:
    assert [migration.version for migration in read_migrations()] == list(range(1, len(read_migrations()) + 1))
