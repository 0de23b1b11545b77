"""Decides whether a request is Meta's, and answers the one by which Meta verifies the webhook.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
"""

import hmac
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs

from anychannel import HttpReply, HttpRequest, Note, Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What only Meta and the channel know."""

    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)


def is_signed(request: HttpRequest, secrets: Secrets) -> bool:
    """Whether the raw body carries its HMAC-SHA256 by the app secret. Without an app secret nothing is proven."""
    expected = hmac.digest(secrets.app_secret.encode(), request.body, "sha256").hex()
    return bool(secrets.app_secret) and _equal(request.header("x-hub-signature-256"), f"sha256={expected}")


def answer_verification(request: HttpRequest, secrets: Secrets) -> Received:
    """200 and the challenge for the right verify token, else a 400-level status."""
    try:
        query = parse_qs(request.query, max_num_fields=20)
    except ValueError:
        query = {}
    token, mode = query.get("hub.verify_token", [""])[0], query.get("hub.mode", [""])[0]
    if not secrets.verify_token or mode != "subscribe" or not _equal(token, secrets.verify_token):
        return refused(HTTPStatus.FORBIDDEN, "not_verified", "The request did not carry the channel's verify token.")
    challenge = query.get("hub.challenge", [""])[0]
    headers = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))
    return Received(reply=HttpReply(headers=headers, body=challenge.encode(errors="replace")))


def refused(status: HTTPStatus, code: str, text: str) -> Received:
    """An answer without events."""
    return Received(reply=HttpReply(status_code=status), notes=(Note(code=code, text=text),))


def _equal(given: str, expected: str) -> bool:
    # As bytes: compare_digest raises for text beyond ASCII, and the text given is anybody's.
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))
