"""What is written elsewhere than in the inbox: by a service over gRPC, and by the business on its own phone."""

import asyncio

import pytest

from anychannel import Location, Status, Text
from anychannel.channel import StatusChange
from anychannel.client import InvalidRequest, OutboundMessage
from tests.end_to_end.product import in_background
from tests.end_to_end.shop import ADA, Shop, event, texts
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_a_service_sends_is_on_the_phone_and_in_the_inbox_and_it_can_watch_the_ticks(shop: Shop) -> None:
    message = await shop.gateway.send(shop.channel_id, ADA, "Your code is 1234")

    assert texts(await shop.shown(1)) == ["Your code is 1234"]
    (echo,) = await shop.echoes(1)
    assert (echo["mId"], echo["message"]) == (message.message_id, {"type": "text", "text": "Your code is 1234"})
    steps = []
    async for record in shop.gateway.watch(message.message_id):
        steps.append(record.status)
        if record.status is Status.DELIVERED:
            await shop.read()
    assert steps == [Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ]


async def test_a_place_from_a_service_is_a_place_on_the_phone_and_in_the_inbox(shop: Shop) -> None:
    await shop.gateway.send(shop.channel_id, ADA, Location(latitude=1.5, longitude=2.5))

    place = {"type": "location", "latitude": 1.5, "longitude": 2.5}
    assert await shop.shown(1) == [place]
    assert [it["message"] for it in await shop.echoes(1)] == [place]


async def test_a_service_that_asks_twice_sends_once(shop: Shop) -> None:
    first = await shop.gateway.send(shop.channel_id, ADA, "Once", request_id="order-7")
    at_once = await asyncio.gather(
        *(shop.gateway.send(shop.channel_id, ADA, "Once", request_id="order-7") for _ in range(5))
    )
    later = await shop.gateway.send(shop.channel_id, ADA, "Once", request_id="order-8")

    assert {it.message_id for it in at_once} == {first.message_id}
    assert later.message_id != first.message_id
    await shop.echoes(2)
    await shop.settled()
    assert texts(await shop.shown(2)) == ["Once", "Once"]
    assert (await shop.counters())["echoes"] == 2


async def test_one_wrong_message_among_many_stops_none_of_the_others(shop: Shop) -> None:
    def to(address: str, text: str) -> OutboundMessage:
        return OutboundMessage(channel_id=shop.channel_id, address=address, content=Text(text=text))

    outcomes = await shop.gateway.send_many([to(ADA, "1"), to("nobody", "2"), to(ADA, ""), to(ADA, "4")])

    assert [isinstance(outcome, InvalidRequest) for outcome in outcomes] == [False, True, True, False]
    assert texts(await shop.shown(2)) == ["1", "4"]


async def test_what_the_business_writes_on_its_own_phone_is_seen_by_the_agent(shop: Shop) -> None:
    await shop.write_on_own_phone("I call you back.")

    (echo,) = await shop.echoes(1)
    assert (echo["message"], echo["direction"]) == ({"type": "text", "text": "I call you back."}, "outgoing")
    assert await shop.ledger() == []


async def test_an_echo_of_what_the_agent_sent_does_not_come_back(shop: Shop) -> None:
    bubble = await shop.send("Hello")
    await shop.reached(bubble["mId"], "delivered")
    (sent,) = await shop.ledger()

    told = await shop.tell(event("echo", sent["message_id"], "Hello"), event("message", "ph_1", "Thanks"))

    assert told.status == 200
    assert texts(await shop.said_by_contact(1)) == ["Thanks"]
    await shop.settled()
    assert (await shop.counters())["echoes"] == 0


async def test_nor_does_an_echo_that_is_quicker_than_the_platforms_own_answer(shop: Shop) -> None:
    await shop.set_phone(slow_seconds=0.5)
    bubble = await shop.send("Hello")
    (sent,) = await until(shop.ledger, len)

    await shop.tell(event("echo", sent["message_id"], "Hello"))

    assert (await shop.gateway.message(bubble["mId"])).message.status is Status.ACCEPTED
    await shop.reached(bubble["mId"], "delivered")
    await shop.settled()
    assert (await shop.counters())["echoes"] == 0


async def test_who_watches_a_channel_sees_what_happens_as_it_happens(shop: Shop) -> None:
    seen: list[str] = []

    async def watch() -> None:
        async for it in shop.gateway.events(shop.channel_id):
            what = it.kind.status if isinstance(it.kind, StatusChange) else it.kind.origin
            seen.append(what)

    async def look() -> list[str]:
        return list(seen)

    async with in_background(watch()):

        async def write() -> list[str]:
            await shop.write("Hi")
            return await look()

        await until(write, len)  # a tail shows what comes after it was opened
        seen.clear()
        bubble = await shop.send("Hello")
        await shop.reached(bubble["mId"], "delivered")
        events = await until(look, lambda events: "delivered" in events)
    assert [it for it in events if it != "contact"] == ["inbox", "sent", "delivered"]
