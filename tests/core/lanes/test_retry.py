from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.failures import Failure, FailureKind
from core.lanes.retry import GiveUp, RetryAt, RetryPolicy, decide, expired, probe_delay

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IN_A_DAY = NOW + timedelta(days=1)
POLICY = RetryPolicy(first=timedelta(seconds=1), longest=timedelta(minutes=5), internal_attempts=5)
RETRYABLE = [kind for kind in FailureKind if kind.is_retryable]

jitters = st.floats(min_value=0, max_value=1, exclude_max=True)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3))


def failure(kind: FailureKind = FailureKind.PLATFORM_UNAVAILABLE, retry_after: timedelta | None = None) -> Failure:
    return Failure(kind=kind, text="Why.", retry_after=retry_after)


@pytest.mark.parametrize(
    ("attempt", "why", "jitter", "seconds"),
    [
        pytest.param(1, failure(), 1.0, 1, id="first: up to one second"),
        pytest.param(1, failure(), 0.0, 0, id="full jitter begins at none"),
        pytest.param(2, failure(), 1.0, 2, id="doubled once"),
        pytest.param(5, failure(), 1.0, 16, id="doubled four times"),
        pytest.param(5, failure(), 0.25, 4, id="a quarter of 16"),
        pytest.param(9, failure(), 1.0, 256, id="the last below the longest"),
        pytest.param(10, failure(), 1.0, 300, id="512 is more than the longest"),
        pytest.param(10_000, failure(), 1.0, 300, id="far beyond any doubling"),
        pytest.param(1, failure(retry_after=timedelta(seconds=7)), 0.3, 7, id="asked to wait: to the second"),
        pytest.param(9, failure(retry_after=timedelta(0)), 1.0, 0, id="asked to come at once"),
        pytest.param(3, failure(retry_after=timedelta(hours=2)), 0.3, 7200, id="asked for longer than the longest"),
        pytest.param(1, failure(FailureKind.THROTTLED), 0.5, 0.5, id="too fast, for how long is not said"),
        pytest.param(4, failure(FailureKind.INTERNAL), 1.0, 8, id="internal: the fourth of five"),
    ],
)
def test_another_attempt_is_made_after(attempt: int, why: Failure, jitter: float, seconds: float) -> None:
    decision = decide(attempt=attempt, failure=why, policy=POLICY, now=NOW, expire_time=IN_A_DAY, jitter=jitter)
    assert decision == RetryAt(time=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if not kind.is_retryable])
def test_what_nobody_but_a_person_can_mend_is_given_up_as_it_is(kind: FailureKind) -> None:
    why = failure(kind)
    assert decide(attempt=1, failure=why, policy=POLICY, now=NOW, expire_time=IN_A_DAY, jitter=0.5) == GiveUp(
        failure=why
    )


@pytest.mark.parametrize("attempt", [5, 6])
def test_what_is_broken_is_given_up_after_a_few_attempts(attempt: int) -> None:
    why = failure(FailureKind.INTERNAL)
    decision = decide(attempt=attempt, failure=why, policy=POLICY, now=NOW, expire_time=IN_A_DAY, jitter=0.5)
    assert decision == GiveUp(failure=why)


@pytest.mark.parametrize("left", [0, 7])
def test_nothing_is_tried_again_at_its_deadline_or_later(left: int) -> None:
    why = failure(retry_after=timedelta(seconds=7))
    decision = decide(
        attempt=1, failure=why, policy=POLICY, now=NOW, expire_time=NOW + timedelta(seconds=left), jitter=0.5
    )
    assert isinstance(decision, GiveUp)
    assert decision.failure.kind is FailureKind.EXPIRED
    assert decision.failure.retry_after is None
    assert "Why." in decision.failure.text


def test_what_expired_untried_says_so() -> None:
    assert expired().kind is FailureKind.EXPIRED
    assert "Last" not in expired().text


@given(
    attempt=st.integers(1, 10**6),
    kind=st.sampled_from(list(FailureKind)),
    retry_after=st.none() | spans,
    left=spans,
    jitter=jitters,
)
def test_a_decision_is_in_time_and_within_its_bounds(
    attempt: int, kind: FailureKind, retry_after: timedelta | None, left: timedelta, jitter: float
) -> None:
    why = failure(kind, retry_after)
    decision = decide(attempt=attempt, failure=why, policy=POLICY, now=NOW, expire_time=NOW + left, jitter=jitter)
    match decision:
        case RetryAt(time=time):
            assert kind in RETRYABLE
            assert NOW <= time < NOW + left
            if retry_after is None:
                assert time - NOW <= POLICY.longest
            else:
                assert time - NOW == retry_after
        case GiveUp(failure=given_up):
            assert not given_up.kind.is_retryable or (kind is FailureKind.INTERNAL and attempt >= 5)


@given(attempt=st.integers(1, 60), jitter=jitters)
def test_the_longest_wait_only_grows(attempt: int, jitter: float) -> None:
    def wait(n: int) -> timedelta:
        decision = decide(attempt=n, failure=failure(), policy=POLICY, now=NOW, expire_time=IN_A_DAY, jitter=jitter)
        assert isinstance(decision, RetryAt)
        return decision.time - NOW

    assert wait(attempt) <= wait(attempt + 1)


@pytest.mark.parametrize(
    ("probes", "least", "most"),
    [(1, 0.4, 0.6), (2, 0.8, 1.2), (5, 6.4, 9.6), (6, 12.8, 19.2), (7, 24.0, 36.0), (1000, 24.0, 36.0)],
)
def test_a_lane_looks_again_with_growing_distance(probes: int, least: float, most: float) -> None:
    assert probe_delay(probes, 0.0).total_seconds() == pytest.approx(least)
    assert probe_delay(probes, 1.0).total_seconds() == pytest.approx(most)


@given(probes=st.integers(1, 10**6), jitter=jitters)
def test_a_look_is_never_further_away_than_half_a_minute_and_a_fifth(probes: int, jitter: float) -> None:
    assert timedelta(seconds=0.4) <= probe_delay(probes, jitter) <= timedelta(seconds=36)
