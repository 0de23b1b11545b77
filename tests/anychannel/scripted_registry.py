"""Core, as far as a provider that announces itself sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration

from anychannel.v1 import gateway_pb2, gateway_pb2_grpc


class ScriptedRegistry(gateway_pb2_grpc.ProviderRegistryServiceServicer):
    """Answers with a status, or OK and the seconds after which to renew; after the script with 60."""

    def __init__(self, answers: list[grpc.StatusCode | float]) -> None:
        self.seen: list[tuple[gateway_pb2.RegisterProviderRequest, str]] = []
        """Each request with its authorization."""
        self.registered: asyncio.Queue[str] = asyncio.Queue()
        """The addresses announced."""
        self._answers = answers

    async def RegisterProvider(  # noqa: N802 - the contract names it
        self, request: gateway_pb2.RegisterProviderRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> gateway_pb2.RegisterProviderResponse:
        metadata = {str(name): str(value) for name, value in context.invocation_metadata() or ()}
        self.seen.append((request, metadata["authorization"]))
        self.registered.put_nowait(request.address)
        answer = self._answers.pop(0) if self._answers else 60
        if isinstance(answer, grpc.StatusCode):
            await context.abort(answer, f"because {answer.name}")
        return gateway_pb2.RegisterProviderResponse(renew_after=Duration(seconds=int(answer)))

    async def ListProviders(  # noqa: N802 - the contract names it
        self, request: gateway_pb2.ListProvidersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> gateway_pb2.ListProvidersResponse:
        raise NotImplementedError(request, context)


@asynccontextmanager
async def registering(registry: ScriptedRegistry) -> AsyncIterator[str]:
    """Serve the registry; its host:port."""
    server = grpc.aio.server()
    gateway_pb2_grpc.add_ProviderRegistryServiceServicer_to_server(registry, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
