"""A channel at a scripted Discord: its HTTP API, and a gateway that says and hears what a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from anychannel import ChannelContext
from anychannel.testing import ScriptedPlatform, a_channel
from providers.discord import DiscordProvider

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"  # of the documentation's shape, no bot's
_DEADLINE_SECONDS = 5.0

ChannelMaker = Callable[..., ChannelContext]


class GatewayConnection:
    """One connection that a bot made: say and hear."""

    def __init__(self, socket: web.WebSocketResponse, query: dict[str, str]) -> None:
        self.query = query
        self.closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._socket = socket
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def say(self, op: int, data: object = None, *, seq: int | None = None, name: str | None = None) -> None:
        await self._socket.send_str(json.dumps({"op": op, "d": data, "s": seq, "t": name}))

    async def say_raw(self, text: str) -> None:
        await self._socket.send_str(text)

    async def hello(self, *, interval: int = 60_000) -> None:
        await self.say(10, {"heartbeat_interval": interval})

    async def dispatch(self, name: str, data: object, *, seq: int) -> None:
        await self.say(0, data, seq=seq, name=name)

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            return await self._heard.get()

    async def close(self, code: int) -> None:
        await self._socket.close(code=code)

    async def serve(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                self._heard.put_nowait(json.loads(message.data))
        self.closed.set_result(self._socket.close_code)


class ScriptedGateway:
    """A gateway on a free port of this machine."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[GatewayConnection] = []
        self._arrived: asyncio.Queue[GatewayConnection] = asyncio.Queue()
        application = web.Application()
        application.router.add_get("/{anything:.*}", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def connected(self) -> GatewayConnection:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            return await self._arrived.get()

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        connection = GatewayConnection(socket, dict(request.query))
        self.connections.append(connection)
        self._arrived.put_nowait(connection)
        await connection.serve()
        return socket


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
async def discord() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    gateway = ScriptedGateway()
    await gateway.open()
    yield gateway
    await gateway.stop()


@pytest.fixture
def channel(discord: ScriptedPlatform) -> ChannelMaker:
    def make(**settings: str) -> ChannelContext:
        return a_channel({"bot_token": TOKEN, "api_base": f"{discord.url}/api/v10", **settings})

    return make


@pytest.fixture
async def provider() -> AsyncIterator[DiscordProvider]:
    provider = DiscordProvider(jitter=lambda: 0.0)
    await provider.start()
    yield provider
    await provider.stop()
