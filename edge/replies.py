"""What goes out: errors in the inbox's words, and core's replies made safe to send."""

import re
from typing import Final

import orjson
from aiohttp import web
from multidict import CIMultiDict

from anychannel import HttpReply

# RFC 9110, section 7.6.1, and the obsolete Proxy-Connection; they speak of one connection only
HOP_BY_HOP: Final = frozenset({
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
})  # fmt: skip
# A reply may repeat what a stranger sent (a webhook's challenge): no browser may run it, or guess that it is a page.
SAFETY: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "Server": "anychannel",
    "X-Content-Type-Options": "nosniff",
}
# edge frames replies and dates them itself; and a provider sets no cookie for the gateway's host
_NOT_PASSED_ON: Final = (
    HOP_BY_HOP | {"content-length", "date", "set-cookie", "set-cookie2"} | {name.lower() for name in SAFETY}
)
# RFC 9110, section 5.6.2
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# RFC 9110, section 5.5: no control characters but the tab, above all no line breaks
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,8000}")
_MAX_REPLY_HEADERS: Final = 64
_RETRY_AFTER_SECONDS: Final = 1


class Refused(Exception):
    """Edge itself answers with an error."""

    def __init__(self, status: int, text: str, *, headers: dict[str, str] | None = None, close: bool = False) -> None:
        """Args: close = the rest of the request is not worth reading."""
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}
        self.close = close


def unavailable(text: str = "The gateway cannot take this at the moment. Please try again.") -> Refused:
    """Core is away or there is too much to do; the caller may come again soon."""
    return Refused(503, text, headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})


def error_response(refused: Refused) -> web.Response:
    """An error, in the shape that the inbox shows to its agent."""
    response = web.Response(
        status=refused.status,
        body=orjson.dumps({"error": {"message": refused.text}}),
        content_type="application/json",
        headers={**SAFETY, **refused.headers},
    )
    if refused.close:
        response.force_close()
    return response


def reply_response(reply: HttpReply) -> web.Response:
    """Core's reply. Headers that could break the framing are left out.

    Raises:
        Refused: the status is none that a request can be answered with.
    """
    if not 200 <= reply.status_code <= 599:
        raise unavailable()
    headers = CIMultiDict[str](SAFETY)
    for name, value in reply.headers[:_MAX_REPLY_HEADERS]:
        if name.lower() not in _NOT_PASSED_ON and _TOKEN.fullmatch(name) and _VALUE.fullmatch(value):
            headers.add(name, value)
    return web.Response(status=reply.status_code, body=reply.body, headers=headers)
