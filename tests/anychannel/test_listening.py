"""Listen, through a real server: nothing is resumed before it is stored, nothing outlives its call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped] # ships no types
from grpc_status import rpc_status

from anychannel import (
    ChannelContext,
    ChannelMisconfigured,
    Heard,
    PlatformUnavailable,
    Throttled,
)
from anychannel._server import start_server
from anychannel.testing import CallFailed, a_channel, serve_provider
from anychannel.v1 import provider_pb2
from anychannel.wire import channel_context_to_proto
from tests.anychannel.scripted_provider import (
    EVENT,
    Scripted,
    connected,
    raising,
    returning,
)


async def test_listening_goes_on_only_after_the_acknowledgement() -> None:
    resumed: list[str] = []

    async def listen(_channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        for number in (1, 2):
            yield Heard(events=(EVENT,), cursor=f"{cursor}+{number}")
            resumed.append(f"{cursor}+{number}")

    async with serve_provider(Scripted(listen=listen)) as client:
        batches = client.listen(a_channel(), "0")
        async with aclosing(batches):
            first = await anext(batches)
            assert (first.cursor, first.events, resumed) == ("0+1", (EVENT,), [])
            second = await anext(batches)
            assert (second.cursor, resumed) == ("0+2", ["0+1"])
            assert await anext(batches, None) is None

    assert resumed == ["0+1", "0+2"]


@pytest.mark.parametrize(
    "is_waiting", [True, False], ids=["while it waits for the platform", "before the acknowledgement"]
)
async def test_a_cancelled_listener_is_closed_without_being_resumed(is_waiting: bool) -> None:  # noqa: FBT001 - a row
    waiting, closed = asyncio.Event(), asyncio.Event()
    resumed = False

    async def listen(_channel: ChannelContext, _cursor: str) -> AsyncIterator[Heard]:
        nonlocal resumed
        try:
            if is_waiting:
                waiting.set()
                await asyncio.Event().wait()
            yield Heard(events=(), cursor="1")
            resumed = True
        finally:
            closed.set()

    start = provider_pb2.ListenRequest.Start(channel=channel_context_to_proto(a_channel()))
    async with start_server(Scripted(listen=listen)) as running, connected(running.port) as stub:
        call = stub.Listen()
        await call.write(provider_pb2.ListenRequest(start=start))
        await (waiting.wait() if is_waiting else call.read())
        call.cancel()
        async with asyncio.timeout(5):
            await closed.wait()

    assert not resumed


async def _refused(channel: ChannelContext, _cursor: str) -> AsyncIterator[Heard]:
    if channel.channel_id:
        raise ChannelMisconfigured("Webhooks are on.")
    yield Heard(events=(), cursor="")


async def _down(channel: ChannelContext, _cursor: str) -> AsyncIterator[Heard]:
    if channel.channel_id:
        raise PlatformUnavailable("Down.")
    yield Heard(events=(), cursor="")


async def _yields_nonsense(_channel: ChannelContext, _cursor: str) -> AsyncIterator[Any]:
    yield "nonsense"


async def _long_cursor(_channel: ChannelContext, _cursor: str) -> AsyncIterator[Heard]:
    yield Heard(events=(), cursor="x" * 1001)


@pytest.mark.parametrize(
    ("listen", "code", "text"),
    [
        pytest.param(_refused, "FAILED_PRECONDITION", "Webhooks are on.", id="refused"),
        pytest.param(_down, "UNAVAILABLE", "Down.", id="down"),
        pytest.param(_yields_nonsense, "INTERNAL", "the provider failed; its log says why", id="no Heard"),
        pytest.param(_long_cursor, "INTERNAL", "the provider failed; its log says why", id="too long a cursor"),
        pytest.param(returning(None), "INTERNAL", "the provider failed; its log says why", id="no generator"),
    ],
)
async def test_a_listener_that_ends_says_what_core_does_next(listen: Any, code: str, text: str) -> None:
    async with serve_provider(Scripted(listen=listen)) as client:
        with pytest.raises(CallFailed) as failed:
            await anext(client.listen(a_channel()))

    assert (failed.value.code, failed.value.text) == (code, text)


async def test_a_status_carries_the_kind_and_the_time_to_wait() -> None:
    request = provider_pb2.CheckChannelRequest(channel=channel_context_to_proto(a_channel()))
    throttled = Throttled("Slow.", retry_after=timedelta(seconds=9))
    async with start_server(Scripted(check=raising(throttled))) as running, connected(running.port) as stub:
        call = stub.CheckChannel(request)
        with pytest.raises(grpc.aio.AioRpcError):
            await call
        status = await rpc_status.aio.from_call(call)

    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (info.reason, info.domain, retry.retry_delay.seconds) == ("THROTTLED", "anychannel", 9)
