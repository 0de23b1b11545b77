"""A bare provider whose answers a test scripts: also those that no author's kit would give."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from anychannel._options import server_options
from anychannel.v1 import channel_pb2, message_pb2, provider_pb2, provider_pb2_grpc
from core.providers.connection import ProviderConnection

Outcome = provider_pb2.DeliverResponse.Outcome


def description(**changes: Any) -> provider_pb2.DescribeResponse:
    values: dict[str, Any] = {
        "protocol_versions": [1],
        "platform": "acme",
        "display_name": "Acme",
        "version": "1.2",
        "capabilities": channel_pb2.Capabilities(max_text_length=1000),
    }
    return provider_pb2.DescribeResponse(**values | changes)


def sent(index: int, platform_message_id: str | None = None) -> Outcome:
    return Outcome(index=index, sent=provider_pb2.Sent(platform_message_id=platform_message_id or f"p{index}"))


def failed(index: int, text: str = "No.") -> Outcome:
    failure = message_pb2.Failure(kind=message_pb2.FAILURE_KIND_CONTENT_REJECTED, text=text)
    return Outcome(index=index, failure=failure)


class Scripted(provider_pb2_grpc.ProviderServiceServicer):
    """Each RPC does what its attribute says."""

    def __init__(self) -> None:
        self.describe: Callable[..., Any] = lambda _request: description()
        self.deliver: Callable[..., AsyncIterator[list[Outcome]]] = self._send_all
        self.receive: Callable[..., Any] = lambda _request: provider_pb2.ReceiveWebhooksResponse()
        self.listen: Callable[..., AsyncIterator[provider_pb2.ListenResponse]] | None = None
        self.fetch: Callable[..., AsyncIterator[provider_pb2.FetchMediaResponse]] | None = None
        self.requests: list[Any] = []
        self.break_with: grpc.StatusCode | None = None
        self.words = "secret words"

    @staticmethod
    async def _send_all(request: provider_pb2.DeliverRequest) -> AsyncIterator[list[Outcome]]:
        yield [sent(index) for index in range(len(request.deliveries))]

    async def _begin(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        if self.break_with is not None:
            await context.abort(self.break_with, self.words)

    async def Describe(self, request: Any, context: Any) -> Any:  # noqa: N802  # named by the proto
        await self._begin(request, context)
        return self.describe(request)

    async def Deliver(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # named by the proto
        await self._begin(request, context)
        async for outcomes in self.deliver(request):
            yield provider_pb2.DeliverResponse(outcomes=outcomes)

    async def ReceiveWebhooks(self, request: Any, context: Any) -> Any:  # noqa: N802  # named by the proto
        await self._begin(request, context)
        return self.receive(request)

    async def CheckChannel(self, request: Any, context: Any) -> Any:  # noqa: N802  # named by the proto
        await self._begin(request, context)
        return provider_pb2.CheckChannelResponse(details={"name": "bot"})

    async def Listen(self, requests: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # named by the proto
        await self._begin(None, context)
        assert self.listen is not None
        async for answer in self.listen(requests):
            yield answer

    async def FetchMedia(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802  # named by the proto
        await self._begin(request, context)
        assert self.fetch is not None
        async for piece in self.fetch(request):
            yield piece


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # it ships no types
    def __init__(self) -> None:
        self.status = health_pb2.HealthCheckResponse.SERVING

    async def Check(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # named by the proto
        return health_pb2.HealthCheckResponse(status=self.status)


@asynccontextmanager
async def serving(provider: Scripted, health: Health | None = None) -> AsyncIterator[str]:
    """The provider on a port of its own; its address."""
    server = grpc.aio.server(options=server_options())
    provider_pb2_grpc.add_ProviderServiceServicer_to_server(provider, server)
    health_pb2_grpc.add_HealthServicer_to_server(health or Health(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


@asynccontextmanager
async def connected(
    provider: Scripted, *, attempt_timeout: timedelta = timedelta(seconds=5), health: Health | None = None
) -> AsyncIterator[ProviderConnection]:
    """Core's connection to the provider."""
    async with serving(provider, health) as address:
        connection = ProviderConnection("acme", address, attempt_timeout=attempt_timeout)
        try:
            yield connection
        finally:
            await connection.aclose()
