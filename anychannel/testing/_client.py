"""A provider behind a real gRPC server, and a client that speaks records: what core sees of it."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import grpc

from anychannel._description import PROTOCOL_VERSIONS
from anychannel._options import client_options
from anychannel._server import start_server
from anychannel.capabilities import ProviderDescription
from anychannel.failures import Failure
from anychannel.message import Part
from anychannel.provider import ChannelContext, CheckResult, Heard, HttpRequest, Provider, Received, Sent
from anychannel.v1 import provider_pb2, provider_pb2_grpc
from anychannel.wire import (
    channel_context_to_proto,
    check_result_from_proto,
    deliver_request_to_proto,
    description_from_proto,
    heard_from_proto,
    outcome_from_proto,
    receive_request_to_proto,
    received_from_proto,
)

_CALL_SECONDS = 10.0
# A failing test must end: nothing under way is worth waiting for.
_GRACE_SECONDS = 1.0
# Otherwise gRPC shares the state of a port in the whole process: who still dials a server that is gone would make a new one
# on its port seem to be away.
_OPTIONS = [*client_options(), ("grpc.use_local_subchannel_pool", 1)]


class CallFailed(Exception):
    """The call itself was answered with a gRPC status."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        """The status by name, for instance NOT_FOUND."""
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMedia:
    """Media with all its bytes."""

    data: bytes
    mime_type: str
    size_bytes: int
    file_name: str


class ProviderClient:
    """Calls a provider as core does. Every method raises `CallFailed` when the call itself fails."""

    def __init__(self, connection: grpc.aio.Channel) -> None:
        self._stub = provider_pb2_grpc.ProviderServiceStub(connection)

    async def describe(self, *, protocol_versions: Sequence[int] = PROTOCOL_VERSIONS) -> ProviderDescription:
        """Who the provider is."""
        request = provider_pb2.DescribeRequest(protocol_versions=protocol_versions)
        with _failing_readably():
            return description_from_proto(await self._stub.Describe(request, timeout=_CALL_SECONDS))

    async def deliver(self, channel: ChannelContext, part: Part, *, seconds: float = _CALL_SECONDS) -> Sent | Failure:
        """Send one part; its outcome. The call has so many seconds."""
        outcomes = await self.deliver_all([(channel, part)], seconds=seconds)
        return outcomes[0]

    async def deliver_all(
        self, deliveries: Sequence[tuple[ChannelContext, Part]], *, seconds: float = _CALL_SECONDS
    ) -> list[Sent | Failure]:
        """Send a batch; the outcomes in the order of the batch. Raises `KeyError` when one was left out."""
        outcomes: dict[int, Sent | Failure] = {}
        call = self._stub.Deliver(deliver_request_to_proto(deliveries), timeout=seconds)
        with _failing_readably():
            async for response in call:
                outcomes.update(outcome_from_proto(outcome) for outcome in response.outcomes)
        return [outcomes[index] for index in range(len(deliveries))]

    async def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Let the provider read one webhook."""
        results = await self.receive_all([(channel, request)])
        return results[0]

    async def receive_all(self, webhooks: Sequence[tuple[ChannelContext, HttpRequest]]) -> list[Received]:
        """Let the provider read several webhooks; the results in their order."""
        with _failing_readably():
            response = await self._stub.ReceiveWebhooks(receive_request_to_proto(webhooks), timeout=_CALL_SECONDS)
        return [received_from_proto(result) for result in response.results]

    async def listen(self, channel: ChannelContext, cursor: str = "") -> AsyncGenerator[Heard, None]:
        """What the provider hears; a batch is acknowledged when the next one is asked for. Close it to stop."""
        call = self._stub.Listen()
        try:
            with _failing_readably():
                start = provider_pb2.ListenRequest.Start(channel=channel_context_to_proto(channel), cursor=cursor)
                await call.write(provider_pb2.ListenRequest(start=start))
                while isinstance(response := await call.read(), provider_pb2.ListenResponse):
                    yield heard_from_proto(response)
                    await call.write(provider_pb2.ListenRequest(acknowledged_cursor=response.cursor))
        finally:
            call.cancel()

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Check the channel."""
        request = provider_pb2.CheckChannelRequest(channel=channel_context_to_proto(channel))
        with _failing_readably():
            return check_result_from_proto(await self._stub.CheckChannel(request, timeout=_CALL_SECONDS))

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> FetchedMedia:
        """All bytes of the media."""
        request = provider_pb2.FetchMediaRequest(channel=channel_context_to_proto(channel), media_id=media_id)
        header = provider_pb2.FetchMediaResponse.Header()
        data = bytearray()
        with _failing_readably():
            async for piece in self._stub.FetchMedia(request, timeout=_CALL_SECONDS):
                if piece.HasField("header"):
                    header = piece.header
                data += piece.data
        return FetchedMedia(
            data=bytes(data), mime_type=header.mime_type, size_bytes=header.size_bytes, file_name=header.file_name
        )


@asynccontextmanager
async def serve_provider(provider: Provider) -> AsyncIterator[ProviderClient]:
    """Serve the provider on a free port of this machine, and give a client connected to it."""
    async with (
        start_server(provider, grace_seconds=_GRACE_SECONDS) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}", options=_OPTIONS) as connection,
    ):
        yield ProviderClient(connection)


@contextmanager
def _failing_readably() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as failed:
        raise CallFailed(failed.code().name, failed.details() or "") from None
