"""A channel at a scripted Instagram."""

from collections.abc import AsyncIterator, Callable

import pytest

from anychannel import ChannelContext
from anychannel.testing import ScriptedPlatform, a_channel
from providers.instagram import InstagramProvider

ChannelMaker = Callable[..., ChannelContext]

SETTINGS = {
    "login": "instagram",
    "account_id": "17841405309211844",
    "access_token": "IGAA-the-token-of-the-account",
    "app_secret": "the-secret-of-the-app",
    "instagram_app_secret": "the-instagram-secret",
    "verify_token": "meatyhamhock",
    "human_agent": "no",
    "graph_version": "v26.0",
}


@pytest.fixture
async def instagram() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(instagram: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = "https://gateway.example/w/1", **settings: str) -> ChannelContext:
        return a_channel({**SETTINGS, "api_base": instagram.url, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
async def provider() -> AsyncIterator[InstagramProvider]:
    provider = InstagramProvider()
    await provider.start()
    yield provider
    await provider.stop()
