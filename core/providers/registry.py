"""Which providers there are. They announce themselves or are configured; the database tells all replicas."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from anychannel import wire
from anychannel.capabilities import ProviderDescription
from anychannel.v1 import provider_pb2
from core.providers.connection import ProviderAway, ProviderConnection, ProviderRefused
from core.storage.database import Pool, is_away

REFRESH_SECONDS = 2.0
_CLOSE_AFTER_SECONDS = 60.0

_UPSERT = """
INSERT INTO providers (platform, address, description, describe_time) VALUES ($1, $2, $3, now())
ON CONFLICT (platform) DO UPDATE
SET address = EXCLUDED.address, description = EXCLUDED.description, describe_time = now(), register_time = now()
"""
_LIST = "SELECT platform, address, description, describe_time FROM providers ORDER BY platform"
_WAKE_LANES = """
UPDATE lanes l SET paused_until = '-infinity', wake_time = now()
FROM channels c
WHERE c.channel_id = l.channel_id AND c.platform = $1 AND l.lane = 1 AND l.probes > 0 AND l.paused_until < 'infinity'
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProvider:
    """A provider and what it last said of itself."""

    platform: str
    address: str
    description: ProviderDescription | None
    describe_time: datetime | None
    reason: str = ""
    """Why it is not ready now; empty when it is."""


class ProviderRegistry:
    """The providers, with one connection to each, kept up to date in the background."""

    def __init__(self, pool: Pool, *, static: Mapping[str, str], attempt_timeout: timedelta) -> None:
        self._pool = pool
        self._static = static
        self._attempt_timeout = attempt_timeout
        self._known: dict[str, KnownProvider] = {}
        self._connections: dict[str, ProviderConnection] = {}
        self._retired: list[ProviderConnection] = []

    async def run(self) -> None:
        """Follow the database and greet configured providers, until cancelled."""
        missing = dict(self._static)
        while True:
            for platform, address in list(missing.items()):
                try:
                    await self.register(platform, address)
                    del missing[platform]
                except (ProviderAway, ProviderRefused) as error:
                    _log.info("configured provider not ready", platform=platform, address=address, reason=str(error))
                except Exception as error:
                    if not is_away(error):
                        raise
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Exception as error:
                if not is_away(error):
                    raise

    async def aclose(self) -> None:
        """Hang up on all."""
        for connection in (*self._connections.values(), *self._retired):
            await connection.aclose()

    async def refresh(self) -> None:
        """Read what other replicas learnt."""
        for row in await self._pool.fetch(_LIST):
            self._learn(row)

    async def register(self, platform: str, address: str) -> KnownProvider:
        """Dial a provider back, ask who it is, and remember it.

        Raises:
            ProviderAway: it does not answer at `address`.
            ProviderRefused: it is another platform's, or our protocol versions do not meet.
        """
        known = self._connections.get(platform)
        connection = known if known is not None and known.address == address else self._connect(platform, address)
        try:
            description = await connection.describe()
            if description.platform != platform:
                raise ProviderRefused(f"it says that it speaks {description.platform!r}, not {platform!r}")
        except (ProviderAway, ProviderRefused):
            if connection is not known:
                await connection.aclose()
            raise
        is_news = platform not in self._known or self._known[platform].description != description
        kept = wire.description_to_proto(description).SerializeToString()
        await self._pool.execute(_UPSERT, platform, address, kept)
        await self._pool.execute(_WAKE_LANES, platform)
        self._adopt(platform, connection)
        self._known[platform] = KnownProvider(
            platform=platform, address=address, description=description, describe_time=None
        )
        if is_news or connection is not known:
            _log.info("provider registered", platform=platform, address=address, version=description.version)
        return self._known[platform]

    async def list(self) -> list[KnownProvider]:
        """All providers, each asked just now whether it is ready."""
        await self.refresh()
        reasons = await asyncio.gather(*(self._why_not_ready(platform) for platform in sorted(self._known)))
        return [
            KnownProvider(
                platform=known.platform,
                address=known.address,
                description=known.description,
                describe_time=known.describe_time,
                reason=reason,
            )
            for known, reason in zip((self._known[platform] for platform in sorted(self._known)), reasons, strict=True)
        ]

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

    async def _why_not_ready(self, platform: str) -> str:
        with contextlib.suppress(ProviderAway):
            return await self.connection(platform).why_not_ready()
        return "it is not connected"

    def _learn(self, row: Any) -> None:
        platform, address = row["platform"], row["address"]
        try:
            described = provider_pb2.DescribeResponse.FromString(row["description"] or b"")
            description = wire.description_from_proto(described)
        except ValueError:
            description = None
        self._known[platform] = KnownProvider(
            platform=platform, address=address, description=description, describe_time=row["describe_time"]
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
