"""Edge's one connection to core, and the only place where edge meets protobuf.

What waits is sent together. A call that breaks is not repeated here: the caller is told to come again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import grpc.aio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from anychannel import MediaNotFound
from anychannel._batcher import Batcher, Overloaded, Unanswered
from anychannel._options import client_options
from anychannel.v1 import ingress_pb2, ingress_pb2_grpc
from anychannel.wire import http_reply_from_proto, http_request_to_proto
from edge.ingress import CoreUnavailable, Forwarded, InboxSend, MediaHeader, Reply
from edge.metrics import Metrics

# 100 in a call x 128 KiB = 12.5 MiB, within the 16 MiB that a gRPC message may have. What is larger goes alone.
_BATCH_ITEMS: Final = 100
_BATCHED_BYTES: Final = 128 * 1024
_CONFIRM_BATCH_ITEMS: Final = 500  # what ConfirmRepliesRequest takes
_MAX_CONFIRMS_WAITING: Final = 10_000  # 20 full calls; core releases what is never confirmed by itself
_CONFIRM_SECONDS: Final = 5.0
_HEALTH_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = _CONFIRM_SECONDS  # confirmations are waited for, nothing else

_log = structlog.get_logger("edge.core_client")


class CoreClient:
    """Asks core.

    Args:
        connection: to core.
        metrics: told of every call.
        request_timeout: seconds core may take for an answer.
        media_timeout: seconds the whole of a media stream may take.
        max_calls: most calls that forward at once. As many as there may be requests: a call stays open as long as
            its slowest reply, and with fewer calls than requests some slow replies could hold back all others.
    """

    def __init__(
        self,
        connection: grpc.aio.Channel,
        *,
        metrics: Metrics,
        request_timeout: float,
        media_timeout: float,
        max_calls: int,
    ) -> None:
        self._ingress = ingress_pb2_grpc.IngressServiceStub(connection)
        self._health = health_pb2_grpc.HealthStub(connection)
        self._metrics = metrics
        self._request_timeout = request_timeout
        self._media_timeout = media_timeout
        self._forwards = Batcher(self._forward, max_batch=_BATCH_ITEMS, max_calls=max_calls)
        self._large_forwards = Batcher(self._forward, max_batch=1, max_in_flight=max_calls, max_calls=max_calls)
        self._confirms = Batcher(
            self._confirm,
            max_batch=_CONFIRM_BATCH_ITEMS,
            max_in_flight=2,
            max_calls=2,
            max_waiting=_MAX_CONFIRMS_WAITING,
        )
        self._confirming: set[asyncio.Task[None]] = set()

    async def forward(self, forwarded: Forwarded) -> Reply:
        """Core's reply to a raw request.

        Raises:
            CoreUnavailable: there is none, and none will come.
        """
        item = _forwarded_to_proto(forwarded)
        forwards = self._forwards if item.ByteSize() <= _BATCHED_BYTES else self._large_forwards
        try:
            async with asyncio.timeout(self._request_timeout):
                return await forwards(item)
        except grpc.aio.AioRpcError as error:
            # counted and logged once for the call, not for each item
            raise CoreUnavailable(error.code().name.lower()) from None
        except Unanswered:
            raise self._failed("forward", "unanswered") from None
        except Overloaded:
            raise self._failed("forward", "overloaded") from None
        except TimeoutError:
            raise self._failed("forward", "timeout") from None

    def confirm(self, *, channel_id: str, message_id: str) -> None:
        """Tell core, in the background, that the inbox knows this message's id.

        Best effort: what cannot be told is counted and dropped.
        """
        confirmed = ingress_pb2.ConfirmRepliesRequest.Confirmed(channel_id=channel_id, message_id=message_id)
        task = asyncio.get_running_loop().create_task(self._confirm_one(confirmed))
        self._confirming.add(task)
        task.add_done_callback(self._confirming.discard)

    @asynccontextmanager
    async def fetch_media(self, token: str) -> AsyncIterator[tuple[MediaHeader, AsyncIterator[bytes]]]:
        """The media a signed link names, as a stream that is read only as fast as it is consumed.

        Raises:
            MediaNotFound: the link is forged or expired, or the platform no longer has it.
            CoreUnavailable: also from the stream.
        """
        call = self._ingress.FetchLinkedMedia(
            ingress_pb2.FetchLinkedMediaRequest(token=token), timeout=self._media_timeout
        )
        self._metrics.called("media", 1)
        responses = aiter(call)
        try:
            async with asyncio.timeout(self._request_timeout):
                first = await anext(responses, None)
            if first is None or not first.HasField("header"):
                raise self._failed("media", "no_header")
            header = MediaHeader(
                mime_type=first.header.mime_type,
                size_bytes=first.header.size_bytes,
                file_name=first.header.file_name,
            )
            yield header, self._data(responses)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise MediaNotFound from None
            raise self._broke("media", error) from None
        except TimeoutError:
            raise self._failed("media", "timeout") from None
        finally:
            call.cancel()

    async def is_serving(self) -> bool:
        """Whether core answers its health check."""
        try:
            health = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=_HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return bool(health.status == health_pb2.HealthCheckResponse.SERVING)

    async def aclose(self) -> None:
        """Bring the confirmations that wait to core, as far as it takes them in a few seconds."""
        if self._confirming:
            _, late = await asyncio.wait(self._confirming, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()

    async def _forward(
        self, items: Sequence[ingress_pb2.ForwardRequestsRequest.Forwarded]
    ) -> AsyncIterator[tuple[int, Reply]]:
        self._metrics.called("forward", len(items))
        call = self._ingress.ForwardRequests(
            ingress_pb2.ForwardRequestsRequest(requests=items), timeout=self._request_timeout
        )
        try:
            async for response in call:
                for reply in response.replies:
                    if reply.index < len(items):
                        yield reply.index, _reply_from_proto(reply)
        except grpc.aio.AioRpcError as error:
            self._broke("forward", error)
            raise
        finally:
            call.cancel()

    async def _data(self, responses: AsyncIterator[ingress_pb2.FetchLinkedMediaResponse]) -> AsyncIterator[bytes]:
        try:
            async for response in responses:
                yield response.data
        except grpc.aio.AioRpcError as error:
            raise self._broke("media", error) from None

    async def _confirm_one(self, confirmed: ingress_pb2.ConfirmRepliesRequest.Confirmed) -> None:
        try:
            await self._confirms(confirmed)
        except (grpc.aio.AioRpcError, Unanswered, Overloaded):
            self._metrics.unconfirmed()

    async def _confirm(
        self, items: Sequence[ingress_pb2.ConfirmRepliesRequest.Confirmed]
    ) -> AsyncIterator[tuple[int, None]]:
        self._metrics.called("confirm", len(items))
        try:
            await self._ingress.ConfirmReplies(
                ingress_pb2.ConfirmRepliesRequest(confirmed=items), timeout=_CONFIRM_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            self._broke("confirm", error)
            raise
        for index in range(len(items)):
            yield index, None

    def _broke(self, call: str, error: grpc.aio.AioRpcError) -> CoreUnavailable:
        # the code alone: an error's text may repeat what was sent
        return self._failed(call, error.code().name.lower())

    def _failed(self, call: str, code: str) -> CoreUnavailable:
        self._metrics.core_failed(call, code)
        _log.warning("core_failed", call=call, code=code)
        return CoreUnavailable(code)


@asynccontextmanager
async def connect(
    address: str, *, metrics: Metrics, request_timeout: float, media_timeout: float, max_calls: int
) -> AsyncIterator[CoreClient]:
    """A client on a connection of its own; it connects when first used, and again whenever core comes back."""
    async with grpc.aio.insecure_channel(address, options=client_options()) as connection:
        client = CoreClient(
            connection,
            metrics=metrics,
            request_timeout=request_timeout,
            media_timeout=media_timeout,
            max_calls=max_calls,
        )
        try:
            yield client
        finally:
            await client.aclose()


def _forwarded_to_proto(forwarded: Forwarded) -> ingress_pb2.ForwardRequestsRequest.Forwarded:
    request = http_request_to_proto(forwarded.request)
    target = forwarded.target
    if isinstance(target, InboxSend):
        return ingress_pb2.ForwardRequestsRequest.Forwarded(
            inbox_send=ingress_pb2.ForwardRequestsRequest.InboxSend(channel_id=target.channel_id), request=request
        )
    return ingress_pb2.ForwardRequestsRequest.Forwarded(
        platform_webhook=ingress_pb2.ForwardRequestsRequest.PlatformWebhook(
            channel_id=target.channel_id, token=target.token
        ),
        request=request,
    )


def _reply_from_proto(reply: ingress_pb2.ForwardRequestsResponse.Reply) -> Reply:
    return Reply(reply=http_reply_from_proto(reply.reply), channel_id=reply.channel_id, message_id=reply.message_id)
