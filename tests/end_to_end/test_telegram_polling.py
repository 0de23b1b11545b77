"""A bot without a webhook: the gateway asks Telegram, and confirms nothing that is not stored."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from anychannel import ChannelContext, Heard
from anychannel.testing import ScriptedPlatform
from providers.telegram import TelegramProvider
from tests.end_to_end.bot_api import SENDER, BotApi, telegram_shop, update
from tests.end_to_end.product import Product
from tests.end_to_end.shop import Shop, texts
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTACT = str(SENDER["id"])


@pytest_asyncio.fixture(loop_scope="session")
async def bot_api() -> AsyncIterator[BotApi]:
    bot_api = BotApi()
    async with ScriptedPlatform(bot_api.answer) as platform:
        bot_api.url = platform.url
        yield bot_api


class HaltingProvider(TelegramProvider):
    """Halts at a moment of listening, until it is killed."""

    platform = "halting"

    def __init__(self, moment: str = "") -> None:
        super().__init__()
        self.moment = moment
        self.is_there = asyncio.Event()

    async def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        async for heard in super().listen(channel, cursor):
            if self.moment == "before core has it":
                await self._halt()
            # What core forgot of how far it got, it gets again from where it was.
            yield replace(heard, cursor=cursor) if self.moment == "before core remembers how far it got" else heard
            if self.moment:
                await self._halt()

    async def _halt(self) -> None:
        self.is_there.set()
        await asyncio.Event().wait()


class StumblingProvider(TelegramProvider):
    """Has a bug the first time it listens."""

    platform = "stumbling"
    stumbles = 1

    async def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        if self.stumbles:
            self.stumbles -= 1
            raise RuntimeError("a bug")
        async for heard in super().listen(channel, cursor):
            yield heard


async def test_what_people_write_to_a_polled_bot_arrives_and_is_confirmed(product: Product, bot_api: BotApi) -> None:
    bot_api.happen(update(100, message={"text": "1"}), update(101, message={"text": "2"}))
    async with telegram_shop(product, bot_api, mode="polling") as shop:
        assert texts(await shop.said_by_contact(2, CONTACT)) == ["1", "2"]
        bot_api.happen(update(102, message={"text": "3"}))
        assert texts(await shop.said_by_contact(3, CONTACT)) == ["1", "2", "3"]

        offsets = await until(lambda: _seen(bot_api.offsets), lambda offsets: 103 in offsets)

        assert [offset for n, offset in enumerate(offsets) if offset not in offsets[:n]] == [0, 102, 103]
        bubble = await shop.send("4", CONTACT)
        await shop.reached(bubble["mId"], "sent", CONTACT)


@pytest.mark.parametrize(
    ("moment", "offset_after"),
    [
        pytest.param("before core has it", 0, id="before core has it"),
        pytest.param("before core remembers how far it got", 0, id="before core remembers how far it got"),
        pytest.param("before Telegram knows that we have it", 101, id="before Telegram knows"),
    ],
)
async def test_wherever_listening_is_killed_an_update_arrives_once(
    product: Product, bot_api: BotApi, moment: str, offset_after: int
) -> None:
    bot_api.happen(update(100, message={"text": "once"}))
    killed = HaltingProvider(moment)
    async with product.providing(killed):
        opened = telegram_shop(product, bot_api, mode="polling", platform="halting")
        shop = await opened.__aenter__()
        await asyncio.wait_for(killed.is_there.wait(), 5)
        unconfirmed = list(bot_api.offsets)
    try:
        async with product.providing(HaltingProvider()):
            bot_api.happen(update(101, message={"text": "then"}))
            assert texts(await shop.said_by_contact(2, CONTACT)) == ["once", "then"]
            assert await shop.mishaps() == {}
    finally:
        await opened.__aexit__(None, None, None)

    assert unconfirmed == [0]
    assert bot_api.offsets[1] == offset_after


async def test_a_provider_with_a_bug_is_listened_to_again(product: Product, bot_api: BotApi) -> None:
    bot_api.happen(update(100, message={"text": "late"}))
    async with (
        product.providing(StumblingProvider()),
        telegram_shop(product, bot_api, mode="polling", platform="stumbling") as shop,
    ):
        assert texts(await shop.said_by_contact(1, CONTACT)) == ["late"]


async def test_a_paused_channel_is_not_polled_and_goes_on_where_it_was(product: Product, bot_api: BotApi) -> None:
    async with telegram_shop(product, bot_api, mode="polling") as shop:
        bot_api.happen(update(100, message={"text": "before"}))
        await shop.said_by_contact(1, CONTACT)
        await until(lambda: _seen(bot_api.offsets), lambda offsets: offsets[-1] == 101)
        await _pause(shop)
        bot_api.happen(update(101, message={"text": "meanwhile"}))

        await shop.change("paused", paused=False)

        assert texts(await shop.said_by_contact(2, CONTACT)) == ["before", "meanwhile"]


async def _pause(shop: Shop) -> None:
    await shop.change("paused", paused=True)


async def _seen(offsets: list[int]) -> list[int]:
    return list(offsets)
