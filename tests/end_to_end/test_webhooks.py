"""A platform's webhook: believed only when it proves itself, and answered only for what is stored."""

import time

import pytest

from anychannel import Provider
from providers.sandbox import SandboxProvider
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.product import Product
from tests.end_to_end.shop import Shop, event, texts
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


class MigratoryProvider(SandboxProvider):
    """The same phones, by a provider that comes and goes."""

    platform = "migratory"


async def test_a_webhook_with_another_signature_is_refused(shop: Shop) -> None:
    answer = await shop.tell(event("message", "ph_1", "forged"), secret="not the secret of the channel")

    assert answer.status == 401
    assert await shop.tell(event("message", "ph_2", "real")) is not None
    assert texts(await shop.said_by_contact(1)) == ["real"]


async def test_a_recorded_webhook_is_refused_an_hour_later(shop: Shop) -> None:
    answer = await shop.tell(event("message", "ph_1", "old"), at=time.time() - 3600)

    assert answer.status == 401
    assert (await shop.inbox())["conversations"] == []


@pytest.mark.parametrize("change", ["token", "channel"])
async def test_an_address_that_is_not_ours_to_serve_is_not_found(shop: Shop, change: str) -> None:
    base, channel_id, token = shop.channel.webhook_url.rsplit("/", 2)
    another = token[:-1] + ("x" if token[-1] != "x" else "y")
    wrong = f"{base}/{channel_id}/{another}" if change == "token" else f"{base}/shop-nobody/{token}"

    answer = await shop.call("POST", wrong, data=b"{}")

    assert (answer.status, answer.error) == (404, "There is no such webhook.")


async def test_an_event_told_twice_is_one_message(shop: Shop) -> None:
    told = event("message", "ph_1", "once")

    statuses = [(await shop.tell(told, told)).status, (await shop.tell(told)).status]
    await shop.tell(event("message", "ph_2", "then"))

    assert statuses == [200, 200]
    assert texts(await shop.said_by_contact(2)) == ["once", "then"]


async def test_one_unreadable_event_does_not_hold_back_the_others(shop: Shop) -> None:
    answer = await shop.tell({"id": "ev_x", "type": "moon"}, event("message", "ph_1", "readable"))

    assert answer.status == 200
    assert texts(await shop.said_by_contact(1)) == ["readable"]


async def test_while_the_provider_is_gone_webhooks_are_put_off_and_sends_wait(
    product: Product, shops: OpenShop
) -> None:
    provider: Provider = MigratoryProvider()
    async with product.providing(provider):
        opened = shops(platform="migratory")
        shop = await opened.__aenter__()
    try:
        answer = await shop.tell(event("message", "ph_1", "too early"))
        bubble = await shop.send("Hello")
        await shop.write("Hi")
        await until(shop.untold, lambda untold: untold == 1)

        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.error == "It cannot be read just now. Try again."
        assert bubble["status"] == "accepted"
        assert await shop.ledger() == []
        async with product.providing(MigratoryProvider()):
            await shop.reached(bubble["mId"], "delivered")
            assert texts(await shop.shown(1)) == ["Hello"]
            assert texts(await shop.said_by_contact(1)) == ["Hi"]
            await shop.settled()
            assert await shop.mishaps() == {}
    finally:
        await opened.__aexit__(None, None, None)
