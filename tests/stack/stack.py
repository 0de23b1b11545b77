"""The whole product as processes on free ports of this machine: PostgreSQL, core, edge, the sandbox and its provider."""

import base64
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from anychannel.channel import Channel, IdType, InboxBinding, ReplyMode
from anychannel.client import AlreadyExists, GatewayClient, GatewayError, NotPossible, Unavailable
from tests.stack.postgres import postgres, postgres_url
from tests.stack.processes import HOST, Processes, Program, free_port
from tests.stack.waiting import until

CHANNEL_ID = "sandbox"
_PROVIDER_SERVICE = "anychannel.v1.ProviderService"
_PROBE_SECONDS = 1.0
_HTTP_SECONDS = 20.0
_KNOWN_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What core is given where the database is not its own."""

    admin_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    registration_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    encryption_keys: str = field(
        default_factory=lambda: f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}", repr=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Everything runs. The names of processes: postgres, core (core-2, …), edge, provider, sandbox."""

    processes: Processes
    sandbox: aiohttp.ClientSession
    """Calls of the sandbox: both outer ends."""
    edge: aiohttp.ClientSession
    gateway: GatewayClient
    database_url: str


@asynccontextmanager
async def running_stack(
    *, replicas: int = 1, sandbox: Mapping[str, str] | None = None, reply: ReplyMode = ReplyMode.ACCEPTED
) -> AsyncIterator[Stack]:
    """Run everything, with one channel between the sandbox's phones and its inbox.

    Args:
        replicas: of core.
        sandbox: settings of the sandbox, as the fields of its `Settings`.
        reply: when the inbox's sends are answered.
    """
    ports = [free_port() for _ in range(4 + replicas)]
    database_port, edge_port, provider_port, sandbox_port, *core_ports = ports
    known, database_url = Secrets(), postgres_url(database_port)
    cores = f"ipv4:{','.join(f'{HOST}:{port}' for port in core_ports)}"
    async with AsyncExitStack() as stack:
        # Not pytest's own folder: the user who runs PostgreSQL in place of root may not enter that.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anychannel-stack-")))
        processes = await stack.enter_async_context(Processes(folder))
        await processes.start(postgres(folder, database_port))
        for number, port in enumerate(core_ports, 1):
            name = "core" if number == 1 else f"core-{number}"
            await processes.start(core_program(name, port, edge_port, database_url, known))
        await processes.start(sandbox_program(folder, sandbox_port, edge_port, sandbox or {}))
        await processes.start(provider_program(provider_port, cores, known))
        await processes.start(edge_program(edge_port, cores))
        timeout = aiohttp.ClientTimeout(total=_HTTP_SECONDS)
        gateway = await stack.enter_async_context(GatewayClient(cores, known.admin_key))
        await _set_up(gateway, sandbox_port, reply)
        yield Stack(
            processes=processes,
            sandbox=await stack.enter_async_context(
                aiohttp.ClientSession(f"http://{HOST}:{sandbox_port}", timeout=timeout)
            ),
            edge=await stack.enter_async_context(aiohttp.ClientSession(f"http://{HOST}:{edge_port}", timeout=timeout)),
            gateway=gateway,
            database_url=database_url,
        )


async def _set_up(gateway: GatewayClient, sandbox_port: int, reply: ReplyMode) -> None:
    channel = _channel(f"http://{HOST}:{sandbox_port}", reply)

    async def is_made() -> bool:
        try:
            await gateway.channels.create(channel)
        except AlreadyExists:
            return True
        except (NotPossible, Unavailable):  # not every replica knows the provider yet
            return False
        return True

    async def is_working() -> bool:
        try:
            return not (await gateway.channels.check(CHANNEL_ID)).problems
        except GatewayError:  # of a replica that has not heard of the channel yet
            return False

    await until(is_made, within=_KNOWN_SECONDS, what="core knows the sandbox's provider")
    await until(is_working, within=_KNOWN_SECONDS, what="the channel works")


def _channel(sandbox: str, reply: ReplyMode) -> Channel:
    return Channel(
        channel_id=CHANNEL_ID,
        platform="sandbox",
        settings={
            "api_base": sandbox,
            "access_token": "sandbox-platform-token",
            "webhook_secret": "sandbox-webhook-secret",
        },
        inbox=InboxBinding(
            webhook_url=f"{sandbox}/custom/channel/webhook/",
            inbox_channel_id="sandbox-inbox",
            token="sandbox-inbox-token",
            id_type=IdType.PHONE,
            reply=reply,
        ),
    )


def core_program(name: str, port: int, edge_port: int, database_url: str, known: Secrets) -> Program:
    """Core, on a database of its own."""
    return Program(
        name=name,
        command=(sys.executable, "-m", "core"),
        settings={
            "ANYCHANNEL_CORE_LISTEN": f"{HOST}:{port}",
            "ANYCHANNEL_CORE_DATABASE_URL": database_url,
            "ANYCHANNEL_CORE_PUBLIC_URL": f"http://{HOST}:{edge_port}",
            "ANYCHANNEL_CORE_REGISTRATION_TOKEN": known.registration_token,
            "ANYCHANNEL_CORE_ADMIN_KEY": known.admin_key,
            "ANYCHANNEL_CORE_ENCRYPTION_KEYS": known.encryption_keys,
        },
        is_ready=lambda: _serves(port),
    )


def edge_program(port: int, cores: str) -> Program:
    """Edge."""
    return Program(
        name="edge",
        command=(sys.executable, "-m", "edge"),
        settings={
            "ANYCHANNEL_EDGE_HOST": HOST,
            "ANYCHANNEL_EDGE_PORT": str(port),
            "ANYCHANNEL_EDGE_CORE_ADDRESS": cores,
            "ANYCHANNEL_EDGE_DRAIN_SECONDS": "0",
        },
        is_ready=lambda: answers(f"http://{HOST}:{port}/readyz"),
    )


def provider_program(port: int, cores: str, known: Secrets) -> Program:
    """The sandbox's provider."""
    address = f"{HOST}:{port}"
    return Program(
        name="provider",
        command=(
            *(sys.executable, "-m", "anychannel", "serve", "providers.sandbox:SandboxProvider"),
            *("--listen", address, "--register", cores, "--advertise", address),
        ),
        settings={"ANYCHANNEL_REGISTRATION_TOKEN": known.registration_token},
        is_ready=lambda: _serves(port, _PROVIDER_SERVICE),
    )


def sandbox_program(folder: Path, port: int, edge_port: int, settings: Mapping[str, str]) -> Program:
    """The sandbox."""
    given = {
        "host": HOST,
        "port": str(port),
        "gateway_url": f"http://{HOST}:{edge_port}",
        "data_folder": str(folder / "sandbox"),
        **settings,
    }
    return Program(
        name="sandbox",
        command=(sys.executable, "-m", "sandbox"),
        settings={f"ANYCHANNEL_SANDBOX_{name.upper()}": value for name, value in given.items()},
        is_ready=lambda: answers(f"http://{HOST}:{port}/healthz"),
    )


async def _serves(port: int, service: str = "") -> bool:
    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as connection:
        try:
            answer = await health_pb2_grpc.HealthStub(connection).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=_PROBE_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def answers(url: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PROBE_SECONDS)) as http,
            http.get(url) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
