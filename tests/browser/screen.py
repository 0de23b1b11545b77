"""The page, in the words of who uses it; every look waits for what it wants to see."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, FilePayload, Locator, Page, Request, Response, Route, expect

from tests.end_to_end.shop import Shop

PATIENCE_MS = 8000
DESKTOP = {"width": 1440, "height": 900}
LISTEN = """(event) => new Promise((opened) => {
  const events = new EventSource("/events");
  window.told = new Promise((told) => events.addEventListener(event, () => { events.close(); told(); }));
  events.onopen = opened;
}).then(() => {})"""
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
expect.set_options(timeout=PATIENCE_MS)


class Screen:
    """A page in a browser, and what went wrong in it."""

    def __init__(self, page: Page, shop: Shop, screenshots: Path | None) -> None:
        self.page = page
        self.shop = shop
        self.faults: list[str] = []
        """Console errors, failed requests and everything asked of other machines."""
        self._screenshots = screenshots
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("requestfailed", self._note_failed)
        page.on("response", self._note_refused)

    async def open(self) -> None:
        await self.page.route(lambda url: not url.startswith(self.shop.sandbox_url), self._refuse)
        await self.page.goto(self.shop.sandbox_url)
        await self.is_live()

    @asynccontextmanager
    async def told(self, event: str) -> AsyncIterator[None]:
        """Leave only once the sandbox has told the page this event."""
        await self.page.evaluate(LISTEN, event)
        yield
        await self.page.evaluate("told")

    async def is_live(self) -> None:
        """Return once it shows everything and follows what changes."""
        await expect(self.page.locator("#connection")).to_have_text("live")

    # The phones

    @property
    def phones(self) -> Locator:
        return self.page.locator("#phones li")

    def on_phone(self, text: str) -> Locator:
        """A bubble on the screen of the phone in hand."""
        return self.page.locator("#screen .bubble", has_text=text).last

    async def take_phone(self, name: str) -> None:
        await self.page.locator("#phones button", has_text=name).click()
        await expect(self.page.locator("#phone-name")).to_have_text(name)

    async def write(self, text: str) -> None:
        await self.page.get_by_label("Message from this phone").fill(text)
        await self.page.get_by_label("Send from the phone").click()

    async def attach(self, file: FilePayload) -> None:
        await self.page.locator("#phone-file").set_input_files(file)

    async def switch(self, label: str, *, on: bool) -> None:
        """One of the switches of how a phone behaves; returns once the phone does."""
        async with self.page.expect_response(re.compile("/phones/")):
            await self.page.get_by_role("switch", name=label).set_checked(on)

    # The inbox

    @property
    def contact_name(self) -> Locator:
        return self.page.locator("#contact-name")

    def in_inbox(self, text: str) -> Locator:
        """A bubble of the open conversation."""
        return self.page.locator("#conversation .bubble", has_text=text).last

    def tick(self, bubble: Locator) -> Locator:
        return bubble.locator(".ticks")

    async def answer(self, text: str) -> None:
        await self.choose("Text")
        await self.page.get_by_label("Text", exact=True).fill(text)
        await self.submit()

    async def choose(self, kind: str) -> None:
        await self.page.get_by_label("What to send").select_option(label=kind)

    async def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            await self.page.locator(f"#field-{name}").fill(value)

    async def upload(self, file: FilePayload) -> None:
        await self.page.locator("#field-upload").set_input_files(file)

    async def submit(self) -> None:
        await self.page.locator("#inbox-form button[type=submit]").click()

    @property
    def conversations(self) -> Locator:
        return self.page.locator("#conversations li")

    def conversation(self, name: str) -> Locator:
        """An entry of the conversation list."""
        return self.page.locator("#conversations li", has_text=name)

    # All of it

    async def sees(self, shown: Locator, text: str | re.Pattern[str] | None = None) -> None:
        """Return once it is shown, with this text where one is given."""
        await expect(shown).to_be_visible()
        if text is not None:
            await expect(shown).to_have_text(text)

    async def sees_all(self, shown: Locator, *texts: str) -> None:
        """Return once there are exactly these, in this order, each with this text in it."""
        await expect(shown).to_contain_text(texts)
        await expect(shown).to_have_count(len(texts))

    async def sees_none(self, shown: Locator) -> None:
        """Return once nothing of it is there."""
        await expect(shown).to_have_count(0)

    async def is_labelled(self, shown: Locator, label: str) -> None:
        """Return once those who listen instead of looking are told this."""
        await expect(shown).to_have_attribute("aria-label", label)

    async def sees_picture(self, image: Locator, width: int) -> None:
        """Return once the picture is there, and not only its frame. `width` is that of the file, in pixels."""
        await expect(image).to_be_visible()
        await expect(image).to_have_js_property("naturalWidth", width)

    async def colour(self, shown: Locator) -> tuple[int, int, int]:
        """The colour it is written in: red, green, blue."""
        style: str = await shown.evaluate("it => getComputedStyle(it).color")
        red, green, blue = map(int, re.findall(r"\d+", style)[:3])
        return red, green, blue

    async def focused(self) -> str:
        """The id of what has the keyboard."""
        focused: str = await self.page.evaluate("document.activeElement.id")
        return focused

    async def keep(self, name: str) -> None:
        """A picture of how it looks now, where pictures are wanted."""
        if self._screenshots:
            await self.page.screenshot(path=self._screenshots / f"{name}.png", animations="disabled")

    async def accessibility_violations(self) -> list[str]:
        """What axe finds wrong in what is shown now, as WCAG 2.2 AA and good practice have it."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE)
        found = await self.page.evaluate("axe.run({resultTypes: ['violations']}).then((it) => it.violations)")
        return [f"{it['id']}: {_where(it['nodes'])}" for it in found]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return width

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"console: {message.text}")

    def _note_failed(self, request: Request) -> None:
        is_left_behind = request.url.endswith("/events") and request.failure == "net::ERR_ABORTED"  # by a reload
        if not is_left_behind:
            self.faults.append(f"failed: {request.method} {request.url} {request.failure}")

    def _note_refused(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    async def _refuse(self, route: Route) -> None:
        self.faults.append(f"asked elsewhere: {route.request.url}")
        await route.abort()


@asynccontextmanager
async def open_screen(browser: Browser, shop: Shop, screenshots: Path | None, **look: Any) -> AsyncIterator[Screen]:
    """The page of a shop, closed in the end, after it was searched for faults."""
    context = await browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"} | look)
    try:
        screen = Screen(await context.new_page(), shop, screenshots)
        await screen.open()
        yield screen
        assert screen.faults == []
        assert await screen.accessibility_violations() == []
        assert await screen.overflow() == 0
    finally:
        await context.close()


def _where(nodes: Sequence[dict[str, Any]]) -> str:
    first = nodes[0]
    return f"{json.dumps(first['target'])} {first['failureSummary']}"
