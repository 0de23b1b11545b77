"""A channel at a scripted Viber."""

from collections.abc import AsyncIterator, Callable

import pytest

from anychannel import ChannelContext
from anychannel.testing import ScriptedPlatform, a_channel
from providers.viber import ViberProvider

ChannelMaker = Callable[..., ChannelContext]

# https://developers.viber.com/docs/api/rest-bot-api/#authentication-token
TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"


@pytest.fixture
async def viber() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(viber: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = "https://gateway.example/w/1", **settings: str) -> ChannelContext:
        defaults = {"auth_token": TOKEN, "sender_name": "Acme", "api_base": f"{viber.url}/pa"}
        return a_channel({**defaults, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
async def provider() -> AsyncIterator[ViberProvider]:
    provider = ViberProvider()
    await provider.start()
    yield provider
    await provider.stop()
