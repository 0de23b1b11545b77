import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from sandbox.settings import Settings
from tests.sandbox.world import INBOX, soon

ROOT = Path(__file__).parents[2]
Process = asyncio.subprocess.Process
StartProcess = Callable[[], Awaitable[tuple[Process, dict[str, Any]]]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[StartProcess]:
    """Start `python -m sandbox` on a free port; its process, and the log line that says it is up."""
    processes: list[Process] = []
    given = {"PORT": "0", "DATA_FOLDER": str(tmp_path), "INBOX_TOKEN": "hush-hush"}
    environment = os.environ | {f"ANYCHANNEL_SANDBOX_{name}": value for name, value in given.items()}

    async def launched() -> tuple[Process, dict[str, Any]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
        )
        processes.append(process)
        assert process.stdout is not None
        started: dict[str, Any] = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        return process, started

    yield launched
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_it_stops_whatever_is_under_way(launch: StartProcess) -> None:
    process, started = await launch()
    async with ClientSession(started["url"], timeout=ClientTimeout()) as http:
        async with http.put("/inbox/faults", json={"hang_seconds": 60}) as answer:
            assert answer.status == 200
        page = await http.get("/events")
        await soon(page.content.readline())
        hanging = asyncio.ensure_future(http.post("/custom/channel/webhook/", json={}))
        told = b""
        while b"event: fault" not in told:  # the request has arrived, and hangs
            told = await soon(page.content.readline())
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0  # long before what hangs would have ended
        hanging.cancel()
        page.close()


async def test_killed_it_has_kept_what_it_answered_200(launch: StartProcess) -> None:
    process, started = await launch()
    body = {
        "channelId": "sandbox-inbox",
        "contactId": "+491713920042",
        "events": [
            {
                "type": "message",
                "mId": "m1",
                "timestamp": round(time.time() * 1000),
                "message": {"type": "text", "text": "kept"},
            }
        ],
    }
    headers = INBOX | {"Authorization": "Bearer hush-hush"}
    async with (
        ClientSession(started["url"]) as http,
        http.post("/custom/channel/webhook/", json=body, headers=headers) as answer,
    ):
        assert answer.status == 200
        process.kill()
        await process.wait()
    _, started = await launch()
    async with ClientSession(started["url"]) as http, http.get("/inbox/ledger") as answer:
        assert [entry["mId"] for entry in await answer.json()] == ["m1"]


async def test_secrets_are_not_logged(launch: StartProcess) -> None:
    _, started = await launch()
    assert started["settings"]["inbox_token"] == "**********"
    assert "hush-hush" not in json.dumps(started)


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert "token" not in repr(Settings()).replace("_token=", "")
