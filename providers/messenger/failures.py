"""What Meta's refusals mean: the answer to a call that failed → a `Failure`.

Codes and subcodes: https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes,
https://developers.facebook.com/docs/graph-api/reference/page/messages (errors) and
https://developers.facebook.com/docs/graph-api/guides/error-handling.
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.messenger.fields import Fields

_SHORTEST_WAIT: Final = timedelta()
# Longer than Meta ever asks for, and short enough for the arithmetic of dates.
_LONGEST_WAIT: Final = timedelta(days=7)

_Meaning = tuple[FailureKind, str]

_WINDOW: Final = (
    FailureKind.WINDOW_CLOSED,
    "Messenger allows no message now: the contact last wrote more than 24 hours ago and has to write first.",
)
_UNAVAILABLE_PERSON: Final = (
    FailureKind.CONTACT_UNREACHABLE,
    "Messenger cannot deliver to this contact: they blocked the page, turned its messages off or left.",
)
_UNKNOWN_PERSON: Final = (
    FailureKind.CONTACT_UNREACHABLE,
    "Messenger knows no such contact of this page: ids of contacts are valid on one page only.",
)
_TOO_FAST: Final = (FailureKind.THROTTLED, "Messenger asks to send more slowly.")
_RESTRICTED: Final = (
    FailureKind.CHANNEL_MISCONFIGURED,
    "Meta keeps this page or app from sending messages: see the page's quality and the app's alerts.",
)
_NO_PERMISSION: Final = (
    FailureKind.UNAUTHORIZED,
    "The access token may not send for this page: it needs the permission pages_messaging, with advanced access.",
)
_NO_MEDIA: Final = (FailureKind.CONTENT_REJECTED, "Messenger could not take the attachment from its address.")
_DOWN: Final = (FailureKind.PLATFORM_UNAVAILABLE, "Messenger is not able to answer at the moment.")

# What a subcode says is more than its code says.
_BY_SUBCODE: Final[Mapping[int, _Meaning]] = {
    2018278: _WINDOW,
    2018065: _WINDOW,
    2534022: _WINDOW,
    2018108: _UNAVAILABLE_PERSON,
    1545041: _UNAVAILABLE_PERSON,
    2018001: _UNKNOWN_PERSON,
    2018028: (
        FailureKind.UNAUTHORIZED,
        "The app is in development: it may only write to people who have a role in it.",
    ),
    1893015: _TOO_FAST,
    1893016: _TOO_FAST,
    2018022: _TOO_FAST,
    1893063: _RESTRICTED,
    2018008: _NO_MEDIA,
    2018047: _NO_MEDIA,
    2018294: _NO_MEDIA,
    2018109: (FailureKind.CONTENT_REJECTED, "The attachment is larger than Messenger allows."),
    33: (
        FailureKind.CHANNEL_MISCONFIGURED,
        "Messenger knows no such page, or the access token is not its own: check page_id and page_access_token.",
    ),
}
_PERMISSION_DENIED: Final = 10
_BY_CODE: Final[Mapping[int, _Meaning]] = {
    1: _DOWN,
    2: _DOWN,
    1200: _DOWN,
    4: _TOO_FAST,
    9: _TOO_FAST,
    17: _TOO_FAST,
    32: _TOO_FAST,
    613: _TOO_FAST,
    80001: _TOO_FAST,
    80006: _TOO_FAST,
    551: _UNAVAILABLE_PERSON,
    230: _UNAVAILABLE_PERSON,
    10903: _UNAVAILABLE_PERSON,
    368: _RESTRICTED,
    2022: _RESTRICTED,
    102: (FailureKind.UNAUTHORIZED, "Meta refuses the access token: make a new one in the app's dashboard."),
    190: (FailureKind.UNAUTHORIZED, "Meta refuses the access token: make a new one in the app's dashboard."),
    2200: (
        FailureKind.CHANNEL_MISCONFIGURED,
        "Meta called the gateway's public address and got no good answer: it must be reachable from the internet.",
    ),
    3: _NO_PERMISSION,
    _PERMISSION_DENIED: _NO_PERMISSION,
}
# "200-299: API Permission": https://developers.facebook.com/docs/graph-api/guides/error-handling#errorcodes
_PERMISSIONS: Final = range(200, 300)


def read_failure(*, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an answer that is no success means. `headers` have names in lower case."""
    answer = Fields.parse(body) or Fields(None)
    error = answer.object("error")
    code, subcode = error.number("code"), error.number("error_subcode")
    kind, text = _meaning(status, error, code, subcode)
    return Failure(
        kind=kind,
        text=text,
        platform_code=(f"{code}/{subcode}" if subcode else str(code)) if code else str(status),
        retry_after=_wait(headers) if kind.is_retryable else None,
    )


def no_answer() -> Failure:
    """Meta could not be reached, or did not answer in time."""
    return Failure(
        kind=FailureKind.PLATFORM_UNAVAILABLE, text="Messenger could not be reached, or did not answer in time."
    )


def _meaning(status: int, error: Fields, code: int, subcode: int) -> _Meaning:
    if code == _PERMISSION_DENIED and "outside of allowed window" in error.text("message"):
        return _WINDOW
    known = _BY_SUBCODE.get(subcode) or _BY_CODE.get(code)
    if known:
        return known
    if code in _PERMISSIONS:
        return _NO_PERMISSION
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _TOO_FAST
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not error or not is_refusal or error.flag("is_transient"):
        return _DOWN
    reason = (error.text("error_user_msg") or error.text("message")).rstrip(".")[:300] or "it gives no reason"
    return FailureKind.CONTENT_REJECTED, f"Messenger refuses this: {reason}."


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """How long Meta asks to wait: minutes in its own header, or seconds in the common one.

    https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2
    """
    usage = Fields.parse(headers.get("x-business-use-case-usage", "")) or Fields(None)
    minutes = max(
        (use.number("estimated_time_to_regain_access") for name in usage.names() for use in usage.objects(name)),
        default=0,
    )
    seconds = minutes * 60 or Fields({"seconds": headers.get("retry-after", "")}).number("seconds")
    wait = timedelta(seconds=min(seconds, _LONGEST_WAIT.total_seconds()))
    return wait if wait > _SHORTEST_WAIT else None
