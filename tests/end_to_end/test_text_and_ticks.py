"""An agent writes, the phone shows it, and the ticks come back."""

import pytest

from anychannel.channel import StatusShape
from anychannel.testing import Answer, ScriptedPlatform
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.shop import ADA, BEN, Shop, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_an_agent_writes_is_seen_on_the_phone_and_gets_its_ticks_in_order(shop: Shop) -> None:
    bubble = await shop.send("Your parcel leaves today.")

    assert (bubble["status"], bubble["reason"]) == ("accepted", None)
    assert texts(await shop.shown(1)) == ["Your parcel leaves today."]
    await shop.reached(bubble["mId"], "delivered")
    await shop.read()
    read = await shop.reached(bubble["mId"], "read")
    steps = [it["status"] for it in read["statuses"]]
    assert steps == [step for step in ("sent", "delivered", "read") if step in steps]
    assert "delivered" in steps


async def test_a_phone_that_is_off_shows_one_tick_until_it_is_on_again(shop: Shop) -> None:
    await shop.set_phone(online=False)
    bubble = await shop.send("Are you there?")
    await shop.reached(bubble["mId"], "sent")

    await shop.set_phone(online=True)

    delivered = await shop.reached(bubble["mId"], "delivered")
    assert [it["status"] for it in delivered["statuses"]] == ["sent", "delivered"]


async def test_several_answers_to_one_person_arrive_in_the_order_written(shop: Shop) -> None:
    for number in range(6):
        await shop.send(f"{number}")

    assert texts(await shop.shown(6)) == ["0", "1", "2", "3", "4", "5"]


async def test_a_phone_that_hangs_does_not_keep_others_waiting(shop: Shop) -> None:
    await shop.set_phone(ADA, slow_seconds=1)
    slow = await shop.send("to Ada", ADA)

    quick = await shop.send("to Ben", BEN)

    delivered = await shop.reached(quick["mId"], "delivered", BEN)
    (of_slow,) = [it for it in await shop.conversation(ADA) if it["mId"] == slow["mId"]]
    assert (delivered["status"], of_slow["status"]) == ("delivered", "accepted")
    await shop.reached(slow["mId"], "delivered")


async def test_an_inbox_of_the_other_spelling_is_told_statuses_flat(shops: OpenShop) -> None:
    async with (
        ScriptedPlatform(lambda _: Answer(json={})) as inbox,
        shops(inbox={"webhook_url": f"{inbox.url}/hook/", "status_shape": StatusShape.FLAT}) as shop,
    ):
        await shop.set_phone(blocked=True)

        answer = await shop.post(shop.text())

        (told,) = await inbox.requested(1)
        envelope = told.json
        assert (told.method, told.path) == ("POST", "/hook/")
        assert told.headers["authorization"] == f"Bearer {shop.token}"
        assert envelope["channelId"] == shop.channel.inbox.inbox_channel_id
        assert envelope["contactId"] == ADA
        (event,) = envelope["events"]
        assert event.pop("timestamp") > 1_700_000_000_000
        assert event == {
            "type": "message_status",
            "mId": answer.json["mId"],
            "status": "failed",
            "error": "This contact does not want to receive messages.",
        }
