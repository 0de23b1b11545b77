"""The sandbox on port 0 of this machine, with its clock and its gateway in the test's hands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import AnyHttpUrl

from sandbox.app import create_app
from sandbox.settings import Settings
from tests.sandbox.world import ManualClock, Sandbox, ScriptedGateway, StartSandbox


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    scripted = ScriptedGateway()
    app = web.Application()
    app.add_routes([web.post("/message", scripted.message), web.post("/webhook", scripted.webhook)])
    async with TestServer(app) as server:
        scripted.url = str(server.make_url("/")).rstrip("/")
        yield scripted


@pytest.fixture
async def start(clock: ManualClock, gateway: ScriptedGateway) -> AsyncIterator[StartSandbox]:
    """Start a sandbox with these settings; it ends with the test."""
    running: list[TestClient[web.Request, web.Application]] = []

    async def started(**settings: Any) -> Sandbox:
        chosen = Settings(**{"gateway_url": AnyHttpUrl(gateway.url), **settings})
        client = TestClient(TestServer(create_app(chosen, clock)))
        await client.start_server()
        running.append(client)
        return Sandbox(http=client, settings=chosen)

    yield started
    for client in running:
        await client.close()


@pytest.fixture
async def sandbox(start: StartSandbox) -> Sandbox:
    return await start()
