"""Makes ids that sort by time, and secrets that cannot be guessed."""

import secrets
import threading
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
_RANDOM_BITS = 80
_ID_CHARACTERS = 26  # 48 bits of milliseconds and 80 random ones, 5 to a character
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

SECRET_BYTES = 32
WEBHOOK_TOKEN_BYTES = 24


class _Sequence:
    """The last number given out: each next one is greater, also when the clock stands still or goes back."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, milliseconds: int) -> int:
        fresh = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            self._last = fresh if fresh >> _RANDOM_BITS > self._last >> _RANDOM_BITS else self._last + 1
            return self._last


_sequence = _Sequence()


def new_message_id(now: datetime) -> str:
    """The id of a message: `msg_` and 26 characters."""
    return f"msg_{_body(now)}"


def new_dead_letter_id(now: datetime) -> str:
    """The id of a dead letter: `dead_` and 26 characters."""
    return f"dead_{_body(now)}"


def new_key_id(now: datetime) -> str:
    """The id of an API key, which is not its secret: `kid_` and 26 characters."""
    return f"kid_{_body(now)}"


def new_secret(prefix: str) -> str:
    """A secret of 256 random bits, for instance `key_` and 43 characters."""
    return f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def new_webhook_token() -> str:
    """What makes a channel's webhook address unguessable: 192 random bits, fit for a URL's path."""
    return secrets.token_urlsafe(WEBHOOK_TOKEN_BYTES)


def _body(now: datetime) -> str:
    number = _sequence.next((now - _EPOCH) // _MILLISECOND)
    return "".join([_ALPHABET[number >> shift & 31] for shift in range((_ID_CHARACTERS - 1) * 5, -1, -5)])
