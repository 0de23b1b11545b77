"""Taking messages and events in: read, shaped, given an identity, and stored before anybody is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from anychannel._batcher import Batcher
from anychannel.content import Content, Note
from anychannel.events import Contact, EchoReceived, MessageReceived, ProviderEvent, ReportReceived
from anychannel.message import Direction, Origin
from core.channels import ChannelConfig
from core.contact_ids import NotAPhoneNumber, address_of, contact_id_of
from core.identifiers import new_message_id
from core.inboxes import respondio
from core.inboxes.binding import IdType
from core.lanes.records import LaneKey, NewMessage
from core.providers.registry import ProviderRegistry
from core.shaping.shape import CannotExpress, shape
from core.storage.accept import Accepted, accept
from core.storage.contacts import addresses_of
from core.storage.database import Pool, is_away
from core.storage.reports import ChannelReport, Reported, record_reports
from core.storage.statuses import Reached

MAX_PLATFORM_ID_CHARACTERS = 200
MAX_ADDRESSES = 100_000
"""Contact ids remembered with their addresses: a few dozen megabytes at most."""
EARLIEST_EVENT = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_EVENT = timedelta(days=1)
"""How far a platform's clock may be ahead of ours."""
MAX_WAITING = 5_000
"""Messages that may wait for a commit; beyond that callers are told to come again."""

_log = structlog.get_logger(__name__)


class NotSendable(Exception):
    """A message cannot be sent on its channel; `field` names what is at fault."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class NoProvider(Exception):
    """No provider for the channel's platform has registered yet: nobody knows what it can express."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """What somebody wants said on a channel."""

    origin: Origin
    content: Content
    address: str = ""
    """The contact's id on the platform; or else `contact_id`."""
    contact_id: str = ""
    """The contact's id in the inbox."""
    request_id: str = ""
    expire_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Unstorable:
    """A message that cannot be stored, however often it is tried."""

    error: Exception


class Intake:
    """Stores what comes in, many in one transaction, and tells the engine of it."""

    def __init__(
        self,
        pool: Pool,
        registry: ProviderRegistry,
        *,
        clock: Callable[[], datetime],
        on_work: Callable[[frozenset[LaneKey]], None],
        on_reached: Callable[[Sequence[Reached]], None],
    ) -> None:
        self._pool = pool
        self._registry = registry
        self._clock = clock
        self._on_work = on_work
        self._on_reached = on_reached
        self._addresses: dict[tuple[str, str], str] = {}
        # One transaction at a time, so that what comes later is stored later.
        self._accept: Batcher[NewMessage, Accepted | Unstorable] = Batcher(
            self._run_accept, max_batch=250, max_in_flight=1, max_calls=1, max_waiting=MAX_WAITING
        )
        self._find: Batcher[tuple[str, str], str | None] = Batcher(
            self._run_find, max_batch=250, max_in_flight=1, max_calls=1, max_waiting=MAX_WAITING
        )
        self._report: Batcher[ChannelReport, None] = Batcher(
            self._run_report, max_batch=250, max_in_flight=1, max_calls=1, max_waiting=MAX_WAITING
        )

    async def send(self, config: ChannelConfig, send: Send) -> tuple[NewMessage, Accepted]:
        """Store a message for delivery.

        Raises:
            NotSendable: the platform cannot express it, or nobody has that contact id.
            NoProvider: the platform's provider has never registered.
            Overloaded: too many wait; come again.
        """
        description = self._registry.description(config.platform)
        if description is None:
            raise NoProvider(f"the provider for {config.platform} has not registered yet")
        try:
            shaped = shape(send.content, description.capabilities)
        except CannotExpress as error:
            raise NotSendable(error.failure.text, "content") from None
        address, contact_id = await self._ids(config, send)
        now = self._clock()
        message = NewMessage(
            channel_id=config.channel_id,
            message_id=new_message_id(now),
            direction=Direction.OUTBOUND,
            origin=send.origin,
            address=address,
            contact_id=contact_id,
            content=send.content,
            notes=shaped.notes,
            create_time=now,
            event_time=now,
            envelopes=respondio.count_envelopes(send.content),
            parts=shaped.contents,
            expire_time=now + (send.expire_after or config.expire_after),
            request_id=send.request_id or None,
        )
        return message, await self._stored(message)

    async def _stored(self, message: NewMessage) -> Accepted:
        accepted = await self._accept(message)
        if isinstance(accepted, Unstorable):
            raise accepted.error
        return accepted

    async def take(self, config: ChannelConfig, events: Sequence[ProviderEvent]) -> None:
        """Store what a platform told, in its order, and return once all of it is."""
        now = self._clock()
        usable = [_at_a_likely_time(event, now) for event in events if _is_usable(config, event)]
        messages = [self._received(config, e) for e in usable if not isinstance(e, ReportReceived)]
        reports = [
            ChannelReport(channel_id=config.channel_id, report=e) for e in usable if isinstance(e, ReportReceived)
        ]
        await _all_of([self._stored(message) for message in messages])
        await _all_of([self._report(report) for report in reports])

    async def _ids(self, config: ChannelConfig, send: Send) -> tuple[str, str]:
        """The contact's address and contact id, from whichever of them the sender knows."""
        id_type = config.inbox.id_type
        if send.address:
            return send.address, _contact_id(send.address, id_type)
        address = None
        if id_type is IdType.CUSTOM:
            address = address_of(send.contact_id, id_type)
        if address is None:  # a hash; or a number, which this platform may write without its plus
            address = await self._known_address(config.channel_id, send.contact_id)
        if address is None:
            address = address_of(send.contact_id, id_type)
        if not address:
            raise NotSendable(f"nobody on this channel has the contact id {send.contact_id}", "contactId")
        return address, send.contact_id

    async def _known_address(self, channel_id: str, contact_id: str) -> str | None:
        """The address a contact had when it was first stored; it never changes, so that it is asked for once."""
        known = self._addresses.get((channel_id, contact_id))
        if known is None:
            known = await self._find((channel_id, contact_id))
            if known is not None:
                if len(self._addresses) >= MAX_ADDRESSES:
                    self._addresses.clear()
                self._addresses[channel_id, contact_id] = known
        return known

    def _received(self, config: ChannelConfig, event: MessageReceived | EchoReceived) -> NewMessage:
        now = self._clock()
        is_echo = isinstance(event, EchoReceived)
        return NewMessage(
            channel_id=config.channel_id,
            message_id=new_message_id(now),
            direction=Direction.OUTBOUND if is_echo else Direction.INBOUND,
            origin=Origin.PLATFORM if is_echo else Origin.CONTACT,
            address=event.contact.address,
            contact_id=_contact_id_or_escape(config, event.contact),
            content=event.content,
            notes=event.notes,
            create_time=now,
            event_time=event.event_time,
            envelopes=respondio.count_envelopes(event.content),
            contact=event.contact,
            platform_event_id=event.platform_event_id,
            platform_message_id=event.platform_message_id,
        )

    async def _run_find(self, contacts: Sequence[tuple[str, str]]) -> AsyncIterator[tuple[int, str | None]]:
        found = await addresses_of(self._pool, contacts)
        for index, contact in enumerate(contacts):
            yield index, found.get(contact)

    async def _run_accept(self, messages: Sequence[NewMessage]) -> AsyncIterator[tuple[int, Accepted | Unstorable]]:
        try:
            accepted = await accept(self._pool, messages)
        except Exception as error:
            if is_away(error):
                raise
            if len(messages) == 1:
                yield 0, Unstorable(error)
                return
            # One that cannot be stored must not take those with it that came at the same time.
            for index, message in enumerate(messages):
                async for _, one in self._run_accept([message]):
                    yield index, one
            return
        self._on_work(frozenset(key for one in accepted for key in one.work))
        for index, one in enumerate(accepted):
            yield index, one

    async def _run_report(self, reports: Sequence[ChannelReport]) -> AsyncIterator[tuple[int, None]]:
        reported: Reported = await record_reports(self._pool, reports, self._clock())
        self._on_reached(reported.reached)
        self._on_work(reported.work)
        for index in range(len(reports)):
            yield index, None


async def _all_of(waiting: Sequence[object]) -> None:
    results = await asyncio.gather(*waiting, return_exceptions=True)  # type: ignore[call-overload]  # awaitables of several types
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _contact_id(address: str, id_type: IdType) -> str:
    try:
        return contact_id_of(address, id_type).value
    except NotAPhoneNumber as error:
        raise NotSendable(str(error), "address") from None


def _contact_id_or_escape(config: ChannelConfig, contact: Contact) -> str:
    """The contact's id in the inbox, also where the address does not fit its id type.

    Then it goes in the other type's spelling: the inbox refuses it by name, and the refused event stays visible as a dead
    letter. Dropping it here would be silent.
    """
    try:
        return contact_id_of(contact.address, config.inbox.id_type).value
    except NotAPhoneNumber:
        _log.warning("address does not fit the inbox's id type", channel_id=config.channel_id)
        return contact_id_of(contact.address, IdType.CUSTOM).value


def _at_a_likely_time(event: ProviderEvent, now: datetime) -> ProviderEvent:
    """The event, now if it claims to be older than any platform or of the future: an inbox would refuse it for that."""
    return event if EARLIEST_EVENT <= event.event_time <= now + LATEST_EVENT else replace(event, event_time=now)


def _is_usable(config: ChannelConfig, event: ProviderEvent) -> bool:
    """Whether an event can be stored at all; a provider that sends another one has a bug, which is logged."""
    ids = [event.platform_event_id, event.platform_message_id]
    if not isinstance(event, ReportReceived):
        ids.append(event.contact.address)
    usable = all(0 < len(each) <= MAX_PLATFORM_ID_CHARACTERS and "\0" not in each for each in ids)
    if not usable:
        _log.error("the provider gave an event an id that cannot be stored", channel_id=config.channel_id)
    return usable


def notes_in_words(notes: Sequence[Note]) -> list[str]:
    """Notes for a log line: their codes, which carry no content."""
    return [note.code for note in notes]
