import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest

from anychannel.testing import A_TIME
from anychannel.v1 import event_pb2, provider_pb2
from core import listening
from core.channels import ChannelConfig
from core.listening import Listening
from core.secrets import Keyring
from core.storage.database import Pool
from tests.core.gateway import Gateway, gateway
from tests.core.lanes.dispatching import until
from tests.core.providers.scripted import description

ConfigOf = Callable[..., ChannelConfig]
Requests = AsyncIterator[provider_pb2.ListenRequest]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(listening, "_RENEW_SECONDS", 0.05)
    monkeypatch.setattr(listening, "probe_delay", lambda *_: timedelta(milliseconds=10))


@pytest.fixture
def pool(emptied: Pool) -> Pool:
    return emptied


@pytest.fixture
async def core(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> AsyncIterator[Gateway]:
    async with gateway(pool, keyring, config_of("shop")) as made:
        made.provider.describe = lambda _request: description(listens=True)
        await made.registry.register("acme", made.registry.connection("acme").address)
        yield made


@asynccontextmanager
async def listener(core: Gateway) -> AsyncIterator[Listening]:
    """A replica that listens."""
    core.intake._pool = core.pool  # stores through a database of its own
    made = Listening(core.flaky, core.directory, core.registry, core.contexts, core.intake, jitter=lambda: 0.0)  # type: ignore[arg-type]  # as good as a pool
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def a_batch(number: int) -> provider_pb2.ListenResponse:
    message = event_pb2.ReceivedMessage(contact=event_pb2.Contact(address="ada"), platform_message_id=f"p{number}")
    message.content.text.text = f"{number}"
    event = event_pb2.ProviderEvent(platform_event_id=f"e{number}", message=message)
    event.event_time.FromDatetime(A_TIME)
    return provider_pb2.ListenResponse(events=[event], cursor=f"c{number}")


class Platform:
    """Tells one message after another from the cursor on, each once the one before was acknowledged."""

    def __init__(self, last: int = 3) -> None:
        self.last = last
        self.cursors: list[str] = []
        self.acknowledged: list[str] = []
        self.listening = 0
        self.before_batch: Callable[[int], None] = lambda _: None

    async def __call__(self, requests: Requests) -> AsyncIterator[provider_pb2.ListenResponse]:
        asked = aiter(requests)
        cursor = (await anext(asked)).start.cursor
        self.cursors.append(cursor)
        self.listening += 1
        try:
            for number in range(int(cursor.removeprefix("c") or 0) + 1, self.last + 1):
                self.before_batch(number)
                yield a_batch(number)
                self.acknowledged.append((await anext(asked)).acknowledged_cursor)
            await asyncio.Event().wait()
        finally:
            self.listening -= 1


async def stored(pool: Pool) -> list[str]:
    return [row[0] for row in await pool.fetch("SELECT platform_event_id FROM messages ORDER BY message_id")]


async def test_what_is_heard_is_stored_before_it_is_acknowledged(core: Gateway) -> None:
    core.provider.listen = platform = Platform()
    async with listener(core):
        await until(lambda: platform.acknowledged == ["c1", "c2", "c3"])
        assert await stored(core.pool) == ["e1", "e2", "e3"]
    assert await core.pool.fetchval("SELECT cursor FROM listeners") == "c3"


async def test_after_a_restart_it_goes_on_where_it_was(core: Gateway) -> None:
    core.provider.listen = platform = Platform(last=2)
    async with listener(core):
        await until(lambda: platform.acknowledged == ["c1", "c2"])
    platform.last = 4
    async with listener(core):
        await until(lambda: platform.acknowledged == ["c1", "c2", "c3", "c4"])
    assert platform.cursors == ["", "c2"]


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNIMPLEMENTED,
    ],
)
async def test_however_a_provider_breaks_off_it_is_listened_to_again(core: Gateway, code: grpc.StatusCode) -> None:
    core.provider.listen = platform = Platform()
    core.provider.break_with = code
    async with listener(core):
        await until(lambda: len(core.provider.requests) >= 5)
        assert platform.cursors == []
        core.provider.break_with = None
        await until(lambda: platform.acknowledged == ["c1", "c2", "c3"])


async def test_a_database_that_goes_away_in_the_middle_costs_nothing(core: Gateway) -> None:
    core.provider.listen = platform = Platform()

    def goes(number: int) -> None:
        core.flaky.is_away = number == 2 and len(platform.cursors) == 1

    platform.before_batch = goes
    async with listener(core):
        await until(lambda: core.flaky.is_away)
        await until(lambda: platform.listening == 0)
        core.flaky.is_away = False
        await until(lambda: platform.acknowledged[-1:] == ["c3"])
    assert await stored(core.pool) == ["e1", "e2", "e3"]


async def test_a_bug_over_one_batch_does_not_end_it(core: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    core.provider.listen = platform = Platform()
    really_take = core.intake.take
    broken: list[int] = []

    async def breaks_once(*arguments: Any) -> None:
        if not broken:
            broken.append(1)
            raise ZeroDivisionError
        await really_take(*arguments)

    monkeypatch.setattr(core.intake, "take", breaks_once)
    async with listener(core):
        await until(lambda: platform.acknowledged == ["c1", "c2", "c3"])
    assert await stored(core.pool) == ["e1", "e2", "e3"]


async def test_of_two_replicas_one_listens_and_the_other_takes_over(core: Gateway) -> None:
    core.provider.listen = platform = Platform()
    async with listener(core) as second:
        async with listener(core):
            await until(lambda: platform.acknowledged == ["c1", "c2", "c3"])
            deadline = asyncio.get_running_loop().time() + 0.3
            await until(lambda: asyncio.get_running_loop().time() > deadline)
            assert platform.listening == 1
        platform.last = 4
        holder = await core.pool.fetchval("SELECT holder FROM listeners")
        if holder != second._holder or platform.listening == 0:
            await until(lambda: platform.listening == 1)


async def test_a_channel_that_is_paused_is_not_listened_to(core: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    core.provider.listen = platform = Platform()
    async with listener(core):
        await until(lambda: platform.listening == 1)
        monkeypatch.setattr(core.directory, "all", list)  # it is gone
        await until(lambda: platform.listening == 0)
