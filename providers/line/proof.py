"""Decides whether a webhook is LINE's: https://developers.line.biz/en/reference/messaging-api/#signature-validation.

LINE signs no time, so there is no window in which a webhook is fresh: one that is played back again tells the same facts
under the same ids, and those are stored once.
"""

import hmac
from base64 import b64encode
from http import HTTPStatus

from anychannel import HttpReply, HttpRequest, Note, Received


def is_signed(request: HttpRequest, *, channel_secret: str) -> bool:
    """Whether the raw body is signed with the channel secret; without a secret nothing is."""
    expected = b64encode(hmac.digest(channel_secret.encode(), request.body, "sha256"))
    # As bytes: compare_digest raises for text beyond ASCII, and this text is anybody's.
    given = request.header("x-line-signature").encode(errors="replace")
    return hmac.compare_digest(given, expected) and bool(channel_secret)


def refused() -> Received:
    """The answer to a request that does not prove where it comes from."""
    note = Note(code="not_verified", text="The request was not signed with the channel secret.")
    return Received(reply=HttpReply(status_code=HTTPStatus.UNAUTHORIZED), notes=(note,))
