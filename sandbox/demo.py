"""Joins the sandbox's phone network to the sandbox's inbox by a channel, as an operator would, and says where to look."""

import asyncio
import os
import signal
from pathlib import Path

from anychannel.channel import Channel, IdType, InboxBinding
from anychannel.client import GatewayClient, GatewayError
from sandbox.settings import Settings

CHANNEL_ID = "sandbox"
PATIENCE_SECONDS = 60.0
_AGAIN_SECONDS = 0.2


async def main() -> None:
    """Set the channel up as soon as core and the provider are there; then wait for Ctrl-C, as a supervised process does."""
    settings = Settings()
    key_file = Path(os.environ["ANYCHANNEL_API_KEY_FILE"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await _set_up(settings, key_file)
                break
            except (OSError, GatewayError):
                await asyncio.sleep(_AGAIN_SECONDS)
    address = f"http://{settings.host}:{settings.port}/"
    print(f"\n\n    Open {address} - write on a phone, answer in the inbox.\n", flush=True)  # noqa: T201
    await _until_stopped()


async def _set_up(settings: Settings, key_file: Path) -> None:
    """Raises `OSError` while core has not made its key yet, and `GatewayError` while core or the provider is not there yet."""
    key = (await asyncio.to_thread(key_file.read_text, encoding="ascii")).strip()
    address = os.environ["ANYCHANNEL_CORE_ADDRESS"]
    async with GatewayClient(address, key) as gateway:
        if any([channel.channel_id == CHANNEL_ID async for channel in gateway.channels.list()]):
            await gateway.channels.update(_channel(settings), ["settings", "inbox"])
        else:
            await gateway.channels.create(_channel(settings))
        result = await gateway.channels.check(CHANNEL_ID)
        for problem in result.problems:
            print(f"{CHANNEL_ID}: {problem.text}", flush=True)  # noqa: T201


def _channel(settings: Settings) -> Channel:
    sandbox = f"http://{settings.host}:{settings.port}"
    return Channel(
        channel_id=CHANNEL_ID,
        platform="sandbox",
        display_name="Sandbox phones",
        settings={
            "api_base": sandbox,
            "access_token": settings.platform_token.get_secret_value(),
            "webhook_secret": settings.webhook_secret.get_secret_value(),
        },
        inbox=InboxBinding(
            webhook_url=f"{sandbox}/custom/channel/webhook/",
            inbox_channel_id=settings.inbox_channel_id,
            token=settings.inbox_token.get_secret_value(),
            id_type=IdType(settings.id_type.value),
        ),
    )


async def _until_stopped() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
