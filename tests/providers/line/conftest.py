"""A channel at a scripted LINE."""

from collections.abc import AsyncIterator, Callable

import pytest

from anychannel import ChannelContext
from anychannel.testing import ScriptedPlatform, a_channel
from providers.line import LineProvider

ChannelMaker = Callable[..., ChannelContext]

SETTINGS = {"channel_access_token": "the-access-token/of+the=channel", "channel_secret": "the-secret-of-the-channel"}


@pytest.fixture
async def line() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(line: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = "https://gateway.example/w/1", **settings: str) -> ChannelContext:
        bases = {"api_base": line.url, "data_base": f"{line.url}/data"}
        return a_channel({**SETTINGS, **bases, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
async def provider() -> AsyncIterator[LineProvider]:
    provider = LineProvider()
    await provider.start()
    yield provider
    await provider.stop()
