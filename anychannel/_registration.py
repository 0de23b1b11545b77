"""Announces a provider to core, and keeps announcing it; core dials back to the address it is given."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable

import grpc
import structlog

from anychannel._options import client_options
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from anychannel.wire import duration_from_proto

_log = structlog.get_logger(__name__)

# Core dials back and asks for the description before it answers.
_CALL_SECONDS = 15.0
_RENEW_SECONDS = 30.0
_FIRST_RETRY_SECONDS = 0.5
_LONGEST_RETRY_SECONDS = 30.0
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised here, not bound


def retry_delay(failures: int, jitter: float) -> float:
    """Seconds until the next try: doubling from half a second to half a minute, spread by jitter (0 to 1) over its upper half."""
    longest = min(_FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 16), _LONGEST_RETRY_SECONDS)
    return longest * (0.5 + jitter / 2)


async def keep_registered(
    *,
    platform: str,
    core: str,
    address: str,
    token: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Announce the platform's provider to core for ever; logs once whenever the answer changes.

    Args:
        platform: what the provider speaks.
        core: host:port of core.
        address: host:port where core reaches the provider.
        token: the registration token.
        sleep: waits so many seconds.
        jitter: a random number from 0 to 1.
    """
    request = gateway_pb2.RegisterProviderRequest(platform=platform, address=address)
    last_answer = ""
    failures = 0
    async with grpc.aio.insecure_channel(target(core), options=client_options()) as connection:
        stub = gateway_pb2_grpc.ProviderRegistryServiceStub(connection)
        while True:
            try:
                response = await stub.RegisterProvider(
                    request, timeout=_CALL_SECONDS, metadata=(("authorization", f"Bearer {token}"),)
                )
            except grpc.aio.AioRpcError as refused:
                failures += 1
                answer, reason, delay = refused.code().name, refused.details() or "", retry_delay(failures, jitter())
            else:
                failures = 0
                answer, reason, delay = "OK", "", _renewal_seconds(response)
            if answer != last_answer:
                _log_answer(answer, reason, core=core, address=address)
                last_answer = answer
            await sleep(delay)


async def reachable_address(core: str, listen_host: str, port: int) -> str:
    """host:port under which core reaches what listens here.

    That is the host itself, or for a wildcard the address from which this machine reaches core; nothing is sent to find it
    out. Raises `OSError` when core's name does not resolve.
    """
    if listen_host.strip("[]") not in _WILDCARDS:
        return f"{listen_host}:{port}"
    core_host, _, core_port = core.rpartition(":")
    found = await asyncio.get_running_loop().getaddrinfo(core_host.strip("[]"), int(core_port), type=socket.SOCK_DGRAM)
    family, _, _, _, core_address = found[0]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(core_address)
        host = probe.getsockname()[0]
    return f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"


def target(address: str) -> str:
    """What gRPC dials for host:port: by DNS, so that all addresses behind the name are used."""
    return (
        address if "://" in address or address.startswith(("dns:", "unix:", "ipv4:", "ipv6:")) else f"dns:///{address}"
    )


def _renewal_seconds(response: gateway_pb2.RegisterProviderResponse) -> float:
    seconds = duration_from_proto(response.renew_after).total_seconds()
    return seconds if seconds > 0 else _RENEW_SECONDS


def _log_answer(answer: str, reason: str, *, core: str, address: str) -> None:
    if answer == "OK":
        _log.info("registered", core=core, address=address)
    else:
        _log.warning("not registered", core=core, address=address, code=answer, reason=reason)
