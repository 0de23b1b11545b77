from hypothesis import given
from hypothesis import strategies as st

from sandbox.rate import SlidingWindow


def test_the_second_slides() -> None:
    window = SlidingWindow(2)
    arrivals = [0.0, 0.75, 0.875, 1.0, 1.5, 1.75]
    # 0.875 is the third within a second; at 1.0 the first has left the window; 1.5 is the third after 0.75 and 1.0
    assert [window.admit(now) for now in arrivals] == [True, True, False, True, False, True]


def test_no_limit_admits_all() -> None:
    window = SlidingWindow(0)
    assert all(window.admit(0.0) for _ in range(1000))


@given(limit=st.integers(1, 5), gaps=st.lists(st.floats(0, 0.6), max_size=60))
def test_never_more_than_the_limit_in_any_second(limit: int, gaps: list[float]) -> None:
    window, now, admitted = SlidingWindow(limit), 0.0, []
    for gap in gaps:
        now += gap
        if window.admit(now):
            admitted.append(now)
    for earlier, later in zip(admitted, admitted[limit:], strict=False):
        assert later - earlier >= 1.0
