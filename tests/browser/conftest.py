"""The sandbox's page in Debian's Chromium, before a whole gateway; nothing is asked of other machines."""

import importlib
import importlib.util
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

from providers.sandbox import SandboxProvider
from tests.conftest import _with_database
from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import Product, held, run_product
from tests.end_to_end.shop import Shop

if TYPE_CHECKING:  # the tests are collected, and say what is missing, where playwright is not installed
    from playwright.async_api import Browser

    from tests.browser.screen import Screen

pytest.register_assert_rewrite("tests.browser.screen")

PACKAGES = {"playwright": "playwright", "axe_playwright_python": "axe-playwright-python"}
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser. Without it the tests are skipped; in CI they fail."""
    missing = [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]
    path = shutil.which("chromium")
    ways = [f"pip install {' '.join(missing)}"] if missing else []
    ways += [] if path else ["apt-get install chromium"]
    if path and not ways:
        return path
    text = f"no browser to look with: {'; '.join(ways)}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where views are kept for people to look at; nowhere, unless it is said."""
    folder = os.environ.get("ANYCHANNEL_SCREENSHOTS")
    if not folder:
        return None
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> "AsyncIterator[Browser]":
    """One Chromium for all tests."""
    playwright = importlib.import_module("playwright.async_api")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product(chromium: str, postgres_url: str, template_database: str) -> AsyncIterator[Product]:
    """Core, edge and the sandbox's provider."""
    assert chromium  # nothing is started for a page that cannot be looked at
    name = f"browser_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
        async with held(_run(_with_database(postgres_url, name))) as product:
            yield product
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@asynccontextmanager
async def _run(database_url: str) -> AsyncIterator[Product]:
    async with AsyncExitStack() as stack:
        product = await stack.enter_async_context(run_product(database_url))
        await stack.enter_async_context(product.providing(SandboxProvider()))
        yield product


@pytest_asyncio.fixture(loop_scope="session")
async def shop(product: Product) -> AsyncIterator[Shop]:
    """A channel between an inbox and phones whose people read a moment after they were delivered to."""
    async with open_shop(product, sandbox={"delivered_after": 0.1, "read_after": 0.2}) as shop:
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def screen(browser: "Browser", shop: Shop, screenshots: Path | None) -> "AsyncIterator[Screen]":
    """The page as a newcomer meets it. In the end it must have had no fault that a browser or axe can see."""
    async with opened(browser, shop, screenshots) as screen:
        yield screen


def opened(
    browser: "Browser", shop: Shop, screenshots: Path | None, **look: Any
) -> "AbstractAsyncContextManager[Screen]":
    """The page of this shop; `look` as Playwright's `new_context` takes it: `color_scheme`, `viewport`."""
    screens = importlib.import_module("tests.browser.screen")
    context: AbstractAsyncContextManager[Screen] = screens.open_screen(browser, shop, screenshots, **look)
    return context
