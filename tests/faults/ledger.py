"""What was said at one outer end against what arrived at the other. Pure; the sandbox's own books are the evidence."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple


class Saying(NamedTuple):
    """A text that says who said it, as which one, and when: it can be judged wherever it turns up."""

    number: str
    sequence: int
    say_time: float
    """Seconds since the epoch."""

    def __str__(self) -> str:
        return f"{self.number} {self.sequence} {self.say_time:.3f}"

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> "Saying":
        """The saying in a text message of either end."""
        number, sequence, say_time = message["text"].split(" ")
        return cls(number, int(sequence), float(say_time))


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The sandbox's books of both ends, as its API shows them."""

    inbox_ledger: Sequence[Mapping[str, Any]]
    inbox_state: Mapping[str, Any]
    phones_ledger: Sequence[Mapping[str, Any]]
    phones: Mapping[str, Any]

    def sends(self) -> list[Saying]:
        """What the inbox was answered 200 for."""
        sends = (entry for entry in self.inbox_ledger if entry["kind"] == "send" and entry["mId"])
        return [Saying.read(entry["message"]) for entry in sends]

    def shown(self) -> list[tuple[Saying, float]]:
        """What phones show of it, in order, each with when it came."""
        return [(Saying.read(entry["message"]), entry["arrived_time"]) for entry in self.phones_ledger]

    def written(self) -> list[Saying]:
        """What persons wrote on phones, and the platform took."""
        screens = (message for phone in self.phones["phones"] for message in phone["messages"])
        return [Saying.read(message["message"]) for message in screens if message["origin"] == "person"]

    def received(self) -> list[tuple[Saying, float]]:
        """What the inbox was told of it, in order, each with when it came."""
        told = (entry for entry in self.inbox_ledger if entry["kind"] == "message")
        return [(Saying.read(entry["message"]), entry["arrived_time"]) for entry in told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One direction: what became of what was said."""

    said: int
    missing: tuple[Saying, ...]
    duplicates: int
    reorderings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Both directions, and the ticks."""

    to_phones: Passage
    to_inbox: Passage
    failed: int
    """Sends that the inbox shows as failed, with a reason: not lost."""
    regressions: int
    stale: int
    """Sends whose last status at the inbox is not yet the phone's."""
    unknown_statuses: int
    replays: int
    """Sends repeated under the same idempotency key, which the phone network did not show again."""
    refused_for_rate: int

    @property
    def is_settled(self) -> bool:
        """Everything has arrived, and the inbox knows the last of it."""
        return not self.to_phones.missing and not self.to_inbox.missing and not self.stale

    @property
    def missing(self) -> int:
        """What never arrived, in both directions."""
        return len(self.to_phones.missing) + len(self.to_inbox.missing)


def judge(books: Books) -> Verdict:
    """Compare the two ends."""
    bubbles = [bubble for it in books.inbox_state["conversations"] for bubble in it["messages"]]
    sent = [bubble for bubble in bubbles if bubble["origin"] == "agent" and bubble["mId"]]
    failed = {Saying.read(bubble["message"]) for bubble in sent if bubble["status"] == "failed" and bubble["reason"]}
    stands = {Saying.read(entry["message"]): entry["status"] for entry in reversed(books.phones_ledger)}
    at_inbox = {Saying.read(bubble["message"]): bubble["status"] for bubble in sent}
    counters = books.inbox_state["counters"]
    return Verdict(
        to_phones=_passage(books.sends(), books.shown(), excused=failed),
        to_inbox=_passage(books.written(), books.received()),
        failed=len(failed),
        regressions=counters["regressions"],
        stale=sum(1 for said, status in at_inbox.items() if said not in failed and status != stands.get(said)),
        unknown_statuses=counters["unknown_status"],
        replays=books.phones["counters"]["replays"],
        refused_for_rate=counters["refused_rate"],
    )


def most_within(times: Iterable[float], seconds: float) -> int:
    """The most that fall into any span of so many seconds."""
    ordered, most, first = sorted(times), 0, 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def share_of_rate(times: Iterable[float], rate: float) -> float:
    """How much of `rate` a second was used from the first to the last."""
    ordered = sorted(times)
    return (len(ordered) - 1) / (ordered[-1] - ordered[0]) / rate


def _passage(
    said: Sequence[Saying], arrived: Sequence[tuple[Saying, float]], excused: set[Saying] | None = None
) -> Passage:
    times = Counter(saying for saying, _ in arrived)
    expected = set(said)
    order: defaultdict[str, list[int]] = defaultdict(list)
    for saying in dict.fromkeys(saying for saying, _ in arrived):  # the first time each
        if saying in expected:  # who was not answered 200 was promised no order
            order[saying.number].append(saying.sequence)
    return Passage(
        said=len(expected),
        missing=tuple(sorted(expected - times.keys() - (excused or set()))),
        duplicates=sum(times.values()) - len(times),
        reorderings=sum(later < earlier for numbers in order.values() for earlier, later in pairwise(numbers)),
    )
