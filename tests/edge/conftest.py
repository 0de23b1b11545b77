"""A real edge on port 0, and a core that answers as the test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import grpc.aio
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from anychannel._options import server_options
from anychannel.v1 import ingress_pb2, ingress_pb2_grpc, provider_pb2
from edge.serve import Running, serve
from edge.settings import Settings

DEADLINE_SECONDS = 10

Asked = ingress_pb2.ForwardRequestsRequest.Forwarded
Reply = ingress_pb2.ForwardRequestsResponse.Reply
MediaPiece = ingress_pb2.FetchLinkedMediaResponse
StartEdge = Callable[..., AbstractAsyncContextManager["RunningEdge"]]


def a_reply(
    status: int = 200,
    body: bytes = b'{"mId":"msg_1"}',
    *,
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),),
    message_id: str = "",
    channel_id: str = "",
) -> Reply:
    return Reply(
        reply=provider_pb2.HttpReply(
            status_code=status,
            body=body,
            headers=[provider_pb2.HttpHeader(name=name, value=value) for name, value in headers],
        ),
        message_id=message_id,
        channel_id=channel_id,
    )


async def _accept(_asked: Asked) -> Reply | None:
    return a_reply()


class ScriptedCore(ingress_pb2_grpc.IngressServiceServicer):
    """Answers each request as `answer` says (None leaves it out), and remembers what it was asked."""

    a_reply = staticmethod(a_reply)
    a_piece = MediaPiece
    a_header = provider_pb2.FetchMediaResponse.Header

    def __init__(self) -> None:
        self.answer: Callable[[Asked], Awaitable[Reply | None]] = _accept
        self.refuse_with: grpc.StatusCode | None = None
        self.indexes_beside: tuple[int, ...] = ()
        self.batches: list[list[Asked]] = []
        self.asked: asyncio.Queue[Asked] = asyncio.Queue()
        self.confirmed: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.confirm_calls = 0
        self.media: list[MediaPiece] = []
        self.media_ends_with: grpc.StatusCode | None = None
        self.media_tokens: list[str] = []
        self.media_pieces_sent = 0
        self.media_ended = asyncio.Event()

    async def ForwardRequests(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # gRPC's name
        self.batches.append(list(request.requests))
        for asked in request.requests:
            self.asked.put_nowait(asked)
        if self.refuse_with is not None:
            await context.abort(self.refuse_with, "a text that no log may show")

        for index in self.indexes_beside:
            yield ingress_pb2.ForwardRequestsResponse(replies=[Reply(index=index)])

        async def answer(index: int, asked: Asked) -> Reply | None:
            reply = await self.answer(asked)
            if reply is not None:
                reply.index = index
            return reply

        answers = [asyncio.create_task(answer(index, asked)) for index, asked in enumerate(request.requests)]
        try:
            for done in asyncio.as_completed(answers):
                reply = await done
                if reply is not None:
                    yield ingress_pb2.ForwardRequestsResponse(replies=[reply])
        finally:
            for task in answers:
                task.cancel()

    async def ConfirmReplies(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
        self.confirm_calls += 1
        if self.refuse_with is not None:
            await context.abort(self.refuse_with, "a text that no log may show")
        for confirmed in request.confirmed:
            self.confirmed.put_nowait((confirmed.channel_id, confirmed.message_id))
        return ingress_pb2.ConfirmRepliesResponse()

    async def FetchLinkedMedia(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # gRPC's name
        self.media_tokens.append(request.token)
        try:
            for piece in self.media:
                yield piece
                self.media_pieces_sent += 1
            if self.media_ends_with is not None:
                await context.abort(self.media_ends_with, "a text that no log may show")
        finally:
            self.media_ended.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCore:
    address: str
    script: ScriptedCore
    health: Any
    server: grpc.aio.Server


@dataclass(slots=True, kw_only=True)
class RunningEdge:
    url: str
    port: int
    running: Running
    stop: asyncio.Event
    task: asyncio.Task[None]
    draining: asyncio.Event
    drained: asyncio.Event
    """Set it to end the pause between the signal to stop and the end of accepting."""

    async def raw(self, sent: bytes, *, until: bytes = b"") -> bytes:
        """What edge answers to these bytes, until it closes the connection or has said `until`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(sent)
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await (reader.readuntil(until) if until else reader.read())
        finally:
            writer.close()


@asynccontextmanager
async def _start_core(address: str = "127.0.0.1:0") -> AsyncIterator[RunningCore]:
    server = grpc.aio.server(options=server_options())
    script = ScriptedCore()
    checks = health.aio.HealthServicer()
    await checks.set("", health_pb2.HealthCheckResponse.SERVING)
    ingress_pb2_grpc.add_IngressServiceServicer_to_server(script, server)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield RunningCore(address=f"127.0.0.1:{port}", script=script, health=checks, server=server)
    finally:
        await server.stop(None)


@pytest.fixture
def start_core() -> Callable[[str], AbstractAsyncContextManager[RunningCore]]:
    return _start_core


@pytest.fixture
async def core() -> AsyncIterator[RunningCore]:
    async with _start_core() as running:
        yield running


@pytest.fixture
def start_edge(core: RunningCore) -> StartEdge:
    """Starts an edge in front of `core`, with other settings where the test names them."""

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[RunningEdge]:
        stop, draining, drained = asyncio.Event(), asyncio.Event(), asyncio.Event()
        listening: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

        async def pause(_seconds: float) -> None:
            draining.set()
            await drained.wait()

        values: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "core_address": core.address} | settings
        chosen = Settings(**values)
        task = asyncio.create_task(serve(chosen, stop, started=listening.set_result, pause=pause))
        async with asyncio.timeout(DEADLINE_SECONDS):
            first: list[asyncio.Future[Any]] = [listening, task]
            await next(asyncio.as_completed(first))  # it listens, or it failed
        running = listening.result()
        edge = RunningEdge(
            url=f"http://127.0.0.1:{running.port}",
            port=running.port,
            running=running,
            stop=stop,
            task=task,
            draining=draining,
            drained=drained,
        )
        try:
            yield edge
        finally:
            stop.set()
            drained.set()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await task

    return start


@pytest.fixture
async def edge(start_edge: StartEdge) -> AsyncIterator[RunningEdge]:
    async with start_edge() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS),
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0),
    ) as session:
        yield session
