"""What somebody new does with the sandbox's page, in the order in which they would."""

from typing import TYPE_CHECKING

import pytest

from tests.browser.files import PICTURE_WIDTH, file, picture
from tests.end_to_end.shop import ADA, BEN, Shop
from tests.end_to_end.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Route

    from tests.browser.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTACHMENTS = [
    ("Video", "tour.mp4", "video/mp4", "video"),
    ("Audio", "voice.ogg", "audio/ogg", "audio"),
    ("File", "terms.pdf", "application/pdf", "a.file"),
]


async def test_opens_the_page_and_finds_phones_and_an_empty_inbox(screen: "Screen") -> None:
    await screen.sees_all(screen.phones, "Ada Brandt", "Ben Carter", "Chloé Dubois")
    await screen.sees(screen.contact_name, "No conversation yet")


async def test_writes_on_a_phone_and_sees_it_in_the_inbox_with_the_name_of_the_contact(screen: "Screen") -> None:
    await screen.write("Hello, where is my parcel?")

    await screen.sees(screen.in_inbox("where is my parcel?"))
    await screen.sees(screen.contact_name, "Ada Brandt")
    await screen.sees_all(screen.conversations, "Ada Brandt")


async def test_answers_in_the_inbox_and_sees_it_on_the_phone_with_two_ticks_that_turn_blue(screen: "Screen") -> None:
    await screen.switch("Read receipts", on=False)
    await screen.write("Hello?")
    await screen.sees(screen.in_inbox("Hello?"))

    await screen.answer("It leaves today.")

    await screen.sees(screen.on_phone("It leaves today."))
    tick = screen.tick(screen.in_inbox("It leaves today."))
    await screen.is_labelled(tick, "delivered")
    grey = await screen.colour(tick)
    await screen.switch("Read receipts", on=True)
    await screen.is_labelled(tick, "read")
    red, green, blue = await screen.colour(tick)
    assert (red, green, blue) != grey
    assert blue > green > red


async def test_sees_one_tick_while_the_phone_is_off_and_two_once_it_is_on(screen: "Screen") -> None:
    await screen.write("Bye")
    await screen.sees(screen.in_inbox("Bye"))
    await screen.switch("Switched on", on=False)

    await screen.answer("One thing more")

    tick = screen.tick(screen.in_inbox("One thing more"))
    await screen.is_labelled(tick, "sent")
    await screen.sees_none(screen.on_phone("One thing more"))
    await screen.switch("Switched on", on=True)
    await screen.sees(screen.on_phone("One thing more"))
    await screen.is_labelled(tick, "read")


async def test_sends_a_picture_both_ways(screen: "Screen") -> None:
    await screen.attach(picture())
    await screen.sees_picture(screen.page.locator("#conversation img"), PICTURE_WIDTH)

    await screen.choose("Image")
    await screen.upload(picture("ours.png"))
    await screen.fill(description="And here is ours")
    await screen.submit()

    await screen.sees(screen.on_phone("And here is ours"))
    await screen.sees_picture(screen.page.locator("#screen img").last, PICTURE_WIDTH)


async def test_sends_a_place_both_ways(screen: "Screen") -> None:
    await screen.page.get_by_label("Send where I am").click()
    await screen.sees(screen.in_inbox("52.5219, 13.4132"))

    await screen.choose("Location")
    await screen.fill(latitude="48.8584", longitude="2.2945", address="Champ de Mars, Paris")
    await screen.submit()

    await screen.sees(screen.on_phone("Champ de Mars, Paris"))
    await screen.sees(screen.on_phone("48.8584, 2.2945"))


async def test_asks_with_quick_replies_and_gets_the_one_tapped(screen: "Screen") -> None:
    await screen.write("Hello")
    await screen.sees(screen.in_inbox("Hello"))

    await screen.choose("Quick reply")
    await screen.fill(title="Deliver tomorrow?", replies="Yes\nNo\nCall me")
    await screen.submit()

    asked = screen.on_phone("Deliver tomorrow?")
    await screen.sees_all(asked.get_by_role("button"), "Yes", "No", "Call me")
    await asked.get_by_role("button", name="Call me").click()
    await screen.sees(screen.page.locator("#conversation .bubble:not(.mine)", has_text="Call me"))


async def test_is_told_why_a_message_failed_and_sends_it_again_once_the_phone_is_mended(screen: "Screen") -> None:
    await screen.write("Go away")
    await screen.sees(screen.in_inbox("Go away"))
    await screen.switch("Blocks us", on=True)

    await screen.answer("Please stay")

    failed = screen.in_inbox("Please stay")
    await screen.is_labelled(screen.tick(failed), "failed")
    await screen.sees(failed.locator(".reason"), "This contact does not want to receive messages.")
    await screen.switch("Blocks us", on=False)
    await failed.get_by_role("button", name="Send again").click()
    await screen.sees(screen.on_phone("Please stay"))
    await screen.is_labelled(screen.tick(screen.in_inbox("Please stay")), "read")


async def test_sees_a_message_wait_while_the_phone_answers_429_and_arrive_after_it(
    screen: "Screen", shop: Shop
) -> None:
    await screen.write("Quick!")
    await screen.sees(screen.in_inbox("Quick!"))
    await screen.switch("Answers 429", on=True)

    await screen.answer("Slowly")

    async def refused() -> int:
        return int((await shop.network())["refused"].get("too_fast", 0))

    await until(refused, lambda count: count > 0)
    await screen.is_labelled(screen.tick(screen.in_inbox("Slowly")), "accepted, not sent yet")
    await screen.switch("Answers 429", on=False)
    await screen.sees(screen.on_phone("Slowly"))
    await screen.is_labelled(screen.tick(screen.in_inbox("Slowly")), "read")
    assert [it["text"] for it in await shop.ledger()] == ["Slowly"]


async def test_sends_a_film_a_voice_and_a_file(screen: "Screen") -> None:
    await screen.write("Show me")
    await screen.sees(screen.in_inbox("Show me"))

    for kind, name, mime_type, shown in ATTACHMENTS:
        await screen.choose(kind)
        await screen.upload(file(name, mime_type))
        await screen.fill(description=f"Here is the {kind}")
        await screen.submit()

        await screen.sees(screen.on_phone(f"Here is the {kind}"))
        await screen.sees(screen.page.locator(f"#screen {shown}"))


async def test_is_told_that_phones_take_no_custom_payload(screen: "Screen") -> None:
    await screen.write("Hello")
    await screen.sees(screen.in_inbox("Hello"))

    await screen.choose("Custom payload")
    await screen.fill(payload='{"anything": 1}')
    await screen.submit()

    await screen.is_labelled(screen.tick(screen.in_inbox("anything")), "failed")
    await screen.sees(screen.in_inbox("anything").locator(".reason"))


async def test_sees_in_the_list_who_wrote_last_and_how_much_is_unread(screen: "Screen") -> None:
    await screen.write("First")
    await screen.sees(screen.in_inbox("First"))

    await screen.take_phone("Ben Carter")
    await screen.write("Anybody there?")
    await screen.write("Hello?")

    ben = screen.conversation("Ben Carter")
    await screen.sees(ben.locator(".badge"), "2")
    await screen.sees(ben.locator(".last"), "Hello?")
    await screen.sees_all(screen.conversations, "Ben Carter", "Ada Brandt")
    await ben.get_by_role("button").click()
    await screen.sees(screen.contact_name, "Ben Carter")
    await screen.sees_none(ben.locator(".badge"))
    await screen.answer("Here I am")
    await screen.sees(ben.locator(".last"), "You: Here I am")


async def test_sees_what_the_business_wrote_on_its_own_phone_in_both_worlds(screen: "Screen") -> None:
    await screen.page.get_by_label("Message from this phone").fill("Written in the shop")
    await screen.page.get_by_role("button", name="Send as business").click()

    await screen.sees(screen.on_phone("from its own phone"))
    await screen.sees(screen.in_inbox("sent elsewhere"))


async def test_does_all_of_it_with_the_keyboard(screen: "Screen") -> None:
    press = screen.page.keyboard.press
    await screen.page.locator("#phones button", has_text="Ben Carter").focus()
    await press("Enter")
    await screen.sees(screen.page.locator("#phone-number"), BEN)
    await screen.page.locator("#phone-file").focus()
    await press("Tab")
    assert await screen.focused() == "phone-location"
    await press("Tab")
    await screen.page.keyboard.type("Without a mouse")
    await press("Shift+Enter")
    await screen.page.keyboard.type("at all")
    await press("Enter")
    await screen.sees(screen.in_inbox("Without a mouse\nat all"))

    await screen.page.locator("#kind").focus()
    await press("Tab")
    await screen.page.keyboard.type("Well done")
    await press("Enter")

    await screen.sees(screen.on_phone("Well done"))
    assert await screen.focused() == "field-text"


async def test_keeps_what_it_shows_when_the_page_is_loaded_again(screen: "Screen") -> None:
    await screen.write("Before")
    await screen.answer("After")
    await screen.is_labelled(screen.tick(screen.in_inbox("After")), "read")

    await screen.page.reload()

    await screen.sees(screen.on_phone("After"))
    await screen.is_labelled(screen.tick(screen.in_inbox("After")), "read")
    await screen.sees(screen.contact_name, "Ada Brandt")


async def test_forgets_nothing_that_happens_while_the_page_loads(screen: "Screen", shop: Shop) -> None:
    async def answer_late(route: "Route") -> None:
        answer = await route.fetch()
        async with screen.told("bubble"):
            await shop.write("Meanwhile")
        await route.fulfill(response=answer)

    await screen.page.route("**/inbox/state", answer_late, times=1)

    await screen.page.reload()
    await screen.is_live()

    await screen.sees_all(screen.conversations, "Meanwhile")


async def test_starts_a_conversation_with_a_number_that_has_never_written(screen: "Screen") -> None:
    await screen.page.get_by_label("Find a conversation").fill("+49 171 3920042")
    await screen.page.keyboard.press("Enter")
    await screen.sees(screen.page.locator("#contact-id"), ADA)

    await screen.answer("We have news for you")

    await screen.sees(screen.on_phone("We have news for you"))
