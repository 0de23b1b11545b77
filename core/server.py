"""Puts core together: what is entered here, in this order, is how it starts; the reverse is how it stops."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from anychannel._options import server_options
from anychannel.message import Lane
from anychannel.provider import CheckResult
from anychannel.v1 import gateway_pb2_grpc, ingress_pb2_grpc
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.inboxes.binding import ReplyMode
from core.ingress import Ingress
from core.intake import Intake
from core.lanes.dispatcher import Dispatcher, Patience
from core.lanes.inbox import InboxLane, MediaLinks
from core.lanes.platform import ChannelContexts, PlatformLane
from core.lanes.retry import RetryPolicy
from core.listening import Listening
from core.outcomes import TOPIC, Outcomes
from core.providers.registry import ProviderRegistry
from core.rpc.auth import Gatekeeper
from core.rpc.channels import ChannelService
from core.rpc.dead_letters import DeadLetterService
from core.rpc.errors import Guard
from core.rpc.events import EventService
from core.rpc.ingress import IngressService, LinkedMedia
from core.rpc.keys import KeyService
from core.rpc.messages import MessageService
from core.rpc.registry import ProviderRegistryService
from core.secrets import Keyring
from core.settings import Settings
from core.storage.database import Connection, Pool, is_away, open_database
from core.storage.migrate import migrate

DRAIN_SECONDS = 8.0
"""How long attempts under way may finish after SIGTERM; then they are handed back. A platform that is slower than this loses nothing:
its attempt is made again elsewhere, with the same idempotency key."""
STOP_SECONDS = 2.0
"""How long calls under way may finish."""
MAX_CONCURRENT_RPCS = 5_000
SERVICES = (
    "anychannel.v1.MessageService",
    "anychannel.v1.ChannelService",
    "anychannel.v1.ProviderRegistryService",
    "anychannel.v1.DeadLetterService",
    "anychannel.v1.EventService",
    "anychannel.v1.KeyService",
    "anychannel.v1.IngressService",
)
_LISTEN_AGAIN_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A running core."""

    port: int
    dispatcher: Dispatcher
    directory: ChannelDirectory
    registry: ProviderRegistry


class Core:
    """Everything of one core process that lives as long as it does."""

    def __init__(self, settings: Settings, pool: Pool, clock: Callable[[], datetime]) -> None:
        keyring = Keyring.from_text(settings.encryption_keys.get_secret_value())
        policy = RetryPolicy(first=settings.retry_first, longest=settings.retry_max)
        self.pool = pool
        self.registry = ProviderRegistry(pool, static=settings.providers, attempt_timeout=settings.attempt_timeout)
        self.directory = ChannelDirectory(pool, keyring)
        self.contexts = ChannelContexts(self.registry, settings.public_url)
        self.outcomes = Outcomes(pool, is_awaited_elsewhere=self._waits_for_outcomes)
        links = MediaLinks(keyring=keyring, public_url=settings.public_url, lifetime=settings.media_link_lifetime)
        self.inbox = InboxLane(self.directory, links, policy=policy, clock=clock, jitter=random.random)
        platform = PlatformLane(
            self.directory, self.registry, self.contexts, policy=policy, clock=clock, jitter=random.random
        )
        self.dispatcher = Dispatcher(
            pool,
            {Lane.PLATFORM: platform.attempt, Lane.INBOX: self.inbox.attempt},
            patience=Patience(lease=settings.lease, max_in_flight=settings.max_in_flight, retry=policy),
            clock=clock,
            on_reached=self.outcomes.publish,
        )
        self.intake = Intake(
            pool, self.registry, clock=clock, on_work=self.dispatcher.hint, on_reached=self.outcomes.publish
        )
        self.listening = Listening(
            pool, self.directory, self.registry, self.contexts, self.intake, jitter=random.random
        )
        self.services = _Services(self, settings, keyring, clock)

    def _waits_for_outcomes(self, channel_id: str) -> bool:
        config = self.directory.get(channel_id)
        return config is not None and config.reply is ReplyMode.OUTCOME

    async def check(self, config: ChannelConfig) -> CheckResult:
        """Ask the provider whether a channel works; one that checks nothing says so in the details."""
        description = self.registry.description(config.platform)
        if description is not None and not description.checks_channels:
            return CheckResult(details={"checked": f"no: the provider of {config.platform} cannot check channels"})
        return await self.registry.connection(config.platform).check(self.contexts.of(config))

    async def hear_outcomes(self) -> None:
        """Hear what other replicas tell of outcomes, until cancelled; who waits has a time-out, so a gap costs only time."""
        while True:
            try:
                async with self.pool.acquire() as connection:
                    await connection.add_listener(TOPIC, self._hear_outcome)
                    try:
                        await _end_of(connection)
                    finally:
                        if not connection.is_closed():
                            await connection.remove_listener(TOPIC, self._hear_outcome)
            except Exception as error:
                if not is_away(error):
                    raise
            await asyncio.sleep(_LISTEN_AGAIN_SECONDS)

    def _hear_outcome(self, _connection: object, _process: int, _topic: str, said: object) -> None:
        self.outcomes.hear(str(said))


async def _end_of(connection: Connection) -> None:
    ended = asyncio.Event()

    def on_end(_: object) -> None:
        ended.set()

    connection.add_termination_listener(on_end)
    try:
        await ended.wait()
    finally:
        connection.remove_termination_listener(on_end)


class _Services:
    """The gRPC services, and how they are added to a server."""

    def __init__(self, core: Core, settings: Settings, keyring: Keyring, clock: Callable[[], datetime]) -> None:
        pool, directory, registry = core.pool, core.directory, core.registry
        self._health = health_aio.HealthServicer()
        gatekeeper = Gatekeeper(
            pool,
            admin_key=settings.admin_key.get_secret_value(),
            registration_token=settings.registration_token.get_secret_value(),
        )
        ingress = Ingress(
            pool=pool,
            directory=directory,
            registry=registry,
            contexts=core.contexts,
            intake=core.intake,
            outcomes=core.outcomes,
            clock=clock,
            on_work=core.dispatcher.hint,
        )
        self._ingress = IngressService(ingress, LinkedMedia(directory, registry, core.contexts, keyring, clock))
        self._messages = MessageService(
            pool=pool,
            directory=directory,
            registry=registry,
            gatekeeper=gatekeeper,
            intake=core.intake,
            clock=clock,
            on_work=core.dispatcher.hint,
        )
        self._channels = ChannelService(
            pool=pool,
            keyring=keyring,
            directory=directory,
            gatekeeper=gatekeeper,
            registry=registry,
            check=core.check,
            public_url=settings.public_url,
        )
        self._registry = ProviderRegistryService(registry, gatekeeper)
        self._dead_letters = DeadLetterService(
            pool, gatekeeper, on_replay=lambda replayed: core.dispatcher.hint(replayed.work), clock=clock
        )
        self._events = EventService(pool, gatekeeper)
        self._keys = KeyService(pool, gatekeeper, clock)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Add all of them, with health and reflection."""
        ingress_pb2_grpc.add_IngressServiceServicer_to_server(self._ingress, server)
        gateway_pb2_grpc.add_MessageServiceServicer_to_server(self._messages, server)
        gateway_pb2_grpc.add_ChannelServiceServicer_to_server(self._channels, server)
        gateway_pb2_grpc.add_ProviderRegistryServiceServicer_to_server(self._registry, server)
        gateway_pb2_grpc.add_DeadLetterServiceServicer_to_server(self._dead_letters, server)
        gateway_pb2_grpc.add_EventServiceServicer_to_server(self._events, server)
        gateway_pb2_grpc.add_KeyServiceServicer_to_server(self._keys, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((*SERVICES, reflection.SERVICE_NAME), server)

    async def say(self, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None:
        """Answer health checks so from now on."""
        for service in ("", *SERVICES):
            await self._health.set(service, status)


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


@asynccontextmanager
async def running(settings: Settings, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Serving]:
    """Run core until the context ends; then drain: claim no more, finish or hand back what is under way, stop."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_database(settings))
        applied = await migrate(pool)
        _log.info("database ready", migrations_applied=applied)
        core = Core(settings, pool, clock)
        stack.push_async_callback(core.registry.aclose)
        await core.registry.refresh()
        await stack.enter_async_context(core.directory.running())
        await stack.enter_async_context(core.inbox)
        await stack.enter_async_context(_in_background(core.registry.run, core.hear_outcomes))
        await stack.enter_async_context(_dispatching(core))
        await stack.enter_async_context(_in_background(core.listening.run))
        port = await stack.enter_async_context(_serving(core, settings.listen))
        yield Serving(port=port, dispatcher=core.dispatcher, directory=core.directory, registry=core.registry)


@asynccontextmanager
async def _in_background(*loops: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run loops beside the rest; one that breaks breaks core, which is then started anew by whoever keeps it running."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop()) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def _dispatching(core: Core) -> AsyncIterator[None]:
    async with _in_background(core.dispatcher.run):
        try:
            yield
        finally:
            await core.dispatcher.drain(DRAIN_SECONDS)


@asynccontextmanager
async def _serving(core: Core, listen: str) -> AsyncIterator[int]:
    server = grpc.aio.server(
        interceptors=[Guard()], options=server_options(), maximum_concurrent_rpcs=MAX_CONCURRENT_RPCS
    )
    core.services.add_to(server)
    port = server.add_insecure_port(listen)
    await server.start()
    await core.services.say(health_pb2.HealthCheckResponse.SERVING)
    _log.info("core serves", listen=listen, port=port)
    try:
        yield port
    finally:
        await core.services.say(health_pb2.HealthCheckResponse.NOT_SERVING)
        await server.stop(STOP_SECONDS)
