"""Checks of what is optional: listening, checking a channel, fetching media; and of what is not declared."""

import asyncio

import grpc

from anychannel.conformance._broken import Broken, Skipped, answered_with, demand
from anychannel.conformance._subject import CALL_SECONDS, Subject
from anychannel.conformance._verdict import Check
from anychannel.v1 import provider_pb2

_QUIET_SECONDS = 0.5
_PASSING = (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION)


async def undeclared_calls_are_unimplemented(subject: Subject) -> None:
    """What Describe does not declare is answered UNIMPLEMENTED."""
    said, stub = subject.description, subject.stub
    undeclared = [
        name
        for name, is_declared in (
            ("ReceiveWebhooks", said.receives_webhooks),
            ("CheckChannel", said.checks_channels),
            ("Listen", said.listens),
            ("FetchMedia", said.fetches_media),
        )
        if not is_declared
    ]
    if not undeclared:
        raise Skipped("it declares every call")
    for name in undeclared:
        async with answered_with(name, grpc.StatusCode.UNIMPLEMENTED):
            match name:
                case "ReceiveWebhooks":
                    await stub.ReceiveWebhooks(provider_pb2.ReceiveWebhooksRequest(), timeout=CALL_SECONDS)
                case "CheckChannel":
                    await stub.CheckChannel(provider_pb2.CheckChannelRequest(), timeout=CALL_SECONDS)
                case "Listen":
                    # Without a request: gRPC makes an INTERNAL of a status that comes while it still writes one.
                    await anext(aiter(stub.Listen(iter(()), timeout=CALL_SECONDS)))
                case _:
                    await anext(aiter(stub.FetchMedia(provider_pb2.FetchMediaRequest(), timeout=CALL_SECONDS)))


async def listening_begins_with_start(subject: Subject) -> None:
    """A Listen stream that does not begin with start is refused."""
    _needs(subject.description.listens, "listens")
    call = subject.stub.Listen(timeout=CALL_SECONDS)
    refusal = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)
    async with answered_with("Listen without start", *refusal):
        await call.write(provider_pb2.ListenRequest(acknowledged_cursor="1"))
        await call.read()


async def listening_waits_for_acknowledgements(subject: Subject) -> None:
    """Listen sends no batch before the one before it is acknowledged; settings or a platform that fail are told as such."""
    _needs(subject.description.listens, "listens")
    channel = subject.channel() if subject.account.settings else subject.astray_channel()
    call = subject.stub.Listen(timeout=CALL_SECONDS)
    try:
        async with answered_with("Listen", *_PASSING):
            await call.write(_start(channel))
            if not await _hears(call):
                raise Skipped("nothing was heard that could be acknowledged")
            demand(not await _hears(call), "a second batch came before the first was acknowledged")
    finally:
        call.cancel()


async def checks_a_channel(subject: Subject) -> None:
    """CheckChannel is answered with problems that say what to do, or with UNAVAILABLE while the platform is down."""
    _needs(subject.description.checks_channels, "checks channels")
    # Without the address of a webhook: registering one would take the account's own away.
    channel = subject.channel() if subject.account.settings else subject.astray_channel()
    async with answered_with("CheckChannel", grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE):
        answer = await subject.stub.CheckChannel(
            provider_pb2.CheckChannelRequest(channel=channel), timeout=CALL_SECONDS
        )
        for problem in answer.problems:
            demand(bool(problem.code and problem.text.strip()), "a problem has no code or no text")


async def knows_no_unknown_media(subject: Subject) -> None:
    """FetchMedia answers NOT_FOUND for media that do not exist, or UNAVAILABLE while the platform is down."""
    _needs(subject.description.fetches_media, "fetches media")
    channel = subject.channel() if subject.account.settings else subject.astray_channel()
    request = provider_pb2.FetchMediaRequest(channel=channel, media_id="no-such-media")
    async with answered_with("FetchMedia", grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE):
        async for _ in subject.stub.FetchMedia(request, timeout=CALL_SECONDS):
            raise Broken("FetchMedia gave bytes of media that do not exist")


CHECKS = tuple(
    map(
        Check.of,
        (
            undeclared_calls_are_unimplemented,
            listening_begins_with_start,
            listening_waits_for_acknowledgements,
            checks_a_channel,
            knows_no_unknown_media,
        ),
    )
)


def _needs(declared: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not declared:
        raise Skipped(f"it does not declare that it {what}")


def _start(channel: provider_pb2.ChannelContext) -> provider_pb2.ListenRequest:
    return provider_pb2.ListenRequest(start=provider_pb2.ListenRequest.Start(channel=channel))


async def _hears(call: "grpc.aio.StreamStreamCall[provider_pb2.ListenRequest, provider_pb2.ListenResponse]") -> bool:
    reading = asyncio.ensure_future(call.read())
    done, _ = await asyncio.wait({reading}, timeout=_QUIET_SECONDS)
    if not done:
        # Not cancelled: that would end the call. What it reads later is nobody's concern.
        reading.add_done_callback(lambda read: read.cancelled() or read.exception())
        return False
    return isinstance(reading.result(), provider_pb2.ListenResponse)
