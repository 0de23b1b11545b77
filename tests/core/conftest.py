"""What tests of core share: a keyring and channels."""

from collections.abc import Callable
from typing import Any

import pytest

from anychannel.provider import ChannelSettings
from core.channels import ChannelConfig
from core.inboxes.binding import IdType, InboxBinding
from core.secrets import Keyring

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
