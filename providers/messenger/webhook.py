"""Proves that a webhook is Meta's, and answers the question with which Meta proves that its address is ours.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started. Meta signs no time, so there is no window in
which a webhook is fresh: one that is played back again tells the same facts under the same ids, and those are stored once.
"""

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from anychannel import HttpReply, HttpRequest, Note, Received

_MOST_PARAMETERS: Final = 20


def refused(text: str) -> Received:
    """A request that does not prove where it comes from."""
    return Received(reply=HttpReply(status_code=HTTPStatus.UNAUTHORIZED), notes=(Note(code="not_verified", text=text),))


def is_signed(request: HttpRequest, *, app_secret: str) -> bool:
    """Whether the raw body is signed with the app's secret; without a secret nothing is.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    expected = f"sha256={hmac.digest(app_secret.encode(), request.body, 'sha256').hex()}"
    # As bytes: compare_digest raises for text beyond ASCII, and this text is anybody's.
    given = request.header("x-hub-signature-256").encode(errors="replace")
    return hmac.compare_digest(given, expected.encode()) and bool(app_secret)


def answer_challenge(request: HttpRequest, *, verify_token: str) -> Received:
    """Give the challenge back to whoever knows the verify token.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
    """
    try:
        asked = parse_qs(request.query, max_num_fields=_MOST_PARAMETERS, errors="replace")
    except ValueError:
        asked = {}
    given = _first(asked, "hub.verify_token").encode(errors="replace")
    knows_token = hmac.compare_digest(given, verify_token.encode()) and bool(verify_token)
    if not knows_token or _first(asked, "hub.mode") != "subscribe":
        return refused("The request for verification did not carry the channel's verify_token.")
    # As plain text, because anybody can write anything into an address.
    challenge = _first(asked, "hub.challenge").encode(errors="replace")
    return Received(reply=HttpReply(headers=(("content-type", "text/plain"),), body=challenge))


def _first(asked: dict[str, list[str]], name: str) -> str:
    return next(iter(asked.get(name, ())), "")
