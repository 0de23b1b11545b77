"""What is too large, too slow, too much or malformed is refused early, in the inbox's words."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from edge.admission import Admission
from edge.replies import Refused

BEARER = {"Authorization": "Bearer secret-token"}
SEND = b"POST /message HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"


def error_text(raw_answer: bytes) -> str:
    return str(json.loads(raw_answer.partition(b"\r\n\r\n")[2])["error"]["message"])


@pytest.mark.parametrize(
    ("path", "limit"), [pytest.param("/message", 1000, id="send"), pytest.param("/webhooks/c/t", 2000, id="webhook")]
)
@pytest.mark.parametrize("framing", ["declared", "chunked"])
async def test_bodies_have_a_largest_size(
    path: str, limit: int, framing: str, start_edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async def pieces(size: int) -> Any:
        yield b"x" * (size - 1)
        yield b"x"

    async with start_edge(max_body_bytes=1000, max_webhook_body_bytes=2000) as edge:
        for size, status in ((limit, 200), (limit + 1, 413)):
            data = pieces(size) if framing == "chunked" else b"x" * size
            async with http.post(edge.url + path, data=data, headers=BEARER) as answer:
                assert answer.status == status
                assert status == 200 or "too large" in (await answer.json())["error"]["message"]
    assert [len(asked.request.body) for batch in core.script.batches for asked in batch] == [limit]


async def test_a_declared_size_is_refused_before_the_body_comes(edge: Any, core: Any) -> None:
    answer = await edge.raw(SEND + b"Content-Length: 99999999999\r\n\r\n", until=b"}}")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert core.script.batches == []


async def test_a_body_that_does_not_come_is_not_waited_for(
    start_edge: Any, core: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.serve._LINGER_SECONDS", 0.01)
    async with start_edge(body_read_timeout=0.05) as edge:
        answer = await edge.raw(SEND + b"Content-Length: 10\r\n\r\n123", until=b"}}")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert error_text(answer) == "The request did not arrive in time."
    assert core.script.batches == []


async def test_half_a_body_is_forwarded_to_nobody(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(SEND + b"Content-Length: 10\r\n\r\n123")
    await writer.drain()
    writer.transport.abort()
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{edge.url}/metrics") as answer:
                if 'anychannel_edge_requests_total{route="/message",status="499"} 1.0' in await answer.text():
                    break
    assert core.script.batches == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", id="a chunk without a size"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", id="a chunk longer than it says"),
        pytest.param(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", id="two framings"),
        pytest.param(b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", id="two lengths"),
        pytest.param(b"Content-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(b"Transfer-Encoding: gzip\r\n\r\nabc", id="an unknown framing"),
    ],
)
async def test_malformed_framing_is_refused(body: bytes, edge: Any, core: Any) -> None:
    answer = await edge.raw(SEND + b"Connection: close\r\n" + body)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert core.script.batches == []


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /webhooks/c/t HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 9000 + b"\r\n", id="a huge header"),
        pytest.param(b"GET /webhooks/c/t HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 200, id="many headers"),
        pytest.param(b"GET /webhooks/c/t?" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n", id="a huge address"),
        pytest.param(b"GET /webhooks/c/t?\xff HTTP/1.1\r\nHost: x\r\n", id="an address that is not ASCII"),
        pytest.param(b"GET /webhooks/c/t HTTP/1.1\r\nHost: x\r\nX-Bad: a\x00b\r\n", id="a control character"),
        pytest.param(b"GET /webhooks/c/t HTTP/1.1\r\nHost: x\r\nX Bad: a\r\n", id="a header's name with a space"),
        pytest.param(b"GET /webhooks/c/t HTTP/1.1\r\nHost: a/../b\r\n", id="a host that is a path"),
        pytest.param(b"GET /webhooks/c/t HTTP/1.1\r\n", id="no host"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS"),
    ],
)
async def test_malformed_heads_are_refused(head: bytes, edge: Any, core: Any) -> None:
    answer = await edge.raw(head + b"Connection: close\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert core.script.batches == []


async def test_a_long_text_in_a_query_is_taken(edge: Any, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{edge.url}/webhooks/c/t?text=" + "x" * 15_000) as answer:
        assert answer.status == 200


async def test_more_requests_than_may_be_in_flight_are_sent_away(
    start_edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    go_on = asyncio.Event()

    async def answer_later(_asked: Any) -> Any:
        await go_on.wait()
        return core.script.a_reply()

    core.script.answer = answer_later
    async with start_edge(max_in_flight=2) as edge:
        taken = [asyncio.create_task(http.post(f"{edge.url}/message", headers=BEARER)) for _ in range(2)]
        async with asyncio.timeout(10):
            for _ in taken:
                await core.script.asked.get()
        async with http.post(f"{edge.url}/message", headers=BEARER) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"
            assert "busy" in (await answer.json())["error"]["message"]
        async with http.get(f"{edge.url}/healthz") as answer:
            assert answer.status == 200
        go_on.set()
        assert [(await task).status for task in taken] == [200, 200]
        async with http.post(f"{edge.url}/message", headers=BEARER) as answer:
            assert answer.status == 200


async def test_bodies_may_not_fill_the_memory(start_edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    go_on = asyncio.Event()

    async def answer_some_later(asked: Any) -> Any:
        if asked.request.query == "slow":
            await go_on.wait()
        return core.script.a_reply()

    core.script.answer = answer_some_later
    async with start_edge(max_buffered_bytes=1000) as edge:
        slow = asyncio.create_task(http.post(f"{edge.url}/message?slow", data=b"x" * 600, headers=BEARER))
        async with asyncio.timeout(10):
            await core.script.asked.get()
        async with http.get(f"{edge.url}/metrics") as answer:
            shown = await answer.text()
        assert 'anychannel_edge_in_flight{kind="forward"} 1.0' in shown
        assert 'anychannel_edge_buffered_bytes{kind="forward"} 600.0' in shown
        for size, status in ((401, 503), (400, 200)):
            async with http.post(f"{edge.url}/message", data=b"x" * size, headers=BEARER) as answer:
                assert answer.status == status
        go_on.set()
        assert (await slow).status == 200
        async with http.post(f"{edge.url}/message", data=b"x" * 1001, headers=BEARER) as answer:
            assert answer.status == 503
        async with http.post(f"{edge.url}/message", data=b"x" * 1000, headers=BEARER) as answer:
            assert answer.status == 200
        async with http.post(f"{edge.url}/message", data=b"x" * 1000, headers=BEARER) as answer:
            assert answer.status == 200  # what was held is given back


def test_what_was_taken_on_is_given_back_even_after_a_failure() -> None:
    admission = Admission(max_requests=1, max_bytes=10)
    with admission.enter(), pytest.raises(Refused), admission.enter():
        pass
    with pytest.raises(RuntimeError, match="bug"), admission.enter():
        raise RuntimeError("bug")
    assert (admission.requests, admission.held_bytes) == (0, 0)
