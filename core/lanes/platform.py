"""One attempt at a delivery to a platform."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from anychannel.failures import Failure, FailureKind
from anychannel.message import Part, Status
from anychannel.provider import ChannelContext, Sent
from core.channels import ChannelConfig, context_of
from core.directory import ChannelDirectory
from core.lanes.records import Claim, Outcome, Settlement
from core.lanes.retry import GiveUp, RetryPolicy, decide, expired, probe_delay
from core.providers.connection import ProviderAway
from core.providers.registry import ProviderRegistry


class ChannelContexts:
    """What providers are told of channels: made once for each revision of a channel, so that a batch carries it once."""

    def __init__(self, registry: ProviderRegistry, public_url: str) -> None:
        self._registry = registry
        self._public_url = public_url
        self._made: dict[str, tuple[object, ChannelContext]] = {}

    def of(self, config: ChannelConfig) -> ChannelContext:
        """The context of a channel."""
        description = self._registry.description(config.platform)
        made_from = (config.revision, description)
        known = self._made.get(config.channel_id)
        if known is not None and known[0] == made_from:
            return known[1]
        context = context_of(config, description.setting_fields if description else (), self._public_url)
        self._made[config.channel_id] = (made_from, context)
        return context


class PlatformLane:
    """Makes attempts at deliveries to platforms, and says what became of each."""

    def __init__(
        self,
        directory: ChannelDirectory,
        registry: ProviderRegistry,
        contexts: ChannelContexts,
        *,
        policy: RetryPolicy,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._registry = registry
        self._contexts = contexts
        self._policy = policy
        self._clock = clock
        self._jitter = jitter

    async def attempt(self, claim: Claim) -> Outcome:
        """Send the part, unless its message is already failed, cancelled or expired."""
        if claim.status is Status.FAILED:
            return self._end(claim, Settlement.DROP, failure=_cancelled(claim.failure))
        if claim.expire_time <= self._clock():
            return self._end(claim, Settlement.GIVE_UP, failure=expired(claim.last_failure))
        config = self._directory.get(claim.channel_id)
        if config is None:
            return self._away(claim, "the channel is not known here yet, or its secrets cannot be read")
        try:
            answer = await self._registry.connection(config.platform).deliver(self._contexts.of(config), _part(claim))
        except ProviderAway as error:
            return self._away(claim, f"the provider of {config.platform} is away: {error}")
        if isinstance(answer, Sent):
            sent = self._end(claim, Settlement.DONE)
            return replace(sent, platform_message_id=answer.platform_message_id, notes=answer.notes)
        is_answered = answer.kind is not FailureKind.PLATFORM_UNAVAILABLE
        return replace(self._failed(claim, answer), is_answered=is_answered)

    def _failed(self, claim: Claim, failure: Failure) -> Outcome:
        now = self._clock()
        decision = decide(
            attempt=claim.attempt,
            failure=failure,
            policy=self._policy,
            now=now,
            expire_time=claim.expire_time,
            jitter=self._jitter(),
        )
        if isinstance(decision, GiveUp):
            return self._end(claim, Settlement.GIVE_UP, failure=decision.failure)
        outcome = replace(self._end(claim, Settlement.RETRY, failure=failure), retry_time=decision.time)
        if failure.retry_after is None and failure.kind is not FailureKind.THROTTLED:
            return outcome
        return replace(outcome, pause_until=decision.time, pause_reason=failure.text)

    def _away(self, claim: Claim, reason: str) -> Outcome:
        delay = probe_delay(claim.probes + 1, self._jitter())
        failure = Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text=f"Not sent yet: {reason}.")
        return replace(
            self._end(claim, Settlement.RELEASE, failure=failure),
            pause_until=self._clock() + delay,
            pause_reason=reason,
            is_probe_failed=True,
        )

    def _end(self, claim: Claim, settlement: Settlement, *, failure: Failure | None = None) -> Outcome:
        return Outcome(claim=claim, settlement=settlement, end_time=self._clock(), failure=failure)


def _part(claim: Claim) -> Part:
    return Part(
        idempotency_key=f"{claim.message_id}.{claim.item_index}",
        address=claim.address,
        content=claim.content,
        message_id=claim.message_id,
        index=claim.item_index,
        count=claim.part_count,
    )


def _cancelled(failure: Failure | None) -> Failure:
    if failure is not None and failure.kind is FailureKind.CANCELLED:
        return failure
    return Failure(kind=FailureKind.CANCELLED, text="Not sent: another part of the message failed.")
