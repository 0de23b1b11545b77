"""What tests of the dispatcher share: two channels."""

from collections.abc import Callable

import pytest

from core.channels import ChannelConfig
from core.secrets import Keyring
from core.storage.channels import insert_channel
from core.storage.database import Pool

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture
async def shops(emptied: Pool, keyring: Keyring, config_of: ConfigOf) -> Pool:
    """The database with the channels `shop` and `other`, both fast."""
    for channel_id in ("shop", "other"):
        await insert_channel(emptied, keyring, config_of(channel_id, platform_rate=2000, inbox_rate=2000))
    return emptied
