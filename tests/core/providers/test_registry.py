import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from grpc_health.v1 import health_pb2

from anychannel.v1 import channel_pb2
from core.channels import ChannelConfig
from core.providers import registry as registering
from core.providers.connection import ProviderAway, ProviderRefused
from core.providers.registry import ProviderRegistry
from core.secrets import Keyring
from core.storage.channels import change_channel, insert_channel
from core.storage.database import Pool
from tests.core.lanes.dispatching import until
from tests.core.providers.scripted import Health, Scripted, description, serving

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture
def pool(emptied: Pool) -> Pool:
    return emptied


@asynccontextmanager
async def registry_of(pool: Pool, **static: str) -> AsyncIterator[ProviderRegistry]:
    registry = ProviderRegistry(pool, static=static, attempt_timeout=timedelta(seconds=5))
    try:
        yield registry
    finally:
        await registry.aclose()


async def test_a_provider_that_announces_itself_is_known_here_and_to_other_replicas(pool: Pool) -> None:
    async with serving(Scripted()) as address, registry_of(pool) as here, registry_of(pool) as there:
        assert await here.register("acme", address) > timedelta(0)

        for registry in (here, there):
            await registry.refresh()
            found = registry.description("acme")
            assert found is not None
            assert found.capabilities.max_text_length == 1000
            assert [provider.address for provider in registry.list()] == [address]
            assert registry.connection("acme").address == address


async def test_of_an_unknown_platform_nothing_is_known(pool: Pool) -> None:
    async with registry_of(pool) as registry:
        assert registry.description("acme") is None
        with pytest.raises(ProviderAway, match="acme"):
            registry.connection("acme")


async def test_one_that_speaks_another_platform_is_refused_and_not_kept(pool: Pool) -> None:
    async with serving(Scripted()) as address, registry_of(pool) as registry:
        with pytest.raises(ProviderRefused, match="acme"):
            await registry.register("other", address)
        assert registry.list() == []
    assert await pool.fetchval("SELECT count(*) FROM providers") == 0


async def test_one_that_does_not_answer_leaves_the_one_before(pool: Pool) -> None:
    async with serving(Scripted()) as address, registry_of(pool) as registry:
        await registry.register("acme", address)
        with pytest.raises(ProviderAway):
            await registry.register("acme", "127.0.0.1:1")
        assert registry.connection("acme").address == address


async def test_one_that_moves_is_found_at_its_new_address(pool: Pool) -> None:
    provider = Scripted()
    async with serving(provider) as before, serving(provider) as after, registry_of(pool) as registry:
        await registry.register("acme", before)
        provider.describe = lambda _request: description(version="2.0")
        await registry.register("acme", after)
        assert registry.connection("acme").address == after
        found = registry.description("acme")
        assert found is not None
        assert found.version == "2.0"


async def test_a_lane_that_waits_for_its_provider_looks_when_that_is_back(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    for channel_id in ("shop", "paused", "elsewhere"):
        platform = "else" if channel_id == "elsewhere" else "acme"
        await insert_channel(pool, keyring, config_of(channel_id, platform=platform))
    await pool.execute(
        "UPDATE lanes SET probes = 5, paused_until = now() + interval '1 hour', wake_time = now() + interval '1 hour'"
    )
    await pool.execute("UPDATE lanes SET paused_until = 'infinity' WHERE channel_id = 'paused'")

    async with serving(Scripted()) as address, registry_of(pool) as registry:
        await registry.register("acme", address)

    rows = await pool.fetch("SELECT channel_id, lane FROM lanes WHERE wake_time <= now() AND paused_until <= now()")
    assert [tuple(row) for row in rows] == [("shop", 1)]


async def test_a_channel_is_never_faster_than_its_platform_takes(
    pool: Pool, keyring: Keyring, config_of: ConfigOf
) -> None:
    async def rates() -> dict[str, float]:
        rows = await pool.fetch("SELECT channel_id, lane, rate FROM lanes ORDER BY 1, 2")
        return {f"{row['channel_id']} {row['lane']}": row["rate"] for row in rows}

    await insert_channel(pool, keyring, config_of("before", platform="acme", platform_rate=20.0))
    limited = Scripted()
    limited.describe = lambda _: description(limits=channel_pb2.Limits(rate=5))
    async with serving(limited) as address, registry_of(pool) as registry:
        await registry.register("acme", address)
        await insert_channel(pool, keyring, config_of("slow", platform="acme", platform_rate=2.0))
        await insert_channel(pool, keyring, config_of("fast", platform="acme", platform_rate=50.0))
        assert await rates() == {"before 1": 5, "before 2": 20, "fast 1": 5, "fast 2": 20, "slow 1": 2, "slow 2": 20}

        await change_channel(pool, keyring, "slow", lambda config: replace(config, platform_rate=30.0))
        assert (await rates())["slow 1"] == 5

        limited.describe = lambda _: description()
        await registry.register("acme", address)
    assert await rates() == {"before 1": 20, "before 2": 20, "fast 1": 50, "fast 2": 20, "slow 1": 30, "slow 2": 20}


async def test_configured_providers_are_greeted_until_they_answer_and_watched(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "REFRESH_SECONDS", 0.02)
    health = Health()
    async with serving(Scripted(), health) as address, registry_of(pool, acme=address) as registry:
        running = asyncio.create_task(registry.run())

        def readiness() -> list[bool]:
            return [provider.ready for provider in registry.list()]

        await until(lambda: readiness() == [True])
        health.status = health_pb2.HealthCheckResponse.NOT_SERVING
        await until(lambda: readiness() == [False])
        assert "not serving" in registry.list()[0].reason
        health.status = health_pb2.HealthCheckResponse.SERVING
        await until(lambda: readiness() == [True])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
