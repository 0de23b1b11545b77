"""An operator changes a channel while people write."""

from dataclasses import replace

import pytest

from anychannel import Status
from anychannel.channel import HealthLevel
from anychannel.client import NotFound, NotPossible
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.shop import Shop, event, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_paused_channel_takes_everything_and_delivers_it_when_it_is_resumed(
    shop: Shop, shops: OpenShop
) -> None:
    await shop.change("paused", paused=True)
    bubble = await shop.send("Hello")
    told = await shop.tell(event("message", "ph_1", "Hi"))
    async with shops() as neighbour:  # whatever would have been delivered has been, once this has
        await neighbour.write("quick")
        await neighbour.said_by_contact(1)
        reply = await neighbour.send("quick")
        await neighbour.reached(reply["mId"], "delivered")

    assert (bubble["status"], told.status) == ("accepted", 200)
    assert await shop.ledger() == []
    assert (await shop.counters())["messages"] == 0
    assert (await shop.gateway.channels.get(shop.channel_id)).health.platform_waiting == 1

    await shop.change("paused", paused=False)

    await shop.reached(bubble["mId"], "delivered")
    assert texts(await shop.said_by_contact(1)) == ["Hi"]
    assert (await shop.gateway.channels.get(shop.channel_id)).health.level is HealthLevel.OK


async def test_a_message_that_waits_can_be_taken_back(shop: Shop) -> None:
    await shop.change("paused", paused=True)
    bubble = await shop.send("I did not mean that.")
    kept = await shop.send("This I mean.")

    cancelled = await shop.gateway.cancel(bubble["mId"])
    await shop.change("paused", paused=False)

    assert cancelled.status is Status.FAILED
    assert (await shop.reached(bubble["mId"], "failed"))["reason"]
    await shop.reached(kept["mId"], "delivered")
    assert texts(await shop.shown(1)) == ["This I mean."]
    with pytest.raises(NotPossible):
        await shop.gateway.cancel(kept["mId"])


async def test_while_a_token_is_exchanged_both_are_good_and_afterwards_one(shop: Shop) -> None:
    old, new = shop.token, f"new-inbox-token-SECRET-{shop.channel_id}"
    path = f"/channels/{shop.channel_id}/message"

    await shop.change("inbox", inbox=replace(shop.channel.inbox, token=new, previous_token=old))

    during = [
        (await shop.post(shop.text("x"), token=token, path=p)).status
        for token in (old, new)
        for p in ("/message", path)
    ]
    assert during == [200, 200, 200, 200]
    await shop.change("inbox.token", inbox=replace(shop.channel.inbox, token=old))
    await shop.change("inbox.previous_token", inbox=replace(shop.channel.inbox, previous_token=""))
    after = [(await shop.post(shop.text("x"), token=token)).status for token in (old, new)]
    assert after == [200, 401]
    shop.tolerated |= {"refused_token", "unknown_status"}  # this inbox knew only the old token, and sent nothing itself


async def test_a_corrected_secret_is_used_for_the_next_webhook(shop: Shop) -> None:
    wrong = {**shop.channel.settings, "webhook_secret": "mistyped"}
    right = dict(shop.channel.settings)
    await shop.change("settings", settings=wrong)
    await shop.write("Hi")  # the platform tells it again and again

    await shop.change("settings.webhook_secret", settings=right)

    assert texts(await shop.said_by_contact(1)) == ["Hi"]


async def test_a_removed_channel_is_gone_for_everybody(shops: OpenShop) -> None:
    async with shops() as shop:
        await shop.send("Hello")
        await shop.settled()
        await shop.gateway.channels.delete(shop.channel_id)

        answers = [await shop.post(shop.text()), await shop.call("POST", shop.channel.webhook_url, data=b"{}")]
        with pytest.raises(NotFound):
            await shop.gateway.channels.get(shop.channel_id)
        await shop.gateway.channels.create(shop.channel)  # the name is free again

    # Its token was the only proof of who asks: now it proves nothing.
    assert [answer.status for answer in answers] == [401, 404]
