"""Runs a provider's `send` for the parts of a batch: at once for different contacts, in order for one contact."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import structlog

from anychannel._raised import INTERNAL, NO_ANSWER, Secrets, failure_of, is_cancelled
from anychannel.failures import Failure, FailureKind
from anychannel.provider import ChannelContext, Provider, Sent
from anychannel.v1 import message_pb2, provider_pb2
from anychannel.wire import outcome_to_proto, part_from_proto

_log = structlog.get_logger(__name__)

_Known: TypeAlias = asyncio.Queue[provider_pb2.DeliverResponse.Outcome | None]
"""Outcomes, and None when there will be no more."""

_MAX_ID_LENGTH = 200
# What is kept of the call's time to carry the last outcomes back: a tenth, at most half a second.
_RETURN_SHARE = 0.1
_RETURN_SECONDS = 0.5

_UNKNOWN_CONTENT = Failure(
    kind=FailureKind.CONTENT_UNSUPPORTED, text="This provider does not know this kind of content; a newer one may."
)
_NO_TIME_LEFT = replace(NO_ANSWER, text="There was no time left to send this.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One part of a batch."""

    index: int
    channel: ChannelContext
    part: message_pb2.Part


class Deliverer:
    """Runs `send`, at most `max_in_flight` at once over all calls."""

    def __init__(self, provider: Provider, secrets: Secrets, *, max_in_flight: int) -> None:
        self._provider = provider
        self._secrets = secrets
        self._slots = asyncio.Semaphore(max_in_flight)

    async def outcomes(
        self, deliveries: Sequence[Delivery], *, seconds: float | None
    ) -> AsyncGenerator[list[provider_pb2.DeliverResponse.Outcome], None]:
        """Every delivery's outcome, as soon as it is known, several together when they are.

        Args:
            deliveries: the batch.
            seconds: the time the call has; None = any.
        """
        deadline = _deadline(seconds)
        known: _Known = asyncio.Queue()
        # The group lives in a task of its own: a generator that is closed while it yields must not do so inside a group.
        work = asyncio.create_task(self._run(deliveries, deadline, known))
        work.add_done_callback(lambda _: known.put_nowait(None))
        try:
            while (first := await known.get()) is not None:
                ready = [first]
                while not known.empty() and (another := known.get_nowait()) is not None:
                    ready.append(another)
                yield ready
                if work.done() and known.empty():
                    return
        finally:
            work.cancel()
            await asyncio.wait({work})
            broken = None if work.cancelled() else work.exception()
            if broken is not None:
                # Only what is no Exception gets here, a GeneratorExit for instance; what has no outcome is left out.
                _log.error("deliveries broken off", error=type(broken).__name__)

    async def _run(self, deliveries: Iterable[Delivery], deadline: float | None, known: _Known) -> None:
        async with asyncio.TaskGroup() as group:
            for of_one_contact in _by_contact(deliveries):
                group.create_task(self._in_order(of_one_contact, deadline, known))

    async def _in_order(self, deliveries: Iterable[Delivery], deadline: float | None, known: _Known) -> None:
        held_back: Failure | None = None
        for delivery in deliveries:
            outcome = held_back or await self._deliver(delivery, deadline)
            if isinstance(outcome, Failure) and outcome.kind.is_retryable:
                # It will be tried again: a later part that went now would overtake it.
                held_back = replace(outcome, text="Waits for an earlier part to the same contact.", platform_code="")
            known.put_nowait(self._to_proto(delivery, outcome))

    async def _deliver(self, delivery: Delivery, deadline: float | None) -> Sent | Failure:
        if delivery.part.content.WhichOneof("kind") is None:
            return _UNKNOWN_CONTENT
        part = part_from_proto(delivery.part)
        was_begun = False
        raised: BaseException
        try:
            async with asyncio.timeout_at(deadline), self._slots:
                was_begun = True
                return _checked(await self._provider.send(delivery.channel, part))
        except asyncio.CancelledError as cancelled:
            if is_cancelled():
                raise
            raised = cancelled
        except TimeoutError as late:
            if not was_begun:
                return _NO_TIME_LEFT
            raised = late
        except Exception as mistake:  # noqa: BLE001 - whatever an author's code raises is this part's failure alone
            raised = mistake
        # Not inside the except block: there, whatever else is logged, if only by the garbage collector's doing, shows as its
        # context what was raised here, secrets and all.
        return self._failure(raised, delivery)

    def _failure(self, raised: BaseException, delivery: Delivery) -> Failure:
        failure = failure_of(raised)
        if failure is None:
            self._log_mistake(raised, delivery)
            return INTERNAL
        return failure

    def _to_proto(self, delivery: Delivery, outcome: Sent | Failure) -> provider_pb2.DeliverResponse.Outcome:
        try:
            if isinstance(outcome, Failure):
                outcome = replace(outcome, text=self._secrets.scrub(outcome.text, delivery.channel))
            return outcome_to_proto(delivery.index, outcome)
        except Exception as mistake:  # noqa: BLE001 - fields of a wrong type: the author's records are not checked when made
            raised = mistake
        self._log_mistake(raised, delivery)
        return outcome_to_proto(delivery.index, INTERNAL)

    def _log_mistake(self, raised: BaseException, delivery: Delivery) -> None:
        self._secrets.log_mistake(raised, delivery.channel, rpc="Deliver", message_id=delivery.part.message_id)


def _checked(sent: object) -> Sent:
    if not isinstance(sent, Sent):
        raise TypeError(f"send returned {type(sent).__name__}, not Sent")
    if not 1 <= len(sent.platform_message_id) <= _MAX_ID_LENGTH:
        raise ValueError(f"Sent.platform_message_id must be a text of 1 to {_MAX_ID_LENGTH} characters")
    return sent


def _by_contact(deliveries: Iterable[Delivery]) -> list[list[Delivery]]:
    contacts: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in deliveries:
        contacts.setdefault((delivery.channel.channel_id, delivery.part.address), []).append(delivery)
    return list(contacts.values())


def _deadline(seconds: float | None) -> float | None:
    if seconds is None:
        return None
    kept = min(seconds * _RETURN_SHARE, _RETURN_SECONDS)
    return asyncio.get_running_loop().time() + seconds - kept
