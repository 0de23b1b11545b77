import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from anychannel.failures import Failure, FailureKind
from anychannel.provider import Sent
from anychannel.testing import a_channel, a_part, a_request
from anychannel.v1 import event_pb2, provider_pb2
from core.providers.connection import (
    MAX_ID_CHARACTERS,
    MediaGone,
    MediaHeader,
    ProviderAway,
    ProviderConnection,
    ProviderRefused,
)
from tests.core.providers.scripted import Health, Outcome, Scripted, connected, description, failed, sent, serving

CHANNEL = a_channel()
PARTS = [a_part(f"text {n}", message_id=f"msg_{n}") for n in range(4)]


async def deliver_all(connection: ProviderConnection) -> list[Any]:
    """All four parts at once, which makes one batch of them."""
    return await asyncio.gather(*(connection.deliver(CHANNEL, part) for part in PARTS), return_exceptions=True)


async def test_parts_that_come_together_go_in_one_call_with_their_channel_once() -> None:
    provider = Scripted()
    async with connected(provider) as connection:
        assert await deliver_all(connection) == [Sent(platform_message_id=f"p{n}") for n in range(4)]
    (request,) = provider.requests
    assert [delivery.part.message_id for delivery in request.deliveries] == [f"msg_{n}" for n in range(4)]
    assert len(request.channels) == 1


async def test_outcomes_in_any_order_find_their_parts() -> None:
    async def backwards(_: Any) -> AsyncIterator[list[Outcome]]:
        for index in (3, 1):
            yield [sent(index)]
        yield [failed(0), sent(2)]

    provider = Scripted()
    provider.deliver = backwards
    async with connected(provider) as connection:
        outcomes = await deliver_all(connection)

    assert outcomes[1:] == [Sent(platform_message_id=f"p{n}") for n in (1, 2, 3)]
    assert outcomes[0] == Failure(kind=FailureKind.CONTENT_REJECTED, text="No.")


async def test_an_outcome_is_known_before_the_others() -> None:
    go_on = asyncio.Event()

    async def one_is_slow(_: Any) -> AsyncIterator[list[Outcome]]:
        yield [sent(1), sent(2), sent(3)]
        await go_on.wait()
        yield [sent(0)]

    provider = Scripted()
    provider.deliver = one_is_slow
    async with connected(provider) as connection:
        slow, *quick = [asyncio.create_task(connection.deliver(CHANNEL, part)) for part in PARTS]
        async with asyncio.timeout(5):
            await asyncio.gather(*quick)
        assert not slow.done()
        go_on.set()
        assert await slow == Sent(platform_message_id="p0")


@pytest.mark.parametrize(
    ("outcomes", "text"),
    [
        pytest.param([], "no answer", id="left out"),
        pytest.param([sent(7), sent(2**32 - 1)], "no answer", id="indexes of nobody"),
        pytest.param([Outcome(index=0)], "could not be read", id="neither sent nor failure"),
        pytest.param([Outcome(index=0, sent=provider_pb2.Sent())], "no usable id", id="sent without an id"),
        pytest.param([sent(0, "x" * (MAX_ID_CHARACTERS + 1))], "no usable id", id="an id that is too long"),
        pytest.param([sent(0, "a\0b")], "no usable id", id="an id that cannot be stored"),
    ],
)
async def test_a_nonsense_outcome_is_a_failure_of_that_part(outcomes: list[Outcome], text: str) -> None:
    async def nonsense(_: Any) -> AsyncIterator[list[Outcome]]:
        yield [*outcomes, sent(1)]

    provider = Scripted()
    provider.deliver = nonsense
    async with connected(provider) as connection:
        first, second, *_ = await deliver_all(connection)

    assert isinstance(first, Failure)
    assert first.kind is FailureKind.INTERNAL
    assert text in first.text
    assert second == Sent(platform_message_id="p1")


async def test_the_first_outcome_of_a_part_counts() -> None:
    async def twice(_: Any) -> AsyncIterator[list[Outcome]]:
        yield [sent(0), sent(1), sent(2), sent(3)]
        yield [failed(0), sent(1, "other")]

    provider = Scripted()
    provider.deliver = twice
    async with connected(provider) as connection:
        assert await deliver_all(connection) == [Sent(platform_message_id=f"p{n}") for n in range(4)]


async def test_a_reason_that_cannot_be_stored_is_cleaned() -> None:
    async def reason(_: Any) -> AsyncIterator[list[Outcome]]:
        yield [failed(0, "No\0 way.")]

    provider = Scripted()
    provider.deliver = reason
    async with connected(provider) as connection:
        outcome = await connection.deliver(CHANNEL, PARTS[0])
    assert isinstance(outcome, Failure)
    assert outcome.text == "No way."


async def test_a_provider_that_hangs_is_not_waited_for_longer_than_an_attempt_may_take() -> None:
    async def hangs(_: Any) -> AsyncIterator[list[Outcome]]:
        yield [sent(1)]
        await asyncio.Event().wait()

    provider = Scripted()
    provider.deliver = hangs
    async with connected(provider, attempt_timeout=timedelta(seconds=0.2)) as connection:
        async with asyncio.timeout(5):
            first, second, *rest = await deliver_all(connection)

    assert second == Sent(platform_message_id="p1")
    for hung in (first, *rest):
        assert isinstance(hung, Failure)
        assert hung.kind is FailureKind.PLATFORM_UNAVAILABLE


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.CANCELLED,
    ],
)
async def test_a_provider_that_does_not_serve_is_away_and_no_attempt_counts(code: grpc.StatusCode) -> None:
    provider = Scripted()
    provider.break_with = code
    async with connected(provider) as connection:
        outcomes = await deliver_all(connection)
    assert {type(outcome) for outcome in outcomes} == {ProviderAway}


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INVALID_ARGUMENT])
async def test_a_provider_that_breaks_off_fails_the_parts_and_its_words_go_nowhere(code: grpc.StatusCode) -> None:
    provider = Scripted()
    provider.break_with = code
    async with connected(provider) as connection:
        outcomes = await deliver_all(connection)
    for outcome in outcomes:
        assert isinstance(outcome, Failure)
        assert outcome.kind is FailureKind.INTERNAL
        assert "secret" not in outcome.text


async def test_a_provider_that_is_gone_is_away() -> None:
    async with serving(Scripted()) as address:
        connection = ProviderConnection("acme", address, attempt_timeout=timedelta(seconds=5))
    try:
        with pytest.raises(ProviderAway):
            await connection.deliver(CHANNEL, PARTS[0])
        with pytest.raises(ProviderAway):
            await connection.receive(CHANNEL, a_request())
        with pytest.raises(ProviderAway):
            await connection.describe()
        assert await connection.why_not_ready() == "it cannot be reached"
    finally:
        await connection.aclose()


async def test_a_provider_that_goes_in_the_middle_keeps_what_it_had_answered() -> None:
    started = asyncio.Event()

    async def begins(_: Any) -> AsyncIterator[list[Outcome]]:
        yield [sent(0)]
        started.set()
        await asyncio.Event().wait()

    provider = Scripted()
    provider.deliver = begins
    async with serving(provider) as address:
        connection = ProviderConnection("acme", address, attempt_timeout=timedelta(seconds=5))
        delivering = asyncio.create_task(deliver_all(connection))
        await started.wait()
    outcomes = await delivering
    await connection.aclose()

    assert outcomes[0] == Sent(platform_message_id="p0")
    assert {type(outcome) for outcome in outcomes[1:]} == {ProviderAway}


async def test_a_provider_says_who_it_is() -> None:
    async with connected(Scripted()) as connection:
        described = await connection.describe()
    assert (described.platform, described.version, described.capabilities.max_text_length) == ("acme", "1.2", 1000)


@pytest.mark.parametrize(("versions", "said"), [([2, 3], "2, 3"), ([], "none")], ids=["only newer ones", "none at all"])
async def test_another_protocol_is_refused_with_both_versions(versions: list[int], said: str) -> None:
    provider = Scripted()
    provider.describe = lambda _request: description(protocol_versions=versions)
    async with connected(provider) as connection:
        with pytest.raises(ProviderRefused, match=f"{said}, core speaks 1"):
            await connection.describe()


async def test_readiness_is_the_standard_health_check() -> None:
    health = Health()
    async with connected(Scripted(), health=health) as connection:
        assert await connection.why_not_ready() == ""
        health.status = health_pb2.HealthCheckResponse.NOT_SERVING
        assert await connection.why_not_ready() == "it says that it is not serving"


async def test_webhooks_are_answered_in_order_and_one_left_out_is_refused() -> None:
    def answers(request: provider_pb2.ReceiveWebhooksRequest) -> provider_pb2.ReceiveWebhooksResponse:
        results = [
            provider_pb2.ReceiveWebhooksResponse.Received(
                reply=provider_pb2.HttpReply(status_code=200, body=webhook.request.body)
            )
            for webhook in request.webhooks
        ]
        return provider_pb2.ReceiveWebhooksResponse(results=results[:-1])

    provider = Scripted()
    provider.receive = answers
    async with connected(provider) as connection:
        requests = [a_request(body=f"{n}".encode()) for n in range(4)]
        received = await asyncio.gather(
            *(connection.receive(CHANNEL, request) for request in requests), return_exceptions=True
        )

    assert [one.reply.body for one in received[:3]] == [b"0", b"1", b"2"]  # type: ignore[union-attr]  # they are answered
    assert isinstance(received[3], ProviderRefused)


async def test_more_answers_than_webhooks_are_ignored() -> None:
    reply = provider_pb2.HttpReply(status_code=204)
    result = provider_pb2.ReceiveWebhooksResponse.Received(reply=reply)
    provider = Scripted()
    provider.receive = lambda _request: provider_pb2.ReceiveWebhooksResponse(results=[result] * 9)
    async with connected(provider) as connection:
        assert (await connection.receive(CHANNEL, a_request())).reply.status_code == 204


async def test_an_event_that_cannot_be_read_is_the_providers_bug() -> None:
    event = event_pb2.ProviderEvent(platform_event_id="e1", message=event_pb2.ReceivedMessage())
    result = provider_pb2.ReceiveWebhooksResponse.Received(events=[event])
    provider = Scripted()
    provider.receive = lambda _request: provider_pb2.ReceiveWebhooksResponse(results=[result])
    async with connected(provider) as connection:
        with pytest.raises(ProviderRefused):
            await connection.receive(CHANNEL, a_request())


async def test_only_a_refusal_of_settings_is_quoted() -> None:
    provider = Scripted()
    async with connected(provider) as connection:
        provider.break_with, provider.words = grpc.StatusCode.FAILED_PRECONDITION, "enter a token"
        with pytest.raises(ProviderRefused, match="enter a token"):
            await connection.check(CHANNEL)
        provider.break_with, provider.words = grpc.StatusCode.INTERNAL, "the token is 123"
        with pytest.raises(ProviderRefused) as refused:
            await connection.check(CHANNEL)
    assert "123" not in str(refused.value)


async def test_media_come_as_a_header_and_bytes() -> None:
    async def pieces(_: Any) -> AsyncIterator[provider_pb2.FetchMediaResponse]:
        header = provider_pb2.FetchMediaResponse.Header(mime_type="image/png", size_bytes=4, file_name="a.png")
        yield provider_pb2.FetchMediaResponse(header=header)
        for data in (b"ab", b"cd"):
            yield provider_pb2.FetchMediaResponse(data=data)

    provider = Scripted()
    provider.fetch = pieces
    async with connected(provider) as connection:
        got = [piece async for piece in connection.fetch_media(CHANNEL, "media-1")]
    assert got == [MediaHeader(mime_type="image/png", size_bytes=4, file_name="a.png"), b"ab", b"cd"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, MediaGone),
        (grpc.StatusCode.UNAVAILABLE, ProviderAway),
        (grpc.StatusCode.INTERNAL, ProviderRefused),
    ],
)
async def test_media_that_do_not_come(code: grpc.StatusCode, error: type[Exception]) -> None:
    provider = Scripted()
    provider.break_with = code
    async with connected(provider) as connection:
        with pytest.raises(error):
            _ = [piece async for piece in connection.fetch_media(CHANNEL, "media-1")]


async def test_what_is_heard_is_acknowledged_before_more_comes() -> None:
    acknowledged: list[str] = []

    async def two_batches(
        requests: AsyncIterator[provider_pb2.ListenRequest],
    ) -> AsyncIterator[provider_pb2.ListenResponse]:
        start = await anext(aiter(requests))
        acknowledged.append(start.start.cursor)
        for cursor in ("c1", "c2"):
            yield provider_pb2.ListenResponse(cursor=cursor)
            acknowledged.append((await anext(aiter(requests))).acknowledged_cursor)

    provider = Scripted()
    provider.listen = two_batches
    stored: asyncio.Queue[str] = asyncio.Queue()
    async with connected(provider) as connection:
        heard = []
        async for batch in connection.listen(CHANNEL, "c0", stored):
            heard.append(batch.cursor)
            await stored.put(batch.cursor)
    assert heard == ["c1", "c2"]
    assert acknowledged == ["c0", "c1", "c2"]
