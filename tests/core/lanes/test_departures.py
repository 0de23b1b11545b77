import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.message import Lane
from core.lanes.departures import Departures
from core.lanes.records import LaneKey

SHOP, OTHER = LaneKey("shop", Lane.PLATFORM), LaneKey("shop", Lane.INBOX)


def departure_times(rate: float, arrivals: list[float]) -> list[float]:
    """When those leave who come at these times and ask again when they are told to."""
    departures, now, times = Departures(), 0.0, list[float]()
    for arrival in sorted(arrivals):
        now = max(now, arrival)
        while wait := departures.leave(SHOP, rate, now):
            now += wait
        times.append(now)
    return times


@given(
    rate=st.sampled_from([0.5, 1.0, 3.7, 20.0]),
    arrivals=st.lists(st.floats(min_value=0, max_value=5), max_size=80),
)
def test_no_second_holds_more_than_the_rate(rate: float, arrivals: list[float]) -> None:
    times = departure_times(rate, arrivals)
    most = math.ceil(rate)
    for before, after in zip(times, times[most:], strict=False):
        assert after - before >= 1 - 1e-9


def test_at_its_pace_nobody_is_held_up() -> None:
    slots = [n * 1.015 / 20 for n in range(100)]
    assert departure_times(20, slots) == slots


def test_who_comes_early_after_a_late_one_waits_for_the_rest_of_the_second() -> None:
    departures = Departures()
    for time in (0.9, 1.0):
        assert departures.leave(SHOP, 2, time) == 0
    assert departures.leave(SHOP, 2, 1.5) == pytest.approx(0.4)
    assert departures.leave(SHOP, 2, 1.9) == 0


def test_lanes_do_not_count_for_each_other() -> None:
    departures = Departures()
    assert departures.leave(SHOP, 1, 0.0) == 0
    assert departures.leave(OTHER, 1, 0.0) == 0


def test_another_rate_counts_at_once() -> None:
    departures = Departures()
    for time in (0.0, 0.1, 0.2):
        assert departures.leave(SHOP, 3, time) == 0
    assert departures.leave(SHOP, 1, 0.3) == pytest.approx(0.9)
    assert departures.leave(SHOP, 4, 1.3) == 0


def test_a_lane_without_a_rate_holds_nobody_up() -> None:
    departures = Departures()
    assert all(departures.leave(SHOP, math.inf, 0.0) == 0 for _ in range(100))
