"""How messages and events are named: by Messenger's message id, and no longer than core can store."""

import hashlib
from typing import Final

# 1 to 200 characters: protos/anychannel/v1/event.proto. Messenger documents no length; those seen have about 90.
_LONGEST: Final = 200


def message_id(mid: str) -> str:
    """Messenger's message id (`mid`), or a hash of one that is too long; the same for sends, reports and echoes."""
    return mid if len(mid) <= _LONGEST else f"sha256:{hashlib.sha256(mid.encode()).hexdigest()}"


def event_id(kind: str, mid: str) -> str:
    """Names one fact about a message; `kind` has up to 60 characters."""
    whole = f"{kind}:{mid}"
    return whole if len(whole) <= _LONGEST else f"{kind}:sha256:{hashlib.sha256(mid.encode()).hexdigest()}"
