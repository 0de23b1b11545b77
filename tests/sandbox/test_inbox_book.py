from typing import Any

import pytest

from sandbox.inbox_book import InboxBook, judge
from sandbox.inbox_facts import MessageArrived, SendAnswered, SendTried, StatusArrived


def message(m_id: str, *, echo: bool = False) -> MessageArrived:
    said = {"type": "text", "text": "Hi"}
    return MessageArrived(contact_id="c", contact={}, m_id=m_id, echo=echo, message=said, timestamp=1, mono=0, wall=0)


def status(m_id: str, value: str) -> StatusArrived:
    return StatusArrived(contact_id="c", m_id=m_id, status=value, reason=None, timestamp=1, mono=0, wall=0)


def tried(send_id: str = "s1") -> SendTried:
    return SendTried(send_id=send_id, contact_id="c", channel_id="ch", message={}, mono=0, wall=0)


def answered(m_id: str | None, send_id: str = "s1") -> SendAnswered:
    return SendAnswered(send_id=send_id, http_status=200, m_id=m_id, error=None, mono=0, wall=0)


@pytest.mark.parametrize(
    ("current", "reported", "verdict"),
    [
        ("accepted", "sent", "forward"),
        ("accepted", "read", "forward"),
        ("accepted", "failed", "forward"),
        ("sent", "failed", "forward"),
        ("sent", "sent", "repeat"),
        ("failed", "failed", "repeat"),
        ("delivered", "sent", "backward"),
        ("read", "delivered", "backward"),
        ("delivered", "failed", "backward"),
        ("failed", "delivered", "backward"),
    ],
)
def test_a_status_only_moves_forward(current: str, reported: str, verdict: str) -> None:
    assert judge(current, reported) == verdict


STORIES: list[tuple[str, list[Any], dict[str, int], str]] = [
    (
        "as it should be",
        [tried(), answered("m"), status("m", "sent"), status("m", "read")],
        {"sends_accepted": 1},
        "read",
    ),
    ("goes backwards", [tried(), answered("m"), status("m", "read"), status("m", "sent")], {"regressions": 1}, "read"),
    (
        "says it twice",
        [tried(), answered("m"), status("m", "sent"), status("m", "sent")],
        {"repeated_status": 1},
        "sent",
    ),
    ("overtakes its answer", [tried(), status("m", "sent"), answered("m")], {"early_status": 1}, "sent"),
    ("of nobody", [tried(), answered("m"), status("x", "read")], {"unknown": 1}, "accepted"),
    ("of a contact's message", [message("m"), status("m", "read")], {"unknown": 1, "messages": 1}, "received"),
    ("comes twice", [message("m"), message("m")], {"duplicates": 1, "messages": 1}, "received"),
    ("echo of our own", [tried(), answered("m"), message("m", echo=True)], {"duplicates": 1}, "accepted"),
    (
        "echo before its answer",
        [tried(), message("m", echo=True), answered("m")],
        {"duplicates": 1, "echoes": 1},
        "accepted",
    ),
    ("one id for two", [tried(), answered("m"), tried("s2"), answered("m", "s2")], {"duplicates": 1}, "accepted"),
    ("echo", [message("m", echo=True), status("m", "sent"), status("m", "sent")], {"repeated_status": 1}, "sent"),
    ("refused", [tried(), answered(None)], {"sends_failed": 1}, "failed"),
]


@pytest.mark.parametrize(("facts", "counted", "shown"), [it[1:] for it in STORIES], ids=[it[0] for it in STORIES])
def test_the_ledger_counts_what_went_wrong(facts: list[Any], counted: dict[str, int], shown: str) -> None:
    book = InboxBook()
    for fact in facts:
        book.apply(fact)
    faults = ("duplicates", "regressions", "repeated_status", "early_status")
    for name in faults:
        assert getattr(book.counts, name) == counted.get(name, 0), name
    assert len(list(book.still_unknown())) == counted.get("unknown", 0)
    for name in counted.keys() - {"unknown"}:
        assert getattr(book.counts, name) == counted[name], name
    assert book.conversations["c"].bubbles[0].status == shown
