"""The provider that is examined: how it is called, and with which channel."""

import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2_grpc

from anychannel._options import client_options
from anychannel.conformance._broken import Broken, Skipped
from anychannel.conformance._placeholders import placeholders
from anychannel.v1 import message_pb2, provider_pb2, provider_pb2_grpc

CALL_SECONDS = 20.0
_PATIENCE_SECONDS = 5.0
PROTOCOL_VERSION = 1
API_BASE = "api_base"
"""The setting by which a provider can be led to another platform than the real one."""
UNREACHABLE = "http://127.0.0.1:9"
"""Where nobody listens: the discard port, closed everywhere."""

# Without a pool of its own a connection shares what gRPC remembers of a port in this process, also of servers long gone.
_OPTIONS = [*client_options(), ("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the caller lends the checks."""

    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of a channel; placeholders stand for what is missing."""
    to: str = ""
    """The address of a contact to whom a message may really be sent; empty = nobody."""
    webhook: provider_pb2.HttpRequest | None = field(default=None, repr=False)
    """A genuine one, of which an event comes."""
    pid: int = 0
    """The provider's process, which is then stopped; 0 = let it run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A provider that answers `Describe`."""

    stub: provider_pb2_grpc.ProviderServiceStub
    health: health_pb2_grpc.HealthStub
    description: provider_pb2.DescribeResponse
    account: Account
    is_local: bool
    """It runs on this machine, as far as its address tells."""

    @property
    def can_be_led_astray(self) -> bool:
        """Whether a setting says where the platform is, so that a check can say: nowhere."""
        return any(field.name == API_BASE for field in self.description.setting_fields)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of the settings that no answer may hold."""
        settings = self.channel().settings
        return tuple(
            settings[field.name] for field in self.description.setting_fields if field.secret and field.name in settings
        )

    def channel(self, **settings: str) -> provider_pb2.ChannelContext:
        """The caller's channel, completed by placeholders. Its webhook address is empty: nothing is to be registered."""
        made_up = placeholders(self.description.setting_fields)
        missing = [name for name in made_up.missing if name not in self.account.settings]
        if missing:
            raise Skipped(f"no placeholder has the form of {', '.join(missing)}: give --set {missing[0]}=…")
        return provider_pb2.ChannelContext(
            channel_id="conformance", settings={**made_up.settings, **self.account.settings, **settings}
        )

    def astray_channel(self, api_base: str = UNREACHABLE) -> provider_pb2.ChannelContext:
        """A channel whose platform is nowhere. Raises `Skipped` when no setting says where it is."""
        if not self.can_be_led_astray:
            raise Skipped(f"no setting {API_BASE} leads away from the real platform")
        return self.channel(**{API_BASE: api_base})

    def harmless(self, count: int) -> provider_pb2.DeliverRequest:
        """So many parts that reach nobody: texts to a platform that is nowhere, or else content of no known kind."""
        if self.can_be_led_astray:
            contents = [a_text("Hello")] * count
            return deliver_request(self.astray_channel(), contents)
        return deliver_request(self.channel(), [message_pb2.Content()] * count)

    async def describe(self, *, seconds: float = _PATIENCE_SECONDS) -> provider_pb2.DescribeResponse:
        """Ask once more who it is, with little patience: what is busy with other calls answers this one, too."""
        return await _describe(self.stub, seconds)

    async def outcomes(
        self, request: provider_pb2.DeliverRequest, *, seconds: float = CALL_SECONDS
    ) -> dict[int, provider_pb2.DeliverResponse.Outcome]:
        """Deliver; every outcome by its index. Raises `Broken` when the stream is not as the contract says."""
        known: dict[int, provider_pb2.DeliverResponse.Outcome] = {}
        async for response in self.stub.Deliver(request, timeout=seconds):
            if not response.outcomes:
                raise Broken("Deliver streamed an answer without an outcome")
            for outcome in response.outcomes:
                if outcome.index in known:
                    raise Broken(f"Deliver told the outcome of index {outcome.index} twice")
                if outcome.index >= len(request.deliveries):
                    raise Broken(f"Deliver told an outcome of index {outcome.index}, which was not asked for")
                if outcome.WhichOneof("outcome") is None:
                    raise Broken(f"Deliver's outcome of index {outcome.index} is neither sent nor a failure")
                known[outcome.index] = outcome
        return known

    async def receive(self, *requests: provider_pb2.HttpRequest) -> list[provider_pb2.ReceiveWebhooksResponse.Received]:
        """Let the provider read these webhooks in one call."""
        if not self.description.receives_webhooks:
            raise Skipped("it receives no webhooks")
        response = await self.stub.ReceiveWebhooks(
            provider_pb2.ReceiveWebhooksRequest(
                channels=[self.channel()],
                webhooks=[provider_pb2.ReceiveWebhooksRequest.Webhook(request=request) for request in requests],
            ),
            timeout=CALL_SECONDS,
        )
        return list(response.results)


@asynccontextmanager
async def open_subject(address: str, account: Account) -> AsyncIterator[Subject]:
    """Connect to a provider, and ask it who it is.

    Raises:
        grpc.aio.AioRpcError: it does not answer `Describe`.
    """
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as connection:
        stub: provider_pb2_grpc.ProviderServiceStub = provider_pb2_grpc.ProviderServiceStub(connection)
        yield Subject(
            stub=stub,
            health=health_pb2_grpc.HealthStub(connection),
            description=await _describe(stub, CALL_SECONDS),
            account=account,
            is_local=_is_local(address),
        )


async def _describe(stub: provider_pb2_grpc.ProviderServiceStub, seconds: float) -> provider_pb2.DescribeResponse:
    return await stub.Describe(provider_pb2.DescribeRequest(protocol_versions=[PROTOCOL_VERSION]), timeout=seconds)


def deliver_request(
    channel: provider_pb2.ChannelContext,
    contents: Iterable[message_pb2.Content],
    *,
    to: str = "",
    idempotency_key: str = "",
) -> provider_pb2.DeliverRequest:
    """A batch of one channel; each part for a contact of its own, unless one is named."""
    return provider_pb2.DeliverRequest(
        channels=[channel],
        deliveries=[
            provider_pb2.DeliverRequest.Delivery(
                part=message_pb2.Part(
                    message_id=f"msg_conformance_{index}",
                    idempotency_key=idempotency_key or f"msg_conformance_{index}/0",
                    address=to or f"+1555010{index:04}",
                    content=content,
                    count=1,
                )
            )
            for index, content in enumerate(contents)
        ],
    )


def a_text(text: str) -> message_pb2.Content:
    """A text to send."""
    return message_pb2.Content(text=message_pb2.Text(text=text))


def now() -> Timestamp:
    """The time as webhooks carry it."""
    time = Timestamp()
    time.GetCurrentTime()
    return time


def _is_local(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
