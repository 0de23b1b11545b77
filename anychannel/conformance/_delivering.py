"""Checks of how a provider sends. Nothing here reaches a contact, but for the last two, which are asked for by an address."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from anychannel.conformance._broken import Broken, Skipped, demand
from anychannel.conformance._subject import CALL_SECONDS, Subject, a_text, deliver_request
from anychannel.conformance._verdict import Check
from anychannel.v1 import message_pb2, provider_pb2

_MOST_PARTS = 100
_CALLS_AT_ONCE = 40
_PARTS_PER_CALL = 5
_HANGING_SECONDS = 1.0
# What one gRPC runtime may take beyond the deadline to say that it has passed.
_GRACE_SECONDS = 2.0
_MAX_ID_CHARACTERS = 200
# Field 100, which no content has: what a newer core might send.
_UNKNOWN_CONTENT = message_pb2.Content.FromString(b"\xa2\x06\x00")
_URL = "https://placeholder.invalid/cat.png"
_EVERY_KIND = {
    "text": a_text("Hello 👋"),
    "attachment": message_pb2.Content(
        attachment=message_pb2.Attachment(kind=message_pb2.MEDIA_KIND_IMAGE, url=_URL, mime_type="image/png")
    ),
    "location": message_pb2.Content(location=message_pb2.Location(latitude=52.5, longitude=13.4)),
    "quick_replies": message_pb2.Content(quick_replies=message_pb2.QuickReplies(text="Coming?", replies=["Yes", "No"])),
    "contact_card": message_pb2.Content(contact_card=message_pb2.ContactCard(name="Ada", phone_numbers=["+15550100"])),
    "template": message_pb2.Content(template=message_pb2.Template(name="welcome", language="en")),
    "custom_payload": message_pb2.Content(custom_payload=message_pb2.CustomPayload(json="{}")),
}


async def delivers_one_outcome_for_each_part(subject: Subject) -> None:
    """A batch of 100 parts has 100 outcomes, each index once, in any order."""
    _complete(await subject.outcomes(subject.harmless(_MOST_PARTS)), _MOST_PARTS)


async def delivers_an_empty_batch(subject: Subject) -> None:
    """A batch without parts is answered without outcomes, or refused with INVALID_ARGUMENT; it never hangs."""
    try:
        known = await subject.outcomes(provider_pb2.DeliverRequest())
    except grpc.aio.AioRpcError as failed:
        demand(failed.code() is grpc.StatusCode.INVALID_ARGUMENT, f"an empty batch was answered {failed.code().name}")
        return
    demand(not known, "an empty batch has outcomes")


async def refuses_unknown_content(subject: Subject) -> None:
    """Content of a kind that the provider does not know is content_unsupported, and holds back no other part."""
    known = await subject.outcomes(
        deliver_request(subject.channel(), [_UNKNOWN_CONTENT, message_pb2.Content(), _UNKNOWN_CONTENT])
    )
    _complete(known, 3)
    for outcome in known.values():
        demand(outcome.WhichOneof("outcome") == "failure", "content of no known kind was sent")
        kind = message_pb2.FailureKind.Name(outcome.failure.kind)
        demand(kind == "FAILURE_KIND_CONTENT_UNSUPPORTED", f"content of no known kind is {kind}")


async def says_or_refuses_every_kind(subject: Subject) -> None:
    """Every kind of content has an outcome; one that cannot be said is a failure of the closed list, never internal."""
    request = deliver_request(subject.astray_channel(), _EVERY_KIND.values())
    known = await subject.outcomes(request)
    _complete(known, len(_EVERY_KIND))
    for index, name in enumerate(_EVERY_KIND):
        _not_internal(known[index], name)


async def says_that_the_platform_is_away(subject: Subject) -> None:
    """A platform that cannot be reached is a failure that tells so: nothing is sent, and no mistake of the provider's is the reason."""
    known = await subject.outcomes(deliver_request(subject.astray_channel(), [a_text("Hello")]))
    _complete(known, 1)
    demand(known[0].WhichOneof("outcome") == "failure", "a text to a platform that is away was sent")
    _not_internal(known[0], "a text to a platform that is away")


async def keeps_deadlines(subject: Subject) -> None:
    """While a platform does not answer, other calls go on; the call ends by its deadline, and what it told is platform_unavailable."""
    if not subject.is_local:
        raise Skipped("the silent platform is on this machine, the provider is not")
    async with _silent_platform() as (url, asked):
        request = deliver_request(subject.astray_channel(url), [a_text("Hello")])
        hanging = asyncio.create_task(subject.outcomes(request, seconds=_HANGING_SECONDS))
        # Asked for before it hangs, Describe would prove nothing. A provider may also refuse without asking.
        reached = asyncio.create_task(asked.wait())
        await asyncio.wait({hanging, reached}, timeout=_HANGING_SECONDS / 2, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        try:
            async with _answering_meanwhile():
                await subject.describe(seconds=_HANGING_SECONDS)
            async with asyncio.timeout(_HANGING_SECONDS + _GRACE_SECONDS):
                known = await hanging
        except grpc.aio.AioRpcError as failed:
            demand(failed.code() is grpc.StatusCode.DEADLINE_EXCEEDED, f"a late platform is {failed.code().name}")
            return
        except TimeoutError:
            raise Broken("the call outlived its deadline") from None
        finally:
            hanging.cancel()
    for outcome in known.values():
        demand(outcome.WhichOneof("outcome") == "failure", "a platform that did not answer took a text")
        _not_internal(outcome, "a text to a platform that does not answer")


async def bears_many_calls(subject: Subject) -> None:
    """With 40 calls under way at once, each has all its outcomes."""
    calls = [subject.outcomes(subject.harmless(_PARTS_PER_CALL)) for _ in range(_CALLS_AT_ONCE)]
    for known in await asyncio.gather(*calls):
        _complete(known, _PARTS_PER_CALL)


async def really_delivers(subject: Subject) -> None:
    """A text to a contact is sent, under the platform's id of it."""
    await _send_for_real(subject, f"conformance/{secrets.token_hex(8)}")


async def knows_a_part_again(subject: Subject) -> None:
    """A part tried again has the same platform_message_id, where the platform knows idempotency keys."""
    key = f"conformance/{secrets.token_hex(8)}"
    first, again = await _send_for_real(subject, key), await _send_for_real(subject, key)
    if first != again:
        raise Skipped("the platform does not know the key again: a part tried again may arrive twice")


CHECKS = tuple(
    map(
        Check.of,
        (
            delivers_one_outcome_for_each_part,
            delivers_an_empty_batch,
            refuses_unknown_content,
            says_or_refuses_every_kind,
            says_that_the_platform_is_away,
            keeps_deadlines,
            bears_many_calls,
            really_delivers,
            knows_a_part_again,
        ),
    )
)


def _complete(known: dict[int, provider_pb2.DeliverResponse.Outcome], count: int) -> None:
    missing = [index for index in range(count) if index not in known]
    demand(not missing, f"{len(missing)} of {count} parts have no outcome, for instance index {missing[:1]}")


def _not_internal(outcome: provider_pb2.DeliverResponse.Outcome, what: str) -> None:
    if outcome.WhichOneof("outcome") != "failure":
        return
    kind = outcome.failure.kind
    demand(kind not in {message_pb2.FAILURE_KIND_INTERNAL, 0}, f"{what}: {message_pb2.FailureKind.Name(kind)}")
    demand(bool(outcome.failure.text.strip()), f"{what}: the failure has no text for the agent")


async def _send_for_real(subject: Subject, key: str) -> str:
    if not subject.account.settings or not subject.account.to:
        raise Skipped("it really sends: needs settings of an account and --to ADDRESS")
    request = deliver_request(
        subject.channel(), [a_text("anychannel checks this channel.")], to=subject.account.to, idempotency_key=key
    )
    known = await subject.outcomes(request, seconds=CALL_SECONDS)
    _complete(known, 1)
    if known[0].WhichOneof("outcome") == "failure":
        failure = known[0].failure
        raise Broken(f"{message_pb2.FailureKind.Name(failure.kind)}: {failure.text}")
    message_id = known[0].sent.platform_message_id
    demand(1 <= len(message_id) <= _MAX_ID_CHARACTERS, f"platform_message_id has {len(message_id)} characters")
    return message_id


@asynccontextmanager
async def _answering_meanwhile() -> AsyncIterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as failed:
        raise Broken(f"while a platform did not answer, Describe was answered {failed.code().name}") from None


@asynccontextmanager
async def _silent_platform() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A platform that can be connected to, and says nothing; its address, and whether anybody has."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def somebody_came() -> None:
        loop.remove_reader(listener)
        asked.set()

    # Nobody is let in: the kernel alone completes connections, and keeps what they send.
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        loop.add_reader(listener, somebody_came)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            loop.remove_reader(listener)
