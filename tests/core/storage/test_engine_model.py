"""The engine's storage against a small model of it: any sequence of what can happen leaves both the same."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from anychannel.message import Lane, Status
from core.channels import ChannelConfig
from core.lanes.records import Claim, DeliveryKind, Outcome, Priority, Settlement, Told
from core.secrets import Keyring
from core.storage.channels import insert_channel
from core.storage.database import Pool, open_pool
from core.storage.messages import NotCancellable, cancel_message
from core.storage.reports import record_reports, take_early
from core.storage.settle import settle
from core.storage.statuses import TELL_PATIENCE
from core.storage.told import tell
from tests.core.storage.engine import (
    DOWN,
    LEASE,
    NOW,
    accept_one,
    assert_sound,
    claims_at,
    ended,
    inbound,
    outbound,
)
from tests.core.storage.reporting import report_of

T = TypeVar("T")
ADDRESSES = ["+1", "+2"]
LONG_AGO = NOW - timedelta(days=1)
TABLES = ("messages", "parts", "deliveries", "turns", "attempts", "events", "early_reports", "dead_letters", "contacts")
Key = tuple[Lane, Priority, str]


@dataclass(eq=False)
class Entry:
    """A delivery."""

    kind: DeliveryKind
    message_id: str
    index: int = 0
    revision: int = 0
    not_before: datetime | None = None


@dataclass
class Queue:
    """A contact's deliveries on a lane, and its turn."""

    entries: list[Entry] = field(default_factory=list)
    due: datetime = LONG_AGO
    leased: bool = False
    attempts: int = 0
    claim: int = 0
    """Which claim holds the lease, counted over the whole run."""

    def next(self) -> None:
        self.leased, self.attempts = False, 0
        self.due = (self.entries[0].not_before if self.entries else None) or LONG_AGO


@dataclass
class Sending:
    """An outbound message."""

    address: str
    parts: list[Status]
    status: Status = Status.ACCEPTED
    told: Told = Told.NOT_YET
    has_id: set[int] = field(default_factory=set)
    early: dict[int, set[Status]] = field(default_factory=dict)


@dataclass
class Flight:
    """A claim that is not settled yet."""

    claim: Claim
    key: Key
    entry: Entry
    revision: int
    number: int


RANK = {Status.ACCEPTED: 0, Status.SENT: 1, Status.DELIVERED: 2, Status.READ: 3}


def forward(current: Status, reported: Status) -> Status:
    if Status.FAILED in {current, reported}:
        is_final = current in {Status.DELIVERED, Status.READ}
        return current if is_final else Status.FAILED
    return max(current, reported, key=RANK.__getitem__)


class EngineMachine(RuleBasedStateMachine):
    """Runs every rule on the database and on the model."""

    pool: Pool
    runner: asyncio.Runner

    @initialize()
    def begin(self) -> None:
        for table in TABLES:
            self._run(self.pool.execute(f"DELETE FROM {table}"))
        self._run(self.pool.execute("UPDATE lanes SET slot_time = '-infinity', wake_time = 'infinity'"))
        self.now = NOW
        self.queues: dict[Key, Queue] = {}
        self.sendings: dict[str, Sending] = {}
        self.flights: list[Flight] = []
        self.claims = 0
        self.dead_letters = 0

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def _enqueue(self, key: Key, entry: Entry) -> None:
        queue = self.queues.setdefault(key, Queue())
        queue.entries.append(entry)
        if len(queue.entries) == 1:
            queue.next()

    @rule(address=st.sampled_from(ADDRESSES), parts=st.integers(1, 3))
    def send(self, address: str, parts: int) -> None:
        message_id = self._run(accept_one(self.pool, outbound(address, parts=parts))).message_id
        self.sendings[message_id] = Sending(address, [Status.ACCEPTED] * parts)
        for index in range(parts):
            self._enqueue((Lane.PLATFORM, Priority.FIRST, address), Entry(DeliveryKind.PART, message_id, index))

    @rule(address=st.sampled_from(ADDRESSES))
    def receive(self, address: str) -> None:
        message_id = self._run(accept_one(self.pool, inbound(address))).message_id
        self._enqueue((Lane.INBOX, Priority.FIRST, address), Entry(DeliveryKind.MESSAGE, message_id))

    @rule()
    def claim(self) -> None:
        due = {key: queue for key, queue in self.queues.items() if queue.entries and queue.due <= self.now}

        found = {(c.lane, Priority(c.priority), c.address): c for c in self._run(claims_at(self.pool, self.now))}

        assert found.keys() == due.keys()
        for key, claim in found.items():
            queue, entry = due[key], due[key].entries[0]
            self.claims += 1
            queue.leased, queue.attempts, queue.claim = True, queue.attempts + 1, self.claims
            queue.due = self.now + timedelta(seconds=claim.wait) + LEASE
            assert (claim.kind, claim.message_id, claim.item_index) == (entry.kind, entry.message_id, entry.index)
            assert claim.attempt == queue.attempts
            if sending := self.sendings.get(claim.message_id):
                assert claim.status is sending.status
                assert claim.is_unwanted == (entry.kind is DeliveryKind.STATUS and sending.told is Told.NEVER)
            self.flights.append(Flight(claim, key, entry, entry.revision, self.claims))

    @rule(
        ends=st.lists(
            st.sampled_from(
                [Settlement.DONE, Settlement.DONE, Settlement.RETRY, Settlement.RELEASE, Settlement.GIVE_UP]
            ),
            min_size=1,
            max_size=5,
        ),
        seconds=st.integers(0, 8),
    )
    def claim_and_settle(self, ends: list[Settlement], seconds: int) -> None:
        self.claim()
        for end in ends:
            if self.flights:
                self._settle_flight(self.flights.pop(), end, seconds)

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), end=st.sampled_from([s for s in Settlement if s is not Settlement.DROP]))
    def settle(self, data: st.DataObject, end: Settlement) -> None:
        self._settle_flight(self.flights.pop(data.draw(st.integers(0, len(self.flights) - 1))), end, 0)

    def _settle_flight(self, flight: Flight, end: Settlement, seconds: int) -> None:
        claim, queue = flight.claim, self.queues[flight.key]
        if claim.is_unwanted or (claim.lane is Lane.PLATFORM and claim.status is Status.FAILED):
            end = Settlement.DROP
        retry_time = self.now + timedelta(seconds=seconds)

        self._run(self._settle(self._outcome(claim, end, retry_time)))

        if not queue.entries or queue.entries[0] is not flight.entry or queue.claim != flight.number:
            return  # the lease was lost
        match end:
            case Settlement.RETRY:
                queue.leased, queue.due = False, retry_time
            case Settlement.RELEASE:
                queue.leased, queue.due, queue.attempts = False, self.now, queue.attempts - 1
            case _:
                self._finish(flight, queue, end)

    def _outcome(self, claim: Claim, end: Settlement, retry_time: datetime) -> Outcome:
        if end is Settlement.RETRY:
            return ended(claim, end, self.now, failure=DOWN, retry_time=retry_time)
        return ended(claim, end, self.now)

    async def _settle(self, outcome: Outcome) -> None:
        await settle(self.pool, [outcome], self.now)
        if outcome.platform_message_id:
            await take_early(self.pool, [("shop", outcome.platform_message_id)], self.now)

    def _finish(self, flight: Flight, queue: Queue, end: Settlement) -> None:
        entry = flight.entry
        if entry.revision == flight.revision:
            queue.entries.pop(0)
        self.dead_letters += end is Settlement.GIVE_UP
        if entry.kind is DeliveryKind.PART:
            sending = self.sendings[entry.message_id]
            self._change(entry.message_id, entry.index, [Status.SENT if end is Settlement.DONE else Status.FAILED])
            if end is Settlement.DONE:
                sending.has_id.add(entry.index)
                early = sorted(sending.early.pop(entry.index, set()), key=list(Status).index)
                self._change(entry.message_id, entry.index, early)
        queue.next()

    def _change(self, message_id: str, index: int, reported: list[Status]) -> None:
        sending = self.sendings[message_id]
        before = sending.status
        for status in reported:
            sending.parts[index] = forward(sending.parts[index], status)
            furthest_behind = min(
                (part for part in sending.parts if part is not Status.FAILED),
                key=RANK.__getitem__,
                default=Status.FAILED,
            )
            is_failed = Status.FAILED in sending.parts
            sending.status = forward(sending.status, Status.FAILED if is_failed else furthest_behind)
        if sending.status is before or sending.told is Told.NEVER:
            return
        key = (Lane.INBOX, Priority.SECOND, sending.address)
        for entry in self.queues.setdefault(key, Queue()).entries:
            if entry.message_id == message_id:
                entry.revision += 1
                return
        hold = NOW + TELL_PATIENCE if sending.told is Told.NOT_YET else None
        self._enqueue(key, Entry(DeliveryKind.STATUS, message_id, not_before=hold))

    @precondition(lambda self: self.sendings)
    @rule(data=st.data(), status=st.sampled_from([Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED]))
    def report(self, data: st.DataObject, status: Status) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.sendings)))
        sending = self.sendings[message_id]
        index = data.draw(st.integers(0, len(sending.parts) - 1))

        self._run(record_reports(self.pool, [report_of(message_id, status, index)], self.now))

        if index in sending.has_id:
            self._change(message_id, index, [status])
        else:
            sending.early.setdefault(index, set()).add(status)

    @precondition(lambda self: self.sendings)
    @rule(data=st.data(), told=st.sampled_from([Told.TOLD, Told.TOLD, Told.NEVER]))
    def tell(self, data: st.DataObject, told: Told) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.sendings)))
        sending = self.sendings[message_id]

        self._run(tell(self.pool, [("shop", message_id)], told))

        if sending.told is Told.NOT_YET:
            sending.told = told
        queue = self.queues.get((Lane.INBOX, Priority.SECOND, sending.address), Queue())
        for position, entry in enumerate(queue.entries):
            if entry.message_id == message_id:
                entry.not_before = None
                if position == 0 and not queue.leased:
                    queue.due = LONG_AGO

    @precondition(lambda self: self.sendings)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.sendings)))
        sending = self.sendings[message_id]
        queue = self.queues[Lane.PLATFORM, Priority.FIRST, sending.address]
        is_under_way = bool(queue.entries) and queue.leased and queue.entries[0].message_id == message_id
        can = all(part is Status.ACCEPTED for part in sending.parts) and not is_under_way

        try:
            self._run(cancel_message(self.pool, "shop", message_id, self.now))
            did = True
        except NotCancellable:
            did = False

        assert did == can
        if can:
            for index in range(len(sending.parts)):
                sending.parts[index] = Status.FAILED
            sending.parts[0] = Status.ACCEPTED
            self._change(message_id, 0, [Status.FAILED])

    @rule(seconds=st.sampled_from([1, 5, 11, 60]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def is_sound(self) -> None:
        if hasattr(self, "queues"):
            self._run(self._compare())

    async def _compare(self) -> None:
        await assert_sound(self.pool)
        rows = await self.pool.fetch("SELECT message_id, status FROM messages WHERE status > 0")
        assert {row["message_id"]: list(Status)[row["status"] - 1] for row in rows} == {
            message_id: sending.status for message_id, sending in self.sendings.items()
        }
        deliveries = sum(len(queue.entries) for queue in self.queues.values())
        assert await self.pool.fetchval("SELECT count(*) FROM deliveries") == deliveries
        assert await self.pool.fetchval("SELECT count(*) FROM dead_letters") == self.dead_letters


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_the_engine_does_what_its_model_does(database: str, keyring: Keyring, config_of: Any) -> None:
    config: ChannelConfig = config_of("shop", platform_rate=10_000, inbox_rate=10_000)
    with asyncio.Runner() as runner:
        pool_context = open_pool(database, size=2)
        pool = runner.run(pool_context.__aenter__())
        try:
            runner.run(insert_channel(pool, keyring, config))
            EngineMachine.pool, EngineMachine.runner = pool, runner
            run_state_machine_as_test(
                EngineMachine,
                settings=settings(
                    max_examples=30,
                    stateful_step_count=60,
                    derandomize=True,
                    phases=[
                        Phase.generate
                    ],  # shrinking takes minutes: drop this line to find the shortest way to a failure
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
        finally:
            runner.run(pool_context.__aexit__(None, None, None))
