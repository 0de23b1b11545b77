"""Listening to platforms that have no webhooks: one replica for each channel, handing over by a lease."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta

import structlog

from anychannel._batcher import Overloaded
from anychannel.provider import Heard
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.intake import Intake
from core.lanes.platform import ChannelContexts
from core.lanes.retry import probe_delay
from core.providers.connection import ProviderAway, ProviderRefused
from core.providers.registry import ProviderRegistry
from core.storage.database import Pool, is_away

LEASE = timedelta(seconds=15)
_LOOK_SECONDS = 2.0
_RENEW_SECONDS = 5.0
_STEADY_SECONDS = 30.0
"""After listening so long, the next failure is the first one again."""

_TAKE = """
INSERT INTO listeners AS l (channel_id, holder, lease_time) VALUES ($1, $2, now() + $3::interval)
ON CONFLICT (channel_id) DO UPDATE SET holder = EXCLUDED.holder, lease_time = EXCLUDED.lease_time
WHERE l.lease_time < now() OR l.holder = EXCLUDED.holder
RETURNING l.cursor
"""
_ADVANCE = "UPDATE listeners SET cursor = $3, lease_time = now() + $4::interval WHERE channel_id = $1 AND holder = $2 RETURNING channel_id"
_LET_GO = "UPDATE listeners SET lease_time = '-infinity' WHERE channel_id = $1 AND holder = $2"

_log = structlog.get_logger(__name__)


class _LeaseLost(Exception):
    """Another replica listens now."""


class Listening:
    """Keeps listening to every channel whose provider listens, unless another replica does."""

    def __init__(
        self,
        pool: Pool,
        directory: ChannelDirectory,
        registry: ProviderRegistry,
        contexts: ChannelContexts,
        intake: Intake,
        *,
        jitter: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._registry = registry
        self._contexts = contexts
        self._intake = intake
        self._jitter = jitter
        self._holder = secrets.token_hex(8)
        self._listeners: dict[str, tuple[int, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Start and stop listeners as channels come, change and go, until cancelled."""
        try:
            while True:
                self._match_channels()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            tasks = [task for _, task in self._listeners.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _match_channels(self) -> None:
        wanted = {config.channel_id: config for config in self._directory.all() if self._listens(config)}
        for channel_id, (revision, task) in list(self._listeners.items()):
            if channel_id not in wanted or wanted[channel_id].revision != revision:
                task.cancel()
                del self._listeners[channel_id]
        for channel_id, config in wanted.items():
            if channel_id not in self._listeners:
                self._listeners[channel_id] = (config.revision, asyncio.create_task(self._keep_listening(config)))

    def _listens(self, config: ChannelConfig) -> bool:
        description = self._registry.description(config.platform)
        return description is not None and description.listens and not config.paused

    async def _keep_listening(self, config: ChannelConfig) -> None:
        """Listen again whatever happened: also what a provider refuses may pass by itself, another poller's conflict for instance."""
        loop = asyncio.get_running_loop()
        failures, said = 0, ""
        while True:
            start = loop.time()
            try:
                await self._listen_while_ours(config)
                reason = ""
            except _LeaseLost:
                reason = ""
            except (ProviderAway, ProviderRefused, Overloaded) as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001  # one bad batch must not end the listening for good
                reason = "the database is away"
                if not is_away(error):
                    reason = "something broke inside the gateway"
                    _log.exception("listening broke", channel_id=config.channel_id)
            if reason and reason != said:
                _log.warning("platform cannot be listened to", channel_id=config.channel_id, reason=reason)
            said = reason
            failures = 1 if loop.time() - start > _STEADY_SECONDS else failures + 1
            await asyncio.sleep(probe_delay(failures, self._jitter()).total_seconds())

    async def _listen_while_ours(self, config: ChannelConfig) -> None:
        cursor: str | None = await self._pool.fetchval(_TAKE, config.channel_id, self._holder, LEASE)
        if cursor is None:
            raise _LeaseLost
        try:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew(config.channel_id))
                await self._listen(config, cursor)
                renewing.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            await asyncio.shield(self._let_go(config.channel_id))

    async def _let_go(self, channel_id: str) -> None:
        try:
            await self._pool.execute(_LET_GO, channel_id, self._holder)
        except Exception as error:
            if not is_away(error):
                raise

    async def _listen(self, config: ChannelConfig, cursor: str) -> None:
        stored: asyncio.Queue[str] = asyncio.Queue()
        connection = self._registry.connection(config.platform)
        async for heard in connection.listen(self._contexts.of(config), cursor, stored):
            await self._take(config, heard)
            await stored.put(heard.cursor)

    async def _take(self, config: ChannelConfig, heard: Heard) -> None:
        await self._intake.take(config, heard.events)
        kept = await self._pool.fetchval(_ADVANCE, config.channel_id, self._holder, heard.cursor, LEASE)
        if kept is None:
            raise _LeaseLost

    async def _renew(self, channel_id: str) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            if await self._pool.fetchval(_TAKE, channel_id, self._holder, LEASE) is None:
                raise _LeaseLost
