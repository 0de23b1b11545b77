"""Deliver, through a real server: whatever `send` does becomes an outcome that core can act on."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from anychannel import (
    ChannelContext,
    ContentRejected,
    DeliveryFailed,
    Failure,
    FailureKind,
    Part,
    PlatformUnavailable,
    Sent,
    Throttled,
)
from anychannel._server import start_server
from anychannel.content import Note
from anychannel.testing import a_channel, a_part, serve_provider
from anychannel.v1 import message_pb2, provider_pb2
from tests.anychannel.scripted_provider import (
    Minimal,
    Scripted,
    connected,
    deliver_request,
    raising,
    returning,
    sent,
)


@pytest.mark.parametrize(
    ("send", "outcome"),
    [
        pytest.param(
            returning(Sent(platform_message_id="7", notes=(Note(code="cut", text="Cut."),))),
            Sent(platform_message_id="7", notes=(Note(code="cut", text="Cut."),)),
            id="sent",
        ),
        pytest.param(
            raising(Throttled("Slow down.", platform_code="429", retry_after=timedelta(seconds=3))),
            Failure(
                kind=FailureKind.THROTTLED,
                text="Slow down.",
                platform_code="429",
                retry_after=timedelta(seconds=3),
            ),
            id="throttled",
        ),
        pytest.param(
            raising(ContentRejected("Too rude.")),
            Failure(kind=FailureKind.CONTENT_REJECTED, text="Too rude."),
            id="rejected",
        ),
    ],
)
async def test_an_outcome_is_what_the_author_says(send: Any, outcome: Sent | Failure) -> None:
    async with serve_provider(Scripted(send=send)) as client:
        assert await client.deliver(a_channel(), a_part()) == outcome


@pytest.mark.parametrize(
    ("send", "kind"),
    [
        pytest.param(raising(TimeoutError()), FailureKind.PLATFORM_UNAVAILABLE, id="own timeout"),
        pytest.param(raising(asyncio.CancelledError()), FailureKind.PLATFORM_UNAVAILABLE, id="own cancellation"),
        pytest.param(raising(ZeroDivisionError()), FailureKind.INTERNAL, id="mistake"),
        pytest.param(returning(None), FailureKind.INTERNAL, id="nothing returned"),
        pytest.param(returning("42"), FailureKind.INTERNAL, id="a text returned"),
        pytest.param(returning(Sent(platform_message_id="")), FailureKind.INTERNAL, id="no id"),
        pytest.param(returning(Sent(platform_message_id="x" * 201)), FailureKind.INTERNAL, id="too long an id"),
        pytest.param(
            returning(Sent(platform_message_id=42)),  # type: ignore[arg-type] # the mistake under test
            FailureKind.INTERNAL,
            id="a number as id",
        ),
        pytest.param(
            returning(Sent(platform_message_id="1", notes=(None,))),  # type: ignore[arg-type] # the mistake under test
            FailureKind.INTERNAL,
            id="no note among notes",
        ),
        pytest.param(
            raising(DeliveryFailed(Failure(kind="nonsense", text=None))),  # type: ignore[arg-type] # the mistake under test
            FailureKind.INTERNAL,
            id="a failure of wrong types",
        ),
    ],
)
async def test_whatever_goes_wrong_becomes_a_failure(send: Any, kind: FailureKind) -> None:
    async with serve_provider(Scripted(send=send)) as client:
        outcome = await client.deliver(a_channel(), a_part())
        assert isinstance(outcome, Failure)
        assert outcome.kind is kind

        assert (await client.describe()).platform == "scripted"  # and the server serves on


async def test_what_is_no_exception_leaves_its_part_out_at_once(caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as logs:
        async with serve_provider(Scripted(send=raising(GeneratorExit("secret")))) as client:
            with pytest.raises(KeyError):
                await client.deliver(a_channel(), a_part())

    assert [log["event"] for log in logs] == ["deliveries broken off"]
    assert "secret" not in f"{logs}{caplog.text}"


async def test_a_call_has_until_its_deadline() -> None:
    never = asyncio.Event()

    async def hang(channel: ChannelContext, part: Part) -> Sent:
        if part.address == "slow":
            await never.wait()
        return await sent(channel, part)

    async with serve_provider(Scripted(send=hang)) as client:
        slow, quick = await client.deliver_all(
            [(a_channel(), a_part(address=address)) for address in ("slow", "quick")], seconds=0.3
        )

    assert isinstance(slow, Failure)
    assert slow.kind is FailureKind.PLATFORM_UNAVAILABLE
    assert isinstance(quick, Sent)


async def test_one_contact_in_order_and_contacts_at_once() -> None:
    begun: list[str] = []
    both_begun = asyncio.Event()

    async def send(channel: ChannelContext, part: Part) -> Sent:
        begun.append(part.message_id)
        if {"a1", "b1"} <= set(begun):
            both_begun.set()
        await both_begun.wait()
        return await sent(channel, part)

    batch = [(a_channel(), a_part(address=name[0], message_id=name)) for name in ("a1", "a2", "b1", "a3")]
    async with serve_provider(Scripted(send=send)) as client:
        outcomes = await client.deliver_all(batch)

    assert [name for name in begun if name[0] == "a"] == ["a1", "a2", "a3"]
    assert [isinstance(outcome, Sent) for outcome in outcomes] == [True] * 4


@pytest.mark.parametrize(
    ("raised", "later"),
    [
        pytest.param(PlatformUnavailable("Down."), FailureKind.PLATFORM_UNAVAILABLE, id="tried again: later ones wait"),
        pytest.param(ContentRejected("Rude."), None, id="given up: later ones go"),
    ],
)
async def test_no_part_overtakes_one_that_is_tried_again(raised: DeliveryFailed, later: FailureKind | None) -> None:
    async def send(channel: ChannelContext, part: Part) -> Sent:
        if part.message_id == "first":
            raise raised
        return await sent(channel, part)

    batch = [(a_channel(), a_part(message_id=name)) for name in ("first", "second")]
    async with serve_provider(Scripted(send=send)) as client:
        _, second = await client.deliver_all(batch)

    assert (second.kind if isinstance(second, Failure) else None) is later


async def test_no_more_under_way_than_allowed() -> None:
    begun: list[str] = []
    three_begun, gate = asyncio.Event(), asyncio.Event()

    async def send(channel: ChannelContext, part: Part) -> Sent:
        begun.append(part.address)
        if len(begun) == 3:
            three_begun.set()
        await gate.wait()
        return await sent(channel, part)

    request = deliver_request(*(a_part(address=str(number)) for number in range(12)))
    async with start_server(Scripted(send=send), max_in_flight=3) as running, connected(running.port) as stub:
        call = stub.Deliver(request)
        await three_begun.wait()
        # The server has answered another call since, so every part that may begin has begun.
        await stub.Describe(provider_pb2.DescribeRequest(protocol_versions=[1]))
        begun_before_the_gate = len(begun)
        gate.set()
        indexes = [outcome.index async for response in call for outcome in response.outcomes]

    assert begun_before_the_gate == 3
    assert sorted(indexes) == list(range(12))


async def test_an_outcome_is_told_while_others_are_under_way() -> None:
    gate = asyncio.Event()

    async def send(channel: ChannelContext, part: Part) -> Sent:
        if part.address == "slow":
            await gate.wait()
        return await sent(channel, part)

    request = deliver_request(*(a_part(address=address) for address in ("slow", "b", "c", "d")))
    async with start_server(Scripted(send=send)) as running, connected(running.port) as stub:
        call = stub.Deliver(request)
        responses = aiter(call)
        first = await anext(responses)
        gate.set()
        rest = [response async for response in responses]

    assert sorted(outcome.index for outcome in first.outcomes) == [1, 2, 3]  # together in one answer
    assert [[outcome.index for outcome in response.outcomes] for response in rest] == [[0]]


async def test_a_caller_that_leaves_between_two_outcomes_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed = asyncio.Event()

    async def send(channel: ChannelContext, part: Part) -> Sent:
        if part.address != "slow":
            return await sent(channel, part)
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()
        raise AssertionError

    request = deliver_request(*(a_part(address=address) for address in ("slow", "b")))
    async with start_server(Scripted(send=send)) as running, connected(running.port) as stub:
        call = stub.Deliver(request)
        await anext(aiter(call))
        call.cancel()
        async with asyncio.timeout(5):
            await closed.wait()

    assert caplog.text == ""


async def test_a_kind_of_content_from_a_newer_core_is_unsupported() -> None:
    request = deliver_request(a_part(address="a"), a_part(address="b"))
    request.deliveries[0].part.content.CopyFrom(message_pb2.Content())
    async with start_server(Minimal()) as running, connected(running.port) as stub:
        outcomes = {outcome.index: outcome async for response in stub.Deliver(request) for outcome in response.outcomes}

    assert outcomes[0].failure.kind == message_pb2.FAILURE_KIND_CONTENT_UNSUPPORTED
    assert outcomes[1].HasField("sent")


async def test_a_channel_that_the_batch_does_not_hold_is_refused() -> None:
    request = deliver_request(a_part())
    request.deliveries[0].channel_index = 4
    async with start_server(Minimal()) as running, connected(running.port) as stub:
        with pytest.raises(grpc.aio.AioRpcError, match=r"deliveries\[0\].channel_index: there are 1 channels"):
            await stub.Deliver(request).read()


async def test_a_cancelled_call_cancels_what_is_under_way() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def send(_channel: ChannelContext, _part: Part) -> Sent:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async with start_server(Scripted(send=send)) as running, connected(running.port) as stub:
        call = stub.Deliver(deliver_request(a_part()))
        await begun.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await cancelled.wait()
