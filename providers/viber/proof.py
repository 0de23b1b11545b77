"""Decides whether a callback is Viber's: https://developers.viber.com/docs/api/rest-bot-api/#callbacks.

Viber signs no time, so there is no window in which a callback is fresh: one that is played back again tells the same facts
under the same ids, and those are stored once.
"""

import hmac
from http import HTTPStatus

from anychannel import HttpReply, HttpRequest, Note, Received


def is_signed(request: HttpRequest, *, auth_token: str) -> bool:
    """Whether the raw body is signed with the bot's token; without a token nothing is."""
    expected = hmac.digest(auth_token.encode(), request.body, "sha256").hex().encode()
    # As bytes: compare_digest raises for text beyond ASCII, and this text is anybody's.
    given = request.header("x-viber-content-signature").encode(errors="replace")
    return hmac.compare_digest(given, expected) and bool(auth_token)


def refused() -> Received:
    """The answer to a request that does not prove where it comes from."""
    note = Note(code="not_verified", text="The request was not signed with the bot's token.")
    return Received(reply=HttpReply(status_code=HTTPStatus.UNAUTHORIZED), notes=(note,))
