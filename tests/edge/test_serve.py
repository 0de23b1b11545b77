"""Edge drains: not ready first, then no new connections, then what is under way ends, then exit."""

import asyncio
from typing import Any

import aiohttp
import pytest

BEARER = {"Authorization": "Bearer secret-token"}


async def post(http: aiohttp.ClientSession, url: str) -> tuple[int, str | None]:
    async with http.post(url, headers=BEARER) as answer:
        await answer.read()
        return answer.status, answer.headers.get("Connection")


async def test_drains(start_edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    go_on = asyncio.Event()

    async def answer_later(asked: Any) -> Any:
        if asked.request.query == "slow":
            await go_on.wait()
        return core.script.a_reply(message_id="msg_" + asked.request.query, channel_id="chn_1")

    core.script.answer = answer_later
    async with start_edge() as edge:
        assert await post(http, f"{edge.url}/message?first") == (200, None)
        slow = asyncio.create_task(post(http, f"{edge.url}/message?slow"))
        async with asyncio.timeout(10):
            for _ in range(2):
                await core.script.asked.get()

        edge.stop.set()
        async with asyncio.timeout(10):
            await edge.draining.wait()
        async with http.get(f"{edge.url}/readyz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"error": {"message": "draining"}}
        # balancers have not noticed yet: what comes is answered, on a connection that is not used again
        assert await post(http, f"{edge.url}/message?late") == (200, "close")
        answer_and_end = await edge.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_and_end.startswith(b"HTTP/1.1 200 ")

        edge.drained.set()
        with pytest.raises(OSError):  # noqa: PT012  # until the port is closed
            async with asyncio.timeout(10):
                while True:
                    _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
                    writer.close()
                    await asyncio.sleep(0)
        assert not edge.task.done()
        go_on.set()
        assert await slow == (200, "close")
        async with asyncio.timeout(10):
            await edge.task
    confirmed = {core.script.confirmed.get_nowait()[1] for _ in range(core.script.confirmed.qsize())}
    assert confirmed == {"msg_first", "msg_late", "msg_slow"}


async def test_what_does_not_end_is_cut_off(start_edge: Any, core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.serve._FINISH_MARGIN_SECONDS", 0.0)
    header = core.script.a_header(mime_type="image/png")
    core.script.media = [
        core.script.a_piece(header=header),
        *[core.script.a_piece(data=b"x" * 256 * 1024)] * 400,
    ]
    async with start_edge(request_timeout=0.5) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=1024)
        writer.write(b"GET /media/token HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readline()
        edge.stop.set()
        edge.drained.set()
        async with asyncio.timeout(5):
            await edge.task
        writer.transport.abort()


async def test_stops_at_once_when_idle(start_edge: Any, http: aiohttp.ClientSession) -> None:
    async with start_edge() as edge:
        async with http.get(f"{edge.url}/healthz") as answer:  # leaves an idle connection behind
            assert answer.status == 200
        edge.stop.set()
        edge.drained.set()
        async with asyncio.timeout(2):
            await edge.task
