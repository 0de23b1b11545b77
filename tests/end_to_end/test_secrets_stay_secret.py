"""A day full of mishaps, after which no secret stands anywhere."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from anychannel import ChannelContext, Part, Sent
from anychannel.channel import ReplyMode, Scope
from anychannel.client import GatewayError
from anychannel.testing import Answer, RecordedRequest, ScriptedPlatform
from providers.sandbox import SandboxProvider
from tests.end_to_end.bot_api import SECRET, SENDER, TOKEN, BotApi, telegram_shop, update
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.product import ADMIN_KEY, ENCRYPTION_KEY, REGISTRATION_TOKEN, Product
from tests.end_to_end.shop import Shop, event

pytestmark = pytest.mark.asyncio(loop_scope="session")


class LeakyProvider(SandboxProvider):
    """An author's mistake: an exception that holds all there is to hold."""

    platform = "leaky"

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        del part
        raise RuntimeError(f"{dict(channel.settings)} {channel.webhook_url}")


@pytest.fixture
def every_line(log: io.StringIO) -> Iterator[io.StringIO]:
    """The log with everything that libraries say, but for the access log of what plays the platforms."""
    root, access = logging.getLogger(), logging.getLogger("aiohttp.access")
    levels = root.level, access.level
    root.setLevel(logging.DEBUG)
    access.setLevel(logging.CRITICAL)
    yield log
    root.setLevel(levels[0])
    access.setLevel(levels[1])


def repeating(request: RecordedRequest) -> Answer:
    """A platform that repeats in its error what it was asked with."""
    said = f"{request.headers} {request.path} {request.body!r}"
    return Answer(status=400, json={"error": {"code": "bad_request", "message": said}})


async def tables(database_url: str) -> AsyncIterator[tuple[str, str]]:
    """Every row in the database, as text."""
    connection = await asyncpg.connect(database_url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in names:
            for (row,) in await connection.fetch(f'SELECT t::text FROM "{name}" t'):
                yield name, row
    finally:
        await connection.close()


async def mishaps_of_a_phone_shop(shop: Shop) -> list[object]:
    """What everybody was told on a bad day."""
    told: list[object] = [await shop.post(shop.text(), token="wrong"), await shop.post(shop.text(), token="")]
    told += [await shop.post(b"{]"), await shop.tell(event("message", "ph_1", "forged"), secret="wrong")]
    told += [await shop.send("Hello"), await shop.gateway.send(shop.channel_id, "+491713920042", "Hello")]
    await shop.misbehave(status=401, count=1)
    told += [await shop.tell(event("message", "ph_2", "Hi"))]
    await shop.faults()
    await shop.misbehave(status=400, count=1)
    told += [await shop.tell(event("message", "ph_3", "Hi"))]
    await shop.settled()
    return told


async def test_after_a_bad_day_no_secret_is_in_any_log_answer_record_or_address(
    product: Product, product_database: str, shops: OpenShop, every_line: io.StringIO
) -> None:
    begin = every_line.tell()
    told: list[object] = []
    secrets = {ADMIN_KEY, REGISTRATION_TOKEN, ENCRYPTION_KEY, TOKEN, SECRET}
    _, key = await product.gateway.keys.create("of a service", [Scope.READ])
    secrets.add(key)
    bot_api = BotApi()
    async with (
        ScriptedPlatform(repeating) as repeater,
        ScriptedPlatform(bot_api.answer) as telegram,
        product.providing(LeakyProvider()),
        shops() as good,
        shops(inbox={"reply": ReplyMode.OUTCOME}) as waiting,
        shops(api_base=repeater.url) as repeated,
        shops(platform="leaky") as leaky,
    ):
        bot_api.url = telegram.url
        async with telegram_shop(product, bot_api) as bot:
            for shop in (good, waiting, repeated, leaky):
                secrets |= set(shop.channel.settings.values()) - {shop.channel.settings["api_base"]}
                secrets |= {shop.token, shop.channel.webhook_url.rpartition("/")[2]}
                told += await mishaps_of_a_phone_shop(shop)
            secrets |= {bot.token, bot.channel.webhook_url.rpartition("/")[2]}
            headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
            photo = {"photo": [{"file_id": "photos/file_1.jpg"}]}
            told.append(await bot.call("POST", bot.channel.webhook_url, json=update(message=photo), headers=headers))
            told.append(await bot.said_by_contact(1, str(SENDER["id"])))
            bot_api.refusals.append(Answer(close=True))
            bot_api.refusals.append(Answer(status=500, body=f"proxy: /bot{TOKEN}/sendMessage".encode()))
            told.append(await bot.send("Hello", str(SENDER["id"])))
            await bot.settled()
            for shop in (good, waiting, repeated, leaky, bot):
                told += [it async for it in product.gateway.dead_letters.list(shop.channel_id)]
                told += [
                    await product.gateway.message(it.message_id)
                    async for it in product.gateway.messages(shop.channel_id)
                ]
                told.append(product.core.directory.get(shop.channel_id))
                channel = await product.gateway.channels.get(shop.channel_id)
                told += [channel, dict(channel.settings), channel.inbox]
                told.append(await shop.inbox())
                with pytest.raises(GatewayError) as refused:
                    await product.gateway.channels.create(shop.channel)
                told += [refused.value, str(refused.value)]
            told += [product.gateway, await product.gateway.providers(), await product.gateway.keys.list()]
            stored = [row async for row in tables(product_database)]

    lines = every_line.getvalue()[begin:]
    assert len(lines.splitlines()) > 50
    assert "provider failed" in lines
    everything = [("log", line) for line in lines.splitlines()]
    everything += [("told", text) for it in told for text in (repr(it), json.dumps(it, default=repr))]
    everything += stored
    found = [
        (where, secret, text[:300])
        for where, text in everything
        for secret in secrets
        if secret in text or secret.encode().hex() in text
    ]
    assert found == []
