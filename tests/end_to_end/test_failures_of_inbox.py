"""The inbox is down, slow or says no: events wait, or stay where somebody sees them."""

import pytest

from anychannel.channel import HealthLevel
from anychannel.message import Lane
from tests.end_to_end.shop import BEN, Shop, texts
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="500"),
        pytest.param({"status": 503}, id="503"),
        pytest.param({"status": 429, "retry_after": 1}, id="429 with Retry-After"),
        pytest.param({"status": 429}, id="429"),
        pytest.param({"status": 401}, id="401"),
        pytest.param({"reset": True}, id="connection reset"),
        pytest.param({"hang_seconds": 2, "status": 504}, id="no answer"),
    ],
)
async def test_what_an_inbox_cannot_take_waits_and_arrives_in_order_once_it_can(
    shop: Shop, fault: dict[str, int | bool]
) -> None:
    await shop.misbehave(**fault)
    for number in range(4):
        await shop.write(f"{number}")
        await shop.write(f"{number}", BEN)
    bubble = await shop.send("Hello")
    await shop.shown(1)
    await shop.faults()
    assert (await shop.counters())["messages"] == 0

    await shop.behave()

    assert texts(await shop.said_by_contact(4)) == ["0", "1", "2", "3"]
    assert texts(await shop.said_by_contact(4, BEN)) == ["0", "1", "2", "3"]
    await shop.reached(bubble["mId"], "delivered")


async def test_while_the_inbox_refuses_the_token_the_channel_says_so(shop: Shop) -> None:
    await shop.misbehave(status=401)
    await shop.write("Hi")
    await shop.faults()

    async def health() -> tuple[HealthLevel, str]:
        channel = await shop.gateway.channels.get(shop.channel_id)
        return channel.health.level, channel.health.reason

    level, reason = await until(health, lambda health: health[0] is not HealthLevel.OK)

    assert level in {HealthLevel.DEGRADED, HealthLevel.DOWN}
    assert "refuses the channel's token" in reason
    await shop.behave()
    await shop.said_by_contact(1)


async def test_an_event_whose_answer_was_lost_is_told_again_under_the_same_id(shop: Shop) -> None:
    shop.tolerated.add("duplicates")
    await shop.misbehave(stored=True, reset=True, count=1)

    await shop.write("Hi")

    await until(shop.counters, lambda counters: counters["duplicates"] == 1)
    assert texts(await shop.said_by_contact(1)) == ["Hi"]


async def test_what_the_inbox_refuses_is_a_dead_letter_and_arrives_when_it_is_replayed(shop: Shop) -> None:
    await shop.misbehave(status=400, count=1)
    await shop.write("refused")
    await shop.write("taken")
    assert texts(await shop.said_by_contact(1)) == ["taken"]

    (letter,) = [it async for it in shop.gateway.dead_letters.list(shop.channel_id)]

    assert (letter.lane, letter.subject, letter.failure.kind) == (Lane.INBOX, "message", "content_rejected")
    assert letter.failure.text == "The inbox answered 400 Bad Request: A fault on demand: 400."
    assert letter.attempt_count == 1
    assert await shop.gateway.dead_letters.replay(shop.channel_id, dead_letter_ids=[letter.dead_letter_id]) == 1
    assert texts(await shop.said_by_contact(2)) == ["taken", "refused"]
    assert [it async for it in shop.gateway.dead_letters.list(shop.channel_id)] == []


async def test_a_message_that_failed_on_the_platform_goes_out_when_it_is_replayed(shop: Shop) -> None:
    shop.tolerated.add("regressions")  # a replay is a new life: delivered after failed is the truth
    await shop.set_phone(blocked=True)
    bubble = await shop.send("Hello?")
    await shop.reached(bubble["mId"], "failed")
    await shop.set_phone(blocked=False)

    assert await shop.gateway.dead_letters.replay(shop.channel_id, lane=Lane.PLATFORM) == 1

    assert texts(await shop.shown(1)) == ["Hello?"]
