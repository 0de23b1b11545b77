"""The judge of the fault tests sees what it is there to see."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.faults.ledger import Books, Saying, judge, most_within, share_of_rate


def said(sequence: int, number: str = "+49") -> dict[str, Any]:
    return {"type": "text", "text": str(Saying(number, sequence, 7.5))}


def books(
    *,
    answered: Sequence[int] = (),
    shown: Sequence[int] = (),
    statuses: Sequence[tuple[int, str, str | None]] = (),
    written: Sequence[int] = (),
    received: Sequence[int] = (),
) -> Books:
    """Of one contact. `statuses` are the inbox's; phones have read everything."""
    sends = [{"kind": "send", "mId": f"m{n}", "message": said(n)} for n in answered]
    told = [{"kind": "message", "mId": f"i{n}", "message": said(n), "arrived_time": 9.0} for n in received]
    bubbles = [
        {"origin": "agent", "mId": f"m{n}", "message": said(n), "status": status, "reason": reason}
        for n, status, reason in statuses
    ]
    return Books(
        inbox_ledger=[*sends, {"kind": "send", "mId": None, "message": said(99)}, *told],
        inbox_state={
            "conversations": [{"messages": bubbles}],
            "counters": {"regressions": 0, "unknown_status": 0, "refused_rate": 0},
        },
        phones_ledger=[{"message": said(n), "arrived_time": 9.0, "status": "read"} for n in shown],
        phones={
            "phones": [{"messages": [{"origin": "person", "message": said(n)} for n in written]}],
            "counters": {"replays": 0},
        },
    )


def test_what_was_answered_200_and_never_came_is_missing() -> None:
    verdict = judge(books(answered=[1, 2], shown=[1], written=[1, 2], received=[2]))

    assert [saying.sequence for saying in verdict.to_phones.missing] == [2]
    assert [saying.sequence for saying in verdict.to_inbox.missing] == [1]
    assert not verdict.is_settled


def test_what_was_not_answered_200_is_not_missed_and_may_come() -> None:
    assert judge(books()).is_settled
    assert judge(books(shown=[99])).is_settled


@pytest.mark.parametrize(
    ("reason", "missing"), [pytest.param("blocked", 0, id="told why"), pytest.param(None, 1, id="not told why")]
)
def test_what_failed_with_a_reason_is_not_lost(reason: str | None, missing: int) -> None:
    verdict = judge(books(answered=[1], statuses=[(1, "failed", reason)]))

    assert verdict.missing == missing


def test_duplicates_are_counted_and_do_not_count_as_reorderings() -> None:
    verdict = judge(books(answered=[1, 2], shown=[1, 2, 1], written=[1, 2], received=[1, 1, 1, 2]))

    assert (verdict.to_phones.duplicates, verdict.to_inbox.duplicates) == (1, 2)
    assert (verdict.to_phones.reorderings, verdict.to_inbox.reorderings) == (0, 0)


def test_a_contacts_messages_out_of_order_are_seen() -> None:
    verdict = judge(books(answered=[1, 2, 3], shown=[2, 1, 3], written=[1, 2], received=[2, 1]))

    assert (verdict.to_phones.reorderings, verdict.to_inbox.reorderings) == (1, 1)


def test_a_tick_that_is_behind_the_phone_is_stale() -> None:
    verdict = judge(books(answered=[1, 2], shown=[1, 2], statuses=[(1, "read", None), (2, "delivered", None)]))

    assert verdict.stale == 1
    assert not verdict.is_settled


@pytest.mark.parametrize(
    ("times", "most"),
    [
        pytest.param([0, 1, 2], 1, id="a second apart"),
        pytest.param([0, 0.5, 0.999, 1.0], 3, id="the end of a span is not in it"),
        pytest.param([5.0, 0.1, 0.0], 2, id="in any order"),
        pytest.param([], 0, id="none"),
    ],
)
def test_the_most_within_a_second(times: list[float], most: int) -> None:
    assert most_within(times, 1) == most


def test_the_share_of_a_rate() -> None:
    assert share_of_rate([10.0, 10.5, 11.0], 4) == 0.5
