"""One provider, as core calls it. Nothing a provider does or answers breaks more than the call it was asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from anychannel import wire
from anychannel._batcher import Batcher, Overloaded, Unanswered
from anychannel._options import client_options
from anychannel.capabilities import ProviderDescription
from anychannel.failures import Failure, FailureKind
from anychannel.message import Part
from anychannel.provider import ChannelContext, CheckResult, Heard, HttpRequest, Received, Sent
from anychannel.v1 import provider_pb2, provider_pb2_grpc

PROTOCOL_VERSION = 1
SERVICE = "anychannel.v1.ProviderService"

MAX_ID_CHARACTERS = 200

_DESCRIBE_SECONDS = 5.0
_CHECK_SECONDS = 30.0
_HEALTH_SECONDS = 2.0
_RECEIVE_SECONDS = 10.0
_MEDIA_SECONDS = 300.0

_AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.CANCELLED,  # a server that stops says so of the calls it breaks off
}

_log = structlog.get_logger(__name__)


class ProviderAway(Exception):
    """The provider could not be called; what was asked was not done, or nobody can tell whether it was."""


class ProviderRefused(Exception):
    """The provider was called, and said no or nonsense."""


class MediaGone(Exception):
    """The provider no longer knows this media."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaHeader:
    """What comes before the bytes of media."""

    mime_type: str
    size_bytes: int
    file_name: str


_Delivery = tuple[ChannelContext, Part]
_Webhook = tuple[ChannelContext, HttpRequest]


class ProviderConnection:
    """A connection to one provider, with everything waiting for it gathered into batches."""

    def __init__(self, platform: str, address: str, *, attempt_timeout: timedelta) -> None:
        self.platform = platform
        self.address = address
        self._attempt_seconds = attempt_timeout.total_seconds()
        self._connection = grpc.aio.insecure_channel(_target(address), options=client_options())
        self._stub = provider_pb2_grpc.ProviderServiceStub(self._connection)
        self._health: Any = health_pb2_grpc.HealthStub(self._connection)
        self._deliver: Batcher[_Delivery, Sent | Failure] = Batcher(self._run_deliver)
        self._receive: Batcher[_Webhook, Received] = Batcher(self._run_receive)

    async def aclose(self) -> None:
        """Hang up; what is under way is cancelled."""
        await self._connection.close()

    async def describe(self) -> ProviderDescription:
        """Ask who it is. Raises `ProviderAway`, or `ProviderRefused` when our versions do not meet."""
        request = provider_pb2.DescribeRequest(protocol_versions=[PROTOCOL_VERSION])
        try:
            answer = await self._stub.Describe(request, timeout=_DESCRIBE_SECONDS)
            description = wire.description_from_proto(answer)
        except grpc.aio.AioRpcError as error:
            raise _broken(error) from None
        except ValueError as error:
            raise ProviderRefused(f"it described itself in a way we cannot read: {error}") from None
        if PROTOCOL_VERSION not in description.protocol_versions:
            theirs = ", ".join(map(str, description.protocol_versions)) or "none"
            raise ProviderRefused(f"it speaks the protocol versions {theirs}, core speaks {PROTOCOL_VERSION}")
        return description

    async def why_not_ready(self) -> str:
        """Why it does not answer its health check with SERVING; empty when it does."""
        try:
            request = health_pb2.HealthCheckRequest(service=SERVICE)
            answer = await self._health.Check(request, timeout=_HEALTH_SECONDS)
        except grpc.aio.AioRpcError as error:
            return _reason(error)
        return "" if answer.status == health_pb2.HealthCheckResponse.SERVING else "it says that it is not serving"

    async def deliver(self, channel: ChannelContext, part: Part) -> Sent | Failure:
        """Send a part. Raises `ProviderAway`."""
        try:
            return await self._deliver((channel, part))
        except Unanswered:
            return Failure(kind=FailureKind.INTERNAL, text="The provider gave no answer for this part.")
        except Overloaded as error:
            raise ProviderAway(str(error)) from None

    async def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Have a webhook read. Raises `ProviderAway` or `ProviderRefused`."""
        try:
            return await self._receive((channel, request))
        except Unanswered:
            raise ProviderRefused("it gave no answer for this webhook") from None
        except Overloaded as error:
            raise ProviderAway(str(error)) from None

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Have a channel checked. Raises `ProviderAway` or `ProviderRefused`."""
        request = provider_pb2.CheckChannelRequest(channel=wire.channel_context_to_proto(channel))
        try:
            return wire.check_result_from_proto(await self._stub.CheckChannel(request, timeout=_CHECK_SECONDS))
        except grpc.aio.AioRpcError as error:
            raise _broken(error) from None

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> AsyncIterator[MediaHeader | bytes]:
        """Stream media: its header, then its bytes. Raises `MediaGone`, `ProviderAway` or `ProviderRefused`."""
        request = provider_pb2.FetchMediaRequest(channel=wire.channel_context_to_proto(channel), media_id=media_id)
        call = self._stub.FetchMedia(request, timeout=_MEDIA_SECONDS)
        try:
            async for piece in call:
                if piece.WhichOneof("kind") == "header":
                    header = piece.header
                    yield MediaHeader(
                        mime_type=header.mime_type, size_bytes=header.size_bytes, file_name=header.file_name
                    )
                else:
                    yield piece.data
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise MediaGone(media_id) from None
            raise _broken(error) from None
        finally:
            call.cancel()

    async def listen(self, channel: ChannelContext, cursor: str, stored: "asyncio.Queue[str]") -> AsyncIterator[Heard]:
        """Listen for a channel. Put each batch's cursor into `stored` once it is: only then the next one comes.

        Raises `ProviderAway` or `ProviderRefused`.
        """
        call = self._stub.Listen()
        start = provider_pb2.ListenRequest.Start(channel=wire.channel_context_to_proto(channel), cursor=cursor)
        try:
            await call.write(provider_pb2.ListenRequest(start=start))
            while isinstance(answer := await call.read(), provider_pb2.ListenResponse):
                yield wire.heard_from_proto(answer)
                await call.write(provider_pb2.ListenRequest(acknowledged_cursor=await stored.get()))
        except asyncio.InvalidStateError:  # written to a call that has ended meanwhile
            raise ProviderAway("it hung up") from None
        except grpc.aio.AioRpcError as error:
            raise _broken(error) from None
        except ValueError as error:
            raise ProviderRefused(f"it told us something we cannot read: {error}") from None
        finally:
            call.cancel()

    async def _run_deliver(self, items: Sequence[_Delivery]) -> AsyncIterator[tuple[int, Sent | Failure]]:
        open_indexes = set(range(len(items)))
        call = self._stub.Deliver(wire.deliver_request_to_proto(items), timeout=self._attempt_seconds)
        try:
            async for answer in call:
                for proto in answer.outcomes:
                    index, outcome = _read_outcome(proto)
                    if index in open_indexes:
                        open_indexes.discard(index)
                        yield index, outcome
        except grpc.aio.AioRpcError as error:
            if error.code() in _AWAY:
                raise ProviderAway(_reason(error)) from None
            failure = _call_failure(error)
            for index in open_indexes:
                yield index, failure
        finally:
            call.cancel()

    async def _run_receive(self, items: Sequence[_Webhook]) -> AsyncIterator[tuple[int, Received]]:
        try:
            answer = await self._stub.ReceiveWebhooks(wire.receive_request_to_proto(items), timeout=_RECEIVE_SECONDS)
            results = [wire.received_from_proto(result) for result in answer.results]
        except grpc.aio.AioRpcError as error:
            raise _broken(error) from None
        except ValueError as error:
            raise ProviderRefused(f"it read webhooks in a way we cannot read: {error}") from None
        for index, received in enumerate(results[: len(items)]):
            yield index, received


def _read_outcome(proto: provider_pb2.DeliverResponse.Outcome) -> tuple[int, Sent | Failure]:
    try:
        index, outcome = wire.outcome_from_proto(proto)
    except ValueError:
        return proto.index, Failure(kind=FailureKind.INTERNAL, text="The provider's answer could not be read.")
    if isinstance(outcome, Sent):
        platform_message_id = outcome.platform_message_id
        if not 1 <= len(platform_message_id) <= MAX_ID_CHARACTERS or "\0" in platform_message_id:
            return index, Failure(kind=FailureKind.INTERNAL, text="The provider gave no usable id for what it sent.")
    elif "\0" in outcome.text:
        return index, replace(outcome, text=outcome.text.replace("\0", ""))
    return index, outcome


def _call_failure(error: grpc.aio.AioRpcError) -> Failure:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="The platform did not answer in time.")
    return Failure(kind=FailureKind.INTERNAL, text=f"The provider broke off the call ({error.code().name}).")


def _broken(error: grpc.aio.AioRpcError) -> ProviderAway | ProviderRefused:
    if error.code() in _AWAY or error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return ProviderAway(_reason(error))
    return ProviderRefused(_reason(error))


def _reason(error: grpc.aio.AioRpcError) -> str:
    """What a person can use of a broken call; a provider's own words only where the contract gives them a meaning."""
    code = error.code()
    if code is grpc.StatusCode.FAILED_PRECONDITION:
        return error.details() or "it refuses the channel's settings"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "it did not answer in time"
    return "it cannot be reached" if code is grpc.StatusCode.UNAVAILABLE else f"it answered {code.name}"


def _target(address: str) -> str:
    return (
        address if "://" in address or address.startswith(("dns:", "unix:", "ipv4:", "ipv6:")) else f"dns:///{address}"
    )
