"""The life of a served provider: start, health, reflection, and a stop that cuts nothing off."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from structlog.testing import capture_logs

from anychannel import Capabilities, ChannelContext, Heard, Part, Provider, Sent
from anychannel._server import SERVICE, serve, start_server
from anychannel.testing import CallFailed, ProviderClient, a_channel, a_part
from tests.anychannel.scripted_provider import Minimal, Scripted, connected, deliver_request
from tests.anychannel.scripted_registry import ScriptedRegistry, registering

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Living(Minimal):
    """Writes down its life."""

    def __init__(self) -> None:
        self.life: list[str] = []

    async def start(self) -> None:
        self.life.append("start")

    async def stop(self) -> None:
        self.life.append("stop")

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        self.life.append("send")
        return await super().send(channel, part)


async def test_a_provider_is_started_before_the_first_call_and_stopped_after_the_last() -> None:
    provider = Living()
    async with start_server(provider) as running, connected(running.port) as stub:
        [_ async for _ in stub.Deliver(deliver_request(a_part()))]

    assert provider.life == ["start", "send", "stop"]


async def test_a_provider_that_cannot_start_is_stopped_and_serves_nothing() -> None:
    class Failing(Living):
        async def start(self) -> None:
            raise OSError("no session")

    provider = Failing()
    with pytest.raises(OSError, match="no session"):
        async with start_server(provider):
            pass

    assert provider.life == ["stop"]


@pytest.mark.parametrize("service", ["", SERVICE], ids=["the whole server", "the service"])
async def test_health_says_serving_until_it_leaves_service(service: str) -> None:
    request = health_pb2.HealthCheckRequest(service=service)
    async with (
        start_server(Minimal()) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as connection,
    ):
        health = health_pb2_grpc.HealthStub(connection)
        before = await health.Check(request)
        await running.leave_service()
        after = await health.Check(request)

    assert (before.status, after.status) == (SERVING, NOT_SERVING)


async def test_a_stop_is_told_to_who_watches_the_health() -> None:
    async with start_server(Minimal()) as running:
        connection = grpc.aio.insecure_channel(f"127.0.0.1:{running.port}")
        watch = health_pb2_grpc.HealthStub(connection).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        first = await watch.read()
        watching = asyncio.create_task(watch.read())
        watching.add_done_callback(lambda _: watch.cancel())  # else the stop waits for the open stream
    last = await watching
    await connection.close()

    assert (first.status, last.status) == (SERVING, NOT_SERVING)


async def test_reflection_names_the_services() -> None:
    async with (
        start_server(Minimal()) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}") as connection,
    ):
        call = reflection_pb2_grpc.ServerReflectionStub(connection).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        )
        names = [service.name async for answer in call for service in answer.list_services_response.service]

    assert {SERVICE, "grpc.health.v1.Health"} <= set(names)


async def test_a_taken_port_is_an_error_and_never_shared() -> None:
    async with start_server(Minimal()) as running:
        with pytest.raises(OSError, match="the port is taken"):
            async with start_server(Minimal(), f"127.0.0.1:{running.port}"):
                pass


class Nameless(Provider):
    capabilities = Capabilities(max_text_length=1)

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        raise NotImplementedError(channel, part)


class Misnamed(Nameless):
    platform = "Not A Name"
    display_name = "Misnamed"


class Speechless(Provider):
    platform = "speechless"
    display_name = "Speechless"
    capabilities = Capabilities(max_text_length=1)


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        pytest.param(Nameless, "Nameless.platform is missing", id="no platform"),
        pytest.param(Misnamed, "Misnamed.platform is 'Not A Name': use 1 to 40", id="no platform's name"),
        pytest.param(Speechless, "Speechless.send is missing", id="no send"),
    ],
)
async def test_a_class_that_declares_too_little_is_told_what_is_missing(provider: type[Provider], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        async with start_server(provider()):
            pass


async def test_a_stop_waits_for_what_is_under_way() -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def send(_channel: ChannelContext, _part: Part) -> Sent:
        begun.set()
        await gate.wait()
        return Sent(platform_message_id="1")

    async def stop_soon() -> Sent | object:
        async with start_server(Scripted(send=send)) as running:
            connection = grpc.aio.insecure_channel(f"127.0.0.1:{running.port}")
            task = asyncio.create_task(ProviderClient(connection).deliver(a_channel(), a_part()))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.05, gate.set)  # while the server is stopping
        async with connection:
            return await task

    assert await stop_soon() == Sent(platform_message_id="1")


async def test_a_stop_ends_listeners_at_once_and_tells_core_to_look_elsewhere() -> None:
    listening, closed = asyncio.Event(), asyncio.Event()

    async def listen(_channel: ChannelContext, _cursor: str) -> AsyncIterator[Heard]:
        try:
            listening.set()
            await asyncio.Event().wait()
            yield Heard(events=(), cursor="")
        finally:
            closed.set()

    async def hear(client: ProviderClient) -> None:
        batches = client.listen(a_channel())
        async with aclosing(batches):
            await anext(batches)

    async with asyncio.timeout(10):
        async with start_server(Scripted(listen=listen)) as running:
            connection = grpc.aio.insecure_channel(f"127.0.0.1:{running.port}")
            task = asyncio.create_task(hear(ProviderClient(connection)))
            await listening.wait()
            begin = asyncio.get_running_loop().time()
        took = asyncio.get_running_loop().time() - begin

    assert closed.is_set()
    assert took < 2  # far below the grace of 18 s
    async with connection:
        with pytest.raises(CallFailed, match="shutting down") as failed:
            await task
    assert failed.value.code == "UNAVAILABLE"


async def test_what_outlasts_the_grace_is_cut_off() -> None:
    begun = asyncio.Event()

    async def send(_channel: ChannelContext, _part: Part) -> Sent:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    with capture_logs() as logs:
        async with start_server(Scripted(send=send), grace_seconds=0.05) as running:
            connection = grpc.aio.insecure_channel(f"127.0.0.1:{running.port}")
            task = asyncio.create_task(ProviderClient(connection).deliver(a_channel(), a_part()))
            await begun.wait()
        async with connection:
            with pytest.raises(CallFailed):
                await task

    assert [log["event"] for log in logs] == ["calls cut off"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_served_provider_registers_and_a_signal_stops_it(number: signal.Signals) -> None:
    registry, provider = ScriptedRegistry([]), Living()
    with capture_logs() as logs:
        async with asyncio.timeout(10), registering(registry) as core:
            task = asyncio.create_task(
                serve(provider, listen="0.0.0.0:0", register=core, registration_token="t-1", drain_seconds=0.05)
            )
            address = await registry.registered.get()
            async with grpc.aio.insecure_channel(address) as connection:
                description = await ProviderClient(connection).describe()
            os.kill(os.getpid(), number)
            await task

    [(request, authorization)] = registry.seen
    assert (request.platform, authorization) == (description.platform, "Bearer t-1")
    assert address.startswith("127.0.0.1:")
    assert provider.life == ["start", "stop"]
    assert [log["event"] for log in logs if log["event"] != "registered"] == ["serving", "stopping", "stopped"]


async def test_while_draining_calls_are_answered_and_a_second_signal_ends_it() -> None:
    registry = ScriptedRegistry([])
    async with asyncio.timeout(10), registering(registry) as core:
        task = asyncio.create_task(
            serve(Living(), listen="127.0.0.1:0", register=core, registration_token="t-1", drain_seconds=3600)
        )
        address = await registry.registered.get()
        async with grpc.aio.insecure_channel(address) as connection:
            watch = health_pb2_grpc.HealthStub(connection).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == SERVING
            os.kill(os.getpid(), signal.SIGTERM)
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()
            assert isinstance(await ProviderClient(connection).deliver(a_channel(), a_part()), Sent)
            assert not task.done()
            os.kill(os.getpid(), signal.SIGTERM)
            await task
