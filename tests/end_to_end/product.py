"""The product in one process: core, edge and providers as their own main functions run them, on free ports of this machine."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from anychannel import Provider
from anychannel._registration import keep_registered
from anychannel._server import start_server
from anychannel.channel import RegisteredProvider
from anychannel.client import GatewayClient
from core.server import Serving, running
from core.settings import Settings as CoreSettings
from edge.serve import Running, serve
from edge.settings import Settings as EdgeSettings
from tests.end_to_end.waiting import DEADLINE_SECONDS, until

T = TypeVar("T")

HOST = "127.0.0.1"
ADMIN_KEY = "key_admin-SECRET-0123456789abcdefghij"
REGISTRATION_TOKEN = "reg_token-SECRET-0123456789abcdefghij"
ENCRYPTION_KEY = base64.b64encode(b"encryption-SECRET-0123456789abcd").decode()
# As patient as in production would make each story of a failure take minutes.
IMPATIENT: dict[str, Any] = {"retry_first": 0.04, "retry_max": 0.4, "attempt_timeout": 1.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A running gateway, and a client that may do everything."""

    core_address: str
    edge_url: str
    gateway: GatewayClient
    core: Serving

    @asynccontextmanager
    async def providing(self, provider: Provider) -> AsyncIterator[None]:
        """Serve a provider and have it register itself, while the context lasts."""
        async with (
            start_server(provider, grace_seconds=0.1) as served,
            self.announcing(provider.platform, f"{HOST}:{served.port}"),
        ):
            yield

    @asynccontextmanager
    async def announcing(self, platform: str, address: str) -> AsyncIterator[None]:
        """Keep a provider registered that is served already."""
        announcing = keep_registered(
            platform=platform, core=self.core_address, address=address, token=REGISTRATION_TOKEN
        )
        async with in_background(announcing):
            await until(self.gateway.providers, partial(_knows, platform, address))
            yield


@asynccontextmanager
async def run_product(database_url: str, **settings: Any) -> AsyncIterator[Product]:
    """Core and edge, until the context ends."""
    with _reserved_port() as edge_port:
        edge_url = f"http://{HOST}:{edge_port}"
        values: dict[str, Any] = {
            "listen": f"{HOST}:0",
            "database_url": database_url,
            "admin_key": ADMIN_KEY,
            "registration_token": REGISTRATION_TOKEN,
            "encryption_keys": f"k1:{ENCRYPTION_KEY}",
            "public_url": edge_url,
        }
        async with running(CoreSettings(**values | IMPATIENT | settings)) as core:
            address = f"{HOST}:{core.port}"
            async with _run_edge(edge_port, address), GatewayClient(address, ADMIN_KEY) as gateway:
                yield Product(core_address=address, edge_url=edge_url, gateway=gateway, core=core)


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something beside the rest; cancelled in the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def held(context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """A context entered and left by one task, as what is built of task groups must be; pytest uses one task for each."""
    entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    leave = asyncio.Event()

    async def hold() -> None:
        try:
            async with context as value:
                entered.set_result(value)
                await leave.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    holding = asyncio.create_task(hold())
    try:
        yield await entered
    finally:
        leave.set()
        await holding


@asynccontextmanager
async def _run_edge(port: int, core_address: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    listening: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    settings = EdgeSettings(host=HOST, port=port, core_address=core_address, drain_seconds=0)
    task = asyncio.create_task(serve(settings, stop, started=listening.set_result))
    first: list[asyncio.Future[Any]] = [listening, task]
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await next(asyncio.as_completed(first))  # it listens, or it failed
        yield
    finally:
        stop.set()
        await task


class _reserved_port:  # noqa: N801  # used like a function
    """A port that nobody is given by chance; who listens on it with SO_REUSEADDR, as servers do, may have it."""

    def __enter__(self) -> int:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _knows(platform: str, address: str, providers: list[RegisteredProvider]) -> bool:
    return any(it.platform == platform and it.address == address and it.ready for it in providers)
