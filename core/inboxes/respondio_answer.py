"""Understands what a respond.io webhook answers. Neither bodies nor limits are documented, so everything is a hint."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from anychannel.failures import Failure, FailureKind
from core.inboxes.answers import InboxAnswer, Refused, Taken, Throttled, TryAgain, Unauthorized, Unavailable

MAX_QUOTED_LENGTH = 300
MAX_RETRY_AFTER = timedelta(hours=24)
"""No event is kept longer for another attempt."""
DEFAULT_RETRY_AFTER = timedelta(seconds=1)
"""The published limit counts by the second."""

_MAX_READ_BYTES = 64 * 1024
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_TAG = re.compile(r"<[^<>]*>")
_BEARER = re.compile(r"(bearer)\s+\S+", re.IGNORECASE)

_MISCONFIGURED = frozenset({402, 403, 404, 405, 407, 410})
_TRANSIENT = frozenset({408, 425, 449, 500})
_GATEWAY_STATUSES = frozenset({502, 503, 504, *range(520, 531)})
"""What stands before the inbox and found it away; from 520 on, Cloudflare's own.

https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
"""


def read_answer(status_code: int, headers: Mapping[str, str], body: bytes, now: datetime) -> InboxAnswer:  # noqa: PLR0911 - one return for each row of the table
    """Tell what to do next. Never fails: what an inbox answers is beyond our control."""
    retry_after = _retry_after(headers, now)
    text = _sentence(status_code, body)
    if 200 <= status_code < 300:
        return Taken()
    if status_code == 401:
        return Unauthorized(text=text)
    if status_code == 429:
        return Throttled(retry_after=DEFAULT_RETRY_AFTER if retry_after is None else retry_after)
    if status_code in _GATEWAY_STATUSES:
        return Unavailable(text=text, retry_after=retry_after)
    if status_code in _TRANSIENT and retry_after is not None:
        return Throttled(retry_after=retry_after)
    if 300 <= status_code < 500 and status_code not in _TRANSIENT:
        return Refused(failure=_refusal(status_code, text))
    return TryAgain(failure=_failure(FailureKind.PLATFORM_UNAVAILABLE, status_code, text))


def _refusal(status_code: int, text: str) -> Failure:
    if status_code < 400:
        redirected = "The inbox's webhook URL redirects elsewhere: enter the final address, with its trailing slash."
        return _failure(FailureKind.CHANNEL_MISCONFIGURED, status_code, redirected)
    is_setting = status_code in _MISCONFIGURED
    kind = FailureKind.CHANNEL_MISCONFIGURED if is_setting else FailureKind.CONTENT_REJECTED
    return _failure(kind, status_code, text)


def _failure(kind: FailureKind, status_code: int, text: str) -> Failure:
    return Failure(kind=kind, text=text, platform_code=str(status_code))


def _sentence(status_code: int, body: bytes) -> str:
    quoted = _quoted(body[:_MAX_READ_BYTES].decode("utf-8", "replace"))
    name = f"{status_code} {_phrase(status_code)}".strip()
    return f"The inbox answered {name}: {quoted}" if quoted else f"The inbox answered {name}."


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""


def _quoted(body: str) -> str:
    try:
        said = _message(json.loads(body))
    except (ValueError, RecursionError):
        # A web server's page says nothing that its status does not.
        said = "" if body.lstrip().startswith("<") else body
    without_tags = _TAG.sub(" ", said)
    visible = "".join(character if character.isprintable() else " " for character in without_tags)
    return _BEARER.sub(r"\1 …", " ".join(visible.split()))[:MAX_QUOTED_LENGTH]


def _message(document: object) -> str:
    """The words in `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}`, `{"errors": […]}` or a string."""
    for _ in range(4):
        match document:
            case str():
                return document
            case (
                {"error": (str() | dict() | list()) as inner}
                | {"message": (str() | dict() | list()) as inner}
                | {"errors": list() as inner}
                | [inner, *_]
            ):
                document = inner
            case _:
                break
    return ""


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    value = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if _SECONDS.fullmatch(value):
        return min(timedelta(seconds=float(value)), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(timedelta(0), min(moment - now, MAX_RETRY_AFTER))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
