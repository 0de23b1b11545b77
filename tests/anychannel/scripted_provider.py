"""A provider that does what a test says, and a bare stub for what the client of the kit hides."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    Heard,
    HttpRequest,
    Media,
    Part,
    Provider,
    Received,
    ReportReceived,
    Sent,
    SettingField,
    Status,
)
from anychannel.testing import A_TIME, a_channel
from anychannel.v1 import provider_pb2, provider_pb2_grpc
from anychannel.wire import channel_context_to_proto, part_to_proto

EVENT = ReportReceived(platform_event_id="e", event_time=A_TIME, platform_message_id="p", status=Status.READ)


async def sent(_channel: ChannelContext, part: Part) -> Sent:
    return Sent(platform_message_id=f"id of {part.message_id}")


class Scripted(Provider):
    """Offers everything; each test says what one method does. Results are untyped on purpose: authors make mistakes."""

    platform = "scripted"
    display_name = "Scripted"
    capabilities = Capabilities(max_text_length=10)
    setting_fields = (
        SettingField(name="token", label="Token", help="There.", secret=True),
        SettingField(name="region", label="Region", help="There."),
    )

    def __init__(
        self,
        *,
        send: Callable[[ChannelContext, Part], Any] = sent,
        receive: Callable[[ChannelContext, HttpRequest], Any] = lambda _channel, _request: Received(),
        listen: Callable[[ChannelContext, str], Any] | None = None,
        check: Callable[[ChannelContext], Any] | None = None,
        fetch: Callable[[ChannelContext, str], Any] | None = None,
    ) -> None:
        self._does: dict[str, Any] = {"listen": listen, "check": check, "fetch": fetch, "send": send}
        self._receive = receive

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        return await self._does["send"](channel, part)  # type: ignore[no-any-return] # see the class

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        return self._receive(channel, request)  # type: ignore[no-any-return] # see the class

    def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        return self._does["listen"](channel, cursor)  # type: ignore[no-any-return] # see the class

    async def check(self, channel: ChannelContext) -> CheckResult:
        return await self._does["check"](channel)  # type: ignore[no-any-return] # see the class

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        return await self._does["fetch"](channel, media_id)  # type: ignore[no-any-return] # see the class


class Minimal(Provider):
    platform = "minimal"
    display_name = "Minimal"
    capabilities = Capabilities(max_text_length=10)

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        return await sent(channel, part)


def raising(raised: BaseException) -> Callable[..., Awaitable[Any]]:
    async def do(*_: object) -> Any:
        raise raised

    return do


def returning(value: object) -> Callable[..., Awaitable[Any]]:
    async def do(*_: object) -> Any:
        return value

    return do


def deliver_request(*parts: Part) -> provider_pb2.DeliverRequest:
    return provider_pb2.DeliverRequest(
        channels=[channel_context_to_proto(a_channel())],
        deliveries=[provider_pb2.DeliverRequest.Delivery(channel_index=0, part=part_to_proto(part)) for part in parts],
    )


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[provider_pb2_grpc.ProviderServiceStub]:
    """A bare stub, for what the client of the kit hides."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as connection:
        yield provider_pb2_grpc.ProviderServiceStub(connection)
