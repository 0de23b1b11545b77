"""The phone network: takes messages for phones, lets time deliver and read them, lets people write."""

import secrets
from collections import Counter
from typing import Any

from sandbox.background import Background
from sandbox.clock import Clock, rfc3339
from sandbox.journal import Journal
from sandbox.live import Live
from sandbox.phones_book import Behaviour, Phone, PhoneMessage, PhonesBook
from sandbox.phones_contract import PlatformError, is_number
from sandbox.phones_facts import (
    EventHappened,
    MessageAccepted,
    MessageReplayed,
    PhoneChanged,
    PhonesFact,
    WebhookRegistered,
)
from sandbox.phones_webhook import Teller
from sandbox.requests import BadRequest
from sandbox.settings import Settings

MAX_UNTOLD_EVENTS = 1000
WAIT_FOR_ROOM_SECONDS = 0.5
# Numbers that the regulators of these countries keep for films.
FIRST_PHONES = {"+491713920042": "Ada Brandt", "+447700900123": "Ben Carter", "+33639980123": "Chloé Dubois"}


class PhoneNetwork:
    """All phones, and the business's account with their network."""

    def __init__(self, settings: Settings, clock: Clock, journal: Journal, live: Live, background: Background) -> None:
        self.book = PhonesBook()
        secret = settings.webhook_secret.get_secret_value()
        self.teller = Teller(
            secret=secret, clock=clock, book=self.book, journal=journal, live=live, background=background
        )
        self.refused: Counter[str] = Counter()
        """By error code. Not kept: nothing of it was answered 200."""
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._live = live
        self._background = background

    async def start(self) -> None:
        """Go on where the journal ended."""
        for number, name in FIRST_PHONES.items():
            if number not in self.book.phones:
                await self._change(number, name, Behaviour())
        for phone in self.book.phones.values():
            self._wake(phone)
        self.teller.tell_all()

    async def register_webhook(self, url: str) -> None:
        """Where webhooks go from now on, those waiting included."""
        await self._record(WebhookRegistered(url=url))
        self.teller.tell_all()

    async def phone(self, number: str) -> Phone:
        """The phone with this number; a number never seen gets one.

        Raises:
            BadRequest: No phone can have this number.
        """
        if not is_number(number):
            raise BadRequest("number", "must be a phone number in E.164 form")
        if number not in self.book.phones:
            await self._change(number, f"Phone {number}", Behaviour())
        return self.book.phones[number]

    async def accept(self, number: str, idempotency_key: str, message: dict[str, Any]) -> str:
        """Take a message of the business; its id, once it is durable.

        Raises:
            PlatformError: The network does not take it.
        """
        phone = await self.phone(number)
        behaviour = phone.behaviour
        if behaviour.answer is not None:
            self._apply(
                PhoneChanged(number=number, name=phone.name, behaviour=behaviour.after_one_answer().model_dump())
            )
            raise _on_demand(behaviour)
        if (message_id := self.book.ids_by_key.get(idempotency_key)) is not None:
            await self._record(MessageReplayed(idempotency_key=idempotency_key))
        else:
            _refuse_unwilling(behaviour)
            _refuse_full(phone)
            message_id = _new_id("ph")
            accepted = MessageAccepted(
                number=number,
                message_id=message_id,
                idempotency_key=idempotency_key,
                message=message,
                mono=self._clock.monotonic(),
                wall=self._clock.wall(),
            )
            await self._record(accepted)
            self._background.spawn(self._travel(phone, self.book.messages[message_id], self._settings.delivered_after))
        if behaviour.slow_seconds:
            await self._clock.sleep(behaviour.slow_seconds)
        return message_id

    async def write(self, number: str, message: dict[str, Any]) -> dict[str, Any]:
        """The person writes to the business; the event as the webhook will tell it."""
        phone = await self.phone(number)
        if not phone.behaviour.online:
            raise PlatformError(409, "offline", "The phone is offline.")
        if message["type"] == "button":
            _check_tap(phone, message)
        sender = {"number": number, "name": phone.name}
        return await self._happen(phone, "message", **{"from": sender}, message_id=_new_id("ph"), message=message)

    async def echo(self, number: str, message: dict[str, Any]) -> dict[str, Any]:
        """The business writes to this person from its own phone."""
        phone = await self.phone(number)
        contact = {"number": number, "name": phone.name}
        return await self._happen(phone, "echo", to=contact, message_id=_new_id("ph"), message=message)

    async def read(self, number: str) -> int:
        """The person reads everything delivered; how many messages that were."""
        phone = await self.phone(number)
        unread = list(phone.waiting("delivered"))
        if phone.behaviour.read_receipts:
            for message in unread:
                await self._report(phone, message, "read")
        return len(unread)

    async def fail(self, number: str, reason: str) -> int:
        """The network gives up on what it has accepted and not delivered; how many messages that were."""
        phone = await self.phone(number)
        undelivered = list(phone.waiting("accepted"))
        for message in undelivered:
            await self._report(phone, message, "failed", reason)
        return len(undelivered)

    async def change(self, number: str, name: str | None, behaviour: Behaviour) -> Phone:
        """Make a phone behave like this from now on."""
        phone = await self.phone(number)
        await self._change(number, name or phone.name, behaviour)
        self._wake(phone)
        return phone

    async def _change(self, number: str, name: str, behaviour: Behaviour) -> None:
        await self._record(PhoneChanged(number=number, name=name, behaviour=behaviour.model_dump()))
        self._live.tell("phone", self.book.phones[number].as_json())

    def _wake(self, phone: Phone) -> None:
        """A phone that is on receives, and reads, what waited for it."""
        if phone.behaviour.online:
            for message in phone.waiting("accepted", "delivered"):
                self._background.spawn(self._travel(phone, message, 0))

    async def _travel(self, phone: Phone, message: PhoneMessage, delivered_after: float) -> None:
        """Time passes for one message: it is delivered, then read. Each step looks again at what is still true."""
        await self._clock.sleep(delivered_after)
        await self._wait_for_room(phone)
        if message.status == "accepted" and phone.behaviour.online:
            if (reason := _unwilling(phone.behaviour)) is not None:
                await self._report(phone, message, "failed", reason[2])
            else:
                await self._report(phone, message, "delivered")
        if self._settings.read_after and message.status == "delivered":
            await self._clock.sleep(self._settings.read_after)
            await self._wait_for_room(phone)
            if phone.behaviour.online and phone.behaviour.read_receipts:
                await self._report(phone, message, "read")

    async def _wait_for_room(self, phone: Phone) -> None:
        while len(phone.untold) >= MAX_UNTOLD_EVENTS:
            await self._clock.sleep(WAIT_FOR_ROOM_SECONDS)

    async def _report(self, phone: Phone, message: PhoneMessage, status: str, reason: str | None = None) -> None:
        came_from = {"delivered": ("accepted",), "read": ("delivered",), "failed": ("accepted",)}[status]
        if message.status in came_from:  # two travels of one message may meet here
            told = {} if reason is None else {"reason": reason}
            await self._happen(phone, "status", message_id=message.message_id, status=status, **told)

    async def _happen(self, phone: Phone, kind: str, **what: Any) -> dict[str, Any]:
        _refuse_full(phone)
        wall = self._clock.wall()
        event = {"id": _new_id("ev"), "type": kind, "time": rfc3339(wall), **what}
        await self._record(EventHappened(number=phone.number, event=event, wall=wall))
        self.teller.tell(phone)
        return event

    async def _record(self, fact: PhonesFact) -> None:
        self._apply(fact, write=False)
        await self._journal.append(fact)

    def _apply(self, fact: PhonesFact, *, write: bool = True) -> None:
        message = self.book.apply(fact)
        if write:
            self._journal.note(fact)
        number = getattr(fact, "number", None)
        if number is not None and self._live.is_watched:
            phone = self.book.phones[number].as_json()
            self._live.tell("phone", phone)
            if message is not None:
                self._live.tell("phone_message", {"number": number, "message": message.as_json()})


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(8)}"


def _unwilling(behaviour: Behaviour) -> tuple[int, str, str] | None:
    if behaviour.unregistered:
        return 404, "no_such_phone", "No phone has this number."
    if behaviour.blocked:
        return 403, "blocked", "The recipient blocked this sender."
    if behaviour.opted_out:
        return 410, "opted_out", "The recipient opted out of messages from this sender."
    return None


def _refuse_unwilling(behaviour: Behaviour) -> None:
    if (refusal := _unwilling(behaviour)) is not None:
        raise PlatformError(*refusal)


def _refuse_full(phone: Phone) -> None:
    if len(phone.untold) >= MAX_UNTOLD_EVENTS:
        raise PlatformError(503, "network_down", "Too many webhooks of this phone were not taken.", retry_after=1)


def _on_demand(behaviour: Behaviour) -> PlatformError:
    match behaviour.answer:
        case 429:
            retry_after = 1 if behaviour.retry_after is None else behaviour.retry_after
            return PlatformError(429, "too_fast", "Too many messages to this phone.", retry_after=retry_after)
        case 503:
            return PlatformError(503, "network_down", "The network is down.", retry_after=behaviour.retry_after)
        case _:
            return PlatformError(500, "internal", "The network stumbled.", retry_after=behaviour.retry_after)


def _check_tap(phone: Phone, message: dict[str, Any]) -> None:
    for shown in phone.waiting("accepted", "delivered", "read"):
        if shown.message_id == message["button_of"] and message["text"] in shown.message.get("buttons", ()):
            return
    raise BadRequest("message.button_of", "must be the id of a message on this phone with that button")
