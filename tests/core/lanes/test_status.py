import itertools
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.message import Status
from core.lanes.status import advance, overall

A, S, D, R, F = Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED
ORDER = [A, S, D, R]
any_status = st.sampled_from(list(Status))


@pytest.mark.parametrize(
    ("current", "after"),
    # The status after each report: accepted, sent, delivered, read, failed.
    [(A, [A, S, D, R, F]), (S, [S, S, D, R, F]), (D, [D, D, D, R, D]), (R, [R, R, R, R, R]), (F, [F, F, F, F, F])],
    ids=lambda value: value if isinstance(value, Status) else None,
)
def test_every_report_on_every_status(current: Status, after: list[Status]) -> None:
    assert [advance(current, reported) for reported in (A, S, D, R, F)] == after


@given(current=any_status, reports=st.lists(any_status, max_size=8))
def test_a_status_never_moves_back(current: Status, reports: list[Status]) -> None:
    for reported in reports:
        after = advance(current, reported)
        if after is F:
            assert current in {A, S, F}
        elif current is not F:
            assert ORDER.index(after) >= ORDER.index(current)
        assert current is not F or after is F
        current = after


@given(reports=st.lists(st.sampled_from(ORDER), max_size=6))
def test_reports_without_a_failure_end_the_same_in_any_order(reports: list[Status]) -> None:
    ends = {reduce(advance, order, A) for order in itertools.permutations(reports)}
    assert len(ends) == 1


@given(reports=st.lists(any_status, max_size=6))
def test_with_a_failure_it_is_failed_or_went_past_it(reports: list[Status]) -> None:
    furthest = reduce(advance, [status for status in reports if status is not F], A)
    for order in itertools.permutations(reports):
        end = reduce(advance, order, A)
        assert end is furthest or (end is F and F in reports)


@given(reports=st.lists(any_status, min_size=1, max_size=8))
def test_the_last_report_told_twice_changes_nothing(reports: list[Status]) -> None:
    end = reduce(advance, reports, A)
    assert advance(end, reports[-1]) is end


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([A], A), ([S, A], A), ([S, S], S), ([R, S, D], S), ([R, D], D), ([R, R], R), ([R, F, A], F), ([F, F], F)],
)
def test_a_message_stands_where_its_last_part_stands(parts: list[Status], expected: Status) -> None:
    assert overall(parts) is expected


@given(
    parts=st.lists(any_status, min_size=1, max_size=5),
    reports=st.lists(st.tuples(st.integers(0, 4), any_status), max_size=10),
)
def test_a_message_of_parts_that_only_move_forward_does_so_too(
    parts: list[Status], reports: list[tuple[int, Status]]
) -> None:
    current = overall(parts)
    for index, reported in reports:
        parts[index % len(parts)] = advance(parts[index % len(parts)], reported)
        after = overall(parts)
        assert after is F or current is F or ORDER.index(after) >= ORDER.index(current)
        current = after
