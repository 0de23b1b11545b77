"""The client of the gateway: messages and events; channels, dead letters and keys by noun."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from datetime import timedelta
from itertools import islice
from types import TracebackType
from typing import Self

import grpc

from anychannel.channel import Event, RegisteredProvider
from anychannel.client._calls import Calls, Timing
from anychannel.client._messages import OutboundMessage, Sender
from anychannel.client._nouns import ChannelCalls, DeadLetterCalls, KeyCalls, pages
from anychannel.client.errors import GatewayError
from anychannel.content import Content, Text
from anychannel.message import Message, MessageStory, Status, StatusRecord
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from anychannel.wire import message_from_proto, message_story_from_proto, status_record_from_proto
from anychannel.wire.gateway import registered_provider_from_proto, watched_event_from_proto

DEFAULT_TIMEOUT = timedelta(seconds=10)
SEND_WINDOW = 5_000
"""Messages of one `send_many` that wait at once: ten calls' worth, and far below what a batcher takes."""


class GatewayClient:
    """Calls a gateway with an API key, over one connection.

        async with GatewayClient("core:50050", key) as gateway:
            message = await gateway.send("shop", "15551234567", "Your order is on its way")

    Everything raises `GatewayError`, which says what to do. Calls that may be repeated are, when the gateway is away.

    Args:
        address: host:port of core, or any target that gRPC knows.
        key: the API key; never shown by anything here.
        timeout: for each call with all its tries.
        credentials: TLS to core; None = in the clear, for a trusted network only.
        timing: how time passes; for tests.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout: timedelta = DEFAULT_TIMEOUT,
        credentials: grpc.ChannelCredentials | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._calls = Calls(
            address, key, timeout=timeout.total_seconds(), credentials=credentials, timing=timing or Timing()
        )
        connection = self._calls.connection
        self._messages = gateway_pb2_grpc.MessageServiceStub(connection)
        self._providers = gateway_pb2_grpc.ProviderRegistryServiceStub(connection)
        self._events = gateway_pb2_grpc.EventServiceStub(connection)
        self._sender = Sender(self._calls, self._messages)
        self.channels = ChannelCalls(self._calls)
        self.dead_letters = DeadLetterCalls(self._calls)
        self.keys = KeyCalls(self._calls)

    def __repr__(self) -> str:
        return f"GatewayClient({self._calls.address!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish what is being sent, then close the connection."""
        await self._sender.close()
        await self._calls.close()

    async def ping(self) -> str:
        """Ask whether the gateway serves; its version, empty when it does not say. Needs no scope."""
        return await self._calls.ping()

    async def send(
        self,
        channel_id: str,
        address: str,
        content: Content | str,
        *,
        request_id: str = "",
        expire_after: timedelta | None = None,
    ) -> Message:
        """Send one message; it is stored when this returns. Concurrent sends share calls.

        Args:
            channel_id: on which channel.
            address: to whom: the contact's id on the platform.
            content: what to say; a str is a text.
            request_id: your own key of this send, up to 100 characters: sending it again changes nothing.
            expire_after: given up when not sent by then; None = the channel's policy.

        Raises:
            GatewayError: it was refused, or is not known to be stored.
            ValueError, TypeError: the content cannot be spelled, for instance a text that is no Unicode.
        """
        return await self._sender.send(
            OutboundMessage(
                channel_id=channel_id,
                address=address,
                content=Text(text=content) if isinstance(content, str) else content,
                request_id=request_id,
                expire_after=expire_after,
            )
        )

    async def send_many(self, messages: Iterable[OutboundMessage]) -> list[Message | GatewayError]:
        """Send many messages; each one's outcome, in the same order. A refused one does not stop the others."""

        async def outcome(message: OutboundMessage) -> Message | GatewayError:
            try:
                return await self._sender.send(message)
            except GatewayError as error:
                return error

        waiting = iter(messages)
        outcomes: list[Message | GatewayError] = []
        while window := list(islice(waiting, SEND_WINDOW)):
            outcomes += await asyncio.gather(*(outcome(message) for message in window))
        return outcomes

    async def message(self, message_id: str) -> MessageStory:
        """One message with everything that happened to it."""
        request = gateway_pb2.GetMessageRequest(message_id=message_id)
        return await self._calls.unary(self._messages.GetMessage, request, message_story_from_proto, idempotent=True)

    def messages(self, channel_id: str, *, address: str = "", limit: int | None = None) -> AsyncIterator[Message]:
        """Messages of a channel, newest first; only those with the contact at `address` when it is given."""

        async def page(size: int, token: str) -> tuple[list[Message], str]:
            request = gateway_pb2.ListMessagesRequest(
                channel_id=channel_id, address=address, page_size=size, page_token=token
            )
            return await self._calls.unary(
                self._messages.ListMessages,
                request,
                lambda response: ([message_from_proto(each) for each in response.messages], response.next_page_token),
                idempotent=True,
            )

        return pages(page, limit)

    async def cancel(self, message_id: str) -> Message:
        """Cancel a message of which no part was sent or is under way; otherwise `NotPossible`."""
        return await self._calls.unary(
            self._messages.CancelMessage,
            gateway_pb2.CancelMessageRequest(message_id=message_id),
            lambda response: message_from_proto(response.message),
            idempotent=False,
        )

    async def watch(self, message_id: str) -> AsyncGenerator[StatusRecord, None]:
        """The statuses of one message, past ones first, until failed or the last that the platform reports.

        A broken stream is opened again; no status is told twice.
        """
        told: set[Status] = set()
        records = self._calls.stream(
            self._messages.WatchMessage,
            gateway_pb2.WatchMessageRequest(message_id=message_id),
            lambda response: status_record_from_proto(response.status),
            endless=False,
        )
        async with aclosing(records):
            async for record in records:
                if record.status not in told:
                    told.add(record.status)
                    yield record

    async def events(self, channel_id: str = "") -> AsyncGenerator[Event, None]:
        """A live tail of messages and statuses; of all channels that the key may see when none is given.

        A broken stream is opened again; what happened in between is missed.
        """
        batches = self._calls.stream(
            self._events.WatchEvents,
            gateway_pb2.WatchEventsRequest(channel_id=channel_id),
            lambda response: [watched_event_from_proto(event) for event in response.events],
            endless=True,
        )
        async with aclosing(batches):
            async for batch in batches:
                for event in batch:
                    if event is not None:
                        yield event

    async def providers(self) -> list[RegisteredProvider]:
        """All providers that the gateway knows, by platform."""
        return await self._calls.unary(
            self._providers.ListProviders,
            gateway_pb2.ListProvidersRequest(),
            lambda response: [registered_provider_from_proto(provider) for provider in response.providers],
            idempotent=True,
        )
