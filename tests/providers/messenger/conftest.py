"""A channel at a scripted Messenger."""

from collections.abc import AsyncIterator, Callable

import pytest

from anychannel import ChannelContext
from anychannel.testing import ScriptedPlatform, a_channel
from providers.messenger import MessengerProvider

ChannelMaker = Callable[..., ChannelContext]

SETTINGS = {
    "page_id": "1906385232743451",
    "page_access_token": "EAAG-the-token-of-the-page",
    "app_id": "1517776481860111",
    "app_secret": "the-secret-of-the-app",
    "verify_token": "meatyhamhock",
    "human_agent": "no",
    "graph_version": "v26.0",
}


@pytest.fixture
async def messenger() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(messenger: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = "https://gateway.example/w/1", **settings: str) -> ChannelContext:
        return a_channel({**SETTINGS, "api_base": messenger.url, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
async def provider() -> AsyncIterator[MessengerProvider]:
    provider = MessengerProvider()
    await provider.start()
    yield provider
    await provider.stop()
