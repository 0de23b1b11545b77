"""Sends messages and tells what became of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

import grpc

from anychannel import wire
from anychannel.channel import Scope
from anychannel.message import Direction, Message, Origin, Status
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.intake import Intake, Send
from core.lanes.records import LaneKey, NewMessage
from core.providers.registry import ProviderRegistry
from core.rpc.auth import Caller, Gatekeeper
from core.rpc.errors import Context, RpcError, invalid, not_found, refusal_of
from core.rpc.paging import id_before, page_size_of, token_after
from core.sendable import Unsendable, check_address, check_content
from core.storage.accept import Accepted
from core.storage.database import Pool
from core.storage.messages import NotCancellable, cancel_message, get_message, get_story, list_messages

MAX_REQUESTS = 500
MAX_REQUEST_ID_CHARACTERS = 100
MAX_EXPIRE_AFTER = timedelta(days=30)
DEFAULT_PAGE_SIZE = 50
WATCH_SECONDS = 0.2
"""How soon a watched message is looked at again."""
LONGEST_WATCH_SECONDS = 3.0
"""The same for one that nothing has happened to for a while: some are never read, and their watchers never leave."""

_Result = gateway_pb2.SendMessagesResponse.Result
_Refusal = gateway_pb2.SendMessagesResponse.Refusal


class MessageService(gateway_pb2_grpc.MessageServiceServicer):
    """Sends messages and tells what became of them."""

    def __init__(
        self,
        *,
        pool: Pool,
        directory: ChannelDirectory,
        registry: ProviderRegistry,
        gatekeeper: Gatekeeper,
        intake: Intake,
        clock: Callable[[], datetime],
        on_work: Callable[[frozenset[LaneKey]], None],
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._registry = registry
        self._gatekeeper = gatekeeper
        self._intake = intake
        self._clock = clock
        self._on_work = on_work

    async def SendMessage(
        self, request: gateway_pb2.SendMessageRequest, context: Context
    ) -> gateway_pb2.SendMessageResponse:
        """Store one message."""
        caller = await self._gatekeeper.admit(context, Scope.SEND)
        message = await self._send(caller, request)
        return gateway_pb2.SendMessageResponse(message=wire.message_to_proto(message))

    async def SendMessages(
        self, request: gateway_pb2.SendMessagesRequest, context: Context
    ) -> gateway_pb2.SendMessagesResponse:
        """Store many messages; those to one contact in the order given."""
        caller = await self._gatekeeper.admit(context, Scope.SEND)
        if not 1 <= len(request.requests) <= MAX_REQUESTS:
            raise invalid("requests", f"1 to {MAX_REQUESTS} messages go in one call")
        sent = await asyncio.gather(*(self._send(caller, one) for one in request.requests), return_exceptions=True)
        return gateway_pb2.SendMessagesResponse(results=[_result(one) for one in sent])

    async def GetMessage(
        self, request: gateway_pb2.GetMessageRequest, context: Context
    ) -> gateway_pb2.GetMessageResponse:
        """One message with its whole story."""
        caller = await self._gatekeeper.admit(context, Scope.READ)
        story = await get_story(self._pool, _message_id(request.message_id), sorted(caller.channel_ids))
        if story is None:
            raise not_found("message", request.message_id)
        return wire.message_story_to_proto(story)

    async def ListMessages(
        self, request: gateway_pb2.ListMessagesRequest, context: Context
    ) -> gateway_pb2.ListMessagesResponse:
        """A channel's messages, newest first."""
        await self._gatekeeper.admit(context, Scope.READ, request.channel_id)
        self._channel(request.channel_id)
        size = page_size_of(request.page_size, DEFAULT_PAGE_SIZE)
        found = await list_messages(
            self._pool,
            channel_id=request.channel_id,
            address=request.address.replace("\0", ""),
            before=id_before(request.page_token),
            limit=size + 1,
        )
        page = found[:size]
        return gateway_pb2.ListMessagesResponse(
            messages=[wire.message_to_proto(message) for message in page],
            next_page_token=token_after(page[-1].message_id) if len(found) > size else "",
        )

    async def CancelMessage(
        self, request: gateway_pb2.CancelMessageRequest, context: Context
    ) -> gateway_pb2.CancelMessageResponse:
        """Cancel a message that nothing was sent of yet."""
        caller = await self._gatekeeper.admit(context, Scope.SEND)
        message = await self._get(request.message_id, caller)
        try:
            work = await cancel_message(self._pool, message.channel_id, message.message_id, self._clock())
        except NotCancellable:
            raise RpcError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "MESSAGE_NOT_CANCELLABLE",
                "it is sent, failed, or just under way: it can no longer be cancelled",
            ) from None
        self._on_work(frozenset(work))
        message = await self._get(request.message_id, caller)
        return gateway_pb2.CancelMessageResponse(message=wire.message_to_proto(message))

    async def WatchMessage(
        self, request: gateway_pb2.WatchMessageRequest, context: Context
    ) -> AsyncIterator[gateway_pb2.WatchMessageResponse]:
        """Stream the statuses of one message until a final one."""
        caller = await self._gatekeeper.admit(context, Scope.READ)
        message = await self._get(request.message_id, caller)
        told, wait = 0, WATCH_SECONDS
        while True:
            story = await get_story(self._pool, message.message_id, [message.channel_id])
            if story is None:
                return
            for status in story.statuses[told:]:
                yield gateway_pb2.WatchMessageResponse(status=wire.status_record_to_proto(status))
                told, wait = told + 1, WATCH_SECONDS
            if self._is_final(story.message):
                return
            await asyncio.sleep(wait)
            wait = min(LONGEST_WATCH_SECONDS, wait * 1.2)

    async def _send(self, caller: Caller, request: gateway_pb2.SendMessageRequest) -> Message:
        caller.require_channel(request.channel_id)
        config = self._channel(request.channel_id)
        try:
            send = _read(request)
        except Unsendable as error:
            raise invalid(error.field, str(error)) from None
        message, accepted = await self._intake.send(config, send)
        if not accepted.is_new:
            return await self._get(accepted.message_id, caller)
        return _stored(message, accepted)

    def _channel(self, channel_id: str) -> ChannelConfig:
        config = self._directory.get(channel_id)
        if config is None:
            raise not_found("channel", channel_id)
        return config

    async def _get(self, message_id: str, caller: Caller) -> Message:
        message = await get_message(self._pool, _message_id(message_id), sorted(caller.channel_ids))
        if message is None:
            raise not_found("message", message_id)
        return message

    def _is_final(self, message: Message) -> bool:
        """Whether its status will not change any more, as far as the platform reports at all."""
        if message.status in (None, Status.FAILED, Status.READ):
            return True
        config = self._directory.get(message.channel_id)
        description = self._registry.description(config.platform) if config else None
        reports = description.capabilities.reports if description else frozenset()
        last = Status.READ if Status.READ in reports else Status.DELIVERED if reports else Status.SENT
        return message.status is last


def _message_id(message_id: str) -> str:
    if not 1 <= len(message_id) <= 50 or "\0" in message_id:
        raise invalid("message_id", "a message id is msg_ and 26 characters")
    return message_id


def _read(request: gateway_pb2.SendMessageRequest) -> Send:
    """What a request asks for. Raises `Unsendable`."""
    check_address(request.address)
    if len(request.request_id) > MAX_REQUEST_ID_CHARACTERS or "\0" in request.request_id:
        raise Unsendable(
            "request_id", f"is longer than {MAX_REQUEST_ID_CHARACTERS} characters, or contains a NUL character"
        )
    try:
        content = wire.content_from_proto(request.content)
    except ValueError:
        raise Unsendable("content", "is missing, or of a kind that this version does not know") from None
    try:
        check_content(content)
    except Unsendable as error:
        raise Unsendable(f"content.{error.field}", str(error).removeprefix(error.field).strip()) from None
    expire_after = None
    if request.HasField("expire_after"):
        expire_after = wire.duration_from_proto(request.expire_after)
        if not timedelta(0) < expire_after <= MAX_EXPIRE_AFTER:
            raise Unsendable("expire_after", f"is not between 0 and {MAX_EXPIRE_AFTER.days} days")
    return Send(
        origin=Origin.CLIENT,
        content=content,
        address=request.address,
        request_id=request.request_id,
        expire_after=expire_after,
    )


def _stored(message: NewMessage, accepted: Accepted) -> Message:
    return Message(
        message_id=accepted.message_id,
        channel_id=message.channel_id,
        direction=Direction.OUTBOUND,
        origin=message.origin,
        address=message.address,
        contact_id=message.contact_id,
        content=message.content,
        status=Status.ACCEPTED,
        failure=None,
        notes=message.notes,
        create_time=message.create_time,
        event_time=message.event_time,
        expire_time=message.expire_time,
        request_id=message.request_id or "",
    )


def _result(sent: Message | BaseException) -> _Result:
    if isinstance(sent, Message):
        return _Result(message=wire.message_to_proto(sent))
    refusal = refusal_of(sent) if isinstance(sent, Exception) else None
    if refusal is None:
        raise sent
    code: tuple[int, str] = refusal.code.value
    fields: Sequence[str] = list(refusal.violations)
    return _Result(refusal=_Refusal(code=code[0], message=refusal.message, field=fields[0] if fields else ""))
