"""One product for all stories, one channel with its own inbox and phones for each; everything in one event loop."""

import io
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import structlog
from structlog.typing import Processor

from anychannel import _logging
from core import listening
from core.lanes import inbox
from core.storage import accept
from providers.clicksend import ClicksendProvider
from providers.sandbox import SandboxProvider
from providers.telegram import TelegramProvider
from tests.conftest import _with_database
from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import Product, held, run_product
from tests.end_to_end.shop import Shop

INBOX_TIMEOUT_SECONDS = 0.7
ECHO_PATIENCE = timedelta(seconds=1)

OpenShop = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture(scope="session")
def log() -> Iterator[io.StringIO]:
    """Every line that any part of the product logs, as production writes it, ours at the most talkative level."""
    lines = io.StringIO()
    processors: list[Processor] = [
        *_logging._processors("product"),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    before = structlog.get_config()
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(lines),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(lines)
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)
    structlog.configure(**before)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product_database(postgres_url: str, template_database: str) -> AsyncIterator[str]:
    """The address of a migrated database."""
    name = f"product_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
        yield _with_database(postgres_url, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product(product_database: str, log: io.StringIO) -> AsyncIterator[Product]:
    """Core, edge and the providers of this repository; what they log is kept."""
    assert not log.closed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "TIMEOUT_SECONDS", INBOX_TIMEOUT_SECONDS)
        patch.setattr(listening, "_LOOK_SECONDS", 0.05)
        patch.setattr(accept, "ECHO_PATIENCE", ECHO_PATIENCE)
        async with held(_run_all(product_database)) as product:
            yield product


@asynccontextmanager
async def _run_all(database_url: str) -> AsyncIterator[Product]:
    async with AsyncExitStack() as stack:
        product = await stack.enter_async_context(run_product(database_url))
        for provider in (SandboxProvider(), TelegramProvider(), ClicksendProvider()):
            await stack.enter_async_context(product.providing(provider))
        yield product


@pytest.fixture
def shops(product: Product) -> OpenShop:
    """Opens shops that differ from the usual one."""

    def open_one(**differences: Any) -> AbstractAsyncContextManager[Shop]:
        return open_shop(product, **differences)

    return open_one


@pytest_asyncio.fixture(loop_scope="session")
async def shop(product: Product, log: io.StringIO) -> AsyncIterator[Shop]:
    """A channel between an inbox and phones. After the story everything has arrived, and no mishap has happened."""
    begin = log.tell()
    async with open_shop(product) as shop:
        yield shop
        await shop.settled()
        assert await shop.mishaps() == {}
        errors = [line for line in log.getvalue()[begin:].splitlines() if '"level": "error"' in line]
        assert [line for line in errors if not any(words in line for words in shop.tolerated)] == []
