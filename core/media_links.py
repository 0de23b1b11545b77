"""Links to inbound media: sealed, so that nobody can make one or read what it names, and good for a while only."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from core.secrets import Keyring, SecretsUnreadable

MAX_TOKEN_CHARACTERS = 4096
_CONTEXT = "media link"
_TIME_BYTES = 8


class LinkRefused(Exception):
    """The link was not made here, was changed, or is no longer good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLink:
    """What a link names."""

    channel_id: str
    media_id: str


def seal_media_link(keyring: Keyring, channel_id: str, media_id: str, expire_time: datetime) -> str:
    """A token fit for a URL's path, good until `expire_time`."""
    seconds = int(expire_time.timestamp()).to_bytes(_TIME_BYTES, "big")
    sealed = keyring.seal_bytes(seconds + f"{channel_id}\0{media_id}".encode(), context=_CONTEXT)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_media_link(keyring: Keyring, token: str, now: datetime) -> MediaLink:
    """What the token names. Raises `LinkRefused`."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise LinkRefused("the link is too long")
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        data = keyring.open_bytes(sealed, context=_CONTEXT)
    except (ValueError, binascii.Error, SecretsUnreadable):
        raise LinkRefused("the link was not made here, or was changed") from None
    if now > datetime.fromtimestamp(int.from_bytes(data[:_TIME_BYTES], "big"), UTC):
        raise LinkRefused("the link is no longer good")
    channel_id, _, media_id = data[_TIME_BYTES:].decode().partition("\0")
    return MediaLink(channel_id=channel_id, media_id=media_id)
