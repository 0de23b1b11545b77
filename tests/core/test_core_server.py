"""Core as a whole, on a database and nothing else."""

import base64
import time

import asyncpg
import pytest

from core.outcomes import TOPIC
from core.server import running
from core.settings import Settings
from tests.end_to_end.waiting import until

_LISTENING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'anychannel-core' AND query ILIKE $1
"""


@pytest.fixture
def settings(database: str) -> Settings:
    values = {
        "listen": "127.0.0.1:0",
        "database_url": database,
        "admin_key": "a" * 32,
        "registration_token": "r" * 32,
        "encryption_keys": f"k1:{base64.b64encode(bytes(32)).decode()}",
    }
    return Settings.model_validate(values)


async def test_core_stops_at_once_and_hands_its_connections_back_as_it_got_them(settings: Settings) -> None:
    async with running(settings):
        await _listens(settings.database_url.get_secret_value())
        began = time.monotonic()

    # With a listener left on a connection the pool warns (here an error), and waits five seconds for who still holds it.
    assert time.monotonic() - began < 4


async def _listens(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await until(lambda: connection.fetchval(_LISTENING, f"LISTEN%{TOPIC}%"), bool)
    finally:
        await connection.close()
