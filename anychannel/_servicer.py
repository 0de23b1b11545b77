"""Translates the RPCs of ProviderService to an author's class. Nothing an author's code returns or raises breaks it."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import Any, Never

import grpc

from anychannel._calls import Calls, ShuttingDown
from anychannel._delivering import Deliverer, Delivery
from anychannel._description import describe, version_mismatch
from anychannel._raised import Secrets, failure_of, is_cancelled, status_of
from anychannel.content import Note
from anychannel.failures import DeliveryFailed
from anychannel.provider import (
    ChannelContext,
    CheckResult,
    Heard,
    HttpReply,
    HttpRequest,
    Media,
    MediaNotFound,
    Provider,
    Received,
)
from anychannel.v1 import provider_pb2, provider_pb2_grpc
from anychannel.wire import (
    channel_context_from_proto,
    check_result_to_proto,
    description_to_proto,
    heard_to_proto,
    http_request_from_proto,
    received_to_proto,
)

Context = grpc.aio.ServicerContext[Any, Any]

MAX_IN_FLIGHT = 500
"""Parts under way at once in one process; each costs a task and, as a rule, a connection to the platform."""
MEDIA_CHUNK_BYTES = 256 * 1024

_MAX_CURSOR_LENGTH = 1000


class ProviderServicer(provider_pb2_grpc.ProviderServiceServicer):
    """Serves one provider. Raises `TypeError` or `ValueError` when its class declares too little."""

    def __init__(self, provider: Provider, *, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self.description = describe(provider)
        self.calls = Calls()
        self._provider = provider
        self._secrets = Secrets(self.description.setting_fields)
        self._deliverer = Deliverer(provider, self._secrets, max_in_flight=max_in_flight)

    async def Describe(  # noqa: N802 - the contract names it
        self, request: provider_pb2.DescribeRequest, context: Context
    ) -> provider_pb2.DescribeResponse:
        mismatch = version_mismatch(tuple(request.protocol_versions))
        if mismatch:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, mismatch)
        return description_to_proto(self.description)

    async def Deliver(  # noqa: N802 - the contract names it
        self, request: provider_pb2.DeliverRequest, context: Context
    ) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        with self.calls.under_way():
            await self._refuse_when_closing(context)
            channels = [channel_context_from_proto(channel) for channel in request.channels]
            await _check_indexes(context, "deliveries", (item.channel_index for item in request.deliveries), channels)
            deliveries = [
                Delivery(index=index, channel=channels[item.channel_index], part=item.part)
                for index, item in enumerate(request.deliveries)
            ]
            outcomes = self._deliverer.outcomes(deliveries, seconds=context.time_remaining())
            async with aclosing(outcomes):
                async for known in outcomes:
                    yield provider_pb2.DeliverResponse(outcomes=known)

    async def ReceiveWebhooks(  # noqa: N802 - the contract names it
        self, request: provider_pb2.ReceiveWebhooksRequest, context: Context
    ) -> provider_pb2.ReceiveWebhooksResponse:
        with self.calls.under_way():
            await self._refuse_when_closing(context)
            await self._refuse_unoffered(context, "receive")
            channels = [channel_context_from_proto(channel) for channel in request.channels]
            await _check_indexes(context, "webhooks", (item.channel_index for item in request.webhooks), channels)
            try:
                webhooks = [
                    (channels[item.channel_index], http_request_from_proto(item.request)) for item in request.webhooks
                ]
            except ValueError as wrong:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"webhooks.request.{wrong}")
            return provider_pb2.ReceiveWebhooksResponse(
                results=[self._receive(channel, webhook) for channel, webhook in webhooks]
            )

    async def Listen(  # noqa: N802 - the contract names it
        self, request_iterator: AsyncIterator[provider_pb2.ListenRequest], context: Context
    ) -> AsyncGenerator[provider_pb2.ListenResponse, None]:
        with self.calls.under_way():
            await self._refuse_when_closing(context)
            await self._refuse_unoffered(context, "listen")
            first = await anext(aiter(request_iterator), None)
            if first is None or not first.HasField("start"):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "kind: start comes first")
            channel = channel_context_from_proto(first.start.channel)
            raised: BaseException
            try:
                heard = self._heard(channel, first.start.cursor, request_iterator)
                async with aclosing(heard):
                    async for response in heard:
                        yield response
                return
            except (Exception, asyncio.CancelledError) as mistake:  # noqa: BLE001 - answered just below
                raised = mistake
            await self._abort(context, raised, channel, rpc="Listen")

    async def CheckChannel(  # noqa: N802 - the contract names it
        self, request: provider_pb2.CheckChannelRequest, context: Context
    ) -> provider_pb2.CheckChannelResponse:
        with self.calls.under_way():
            await self._refuse_when_closing(context)
            await self._refuse_unoffered(context, "check")
            channel = channel_context_from_proto(request.channel)
            raised: BaseException
            try:
                return check_result_to_proto(await self._check(channel))
            except (Exception, asyncio.CancelledError) as mistake:  # noqa: BLE001 - answered just below
                raised = mistake
            return await self._abort(context, raised, channel, rpc="CheckChannel")

    async def FetchMedia(  # noqa: N802 - the contract names it
        self, request: provider_pb2.FetchMediaRequest, context: Context
    ) -> AsyncGenerator[provider_pb2.FetchMediaResponse, None]:
        with self.calls.under_way():
            await self._refuse_when_closing(context)
            await self._refuse_unoffered(context, "fetch_media")
            channel = channel_context_from_proto(request.channel)
            raised: BaseException
            try:
                pieces = self._pieces(channel, request.media_id)
                async with aclosing(pieces):
                    async for piece in pieces:
                        yield piece
                return
            except (Exception, asyncio.CancelledError) as mistake:  # noqa: BLE001 - answered just below
                raised = mistake
            await self._abort(context, raised, channel, rpc="FetchMedia")

    def _receive(self, channel: ChannelContext, request: HttpRequest) -> provider_pb2.ReceiveWebhooksResponse.Received:
        try:
            return received_to_proto(_checked(self._provider.receive(channel, request)))
        except Exception as mistake:  # noqa: BLE001 - this webhook alone is answered 500, and the platform sends it again
            raised = mistake
        self._secrets.log_mistake(raised, channel, rpc="ReceiveWebhooks")
        return received_to_proto(Received(reply=HttpReply(status_code=500)))

    async def _heard(
        self, channel: ChannelContext, cursor: str, requests: AsyncIterator[provider_pb2.ListenRequest]
    ) -> AsyncGenerator[provider_pb2.ListenResponse, None]:
        """Batches; the author's generator goes on only after core has acknowledged the one before."""
        batches = self._provider.listen(channel, cursor)
        try:
            while True:
                async with self.calls.interruptible():
                    heard: object = await anext(batches, None)
                if heard is None:
                    return
                if not isinstance(heard, Heard):
                    raise TypeError(f"listen yielded {type(heard).__name__}, not Heard")
                if len(heard.cursor) > _MAX_CURSOR_LENGTH:
                    raise ValueError(f"Heard.cursor has more than {_MAX_CURSOR_LENGTH} characters")
                yield heard_to_proto(heard)
                async with self.calls.interruptible():
                    if not await _is_acknowledged(requests, heard.cursor):
                        return
        finally:
            await _close(batches)

    async def _check(self, channel: ChannelContext) -> CheckResult:
        try:
            result: object = await self._provider.check(channel)
        except DeliveryFailed as raised:
            failure = failure_of(raised)
            if failure is None or failure.kind.is_retryable:
                raise
            return CheckResult(problems=(Note(code=failure.kind, text=self._secrets.scrub(failure.text, channel)),))
        if not isinstance(result, CheckResult):
            raise TypeError(f"check returned {type(result).__name__}, not CheckResult")
        return result

    async def _pieces(
        self, channel: ChannelContext, media_id: str
    ) -> AsyncGenerator[provider_pb2.FetchMediaResponse, None]:
        media: object = await self._provider.fetch_media(channel, media_id)
        if not isinstance(media, Media):
            raise TypeError(f"fetch_media returned {type(media).__name__}, not Media")
        try:
            yield provider_pb2.FetchMediaResponse(
                header=provider_pb2.FetchMediaResponse.Header(
                    mime_type=media.mime_type, size_bytes=media.size_bytes, file_name=media.file_name
                )
            )
            async for chunk in media.chunks:
                view = memoryview(chunk)
                for start in range(0, len(view), MEDIA_CHUNK_BYTES):
                    yield provider_pb2.FetchMediaResponse(data=bytes(view[start : start + MEDIA_CHUNK_BYTES]))
        finally:
            await _close(media.chunks)

    async def _refuse_when_closing(self, context: Context) -> None:
        if self.calls.is_closing:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the provider is shutting down")

    async def _refuse_unoffered(self, context: Context, method: str) -> None:
        if not self._provider.offers(method):
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"this provider does not offer {method}")

    async def _abort(self, context: Context, raised: BaseException, channel: ChannelContext, *, rpc: str) -> Never:
        """Answer what a provider raised with the status that tells core what to do next."""
        if isinstance(raised, asyncio.CancelledError) and is_cancelled():
            raise raised
        if isinstance(raised, ShuttingDown):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the provider is shutting down")
        if isinstance(raised, MediaNotFound):
            await context.abort(grpc.StatusCode.NOT_FOUND, "the platform no longer has this media")
        failure = failure_of(raised)
        if failure is None:
            self._secrets.log_mistake(raised, channel, rpc=rpc)
            await context.abort(grpc.StatusCode.INTERNAL, "the provider failed; its log says why")
        await context.abort_with_status(status_of(failure, self._secrets.scrub(failure.text, channel)))


def _checked(received: object) -> Received:
    if not isinstance(received, Received):
        _discard(received)
        raise TypeError(f"receive returned {type(received).__name__}, not Received")
    return received


async def _check_indexes(context: Context, field: str, indexes: Iterable[int], channels: list[ChannelContext]) -> None:
    for position, index in enumerate(indexes):
        if index >= len(channels):
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{field}[{position}].channel_index: there are {len(channels)} channels",
            )


async def _is_acknowledged(requests: AsyncIterator[provider_pb2.ListenRequest], cursor: str) -> bool:
    """Wait until core has stored the batch with that cursor; False when it ends the stream instead."""
    async for request in requests:
        if request.WhichOneof("kind") == "acknowledged_cursor" and request.acknowledged_cursor == cursor:
            return True
    return False


async def _close(stream: object) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
    _discard(stream)


def _discard(value: object) -> None:
    """Close a coroutine that nobody will await: an author wrote `async def` where it does not belong."""
    if inspect.iscoroutine(value):
        value.close()
