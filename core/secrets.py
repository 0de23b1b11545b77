"""Encrypts what must not be read from the database or guessed from a link."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SecretsUnreadable(Exception):
    """What was sealed cannot be opened: its key is gone, it belongs elsewhere, or it was changed."""


class KeysRefused(ValueError):
    """The encryption keys are not in the form `id:base64 of 32 bytes`, separated by commas."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id, newest first: the first seals, any opens (AES-256-GCM).

    To rotate: put a new key in front. A thing is sealed anew when it is next changed; the old key stays until then.
    """

    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def from_text(cls, text: str) -> "Keyring":
        """Keys as the settings have them. Raises `KeysRefused`, which never shows a key."""
        keys: dict[str, bytes] = {}
        for position, entry in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
            key_id, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise KeysRefused(f"encryption key {position} is not id:base64 of {KEY_BYTES} bytes")
            if key_id in keys:
                raise KeysRefused(f"encryption key {position} has the id of one before it")
            keys[key_id] = key
        if not keys:
            raise KeysRefused("there is no encryption key")
        return cls(keys)

    def seal_bytes(self, data: bytes, *, context: str) -> bytes:
        """Encrypt. `context` says to what it belongs (a channel's id): it opens there only."""
        key_id = next(iter(self.keys))
        nonce = os.urandom(_NONCE_BYTES)
        head = bytes([len(key_id)]) + key_id.encode()
        return head + nonce + AESGCM(self.keys[key_id]).encrypt(nonce, data, head + context.encode())

    def open_bytes(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt. Raises `SecretsUnreadable`."""
        head_bytes = 1 + (sealed[0] if sealed else 0)
        head, nonce, rest = sealed[:head_bytes], sealed[head_bytes:][:_NONCE_BYTES], sealed[head_bytes + _NONCE_BYTES :]
        key_id = head[1:].decode("ascii", "replace")
        key = self.keys.get(key_id)
        if key is None or len(nonce) != _NONCE_BYTES:
            raise SecretsUnreadable("the key it was sealed with is not among the encryption keys: put that key back")
        try:
            return AESGCM(key).decrypt(nonce, rest, head + context.encode())
        except InvalidTag:
            raise SecretsUnreadable(
                "it was changed, belongs elsewhere, or a key with this id has another value"
            ) from None

    def seal(self, values: Mapping[str, Any], *, context: str) -> bytes:
        """Encrypt a JSON object."""
        return self.seal_bytes(orjson.dumps(dict(values)), context=context)

    def open(self, sealed: bytes, *, context: str) -> dict[str, Any]:
        """Decrypt a JSON object. Raises `SecretsUnreadable`."""
        values: dict[str, Any] = orjson.loads(self.open_bytes(sealed, context=context))
        return values


def new_keys_text(key_id: str) -> str:
    """One fresh key, as the settings have it."""
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"
