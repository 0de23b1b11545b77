"""Issues API keys. Only a key for all channels may: one for some could issue itself more."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from anychannel.channel import Key, Scope
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from anychannel.wire.gateway import key_from_proto, key_to_proto
from core.channels import is_channel_id
from core.identifiers import new_key_id, new_secret
from core.rpc.auth import Gatekeeper
from core.rpc.errors import Context, invalid, not_found
from core.storage.database import Pool
from core.storage.keys import insert_key, list_keys, revoke_key

MAX_NAME_CHARACTERS = 100
MAX_CHANNELS = 1000


class KeyService(gateway_pb2_grpc.KeyServiceServicer):
    """Issues API keys."""

    def __init__(
        self, pool: Pool, gatekeeper: Gatekeeper, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._pool = pool
        self._gatekeeper = gatekeeper
        self._clock = clock

    async def CreateKey(self, request: gateway_pb2.CreateKeyRequest, context: Context) -> gateway_pb2.CreateKeyResponse:
        """Make a key."""
        await self._admit(context)
        key = _checked(request.key, new_key_id(self._clock()))
        secret = new_secret("key")
        stored = await insert_key(self._pool, key, hashlib.sha256(secret.encode()).digest())
        return gateway_pb2.CreateKeyResponse(key=key_to_proto(stored), secret=secret)

    async def ListKeys(
        self,
        request: gateway_pb2.ListKeysRequest,  # noqa: ARG002  # empty
        context: Context,
    ) -> gateway_pb2.ListKeysResponse:
        """All keys."""
        await self._admit(context)
        return gateway_pb2.ListKeysResponse(keys=[key_to_proto(key) for key in await list_keys(self._pool)])

    async def RevokeKey(self, request: gateway_pb2.RevokeKeyRequest, context: Context) -> gateway_pb2.RevokeKeyResponse:
        """Revoke a key."""
        await self._admit(context)
        key = await revoke_key(self._pool, request.key_id)
        if key is None:
            raise not_found("key", request.key_id)
        self._gatekeeper.forget()
        return gateway_pb2.RevokeKeyResponse(key=key_to_proto(key))

    async def _admit(self, context: Context) -> None:
        caller = await self._gatekeeper.admit(context, Scope.ADMIN)
        caller.require_all_channels()


def _checked(proto: gateway_pb2.Key, key_id: str) -> Key:
    given = key_from_proto(proto)
    if not 0 < len(given.display_name) <= MAX_NAME_CHARACTERS or "\0" in given.display_name:
        raise invalid("key.display_name", f"a key's name has 1 to {MAX_NAME_CHARACTERS} characters")
    if not given.scopes or len(given.scopes) != len(proto.scopes):
        raise invalid("key.scopes", "a key has one or more of the scopes send, read and admin")
    if len(given.channel_ids) > MAX_CHANNELS or not all(map(is_channel_id, given.channel_ids)):
        raise invalid("key.channel_ids", f"a key has up to {MAX_CHANNELS} ids of channels, or none for all")
    return Key(
        key_id=key_id,
        display_name=given.display_name,
        scopes=tuple(dict.fromkeys(given.scopes)),
        channel_ids=tuple(dict.fromkeys(given.channel_ids)),
    )
