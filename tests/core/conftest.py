"""What tests of core share: a keyring and channels, and a database that is emptied instead of made anew."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from anychannel.provider import ChannelSettings
from core.channels import ChannelConfig
from core.inboxes.binding import IdType, InboxBinding
from core.secrets import Keyring
from core.storage.database import Pool, open_pool

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring({"k1": bytes(range(32))})


@pytest.fixture
def config_of() -> ConfigOf:
    """Make a channel's configuration; every field can be given."""

    def make(channel_id: str = "shop", **changes: Any) -> ChannelConfig:
        values: dict[str, Any] = {
            "channel_id": channel_id,
            "platform": "acme",
            "display_name": "Shop",
            "settings": ChannelSettings({"bot_token": "bot-secret", "region": "eu"}),
            "secret_names": frozenset({"bot_token"}),
            "inbox": InboxBinding(
                webhook_url="https://inbox.example/hook/", inbox_channel_id=f"inbox-{channel_id}", id_type=IdType.CUSTOM
            ),
            "inbox_token": f"inbox-token-{channel_id}",
            "webhook_token": f"webhook-token-{channel_id}",
        }
        return ChannelConfig(**values | changes)

    return make


@pytest.fixture(scope="session")
def shared_database(postgres_url: str, template_database: str) -> Iterator[str]:
    """The address of one migrated database for all tests that need no other."""
    name = f"shared_{secrets.token_hex(6)}"

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(statement)
        await connection.close()

    with asyncio.Runner() as runner:
        runner.run(execute(f"CREATE DATABASE {name} TEMPLATE {template_database}"))
        yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        runner.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def emptied(shared_database: str) -> AsyncIterator[Pool]:
    """Connections to the shared database, emptied: ten times as quick as a database of the test's own."""
    async with open_pool(shared_database, size=10) as pool:
        tables = await pool.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
        )
        await pool.execute(";".join(f"DELETE FROM {row['tablename']}" for row in tables))
        yield pool
