"""IngressService: what edge asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import grpc
import structlog

from anychannel import wire
from anychannel.provider import HttpReply
from anychannel.v1 import ingress_pb2, ingress_pb2_grpc
from core.directory import ChannelDirectory
from core.ingress import Ingress, Reply
from core.lanes.platform import ChannelContexts
from core.media_links import LinkRefused, MediaLink, open_media_link
from core.providers.connection import MediaGone, MediaHeader, ProviderAway, ProviderRefused
from core.providers.registry import ProviderRegistry
from core.rpc.errors import Context
from core.secrets import Keyring
from core.storage.database import is_away

MAX_REQUESTS = 100
MAX_CONFIRMED = 500

_log = structlog.get_logger(__name__)

_Forwarded = ingress_pb2.ForwardRequestsRequest.Forwarded
_WireReply = ingress_pb2.ForwardRequestsResponse.Reply


class IngressService(ingress_pb2_grpc.IngressServiceServicer):
    """Answers raw requests in batches, each as soon as it can be."""

    def __init__(self, ingress: Ingress, linked_media: "LinkedMedia") -> None:
        self._ingress = ingress
        self._linked_media = linked_media

    async def ForwardRequests(
        self, request: ingress_pb2.ForwardRequestsRequest, context: Context
    ) -> AsyncIterator[ingress_pb2.ForwardRequestsResponse]:
        """Answer each request; what is ready at the same time goes in one response."""
        if len(request.requests) > MAX_REQUESTS:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"more than {MAX_REQUESTS} requests in one call")
        waiting = {
            asyncio.ensure_future(self._answer(index, forwarded)) for index, forwarded in enumerate(request.requests)
        }
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                yield ingress_pb2.ForwardRequestsResponse(replies=[answer.result() for answer in done])
        finally:
            for answer in waiting:
                answer.cancel()

    async def ConfirmReplies(
        self, request: ingress_pb2.ConfirmRepliesRequest, context: Context
    ) -> ingress_pb2.ConfirmRepliesResponse:
        """Note which messages the inbox now knows the ids of."""
        if len(request.confirmed) > MAX_CONFIRMED:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"more than {MAX_CONFIRMED} messages in one call")
        try:
            await self._ingress.confirm([(c.channel_id, c.message_id) for c in request.confirmed])
        except Exception as error:
            if not is_away(error):
                raise
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the database is away")
        return ingress_pb2.ConfirmRepliesResponse()

    async def FetchLinkedMedia(
        self, request: ingress_pb2.FetchLinkedMediaRequest, context: Context
    ) -> AsyncIterator[ingress_pb2.FetchLinkedMediaResponse]:
        """Stream the media behind a link."""
        async for piece in self._linked_media.stream(request, context):
            yield piece

    async def _answer(self, index: int, forwarded: _Forwarded) -> _WireReply:
        """The answer to one request; a bug met on the way costs that one only."""
        try:
            return await self._dispatch(index, forwarded)
        except Exception:  # noqa: BLE001  # it costs this request only
            _log.exception("request not answered")
            return _WireReply(index=index, reply=wire.http_reply_to_proto(HttpReply(status_code=500)))

    async def _dispatch(self, index: int, forwarded: _Forwarded) -> _WireReply:
        match forwarded.WhichOneof("target"):
            case "inbox_send":
                request = wire.http_request_from_proto(forwarded.request)
                reply = await self._ingress.inbox_send(forwarded.inbox_send.channel_id, request)
            case "platform_webhook":
                target = forwarded.platform_webhook
                request = wire.http_request_from_proto(forwarded.request)
                reply = Reply(reply=await self._ingress.platform_webhook(target.channel_id, target.token, request))
            case _:
                reply = Reply(reply=HttpReply(status_code=404))
        return _WireReply(
            index=index,
            reply=wire.http_reply_to_proto(reply.reply),
            message_id=reply.message_id,
            channel_id=reply.channel_id,
        )


class LinkedMedia:
    """Streams the media that a signed link names."""

    def __init__(
        self,
        directory: ChannelDirectory,
        registry: ProviderRegistry,
        contexts: ChannelContexts,
        keyring: Keyring,
        clock: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._registry = registry
        self._contexts = contexts
        self._keyring = keyring
        self._clock = clock

    async def stream(
        self, request: ingress_pb2.FetchLinkedMediaRequest, context: Context
    ) -> AsyncIterator[ingress_pb2.FetchLinkedMediaResponse]:
        """The header, then the bytes."""
        try:
            link = open_media_link(self._keyring, request.token, self._clock())
            async for piece in self._pieces(link):
                yield _piece(piece)
        except (LinkRefused, MediaGone):
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such media, or no longer")
        except (ProviderAway, ProviderRefused) as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))

    def _pieces(self, link: MediaLink) -> AsyncIterator[MediaHeader | bytes]:
        config = self._directory.get(link.channel_id)
        if config is None:
            raise MediaGone(link.media_id)
        return self._registry.connection(config.platform).fetch_media(self._contexts.of(config), link.media_id)


def _piece(piece: MediaHeader | bytes) -> ingress_pb2.FetchLinkedMediaResponse:
    if isinstance(piece, bytes):
        return ingress_pb2.FetchLinkedMediaResponse(data=piece)
    response = ingress_pb2.FetchLinkedMediaResponse()
    response.header.mime_type = piece.mime_type
    response.header.size_bytes = piece.size_bytes
    response.header.file_name = piece.file_name
    return response
