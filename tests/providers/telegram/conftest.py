"""A channel at a scripted Telegram."""

from collections.abc import AsyncIterator, Callable

import pytest

from anychannel import ChannelContext
from anychannel.testing import ScriptedPlatform, a_channel
from providers.telegram import TelegramProvider

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"  # https://core.telegram.org/bots/api#authorizing-your-bot
SECRET = "s3cret_token-of-the-channel"

ChannelMaker = Callable[..., ChannelContext]


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
async def telegram() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(telegram: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = "https://gateway.example/w/1", **settings: str) -> ChannelContext:
        defaults = {"bot_token": TOKEN, "secret_token": SECRET, "mode": "webhook", "api_base": telegram.url}
        return a_channel({**defaults, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
async def provider() -> AsyncIterator[TelegramProvider]:
    provider = TelegramProvider()
    await provider.start()
    yield provider
    await provider.stop()
