"""Whether and when to make another attempt. Pure: the time and the jitter are arguments."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from anychannel.failures import Failure, FailureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patiently attempts are repeated."""

    first: timedelta = timedelta(seconds=1)
    """Longest wait before the second attempt; doubles with every further one."""
    longest: timedelta = timedelta(minutes=5)
    """No wait is longer, unless the platform asks for it."""
    internal_attempts: int = 5
    """Attempts at something that fails by our own or the provider's fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Make another attempt then."""

    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Make no other attempt."""

    failure: Failure


def decide(
    *, attempt: int, failure: Failure, policy: RetryPolicy, now: datetime, expire_time: datetime, jitter: float
) -> RetryAt | GiveUp:
    """What to do after the `attempt`-th attempt (from 1) ended in `failure`.

    Exponential back-off with full jitter (`jitter` is uniform in [0, 1)); a time that the platform asked for is kept to the
    second. Nothing is tried again after `expire_time`.
    """
    if not failure.kind.is_retryable:
        return GiveUp(failure=failure)
    if failure.kind is FailureKind.INTERNAL and attempt >= policy.internal_attempts:
        return GiveUp(failure=failure)
    wait = failure.retry_after if failure.retry_after is not None else _backoff(attempt, policy) * jitter
    time = now + wait
    if time >= expire_time:
        return GiveUp(failure=expired(failure))
    return RetryAt(time=time)


def expired(last: Failure | None = None) -> Failure:
    """The failure of a delivery whose deadline passed; names what went wrong `last`."""
    if last is None:
        return Failure(kind=FailureKind.EXPIRED, text="It could not be sent before its deadline.")
    return replace(
        last,
        kind=FailureKind.EXPIRED,
        text=f"It could not be sent before its deadline. Last: {last.text}",
        retry_after=None,
    )


def probe_delay(probes: int, jitter: float) -> timedelta:
    """How long a lane waits before it looks again whether its other side is back, after `probes` looks (from 1).

    Half a second, doubling up to 30 s, give or take a fifth (`jitter` is uniform in [0, 1)).
    """
    seconds: float = min(30.0, 0.5 * 2.0 ** min(probes - 1, 10))
    return timedelta(seconds=seconds * (0.8 + 0.4 * jitter))


def _backoff(attempt: int, policy: RetryPolicy) -> timedelta:
    doublings = 1 << min(attempt - 1, 30)
    return min(policy.longest, policy.first * doublings)
