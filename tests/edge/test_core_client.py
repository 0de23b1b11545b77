"""What waits goes together, nobody waits for the slowest, and a core that is away is noticed at once."""

import asyncio
import time
from io import BytesIO
from typing import Any

import aiohttp
import grpc
import pytest

BEARER = {"Authorization": "Bearer secret-token"}


async def post(http: aiohttp.ClientSession, url: str, data: bytes | BytesIO = b"") -> tuple[int, bytes]:
    async with http.post(url, data=data, headers=BEARER) as answer:
        return answer.status, await answer.read()


async def expect_to_come_again(http: aiohttp.ClientSession, url: str) -> None:
    async with http.post(url, headers=BEARER) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert list((await answer.json())["error"]) == ["message"]


async def test_a_hundred_requests_at_once_make_few_calls(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    async def answer_with_own_body(asked: Any) -> Any:
        return core.script.a_reply(
            body=asked.request.body, message_id=f"msg_{asked.request.body.decode()}", channel_id="chn_1"
        )

    core.script.answer = answer_with_own_body
    answers = await asyncio.gather(*(post(http, f"{edge.url}/message", b"%d" % number) for number in range(100)))
    assert answers == [(200, b"%d" % number) for number in range(100)]
    assert len(core.script.batches) < 50
    confirmed: set[tuple[str, str]] = set()
    async with asyncio.timeout(10):
        while len(confirmed) < 100:
            confirmed.add(await core.script.confirmed.get())
    assert confirmed == {("chn_1", f"msg_{number}") for number in range(100)}
    assert core.script.confirm_calls < 50


async def test_slow_replies_hold_back_no_other(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    slow_ones = 80  # more than the calls that a batcher opens by itself
    go_on = asyncio.Event()

    async def answer_some_later(asked: Any) -> Any:
        if asked.request.query == "slow":
            await go_on.wait()
        return core.script.a_reply()

    core.script.answer = answer_some_later
    slow = []
    for _ in range(slow_ones):  # one by one, so that each has a call of its own
        slow.append(asyncio.create_task(post(http, f"{edge.url}/webhooks/c/t?slow")))
        async with asyncio.timeout(10):
            await core.script.asked.get()
    mixed = [asyncio.create_task(post(http, f"{edge.url}/webhooks/c/t?slow"))]
    answers = await asyncio.gather(*(post(http, f"{edge.url}/webhooks/c/t") for _ in range(20)))
    assert [status for status, _ in answers] == [200] * 20
    assert not any(task.done() for task in slow + mixed)
    go_on.set()
    assert [status for status, _ in await asyncio.gather(*slow, *mixed)] == [200] * (slow_ones + 1)


async def test_large_requests_go_alone(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    # 8 x 3 MiB in one call would exceed what a message may have, and gRPC would refuse them all
    body = b"x" * (3 * 1024 * 1024)
    answers = await asyncio.gather(*(post(http, f"{edge.url}/webhooks/c/t", BytesIO(body)) for _ in range(8)))
    assert [status for status, _ in answers] == [200] * 8
    assert [len(batch) for batch in core.script.batches] == [1] * 8


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    ],
    ids=lambda code: code.name,
)
async def test_a_call_that_breaks_is_answered_503(
    code: grpc.StatusCode, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    core.script.refuse_with = code
    await expect_to_come_again(http, f"{edge.url}/message")
    async with http.get(f"{edge.url}/metrics") as answer:
        failures = f'anychannel_edge_core_failures_total{{call="forward",code="{code.name.lower()}"}} 1.0'
        assert failures in await answer.text()


async def test_a_request_that_core_leaves_out_is_answered_503(
    edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async def leave_out(_asked: Any) -> None:
        return None

    core.script.answer = leave_out
    await expect_to_come_again(http, f"{edge.url}/message")


async def test_a_core_killed_amid_a_call_is_answered_503(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    async def never(_asked: Any) -> None:
        await asyncio.Event().wait()

    core.script.answer = never
    waiting = asyncio.create_task(expect_to_come_again(http, f"{edge.url}/message"))
    async with asyncio.timeout(10):
        await core.script.asked.get()
        await core.server.stop(None)
        await waiting


async def test_a_core_that_is_away_is_noticed_at_once(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    await core.server.stop(None)
    began = time.monotonic()
    await asyncio.gather(*(expect_to_come_again(http, f"{edge.url}/message") for _ in range(50)))
    assert time.monotonic() - began < 5  # and not after the 35 s that core may take


async def test_a_core_that_comes_back_is_used_again(
    edge: Any, core: Any, http: aiohttp.ClientSession, start_core: Any
) -> None:
    await core.server.stop(None)
    await expect_to_come_again(http, f"{edge.url}/message")
    async with start_core(core.address), asyncio.timeout(10):
        while (await post(http, f"{edge.url}/message"))[0] != 200:
            pass


async def test_a_core_that_does_not_answer_is_given_up(start_edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    async def never(_asked: Any) -> None:
        await asyncio.Event().wait()

    core.script.answer = never
    async with start_edge(request_timeout=0.1) as edge:
        await expect_to_come_again(http, f"{edge.url}/message")


async def test_a_reply_that_cannot_be_confirmed_is_a_reply_all_the_same(
    edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async def break_afterwards(_asked: Any) -> Any:
        core.script.refuse_with = grpc.StatusCode.UNAVAILABLE
        return core.script.a_reply(message_id="msg_1", channel_id="chn_1")

    core.script.answer = break_afterwards
    assert (await post(http, f"{edge.url}/message"))[0] == 200
    async with asyncio.timeout(10):
        while True:
            async with http.get(f"{edge.url}/metrics") as answer:
                if "anychannel_edge_unconfirmed_total 1.0" in await answer.text():
                    break


async def test_an_index_that_nobody_asked_for_is_passed_over(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    core.script.indexes_beside = (7, 4_000_000_000)
    assert await post(http, f"{edge.url}/message") == (200, b'{"mId":"msg_1"}')
