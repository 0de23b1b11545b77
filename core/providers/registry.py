"""Which providers there are. They announce themselves or are configured; the database tells all replicas."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from anychannel import wire
from anychannel.capabilities import ProviderDescription
from anychannel.channel import RegisteredProvider
from anychannel.v1 import provider_pb2
from core.providers.connection import ProviderAway, ProviderConnection, ProviderRefused
from core.storage.database import Pool, is_away

REFRESH_SECONDS = 2.0
RENEW_AFTER = timedelta(seconds=20)
"""How often a provider announces itself: so long after a new core or database it is known again, at the latest."""
_CLOSE_AFTER_SECONDS = 60.0

_UPSERT = """
INSERT INTO providers (platform, address, description, rate, describe_time) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (platform) DO UPDATE
SET address = EXCLUDED.address, description = EXCLUDED.description, rate = EXCLUDED.rate, describe_time = now(), register_time = now()
"""
_LIST = "SELECT platform, address, description, describe_time FROM providers ORDER BY platform"
_WAKE_LANES = """
WITH waiting AS (
  SELECT l.channel_id FROM lanes l JOIN channels c USING (channel_id)
  WHERE c.platform = $1 AND l.lane = 1 AND l.probes > 0 AND l.paused_until < 'infinity'
  ORDER BY l.channel_id
  FOR NO KEY UPDATE OF l
)
UPDATE lanes l SET paused_until = '-infinity', wake_time = now() FROM waiting w
WHERE l.channel_id = w.channel_id AND l.lane = 1
"""

# A channel is never faster than its platform takes.
_KEEP_TO_THE_PLATFORMS_RATE = """
WITH own AS (
  SELECT l.channel_id, least(c.platform_rate, nullif(p.rate, 0)) AS rate
  FROM lanes l JOIN channels c USING (channel_id) JOIN providers p USING (platform)
  WHERE p.platform = $1 AND l.lane = 1
  ORDER BY l.channel_id
  FOR NO KEY UPDATE OF l
)
UPDATE lanes l SET rate = own.rate FROM own
WHERE l.channel_id = own.channel_id AND l.lane = 1 AND l.rate <> own.rate
"""

_log = structlog.get_logger(__name__)


class ProviderRegistry:
    """The providers, with one connection to each, kept up to date in the background."""

    def __init__(self, pool: Pool, *, static: Mapping[str, str], attempt_timeout: timedelta) -> None:
        self._pool = pool
        self._static = static
        self._attempt_timeout = attempt_timeout
        self._known: dict[str, RegisteredProvider] = {}
        self._connections: dict[str, ProviderConnection] = {}
        self._retired: list[ProviderConnection] = []

    async def run(self) -> None:
        """Follow the database, greet configured providers and see who is ready, until cancelled."""
        missing = dict(self._static)
        while True:
            try:
                await self._greet(missing)
                await self.refresh()
                await self._look_who_is_ready()
            except Exception as error:
                if not is_away(error):
                    raise
            await asyncio.sleep(REFRESH_SECONDS)

    async def aclose(self) -> None:
        """Hang up on all."""
        for connection in (*self._connections.values(), *self._retired):
            await connection.aclose()

    async def refresh(self) -> None:
        """Read what other replicas learnt."""
        for row in await self._pool.fetch(_LIST):
            self._learn(row)

    async def register(self, platform: str, address: str) -> timedelta:
        """Dial a provider back, ask who it is, and remember it; tells after how long it should announce itself again.

        Raises:
            ProviderAway: it does not answer at `address`.
            ProviderRefused: it is another platform's, or our protocol versions do not meet.
        """
        known = self._connections.get(platform)
        connection = known if known is not None and known.address == address else self._connect(platform, address)
        try:
            description = await connection.describe()
        except (ProviderAway, ProviderRefused):
            if connection is not known:
                await connection.aclose()
            raise
        if description.platform != platform:
            if connection is not known:
                await connection.aclose()
            raise ProviderRefused(f"it says that it speaks {description.platform!r}, not {platform!r}")
        before = self._known.get(platform)
        kept = wire.description_to_proto(description).SerializeToString()
        await self._pool.execute(_UPSERT, platform, address, kept, description.limits.rate)
        await self._pool.execute(_KEEP_TO_THE_PLATFORMS_RATE, platform)
        await self._pool.execute(_WAKE_LANES, platform)
        self._adopt(platform, connection)
        self._known[platform] = RegisteredProvider(
            platform=platform,
            address=address,
            ready=True,
            description=description,
            describe_time=datetime.now(UTC),
            reason="",
        )
        if before is None or before.description != description or connection is not known:
            _log.info("provider registered", platform=platform, address=address, version=description.version)
        return RENEW_AFTER

    def list(self) -> list[RegisteredProvider]:
        """All providers, by platform, as they were seen within the last seconds."""
        return [self._known[platform] for platform in sorted(self._known)]

    def description(self, platform: str) -> ProviderDescription | None:
        """What the platform's provider said of itself; None when none is known."""
        known = self._known.get(platform)
        return known.description if known else None

    def connection(self, platform: str) -> ProviderConnection:
        """The connection to a platform's provider. Raises `ProviderAway` when none is known."""
        try:
            return self._connections[platform]
        except KeyError:
            raise ProviderAway(f"no provider for {platform} is registered") from None

    async def _greet(self, missing: dict[str, str]) -> None:
        for platform, address in list(missing.items()):
            try:
                await self.register(platform, address)
                del missing[platform]
            except (ProviderAway, ProviderRefused) as error:
                _log.info("configured provider not ready", platform=platform, address=address, reason=str(error))

    async def _look_who_is_ready(self) -> None:
        platforms = list(self._known)
        reasons = await asyncio.gather(*(self._connections[platform].why_not_ready() for platform in platforms))
        for platform, reason in zip(platforms, reasons, strict=True):
            was_ready = self._known[platform].ready
            self._known[platform] = replace(self._known[platform], ready=not reason, reason=reason)
            if was_ready != (not reason):
                _log.info("provider readiness changed", platform=platform, ready=not reason, reason=reason)
            if not reason and not was_ready:
                await self._pool.execute(_WAKE_LANES, platform)

    def _learn(self, row: Any) -> None:
        platform, address = row["platform"], row["address"]
        try:
            described = provider_pb2.DescribeResponse.FromString(row["description"] or b"")
            description = wire.description_from_proto(described)
        except ValueError:
            description = None
        before = self._known.get(platform)
        self._known[platform] = RegisteredProvider(
            platform=platform,
            address=address,
            ready=before.ready if before else False,
            description=description,
            describe_time=row["describe_time"],
            reason=before.reason if before else "it was not asked yet",
        )
        connection = self._connections.get(platform)
        if connection is None or connection.address != address:
            self._adopt(platform, self._connect(platform, address))

    def _connect(self, platform: str, address: str) -> ProviderConnection:
        return ProviderConnection(platform, address, attempt_timeout=self._attempt_timeout)

    def _adopt(self, platform: str, connection: ProviderConnection) -> None:
        """Use a connection from now on; the one before may finish what it has under way."""
        before = self._connections.get(platform)
        self._connections[platform] = connection
        if before is not None and before is not connection:
            self._retired.append(before)
            asyncio.get_running_loop().call_later(_CLOSE_AFTER_SECONDS, self._retire, before)

    def _retire(self, connection: ProviderConnection) -> None:
        self._retired.remove(connection)
        asyncio.ensure_future(connection.aclose())  # noqa: RUF006  # closing is all it does, and it cannot fail
