"""One connection to the gateway: it beats in the background, and hands over what is dispatched, in order.

https://docs.discord.com/developers/events/gateway#connection-lifecycle
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import aiohttp

from anychannel import PlatformUnavailable
from providers.discord.gateway import (
    DISPATCH,
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    INVALID_SESSION,
    RECONNECT,
    RESUMABLE_CLOSE,
    Ending,
    Packet,
    heartbeat,
    read_packet,
)

_HELLO_SECONDS: Final = 20
# What waits until core has stored what came before; beyond that the gateway is read no further, nor its acknowledgements,
# and so the connection ends and is resumed from what was stored.
_MAX_WAITING: Final = 100
_BROKEN: Final = (aiohttp.ClientError, ConnectionError, TimeoutError, OSError)


class Connection:
    """An open connection. Close it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, seq: int, jitter: Callable[[], float]) -> None:
        self._socket = socket
        self._stored_seq = seq
        self._jitter = jitter
        self._waiting: asyncio.Queue[Packet | Ending] = asyncio.Queue(_MAX_WAITING)
        self._is_acknowledged = True
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, first_words: str) -> None:
        """Wait for the greeting, and answer with `first_words`. Raises PlatformUnavailable."""
        interval_seconds = await self._greeting()
        if interval_seconds is None or not await self._say(first_words):
            raise PlatformUnavailable("Discord's gateway did not answer as it should.")
        self._tasks = [
            asyncio.create_task(self._keep_reading()),
            asyncio.create_task(self._keep_beating(interval_seconds)),
        ]

    async def next(self) -> Packet | Ending:
        """The next dispatch, or how the connection ended."""
        return await self._waiting.get()

    def stored(self, seq: int) -> None:
        """Everything up to `seq` is stored: only then is Discord told so, in a heartbeat."""
        self._stored_seq = max(self._stored_seq, seq)

    async def close(self) -> None:
        """Close, so that the session can be resumed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(*_BROKEN):
            await self._socket.close(code=RESUMABLE_CLOSE)

    async def _greeting(self) -> float | None:
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                message = await self._socket.receive()
        except _BROKEN:
            return None
        packet = read_packet(message.data) if message.type is aiohttp.WSMsgType.TEXT else None
        milliseconds = packet.data.number("heartbeat_interval") if packet and packet.op == HELLO else 0
        return milliseconds / 1000 if milliseconds > 0 else None

    async def _keep_reading(self) -> None:
        ending: Ending | None = None
        while ending is None:
            ending = await self._read()
        await self._waiting.put(ending)

    async def _read(self) -> Ending | None:
        try:
            message = await self._socket.receive()
        except _BROKEN:
            return Ending()
        if message.type is not aiohttp.WSMsgType.TEXT:
            return Ending(close_code=self._socket.close_code)
        packet = read_packet(message.data)
        return await self._take(packet) if packet is not None else None

    async def _take(self, packet: Packet) -> Ending | None:
        if packet.op == DISPATCH and packet.name:
            await self._waiting.put(packet)
        elif packet.op == HEARTBEAT:
            await self._beat()
        elif packet.op == HEARTBEAT_ACK:
            self._is_acknowledged = True
        elif packet.op == RECONNECT:
            return Ending()
        elif packet.op == INVALID_SESSION:
            return Ending(is_session_lost=not packet.is_resumable)
        return None

    async def _keep_beating(self, interval_seconds: float) -> None:
        """The first beat comes at a random time, so that not everybody's come at once after an outage.

        https://docs.discord.com/developers/events/gateway#heartbeat-interval
        """
        await asyncio.sleep(interval_seconds * self._jitter())
        while self._is_acknowledged:
            self._is_acknowledged = False
            if not await self._beat():
                return
            await asyncio.sleep(interval_seconds)
        with suppress(*_BROKEN):
            await self._socket.close(code=RESUMABLE_CLOSE)  # nobody is at the other end any more

    async def _beat(self) -> bool:
        return await self._say(heartbeat(self._stored_seq))

    async def _say(self, words: str) -> bool:
        try:
            await self._socket.send_str(words)
        except _BROKEN:
            return False
        return True
