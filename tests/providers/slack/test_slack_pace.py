"""One message a second and conversation: https://docs.slack.dev/apis/web-api/rate-limits#posting-messages."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from providers.slack.pace import Pace


def test_a_conversation_s_messages_are_a_second_apart() -> None:
    pace = Pace(spacing_seconds=1.0)

    waits = [pace.reserve("D1", now=100.0, longest=5.0) for _ in range(3)]

    assert waits == [0.0, 1.0, 2.0]
    assert pace.reserve("D2", now=100.0, longest=5.0) == 0.0
    assert pace.reserve("D1", now=110.0, longest=5.0) == 0.0


def test_a_wait_that_is_too_long_takes_no_time() -> None:
    pace = Pace(spacing_seconds=1.0)

    waits = [pace.reserve("D1", now=100.0, longest=1.5) for _ in range(4)]

    assert waits == [0.0, 1.0, 2.0, 2.0]


def test_what_has_passed_is_forgotten() -> None:
    pace = Pace(spacing_seconds=1.0)
    for index in range(1000):
        pace.reserve(f"D{index}", now=float(index), longest=5.0)

    assert len(pace._free_times) <= 2


@given(st.lists(st.floats(0, 3), min_size=1, max_size=30))
def test_never_two_within_a_second(pauses: list[float]) -> None:
    pace, now = Pace(spacing_seconds=1.0), 0.0
    times = []
    for pause in pauses:
        now += pause
        times.append(now + pace.reserve("D1", now=now, longest=float("inf")))

    assert all(later - earlier >= 1.0 - 1e-9 for earlier, later in pairwise(times))
