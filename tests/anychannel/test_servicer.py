"""Every other RPC, through a real server: whatever an author's code does, core gets an answer it can act on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from anychannel import (
    ChannelContext,
    CheckResult,
    HttpReply,
    HttpRequest,
    Media,
    MediaNotFound,
    PlatformUnavailable,
    Received,
    Unauthorized,
)
from anychannel._server import start_server
from anychannel._servicer import MEDIA_CHUNK_BYTES
from anychannel.content import Note
from anychannel.testing import A_TIME, CallFailed, a_channel, a_request, serve_provider
from anychannel.v1 import provider_pb2
from anychannel.wire import channel_context_to_proto
from tests.anychannel.scripted_provider import (
    EVENT,
    Minimal,
    Scripted,
    connected,
    raising,
    returning,
)


async def test_what_is_offered_is_described() -> None:
    async with serve_provider(Scripted()) as client:
        description = await client.describe()

    assert (description.platform, description.protocol_versions) == ("scripted", (1,))
    assert description.setting_fields == Scripted.setting_fields
    assert (description.receives_webhooks, description.listens) == (True, True)
    assert (description.checks_channels, description.fetches_media) == (True, True)


async def test_what_is_not_offered_is_neither_described_nor_implemented() -> None:
    async with serve_provider(Minimal()) as client:
        description = await client.describe()
        calls = {
            "receive": client.receive(a_channel(), a_request()),
            "listen": anext(client.listen(a_channel())),
            "check": client.check(a_channel()),
            "fetch_media": client.fetch_media(a_channel(), "1"),
        }
        for method, call in calls.items():
            with pytest.raises(CallFailed, match=f"does not offer {method}") as failed:
                await call
            assert failed.value.code == "UNIMPLEMENTED"

    assert not any(
        (description.receives_webhooks, description.listens, description.checks_channels, description.fetches_media)
    )


@pytest.mark.parametrize(
    ("versions", "spoken"), [pytest.param((3, 2), "3, 2", id="newer core"), pytest.param((), "none", id="no version")]
)
async def test_versions_that_do_not_meet_are_refused_with_both(versions: tuple[int, ...], spoken: str) -> None:
    async with serve_provider(Minimal()) as client:
        with pytest.raises(CallFailed, match=f"core speaks {spoken}, this provider speaks 1") as failed:
            await client.describe(protocol_versions=versions)

    assert failed.value.code == "FAILED_PRECONDITION"


async def test_a_webhook_becomes_events_and_a_reply() -> None:
    received = Received(
        events=(EVENT,),
        reply=HttpReply(status_code=201, headers=(("x-a", "1"), ("x-a", "2")), body=b"\xff"),
        notes=(Note(code="ignored", text="Half of it."),),
    )
    async with serve_provider(Scripted(receive=lambda _channel, _request: received)) as client:
        assert await client.receive(a_channel(), a_request()) == received


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(None, id="nothing"),
        pytest.param(Received(events=(None,)), id="no event"),  # type: ignore[arg-type] # the mistake under test
        pytest.param(Received(events=(replace(EVENT, event_time=A_TIME.replace(tzinfo=None)),)), id="no time zone"),
        pytest.param(Received(reply=HttpReply(status_code=-1)), id="impossible status"),
        pytest.param(ZeroDivisionError("boom"), id="raised"),
    ],
)
async def test_a_mistake_costs_only_its_own_webhook(wrong: object) -> None:
    def receive(_channel: ChannelContext, request: HttpRequest) -> Any:
        if request.body != b"bad":
            return Received(events=(EVENT,))
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    webhooks = [(a_channel(), a_request(body=body)) for body in ("good", "bad", "good")]
    with capture_logs() as logs:
        async with serve_provider(Scripted(receive=receive)) as client:
            results = await client.receive_all(webhooks)

    assert [result.reply.status_code for result in results] == [200, 500, 200]
    assert [len(result.events) for result in results] == [1, 0, 1]
    assert [(log["event"], log["rpc"]) for log in logs] == [("provider failed", "ReceiveWebhooks")]


async def test_receive_written_as_a_coroutine_is_a_mistake() -> None:
    async with serve_provider(Scripted(receive=returning(Received()))) as client:
        assert (await client.receive(a_channel(), a_request())).reply.status_code == 500


# CheckChannel and FetchMedia


async def test_a_check_finds_what_the_author_found() -> None:
    result = CheckResult(problems=(Note(code="c", text="t"),), details={"name": "Acme"})
    async with serve_provider(Scripted(check=returning(result))) as client:
        assert await client.check(a_channel()) == result


async def test_refused_settings_are_a_finding() -> None:
    async with serve_provider(Scripted(check=raising(Unauthorized("The token is wrong.")))) as client:
        result = await client.check(a_channel())

    assert result.problems == (Note(code="unauthorized", text="The token is wrong."),)


@pytest.mark.parametrize(
    ("does", "code"),
    [
        pytest.param(raising(PlatformUnavailable("Down.")), "UNAVAILABLE", id="down"),
        pytest.param(raising(TimeoutError()), "UNAVAILABLE", id="timeout"),
        pytest.param(raising(asyncio.CancelledError()), "UNAVAILABLE", id="own cancellation"),
        pytest.param(raising(ZeroDivisionError()), "INTERNAL", id="mistake"),
        pytest.param(returning(None), "INTERNAL", id="nothing returned"),
    ],
)
async def test_a_call_that_breaks_is_answered_with_what_core_does_next(does: Any, code: str) -> None:
    async with serve_provider(Scripted(check=does, fetch=does)) as client:
        for call in (client.check(a_channel()), client.fetch_media(a_channel(), "1")):
            with pytest.raises(CallFailed) as failed:
                await call
            assert failed.value.code == code


async def test_media_goes_out_in_bounded_pieces() -> None:
    data = bytes(range(256)) * 4 * 1024  # 1 MiB in one chunk, then a short one

    async def chunks() -> AsyncIterator[bytes]:
        yield data
        yield b"end"

    media = Media(chunks=chunks(), mime_type="image/png", size_bytes=len(data) + 3, file_name="a.png")
    request = provider_pb2.FetchMediaRequest(channel=channel_context_to_proto(a_channel()), media_id="1")
    async with start_server(Scripted(fetch=returning(media))) as running, connected(running.port) as stub:
        header, *pieces = [piece async for piece in stub.FetchMedia(request)]

    assert (header.header.mime_type, header.header.size_bytes, header.header.file_name) == (
        "image/png",
        len(data) + 3,
        "a.png",
    )
    assert b"".join(piece.data for piece in pieces) == data + b"end"
    assert max(len(piece.data) for piece in pieces) == MEDIA_CHUNK_BYTES


async def _lost_halfway() -> AsyncIterator[bytes]:
    yield b"some"
    raise MediaNotFound


@pytest.mark.parametrize(
    "fetch",
    [
        pytest.param(raising(MediaNotFound()), id="at once"),
        pytest.param(lambda *_: returning(Media(chunks=_lost_halfway(), mime_type="a/b"))(), id="halfway"),
    ],
)
async def test_media_that_is_gone_is_not_found(fetch: Any) -> None:
    async with serve_provider(Scripted(fetch=fetch)) as client:
        with pytest.raises(CallFailed) as failed:
            await client.fetch_media(a_channel(), "1")

    assert failed.value.code == "NOT_FOUND"
