"""What cannot be delivered: the agent learns it, and why."""

import asyncio
from datetime import timedelta

import pytest

from anychannel.channel import ReplyMode
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.shop import ADA, BEN, Json, Shop, texts
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSALS = [
    pytest.param({"blocked": True}, "This contact does not want to receive messages.", "blocked", id="blocked"),
    pytest.param({"opted_out": True}, "This contact does not want to receive messages.", "opted_out", id="opted out"),
    pytest.param({"unregistered": True}, "This phone cannot be reached.", "no_such_phone", id="unregistered"),
]


@pytest.mark.parametrize(("behaviour", "reason", "code"), REFUSALS)
async def test_a_message_nobody_gets_has_failed_and_says_why(
    shop: Shop, behaviour: Json, reason: str, code: str
) -> None:
    await shop.set_phone(**behaviour)

    bubble = await shop.send("Hello?")

    failed = await shop.reached(bubble["mId"], "failed")
    assert failed["reason"] == reason
    assert [it["status"] for it in failed["statuses"]] == ["failed"]
    story = await shop.gateway.message(bubble["mId"])
    assert story.message.failure is not None
    assert story.message.failure.platform_code == code


async def test_a_message_the_network_gives_up_on_later_has_failed_after_it_was_sent(shop: Shop) -> None:
    await shop.set_phone(online=False)
    bubble = await shop.send("Are you there?")
    await shop.reached(bubble["mId"], "sent")

    await shop.fail("The phone was off for three days.")

    failed = await shop.reached(bubble["mId"], "failed")
    assert failed["reason"] == "The phone was off for three days."
    assert [it["status"] for it in failed["statuses"]] == ["sent", "failed"]


@pytest.mark.parametrize(("behaviour", "reason", "code"), REFUSALS)
async def test_an_inbox_that_waits_for_the_outcome_is_refused_at_once_and_told_nothing_later(
    shops: OpenShop, behaviour: Json, reason: str, code: str
) -> None:
    async with shops(inbox={"reply": ReplyMode.OUTCOME}) as shop:
        await shop.set_phone(**behaviour)

        bubble = await shop.send("Hello?")

        assert (bubble["status"], bubble["reason"]) == ("failed", f"{reason} ({code})")
        answer = await shop.post(shop.text())
        assert (answer.status, answer.error) == (400, f"{reason} ({code})")
        await shop.set_phone(blocked=False, opted_out=False, unregistered=False)
        taken = await shop.send("Now?")
        await shop.reached(taken["mId"], "delivered")
        await shop.settled()
        assert {it["mId"] for it in (await shop.inbox())["unknown_statuses"]} == set()
        assert await shop.mishaps() == {}


async def test_an_inbox_that_waits_for_the_outcome_gets_its_id_when_the_phone_is_slow(shops: OpenShop) -> None:
    async with shops(inbox={"reply": ReplyMode.OUTCOME, "reply_timeout": timedelta(seconds=0.3)}) as shop:
        await shop.set_phone(slow_seconds=1)

        bubble = await shop.send("Hello?")

        assert bubble["status"] == "accepted"
        await shop.reached(bubble["mId"], "delivered")


async def test_a_network_that_asks_for_two_seconds_gets_them_on_that_channel_and_no_other(
    shop: Shop, shops: OpenShop
) -> None:
    async with shops() as neighbour:
        await shop.set_phone(ADA, answer=429, retry_after=2, count=1)
        began = asyncio.get_running_loop().time()
        await shop.send("first", ADA)
        await until(shop.network, lambda network: network["refused"].get("too_fast") == 1)

        for number in range(3):
            await shop.send(f"{number}", BEN)
        await neighbour.send("meanwhile", BEN)

        await neighbour.shown(1, BEN)
        assert await shop.ledger() == []
        assert texts(await shop.shown(3, BEN)) == ["0", "1", "2"]
        assert texts(await shop.shown(1, ADA)) == ["first"]
        (met,) = await neighbour.ledger()
        arrivals = [it["arrived_monotonic"] - began for it in await shop.ledger()]
        assert min(arrivals) >= 2
        assert max(arrivals) < 3.5
        assert met["arrived_monotonic"] - began < 1.5
        assert (await shop.network())["refused"] == {"too_fast": 1}


@pytest.mark.parametrize("answer", [500, 503])
async def test_a_network_that_stumbles_gets_it_again_once(shop: Shop, answer: int) -> None:
    await shop.set_phone(answer=answer, count=2)

    bubble = await shop.send("Hello")

    await shop.reached(bubble["mId"], "delivered")
    story = await shop.gateway.message(bubble["mId"])
    assert [attempt.failure is None for attempt in story.attempts if attempt.subject == "part 0"] == [
        False,
        False,
        True,
    ]
    assert texts(await shop.shown(1)) == ["Hello"]


async def test_a_message_that_waits_too_long_has_failed_as_expired(shops: OpenShop) -> None:
    async with shops() as shop:
        await shop.set_phone(answer=503)

        message = await shop.gateway.send(shop.channel_id, ADA, "Now or never", expire_after=timedelta(seconds=0.5))

        steps = [record async for record in shop.gateway.watch(message.message_id)]
        failure = steps[-1].failure
        assert failure is not None
        assert failure.kind == "expired"
        assert failure.text.startswith("It could not be sent before its deadline.")
        (letter,) = [it async for it in shop.gateway.dead_letters.list(shop.channel_id)]
        assert (letter.message_id, letter.subject) == (message.message_id, "part 0")
        assert await shop.conversation() == []
