"""Opening a shop: a sandbox of its own, and the channel between its inbox and its phones."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
from aiohttp import web
from pydantic import AnyHttpUrl, SecretStr

from anychannel.channel import Channel, DeliveryPolicy, IdType, InboxBinding
from sandbox.app import create_app
from sandbox.settings import Settings
from tests.end_to_end.product import HOST, Product
from tests.end_to_end.shop import Json, Shop
from tests.end_to_end.waiting import DEADLINE_SECONDS


@asynccontextmanager
async def open_shop(
    product: Product,
    *,
    platform: str = "sandbox",
    settings: Json | None = None,
    inbox: Json | None = None,
    policy: DeliveryPolicy | None = None,
    sandbox: Json | None = None,
    api_base: str = "",
    by_channel_path: bool = False,
) -> AsyncIterator[Shop]:
    """A sandbox and a channel of its own, checked, so that webhooks are registered; the channel is removed in the end.

    Args:
        product: the gateway.
        platform: whose provider serves the channel.
        settings: the channel's settings, instead of those of the sandbox's phones.
        inbox: fields of the channel's inbox binding, beside the usual.
        policy: the channel's pace and patience.
        sandbox: settings of the sandbox, beside the usual.
        api_base: where the phones' API is, if not in the sandbox.
        by_channel_path: whether the inbox posts to /channels/{channel_id}/message.
    """
    name = f"shop-{secrets.token_hex(4)}"
    values: Json = {
        "inbox_channel_id": f"inbox-of-{name}",
        "inbox_token": SecretStr(f"inbox-token-SECRET-{name}"),
        "platform_token": SecretStr(f"platform-token-SECRET-{name}"),
        "webhook_secret": SecretStr(f"webhook-secret-SECRET-{name}"),
        "gateway_url": AnyHttpUrl(f"{product.edge_url}/channels/{name}" if by_channel_path else product.edge_url),
        "delivered_after": 0,
        "read_after": 0,
    }
    chosen = Settings(**values | (sandbox or {}))
    async with _run_sandbox(chosen) as sandbox_url, _http() as http:
        channel = Channel(
            channel_id=name,
            platform=platform,
            settings=settings
            or {
                "api_base": api_base or sandbox_url,
                "access_token": chosen.platform_token.get_secret_value(),
                "webhook_secret": chosen.webhook_secret.get_secret_value(),
            },
            inbox=replace(
                InboxBinding(
                    webhook_url=f"{sandbox_url}/custom/channel/webhook/",
                    inbox_channel_id=chosen.inbox_channel_id,
                    token=chosen.inbox_token.get_secret_value(),
                    id_type=IdType(chosen.id_type.value),
                ),
                **(inbox or {}),
            ),
            policy=policy or DeliveryPolicy(),
        )
        created = await product.gateway.channels.create(channel)
        shop = Shop(product, http, sandbox_url, replace(channel, webhook_url=created.webhook_url))
        shop.by_channel_path = by_channel_path
        try:
            if settings is None and not api_base:
                checked = await product.gateway.channels.check(name)
                assert not checked.problems, checked
            yield shop
        finally:
            await product.gateway.channels.delete(name, force=True)


@asynccontextmanager
async def _run_sandbox(settings: Settings) -> AsyncIterator[str]:
    # A hanging webhook must not hold up the end of a story.
    runner = web.AppRunner(create_app(settings), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _http() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
    )
