"""What tests of the engine's storage share: a channel whose lanes are fast enough not to be waited for."""

from collections.abc import Callable

import pytest

from core.channels import ChannelConfig
from core.secrets import Keyring
from core.storage.channels import insert_channel
from core.storage.database import Pool

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture
async def shop(emptied: Pool, keyring: Keyring, config_of: ConfigOf) -> Pool:
    """The database with the channel `shop`."""
    await insert_channel(emptied, keyring, config_of("shop", platform_rate=10_000, inbox_rate=10_000))
    return emptied


@pytest.fixture
async def twenty(emptied: Pool, keyring: Keyring, config_of: ConfigOf) -> Pool:
    """The database with the channel `shop` at twenty a second."""
    await insert_channel(emptied, keyring, config_of("shop"))
    return emptied
