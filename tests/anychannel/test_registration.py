"""A provider announces itself until core has it, keeps doing so, and says each change once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import grpc
import pytest
from structlog.testing import capture_logs

from anychannel._registration import keep_registered, reachable_address, retry_delay, target
from tests.anychannel.scripted_registry import ScriptedRegistry, registering

TOKEN = "registration-token-1"


class Enough(Exception):
    """Ends the endless."""


def sleeping(times: int) -> tuple[list[float], Callable[[float], "asyncio.Future[None]"]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == times:
            raise Enough

    return slept, sleep  # type: ignore[return-value] # any awaitable will do


async def announce(core: str, times: int) -> list[float]:
    slept, sleep = sleeping(times)
    with suppress(Enough):
        await keep_registered(
            platform="acme", core=core, address="10.0.0.1:50051", token=TOKEN, sleep=sleep, jitter=lambda: 1.0
        )
    return slept


async def test_it_renews_after_the_time_core_gives() -> None:
    registry = ScriptedRegistry([7, 0, 9])
    async with registering(registry) as core:
        slept = await announce(core, 3)

    assert slept == [7, 30, 9]  # 0 = core did not say
    assert {(request.platform, request.address, token) for request, token in registry.seen} == {
        ("acme", "10.0.0.1:50051", f"Bearer {TOKEN}")
    }


async def test_it_keeps_trying_and_logs_each_change_once() -> None:
    refused = grpc.StatusCode.UNAUTHENTICATED
    registry = ScriptedRegistry([refused, refused, refused, 5, 5, refused, 5])
    with capture_logs() as logs:
        async with registering(registry) as core:
            slept = await announce(core, 7)

    assert slept == [0.5, 1, 2, 5, 5, 0.5, 5]  # doubling, and from the start again after a success
    assert [log["event"] for log in logs] == ["not registered", "registered", "not registered", "registered"]
    assert (logs[0]["code"], logs[0]["reason"]) == ("UNAUTHENTICATED", "because UNAUTHENTICATED")
    assert TOKEN not in repr(logs)


async def test_a_core_that_is_away_is_tried_again() -> None:
    async with registering(ScriptedRegistry([])) as core:
        pass  # gone again
    with capture_logs() as logs:
        slept = await announce(core, 2)

    assert slept == [0.5, 1]
    assert [(log["event"], log["code"]) for log in logs] == [("not registered", "UNAVAILABLE")]


@pytest.mark.parametrize(
    ("failures", "jitter", "seconds"),
    [
        pytest.param(1, 0.0, 0.25, id="first, shortest: half of 0.5"),
        pytest.param(1, 1.0, 0.5, id="first, longest"),
        pytest.param(4, 1.0, 4.0, id="fourth: 0.5 * 2**3"),
        pytest.param(7, 1.0, 30.0, id="seventh: 32, cut to 30"),
        pytest.param(10_000, 0.0, 15.0, id="for ever"),
    ],
)
def test_the_distance_grows_to_half_a_minute(failures: int, jitter: float, seconds: float) -> None:
    assert retry_delay(failures, jitter) == seconds


@pytest.mark.parametrize(
    ("core", "host", "address"),
    [
        pytest.param("core:50050", "provider.svc", "provider.svc:7", id="a name stays"),
        pytest.param("core:50050", "[::1]", "[::1]:7", id="an IPv6 address stays"),
        pytest.param("127.0.0.1:50050", "0.0.0.0", "127.0.0.1:7", id="wildcard"),
        pytest.param("127.0.0.1:50050", "[::]", "127.0.0.1:7", id="IPv6 wildcard, core by IPv4"),
    ],
)
async def test_the_address_is_one_that_core_can_reach(core: str, host: str, address: str) -> None:
    assert await reachable_address(core, host, 7) == address


@pytest.mark.parametrize(
    ("address", "dialled"),
    [
        pytest.param("core:50050", "dns:///core:50050", id="a name"),
        pytest.param("dns:///core:50050", "dns:///core:50050", id="a whole target"),
        pytest.param("unix:/run/core.sock", "unix:/run/core.sock", id="a socket"),
    ],
)
def test_a_name_is_dialled_by_dns(address: str, dialled: str) -> None:
    assert target(address) == dialled
