"""How the sandbox's page looks: in light and dark, on every width, with few and with very many phones."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.browser.conftest import opened
from tests.browser.files import PICTURE_WIDTH, picture
from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import Product
from tests.end_to_end.shop import BEN, Shop

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.browser.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHLOE = "+33639980123"
KNOWN_PHONES = 1000
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "laptop": {"viewport": {"width": 1180, "height": 760}},
    "narrow": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
KINDS = ("Image", "Location", "Quick reply", "Custom payload")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def busy_shop(product: Product) -> AsyncIterator[Shop]:
    """After a morning's work: every kind of message, one refused, one under way, three unread."""
    async with open_shop(product, sandbox={"delivered_after": 0.05, "read_after": 0.05}) as shop:
        await _serve_ada(shop)
        await shop.write("Are you open on Sunday?", BEN)
        await shop.write("I would like to come by with the bicycle.", BEN)
        await shop.write("Merci beaucoup !", CHLOE)
        await shop.said_by_contact(2, BEN)
        await shop.said_by_contact(1, CHLOE)
        yield shop


async def _serve_ada(shop: Shop) -> None:
    url = await shop.upload("ours.png", picture()["buffer"])
    await shop.write("Hello! Where is my parcel? It should have been here yesterday.")
    await shop.said_by_contact(1)
    await shop.send("Good morning Ada, let me look that up for you.")
    await shop.send(_attachment("image", url, description="It left the warehouse"))
    asked = await shop.send({"type": "quick_reply", "title": "Leave it with a neighbour?", "replies": ["Yes", "No"]})
    await shop.reached(asked["mId"], "read")
    (buttons,) = [it for it in await shop.ledger() if it["message"]["type"] == "buttons"]
    await shop.write({"type": "button", "text": "Yes", "button_of": buttons["message_id"]})
    place = {"latitude": 52.5219, "longitude": 13.4132, "name": "Alexanderplatz", "address": "10178 Berlin"}
    await shop.write({"type": "location", **place})
    await shop.said_by_contact(3)
    sent = await shop.send(_attachment("file", url, fileName="receipt.pdf"))
    await shop.reached(sent["mId"], "read")
    await shop.write_on_own_phone("Called you a minute ago. - The shop")
    await shop.echoes(1)
    await shop.set_phone(blocked=True)
    refused = await shop.send("One more thing: your invoice.")
    await shop.reached(refused["mId"], "failed")
    await shop.set_phone(blocked=False, answer=429, retry_after=60)
    await shop.send("And this one is on its way.")


def _attachment(kind: str, url: str, **fields: str) -> dict[str, Any]:
    return {"type": "attachment", "attachment": {"type": kind, "url": url, **fields}}


@pytest.mark.parametrize(
    ("width", "scheme"),
    [("desktop", "light"), ("desktop", "dark"), ("laptop", "light"), ("narrow", "light"), ("narrow", "dark")],
)
async def test_is_accessible_and_fits(
    browser: "Browser", busy_shop: Shop, screenshots: Path | None, width: str, scheme: str
) -> None:
    async with opened(browser, busy_shop, screenshots, color_scheme=scheme, **LOOKS[width]) as screen:
        await screen.sees(screen.on_phone("receipt.pdf"))
        await screen.keep(f"{width}-{scheme}")
        if width == "narrow":
            assert await screen.accessibility_violations() == []
            await screen.page.get_by_role("button", name="Inbox").click()
            await screen.sees(screen.in_inbox("And this one is on its way."))
            await screen.keep(f"{width}-{scheme}-inbox")
        await screen.page.locator("#conversation").evaluate("it => { it.scrollTop = 0; }")
        await screen.sees_picture(screen.page.locator("#conversation img"), PICTURE_WIDTH)
        await screen.keep(f"{width}-{scheme}-earlier")


async def test_has_a_form_for_everything_an_agent_can_send(screen: "Screen") -> None:
    await screen.keep("first-look")
    for kind in KINDS:
        await screen.choose(kind)
        assert await screen.accessibility_violations() == []
        await screen.keep(f"composer-{kind.lower().replace(' ', '-')}")


async def test_a_phone_that_is_off_looks_like_it(screen: "Screen") -> None:
    await screen.write("My battery is")
    await screen.sees(screen.in_inbox("My battery is"))

    await screen.switch("Switched on", on=False)

    await screen.sees(screen.page.locator("#phone-note"), "this phone is off; messages wait")
    await screen.keep("phone-off")


async def test_stays_usable_with_a_thousand_phones(
    browser: "Browser", product: Product, screenshots: Path | None
) -> None:
    async with open_shop(product, sandbox={"inbox_rate": 0}) as shop:
        await asyncio.gather(*(_write_once(shop, number) for number in range(KNOWN_PHONES)))
        async with opened(browser, shop, screenshots) as screen:
            await screen.sees(screen.page.locator("#phones-more"), "The latest 40 of 1,003 phones.")
            await screen.sees(screen.page.locator("#conversations-more"), "The latest 40 of 1,000 conversations.")
            await screen.keep("thousand-phones")

            for label, found in (("Find a phone", screen.phones), ("Find a conversation", screen.conversations)):
                await screen.page.get_by_label(label).fill("person 777")
                await screen.sees_all(found, "Person 777")
                await found.get_by_role("button").click()
            await screen.sees(screen.page.locator("#phone-name"), "Person 777")
            await screen.sees(screen.contact_name, "Person 777")
            await screen.write("Found me")
            await screen.sees(screen.in_inbox("Found me"))


async def _write_once(shop: Shop, number: int) -> None:
    """Somebody with a phone has once written; told to the inbox directly, which takes more than the gateway may send it."""
    phone, name = f"+4915100{number:05}", f"Person {number}"
    await shop.set_phone(phone, name=name)
    event = {"type": "message", "mId": f"in-{number}", "timestamp": round(time.time() * 1000)}
    await shop.call(
        "POST",
        f"{shop.sandbox_url}/custom/channel/webhook/",
        headers={"Authorization": f"Bearer {shop.token}"},
        json={
            "channelId": shop.channel.inbox.inbox_channel_id,
            "contactId": phone,
            "contact": {"firstName": "Person", "lastName": str(number), "phone": phone},
            "events": [event | {"message": {"type": "text", "text": f"I am number {number}."}}],
        },
    )
