"""A core's control plane on a port of its own, with a scripted registry of providers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status

from anychannel.capabilities import Capabilities, ProviderDescription, SettingField
from anychannel.channel import RegisteredProvider
from anychannel.content import Note
from anychannel.provider import CheckResult
from anychannel.v1 import gateway_pb2_grpc
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.rpc.auth import Gatekeeper
from core.rpc.channels import ChannelService
from core.rpc.dead_letters import DeadLetterService
from core.rpc.errors import Guard
from core.rpc.keys import KeyService
from core.rpc.registry import ProviderRegistryService
from core.secrets import Keyring
from core.storage.database import Pool
from core.storage.dead_letters import Replayed

ADMIN_KEY = "key_" + "a" * 40
REGISTRATION_TOKEN = "reg_" + "r" * 40


class ScriptedRegistry:
    """Knows the provider `acme`; a test may set what registering raises."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, str]] = []
        self.registered_elsewhere: set[str] = set()
        self.known = {"acme"}
        self.error: Exception | None = None
        self.acme = RegisteredProvider(
            platform="acme",
            address="acme:50051",
            ready=True,
            description=ProviderDescription(
                protocol_versions=(1,),
                platform="acme",
                display_name="Acme",
                version="1.0",
                capabilities=Capabilities(max_text_length=100),
                setting_fields=(
                    SettingField(name="bot_token", label="Token", help="In the console.", secret=True, required=True),
                    SettingField(name="region", label="Region", help="Near you.", choices=("eu", "us")),
                ),
            ),
            describe_time=None,
            reason="",
        )

    async def register(self, platform: str, address: str) -> timedelta:
        if self.error is not None:
            raise self.error
        self.registered.append((platform, address))
        return timedelta(seconds=30)

    def list(self) -> list[RegisteredProvider]:
        return [self.acme]

    def description(self, platform: str) -> ProviderDescription | None:
        return self.acme.description if platform in self.known else None

    async def refresh(self) -> None:
        self.known |= self.registered_elsewhere


@dataclass(kw_only=True)
class ControlPlane:
    """A running server, and stubs that call it."""

    connection: grpc.aio.Channel
    registry: ScriptedRegistry
    directory: ChannelDirectory
    gatekeeper: Gatekeeper
    pool: Pool
    replays: list[Replayed] = field(default_factory=list)
    now: float = 0
    """The gatekeeper's clock, in seconds."""

    def __post_init__(self) -> None:
        self.channels = gateway_pb2_grpc.ChannelServiceStub(self.connection)
        self.keys = gateway_pb2_grpc.KeyServiceStub(self.connection)
        self.providers = gateway_pb2_grpc.ProviderRegistryServiceStub(self.connection)
        self.dead_letters = gateway_pb2_grpc.DeadLetterServiceStub(self.connection)

    @staticmethod
    def key(secret: str = ADMIN_KEY) -> tuple[tuple[str, str], ...]:
        """Metadata that carries a key; the admin's when none is given."""
        return (("authorization", f"Bearer {secret}"),)

    @property
    def registration(self) -> tuple[tuple[str, str], ...]:
        """Metadata that carries the registration token."""
        return self.key(REGISTRATION_TOKEN)

    @staticmethod
    def refusal(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, dict[str, str], float | None]:
        """A refused call's code, reason, fields at fault and seconds to wait."""
        status: status_pb2.Status = rpc_status.from_call(error)
        reason, fields, wait = "", {}, None
        for detail in status.details:
            info, bad, retry = (
                error_details_pb2.ErrorInfo(),
                error_details_pb2.BadRequest(),
                error_details_pb2.RetryInfo(),
            )
            if detail.Unpack(info):
                assert info.domain == "anychannel"
                reason = info.reason
            elif detail.Unpack(bad):
                fields = {violation.field: violation.description for violation in bad.field_violations}
            elif detail.Unpack(retry):
                wait = retry.retry_delay.ToTimedelta().total_seconds()
        return error.code(), reason, fields, wait


@pytest.fixture
async def plane(pool: Pool, keyring: Keyring) -> AsyncIterator[ControlPlane]:
    registry, directory = ScriptedRegistry(), ChannelDirectory(pool, keyring)
    replays: list[Replayed] = []
    gatekeeper = Gatekeeper(
        pool, admin_key=ADMIN_KEY, registration_token=REGISTRATION_TOKEN, clock=lambda: control_plane.now
    )

    async def check(config: ChannelConfig) -> CheckResult:
        return CheckResult(
            problems=(Note(code="token_old", text=f"The token of {config.channel_id} is old."),),
            details={"name": "Bot"},
        )

    server = grpc.aio.server(interceptors=[Guard()])
    gateway_pb2_grpc.add_ChannelServiceServicer_to_server(
        ChannelService(
            pool=pool,
            keyring=keyring,
            directory=directory,
            gatekeeper=gatekeeper,
            registry=registry,
            check=check,
            public_url="https://gw.example",
        ),
        server,
    )
    gateway_pb2_grpc.add_KeyServiceServicer_to_server(KeyService(pool, gatekeeper), server)
    gateway_pb2_grpc.add_ProviderRegistryServiceServicer_to_server(
        ProviderRegistryService(registry, gatekeeper), server
    )
    gateway_pb2_grpc.add_DeadLetterServiceServicer_to_server(
        DeadLetterService(pool, gatekeeper, on_replay=replays.append), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as connection:
        control_plane = ControlPlane(
            connection=connection,
            registry=registry,
            directory=directory,
            gatekeeper=gatekeeper,
            pool=pool,
            replays=replays,
        )
        yield control_plane
    await server.stop(None)
