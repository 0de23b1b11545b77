"""Decides whether a request is Slack's: https://docs.slack.dev/authentication/verifying-requests-from-slack."""

import hmac
from datetime import timedelta
from typing import Final

from anychannel import HttpRequest

# "If the timestamp is more than five minutes from local time, it could be a replay attack."
REPLAY_WINDOW: Final = timedelta(minutes=5)
_LONGEST_TIMESTAMP: Final = len("9999999999")


def is_signed(request: HttpRequest, signing_secret: str) -> bool:
    """Whether the raw body and its time carry their HMAC-SHA256, made within five minutes of when the request came.

    Without a signing secret nothing is proven.
    """
    timestamp = request.header("x-slack-request-timestamp")
    if not signing_secret or not _is_recent(timestamp, request):
        return False
    signed = b"v0:" + timestamp.encode() + b":" + request.body
    expected = f"v0={hmac.digest(signing_secret.encode(), signed, 'sha256').hex()}"
    # As bytes: compare_digest raises for text beyond ASCII, and the text given is anybody's.
    return hmac.compare_digest(request.header("x-slack-signature").encode(errors="replace"), expected.encode())


def _is_recent(timestamp: str, request: HttpRequest) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _LONGEST_TIMESTAMP):
        return False
    age = abs(request.receive_time.timestamp() - int(timestamp))
    return age <= REPLAY_WINDOW.total_seconds()
