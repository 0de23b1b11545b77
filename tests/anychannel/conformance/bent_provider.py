"""A provider that keeps the contract, and ways to bend it."""

# ruff: noqa: ARG002, N802 - the contract names methods and their arguments

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    ContentUnsupported,
    Heard,
    HttpReply,
    HttpRequest,
    Media,
    MediaNotFound,
    Note,
    Part,
    PlatformUnavailable,
    Provider,
    Received,
    ReportReceived,
    Sent,
    SettingField,
    Status,
    Text,
)
from anychannel._server import SERVICE
from anychannel._servicer import ProviderServicer
from anychannel.conformance._subject import Account, Subject, open_subject
from anychannel.v1 import provider_pb2_grpc

TOKEN = "token-of-an-account"
SIGNATURE = "of-the-platform"
API_BASE = "http://127.0.0.1:1"


class GoodProvider(Provider):
    """Sends to its own platform, with the token of the account; every other platform is away."""

    platform = "good"
    display_name = "Good"
    capabilities = Capabilities(max_text_length=10)
    setting_fields = (
        SettingField(name="access_token", label="Access token", help="In the console.", secret=True, required=True),
        SettingField(name="api_base", label="API", help="Where the API is.", default_value=API_BASE),
    )

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        if not isinstance(part.content, Text):
            raise ContentUnsupported("Text only.")
        if (channel.settings["access_token"], channel.settings["api_base"]) != (TOKEN, API_BASE):
            raise PlatformUnavailable("It is away.")
        return Sent(platform_message_id=part.idempotency_key)

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        if request.header("x-signature") != SIGNATURE:
            return Received(reply=HttpReply(status_code=401))
        event = ReportReceived(
            platform_event_id="1", event_time=request.receive_time, platform_message_id="1", status=Status.READ
        )
        return Received(events=(event,))

    async def listen(self, channel: ChannelContext, cursor: str) -> AsyncGenerator[Heard, None]:
        for number in range(2):
            yield Heard(events=(), cursor=str(number))

    async def check(self, channel: ChannelContext) -> CheckResult:
        return CheckResult(problems=(Note(code="away", text="It is away."),))

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        raise MediaNotFound


class Bent(ProviderServicer):
    """To be overridden where it is to bend."""

    is_healthy = True

    def __init__(self) -> None:
        super().__init__(GoodProvider())


class BentDescription(Bent):
    """Says something else of itself."""

    def __init__(self, **said: Any) -> None:
        super().__init__()
        self.said = said

    async def Describe(self, request: Any, context: Any) -> Any:
        answer = await super().Describe(request, context)
        for name, value in self.said.items():
            bend(answer, name, value)
        return answer


def bend(message: Any, path: str, value: Any) -> None:
    """Set the field at `a__b__0__c` to the value."""
    *parents, name = path.split("__")
    for parent in parents:
        message = message[int(parent)] if parent.isdigit() else getattr(message, parent)
    if isinstance(value, list):
        del getattr(message, name)[:]
        getattr(message, name).extend(value)
    else:
        setattr(message, name, value)


@asynccontextmanager
async def served(servicer: Bent) -> AsyncIterator[str]:
    """The address where it is served."""
    server = grpc.aio.server()
    health_servicer = health.aio.HealthServicer()
    provider_pb2_grpc.add_ProviderServiceServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    status = (
        health_pb2.HealthCheckResponse.SERVING if servicer.is_healthy else health_pb2.HealthCheckResponse.NOT_SERVING
    )
    await health_servicer.set(SERVICE, status)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


@asynccontextmanager
async def subject_of(servicer: Bent, account: Account | None = None) -> AsyncIterator[Subject]:
    async with served(servicer) as address, open_subject(address, account or Account()) as subject:
        yield subject
