import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.inboxes.binding import IdType, InboxBinding
from core.secrets import Keyring
from core.storage.channels import change_channel, delete_channel, insert_channel
from core.storage.database import Pool, open_pool
from core.storage.embedded import embedded_database
from core.storage.migrate import migrate

ConfigOf = Callable[..., ChannelConfig]

DEADLINE_SECONDS = 20
NEVER = timedelta(hours=1)


class Changes:
    """Collects what the directory says has changed."""

    def __init__(self, directory: ChannelDirectory) -> None:
        self._queue: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        directory.on_change(self._queue.put_nowait)

    async def next(self) -> frozenset[str]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._queue.get()


@pytest.fixture
def directory(pool: Pool, keyring: Keyring) -> ChannelDirectory:
    """Not running: a test refreshes it itself."""
    return ChannelDirectory(pool, keyring)


def _display_name(name: str) -> Callable[[ChannelConfig], ChannelConfig]:
    return lambda config: replace(config, display_name=name)


async def _hears_notifications(pool: Pool, *, not_by: int = 0) -> None:
    """Wait until the directory listens, on another connection than `not_by`; before that a notification reaches nobody."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await pool.fetchval(  # noqa: ASYNC110  # the server tells nobody that somebody listens
            "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen%' AND pid <> $1", not_by
        ):
            await asyncio.sleep(0)


async def test_it_finds_channels_by_what_the_inbox_says(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf
) -> None:
    shop = await insert_channel(pool, keyring, config_of("shop", inbox_previous_token="before"))
    desk = await insert_channel(pool, keyring, config_of("desk"))
    await directory.refresh()

    assert directory.get("shop") == shop
    assert directory.get("gone") is None
    assert {config.channel_id for config in directory.all()} == {"shop", "desk"}
    assert directory.find_by_inbox("inbox-shop", "inbox-token-shop") == shop
    assert directory.find_by_inbox("inbox-shop", "before") == shop
    assert directory.find_by_inbox("inbox-shop", "inbox-token-desk") is None
    assert directory.find_by_inbox("inbox-gone", "inbox-token-shop") is None
    assert directory.find_by_inbox("inbox-shop", "") is None
    assert directory.find_by_token("inbox-token-desk") == desk
    assert directory.find_by_token("before") == shop
    assert directory.find_by_token("") is None
    assert directory.find_by_token("other") is None


async def test_a_token_of_several_channels_names_none_and_an_inbox_id_of_several_goes_by_the_token(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf
) -> None:
    one = InboxBinding(webhook_url="https://a.example/", inbox_channel_id="7", id_type=IdType.CUSTOM)
    await insert_channel(pool, keyring, config_of("a", inbox=one, inbox_token="first"))
    b = await insert_channel(pool, keyring, config_of("b", inbox=one, inbox_token="second"))
    await insert_channel(pool, keyring, config_of("c", inbox_token="second"))
    await directory.refresh()

    assert directory.find_by_token("second") is None
    assert directory.find_by_inbox("7", "second") == b


async def test_a_channel_removed_and_added_again_is_the_new_one(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf
) -> None:
    await insert_channel(pool, keyring, config_of("shop"))
    await directory.refresh()
    changes = Changes(directory)
    await delete_channel(pool, "shop", force=False)
    new = await insert_channel(pool, keyring, config_of("shop", inbox_token="new"))

    await directory.refresh()

    assert directory.find_by_inbox("inbox-shop", "inbox-token-shop") is None
    assert directory.get("shop") == new
    assert await changes.next() == {"shop"}


async def test_a_refresh_without_changes_says_nothing(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf
) -> None:
    await insert_channel(pool, keyring, config_of("shop"))
    await directory.refresh()
    said: list[frozenset[str]] = []
    directory.on_change(said.append)
    await directory.refresh()
    assert said == []


async def test_a_channel_whose_secrets_cannot_be_read_is_left_out_until_they_can(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    await insert_channel(pool, keyring, config_of("shop"))
    other_key = Keyring({"k9": bytes(32)})
    desk = await insert_channel(pool, other_key, config_of("desk"))
    directory = ChannelDirectory(pool, other_key)
    await directory.refresh()

    assert [config.channel_id for config in directory.all()] == ["desk"]
    both = Keyring({"k9": bytes(32), **keyring.keys})
    await change_channel(pool, both, "shop", _display_name("Sealed anew"))
    await directory.refresh()
    assert directory.get("shop") is not None
    assert directory.get("desk") == desk


async def test_changes_are_heard_at_once(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.directory.POLL_EVERY", NEVER)
    changes = Changes(directory)
    async with directory.running():
        await _hears_notifications(pool)
        await insert_channel(pool, keyring, config_of("shop"))
        assert await changes.next() == {"shop"}
        await change_channel(pool, keyring, "shop", _display_name("New"))
        assert await changes.next() == {"shop"}
        shop = directory.get("shop")
        assert shop is not None
        assert shop.display_name == "New"
        await delete_channel(pool, "shop", force=False)
        assert await changes.next() == {"shop"}
        assert directory.get("shop") is None


async def test_changes_are_found_without_notifications(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.directory.POLL_EVERY", timedelta(milliseconds=10))

    async def say_nothing(*_: object) -> None:
        pass

    monkeypatch.setattr("core.storage.channels._announce", say_nothing)
    await insert_channel(pool, keyring, config_of("shop"))
    async with directory.running():
        changes = Changes(directory)
        await change_channel(pool, keyring, "shop", _display_name("New"))
        assert await changes.next() == {"shop"}


async def test_the_last_known_channels_stay_while_the_database_is_away(
    database_folder: Path, keyring: Keyring, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.directory.POLL_EVERY", timedelta(milliseconds=20))
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(embedded_database(database_folder))
        async with open_pool(url, size=5) as pool:
            await migrate(pool)
            shop = await insert_channel(pool, keyring, config_of("shop"))
            directory = ChannelDirectory(pool, keyring)
            changes = Changes(directory)
            async with directory.running():
                assert await changes.next() == {"shop"}
                await server.aclose()
                await directory.catch_up()
                assert directory.get("shop") == shop

                await server.enter_async_context(embedded_database(database_folder))
                await change_channel(pool, keyring, "shop", _display_name("After"))
                assert await changes.next() == {"shop"}


async def test_it_listens_anew_after_its_connections_were_cut(
    pool: Pool, keyring: Keyring, directory: ChannelDirectory, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.directory.POLL_EVERY", timedelta(milliseconds=20))
    await insert_channel(pool, keyring, config_of("shop"))
    changes = Changes(directory)
    async with directory.running():
        assert await changes.next() == {"shop"}
        await _hears_notifications(pool)
        listener = await pool.fetchval("SELECT pid FROM pg_stat_activity WHERE query ILIKE 'listen%'")
        await pool.execute("SELECT pg_terminate_backend($1)", listener)
        await _hears_notifications(pool, not_by=listener)
        await change_channel(pool, keyring, "shop", _display_name("After"))
        assert await changes.next() == {"shop"}
