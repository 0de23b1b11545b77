"""Serves a provider: gRPC, health, reflection, registration, and a stop that cuts nothing off."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from anychannel._options import MAX_STREAMS_PER_CONNECTION, server_options
from anychannel._registration import keep_registered, reachable_address
from anychannel._servicer import MAX_IN_FLIGHT, ProviderServicer
from anychannel.capabilities import ProviderDescription
from anychannel.provider import Provider
from anychannel.v1 import provider_pb2, provider_pb2_grpc

_log = structlog.get_logger(__name__)

# Kubernetes kills 30 s after SIGTERM: 5 s until every core has seen NOT_SERVING, 18 s for what is under way, 2 s for streams
# such as health watches, and 5 s to spare.
DRAIN_SECONDS = 5.0
GRACE_SECONDS = 18.0
STOP_SECONDS = 2.0

SERVICE = provider_pb2.DESCRIPTOR.services_by_name["ProviderService"].full_name
_SERVICES = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A provider that is served."""

    server: grpc.aio.Server
    port: int
    description: ProviderDescription
    _health: health.aio.HealthServicer = field(repr=False)

    async def leave_service(self) -> None:
        """Say NOT_SERVING from now on; calls are still answered."""
        await self._health.enter_graceful_shutdown()


@asynccontextmanager
async def start_server(
    provider: Provider,
    listen: str = "127.0.0.1:0",
    *,
    max_in_flight: int = MAX_IN_FLIGHT,
    grace_seconds: float = GRACE_SECONDS,
) -> AsyncIterator[RunningServer]:
    """Serve a provider while the context lasts; for tests and for embedding.

    Args:
        provider: what to serve; it is started before the first call and stopped after the last.
        listen: host:port; port 0 takes a free one.
        max_in_flight: parts under way at once.
        grace_seconds: how long calls under way may last at the end.

    Raises:
        TypeError, ValueError: the provider's class declares too little.
        OSError: the port is taken, or the host is not one of this machine.
    """
    async with AsyncExitStack() as stack:
        servicer = ProviderServicer(provider, max_in_flight=max_in_flight)
        health_servicer = health.aio.HealthServicer()
        server = grpc.aio.server(options=server_options(), maximum_concurrent_rpcs=MAX_STREAMS_PER_CONNECTION)
        provider_pb2_grpc.add_ProviderServiceServicer_to_server(servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        reflection.enable_server_reflection(_SERVICES, server)
        port = _bind(server, listen)
        stack.push_async_callback(provider.stop)
        await provider.start()
        await health_servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
        stack.push_async_callback(_stop, server, servicer, health_servicer, grace_seconds)
        await server.start()
        yield RunningServer(server=server, port=port, description=servicer.description, _health=health_servicer)


async def serve(
    provider: Provider,
    *,
    listen: str = "0.0.0.0:50051",
    register: str | None = None,
    registration_token: str = "",
    advertise: str | None = None,
    max_in_flight: int = MAX_IN_FLIGHT,
    drain_seconds: float = DRAIN_SECONDS,
) -> None:
    """Serve a provider until SIGTERM or SIGINT, then stop gracefully. A second signal skips the waiting.

    Args:
        provider: what to serve.
        listen: host:port to listen on.
        register: core's host:port to announce the provider to; None = core has it in its own settings.
        registration_token: what core asks of those who announce themselves.
        advertise: host:port where core reaches this provider; None = found out from the way to core.
        max_in_flight: parts under way at once.
        drain_seconds: how long calls are still taken after SIGTERM. SIGINT, a person at a terminal, does not wait.

    Raises:
        TypeError, ValueError: the provider's class declares too little.
        OSError: the port is taken, or core's name does not resolve.
    """
    signals = _Signals()
    with signals:
        async with start_server(provider, listen, max_in_flight=max_in_flight) as running:
            host = listen.rpartition(":")[0]
            _log.info("serving", platform=running.description.platform, host=host, port=running.port)
            async with AsyncExitStack() as stack:
                if register is not None:
                    address = advertise or await reachable_address(register, host, running.port)
                    registration = asyncio.create_task(
                        keep_registered(
                            platform=running.description.platform,
                            core=register,
                            address=address,
                            token=registration_token,
                        )
                    )
                    stack.callback(registration.cancel)
                await signals.first.wait()
            _log.info("stopping", signal=signals.name)
            await running.leave_service()
            if signals.name == "SIGTERM":
                await _wait(signals.second, drain_seconds)
    _log.info("stopped")


class _Signals:
    """SIGTERM and SIGINT as events."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self.name = ""

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received, number)

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    def _received(self, number: signal.Signals) -> None:
        if self.first.is_set():
            self.second.set()
        else:
            self.name = number.name
            self.first.set()


def _bind(server: grpc.aio.Server, listen: str) -> int:
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError:
        port = 0
    if not port:
        raise OSError(f"cannot listen on {listen}: the port is taken, or the host is not one of this machine")
    return port


async def _stop(
    server: grpc.aio.Server, servicer: ProviderServicer, health_servicer: health.aio.HealthServicer, grace: float
) -> None:
    await health_servicer.enter_graceful_shutdown()
    have_all_ended = await servicer.calls.close(grace)
    if not have_all_ended:
        _log.warning("calls cut off", after_seconds=grace)
    await server.stop(STOP_SECONDS if have_all_ended else 0)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
