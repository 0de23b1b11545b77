"""Who is calling, and what they may do."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from anychannel.channel import Scope
from core.rpc.errors import Context, RpcError
from core.storage.database import Pool
from core.storage.keys import find_key

CACHE_SECONDS = 5.0
"""How long a key's rights are remembered: so long may a key work after it was revoked on another core."""
MAX_CACHED = 10_000

_METADATA_KEY = "authorization"
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An API key's rights."""

    key_id: str
    scopes: frozenset[Scope]
    channel_ids: frozenset[str] = frozenset()
    """Empty = all."""

    def require_scope(self, scope: Scope) -> None:
        """Raise PERMISSION_DENIED unless the key has the scope; admin has every one."""
        if not self.scopes & {scope, Scope.ADMIN}:
            raise _denied("SCOPE_MISSING", f"this key lacks the scope {scope}")

    def require_channel(self, channel_id: str) -> None:
        """Raise PERMISSION_DENIED unless the key may see the channel; whether there is one is not said."""
        if not self.may_see(channel_id):
            raise _denied("CHANNEL_NOT_ALLOWED", "this key does not reach that channel")

    def require_all_channels(self) -> None:
        """Raise PERMISSION_DENIED when the key is for some channels only."""
        if self.channel_ids:
            raise _denied("CHANNEL_NOT_ALLOWED", "this key is for some channels only; this needs one for all")

    def may_see(self, channel_id: str) -> bool:
        """Whether the key reaches the channel."""
        return not self.channel_ids or channel_id in self.channel_ids


@dataclass(frozen=True, slots=True)
class _Cached:
    caller: Caller | None
    until: float


class Gatekeeper:
    """Knows callers by the key in their metadata."""

    def __init__(
        self, pool: Pool, *, admin_key: str, registration_token: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._admin = _digest(admin_key)
        self._registration = _digest(registration_token)
        self._clock = clock
        self._cached: dict[bytes, _Cached] = {}
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}

    async def admit(self, context: Context, scope: Scope, channel_id: str | None = None) -> Caller:
        """The caller, if it has the scope, and the channel when one is named.

        Raises `RpcError`: UNAUTHENTICATED or PERMISSION_DENIED.
        """
        digest = _digest(_bearer(context))
        caller = _ADMIN if hmac.compare_digest(digest, self._admin) else await self._find(digest)
        if caller is None:
            raise _unauthenticated("this key is unknown or was revoked: use another")
        caller.require_scope(scope)
        if channel_id is not None:
            caller.require_channel(channel_id)
        return caller

    def admit_registration(self, context: Context) -> None:
        """Let a provider in by the registration token. Raises `RpcError`: UNAUTHENTICATED."""
        if not hmac.compare_digest(_digest(_bearer(context)), self._registration):
            raise _unauthenticated("this is not the registration token of this core")

    def forget(self) -> None:
        """Ask the database about every key anew: one was revoked."""
        self._cached.clear()

    async def _find(self, digest: bytes) -> Caller | None:
        cached = self._cached.get(digest)
        if cached is not None and self._clock() < cached.until:
            return cached.caller
        lookup = self._lookups.get(digest)
        if lookup is None:
            lookup = self._lookups[digest] = asyncio.create_task(self._look_up(digest))
            lookup.add_done_callback(lambda task: self._end_lookup(digest, task))
        return await asyncio.shield(lookup)  # others may wait for it as well

    def _end_lookup(self, digest: bytes, lookup: asyncio.Task[Caller | None]) -> None:
        self._lookups.pop(digest, None)
        if not lookup.cancelled():
            lookup.exception()  # seen, also when every caller has given up waiting

    async def _look_up(self, digest: bytes) -> Caller | None:
        until = self._clock() + CACHE_SECONDS
        key = await find_key(self._pool, digest)
        caller = None
        if key is not None:
            caller = Caller(key_id=key.key_id, scopes=frozenset(key.scopes), channel_ids=frozenset(key.channel_ids))
        if len(self._cached) >= MAX_CACHED:
            self._cached.clear()
        self._cached[digest] = _Cached(caller, until)
        return caller


_ADMIN = Caller(key_id="", scopes=frozenset({Scope.ADMIN}))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _bearer(context: Context) -> str:
    for name, value in context.invocation_metadata() or ():
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        if name == _METADATA_KEY and text[: len(_SCHEME)].lower() == _SCHEME:
            return text[len(_SCHEME) :].strip()
    raise _unauthenticated("the call carries no key: put `authorization: Bearer <key>` into its metadata")


def _unauthenticated(message: str) -> RpcError:
    return RpcError(grpc.StatusCode.UNAUTHENTICATED, "KEY_REFUSED", message)


def _denied(reason: str, message: str) -> RpcError:
    return RpcError(grpc.StatusCode.PERMISSION_DENIED, reason, message)
