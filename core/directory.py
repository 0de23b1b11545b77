"""All channels in memory, so that no message waits for the database to learn where it belongs.

Kept fresh by notifications, and correct without them by a look every two seconds. While the database is away, the last known
channels stay.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from core.channels import ChannelConfig
from core.secrets import Keyring
from core.storage import channels as storage
from core.storage.database import Connection, Pool, is_away

POLL_EVERY = timedelta(seconds=2)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Indexed:
    """Channels by what they are looked up with. Replaced as a whole."""

    by_id: Mapping[str, ChannelConfig] = field(default_factory=dict)
    by_inbox: Mapping[str, tuple[ChannelConfig, ...]] = field(default_factory=dict)
    by_token: Mapping[bytes, tuple[ChannelConfig, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, configs: Iterable[ChannelConfig]) -> "_Indexed":
        by_id: dict[str, ChannelConfig] = {}
        by_inbox: defaultdict[str, tuple[ChannelConfig, ...]] = defaultdict(tuple)
        by_token: defaultdict[bytes, tuple[ChannelConfig, ...]] = defaultdict(tuple)
        for config in configs:
            by_id[config.channel_id] = config
            by_inbox[config.inbox.inbox_channel_id] += (config,)
            for token in {config.inbox_token, config.inbox_previous_token} - {""}:
                by_token[_digest(token)] += (config,)
        return cls(by_id, dict(by_inbox), dict(by_token))


def _digest(token: str) -> bytes:
    """What a token is looked up by: a lookup by the token itself would take longer the more of it is right."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


class ChannelDirectory:
    """The channels this core serves; those whose secrets cannot be read are left out, and named in the log."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring
        self._channels = _Indexed()
        self._revisions: dict[str, int] = {}
        self._unreadable: dict[str, ChannelConfig] = {}
        self._fingerprint: tuple[int, int] | None = None
        self._stale = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._hooks: list[Callable[[frozenset[str]], None]] = []

    def on_change(self, hook: Callable[[frozenset[str]], None]) -> None:
        """Call `hook` with the ids of channels that were added, changed or removed, after each such change."""
        self._hooks.append(hook)

    def get(self, channel_id: str) -> ChannelConfig | None:
        """The channel with this id."""
        return self._channels.by_id.get(channel_id)

    def all(self) -> Iterable[ChannelConfig]:
        """Every channel."""
        return self._channels.by_id.values()

    def find_by_inbox(self, inbox_channel_id: str, token: str) -> ChannelConfig | None:
        """The channel bound to the inbox channel, if the token is its; where two inboxes use one id, the one whose token it is."""
        fitting = None
        for config in self._channels.by_inbox.get(inbox_channel_id, ()):
            if config.accepts_inbox_token(token):
                fitting = config
        return fitting

    def has_inbox(self, inbox_channel_id: str) -> bool:
        """Whether any channel is bound to this inbox channel."""
        return inbox_channel_id in self._channels.by_inbox

    def has_token(self, token: str) -> bool:
        """Whether it is the token of any channel's inbox."""
        return any(config.accepts_inbox_token(token) for config in self._channels.by_token.get(_digest(token), ()))

    def find_by_token(self, token: str) -> ChannelConfig | None:
        """The channel whose inbox uses this token; None also when several do."""
        fitting = [c for c in self._channels.by_token.get(_digest(token), ()) if c.accepts_inbox_token(token)]
        return fitting[0] if len(fitting) == 1 else None

    async def catch_up(self) -> None:
        """Take up what has changed in the database, if it can be reached; the last known channels serve on otherwise."""
        try:
            await self.refresh()
        except Exception as error:  # noqa: BLE001  # whatever it is
            _log.warning("channels not refreshed", error=type(error).__name__, is_away=is_away(error))

    async def refresh(self) -> None:
        """Take up what has changed in the database; raises what the database raises."""
        async with self._refreshing:
            fingerprint = await storage.fingerprint(self._pool)
            if fingerprint == self._fingerprint:
                return
            revisions = await storage.revisions(self._pool)
            changed = {
                channel_id for channel_id, revision in revisions.items() if self._revisions.get(channel_id) != revision
            }
            removed = self._revisions.keys() - revisions.keys()
            loaded = await storage.channels_of(self._pool, self._keyring, sorted(changed)) if changed else ()
            if changed or removed:
                self._take(loaded, changed | removed)
            self._fingerprint = fingerprint

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load all channels, then keep them fresh until the end; raises what the database raises when it cannot be read at first."""
        await self.refresh()
        loops = [asyncio.create_task(self._listen()), asyncio.create_task(self._keep_fresh())]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    def _take(self, loaded: Iterable[ChannelConfig], ids: set[str]) -> None:
        known = {**self._channels.by_id, **self._unreadable}
        for channel_id in ids:
            known.pop(channel_id, None)
            self._revisions.pop(channel_id, None)
        for config in loaded:
            known[config.channel_id] = config
            self._revisions[config.channel_id] = config.revision
            if config.problem:
                _log.error("channel cannot be served", channel_id=config.channel_id, reason=config.problem)
        self._unreadable = {config.channel_id: config for config in known.values() if config.problem}
        self._channels = _Indexed.of(config for config in known.values() if not config.problem)
        for hook in self._hooks:
            hook(frozenset(ids))

    async def _keep_fresh(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_EVERY.total_seconds()):
                    await self._stale.wait()
            self._stale.clear()
            await self.catch_up()

    async def _listen(self) -> None:
        """Hear notifications, on a connection of its own while there is one."""
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await self._hear(connection)
            except Exception as error:  # noqa: BLE001  # the look every two seconds goes on
                _log.warning("no notifications of changed channels", error=type(error).__name__, is_away=is_away(error))
            await asyncio.sleep(POLL_EVERY.total_seconds())

    async def _hear(self, connection: Connection) -> None:
        ended = asyncio.Event()

        def on_notification(*_: object) -> None:
            self._stale.set()

        def on_end(*_: object) -> None:
            ended.set()

        connection.add_termination_listener(on_end)
        await connection.add_listener(storage.NOTIFICATION, on_notification)
        try:
            self._stale.set()  # what was announced before we listened
            await ended.wait()
        finally:
            connection.remove_termination_listener(on_end)
            if not connection.is_closed():
                await connection.remove_listener(storage.NOTIFICATION, on_notification)
