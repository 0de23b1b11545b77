"""Tells whether Twilio made a request: https://www.twilio.com/docs/usage/webhooks/webhooks-security.

Signed are the address, as Twilio was told it, and every field of the form, with the account's auth token. There is no
time in it, so no window against replays: a message told twice has the same id, and is stored once.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from anychannel import HttpRequest
from providers.twilio.wire import FormFields, by_name, parse_form

SIGNATURE_HEADER = "x-twilio-signature"

_FORM_TYPE = "application/x-www-form-urlencoded"
_BODY_HASH = "bodySHA256"
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#]*?)(?P<port>:[0-9]*)?(?P<rest>[/?#].*)?", re.ASCII | re.DOTALL)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def signed_fields(request: HttpRequest, *, webhook_url: str, auth_tokens: Iterable[str]) -> FormFields | None:
    """What a webhook says, if Twilio signed that with one of the tokens; None if not.

    That is the form of a POST, or else the query. A body that is no form is only checked; nothing here reads one.
    """
    query = parse_form(request.query)
    is_form = request.header("content-type").partition(";")[0].strip().lower() == _FORM_TYPE
    posted = parse_form(request.body.decode(errors="surrogateescape")) if is_form else ()
    if query is None or posted is None:
        return None
    if request.body and not is_form and not _has_signed_body(request, by_name(query)):
        return None
    given = request.header(SIGNATURE_HEADER).encode(errors="replace")
    suffix = _spelled(posted)
    tokens = [token.encode() for token in auth_tokens if token]
    matches = [
        hmac.compare_digest(given, base64.b64encode(hmac.digest(token, url.encode(errors="replace") + suffix, "sha1")))
        for token in tokens
        for url in _addresses(request, webhook_url)
    ]
    if not any(matches):
        return None
    return posted or query


def _has_signed_body(request: HttpRequest, query: dict[str, str]) -> bool:
    """Whether the address, which is signed, holds this body's hash: so Twilio signs JSON."""
    expected = hashlib.sha256(request.body).hexdigest()
    return hmac.compare_digest(query.get(_BODY_HASH, "").encode(), expected.encode())


def _spelled(fields: FormFields) -> bytes:
    """The fields sorted by name, each with its values sorted and told once, and nothing between them.

    So do Twilio's own validators, where the page is silent on names that repeat:
    https://github.com/twilio/twilio-python/blob/306691e793f4/twilio/request_validator.py
    """
    return b"".join(name + value for name, value in sorted({(_bytes(name), _bytes(value)) for name, value in fields}))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _addresses(request: HttpRequest, webhook_url: str) -> Iterable[str]:
    """Every spelling of the address that Twilio may have been told.

    A proxy may have changed the scheme, the host, the port or the path that we see; our own public address is what Twilio
    was told. A wrong guess proves nothing: nobody without the token signs any of them.
    """
    told = f"{webhook_url}{request.path}{'?' if request.query else ''}{request.query}" if webhook_url else ""
    return dict.fromkeys(variant for url in (request.url, told) for variant in _variants(url))


def _variants(url: str) -> Iterable[str]:
    """With and without the port, as Twilio's own validators do: its servers are inconsistent about it."""
    match = _URL.fullmatch(url)
    if match is None:
        return
    host, rest = match["host"], match["rest"] or ""
    for scheme in dict.fromkeys((match["scheme"], "https")):
        for port in (match["port"] or "", "", _DEFAULT_PORTS[scheme]):
            yield f"{scheme}://{host}{port}{rest}"
