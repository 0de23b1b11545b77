"""What LINE's refusals mean: the answer to a call that failed → a `Failure`.

LINE has no error codes, only statuses and words: https://developers.line.biz/en/reference/messaging-api/#status-codes and
https://developers.line.biz/en/reference/messaging-api/#error-messages.

That a contact has blocked the account is never told: a push to them is answered 200 and does not arrive.
https://developers.line.biz/en/reference/messaging-api/#send-push-message
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.line.fields import Fields

# Longer than LINE ever asks for, and short enough for the arithmetic of dates.
_LONGEST_WAIT_SECONDS: Final = 7 * 24 * 3600
_MOST_DIGITS: Final = 9

_Meaning = tuple[FailureKind, str]

_NOBODY: Final = (
    FailureKind.CONTACT_UNREACHABLE,
    "LINE knows no such contact of this official account: ids of contacts are valid for one LINE provider only.",
)
_QUOTA: Final = (
    FailureKind.CHANNEL_MISCONFIGURED,
    "The official account has sent all messages that its plan allows this month: choose a larger plan.",
)
_BY_STATUS: Final[Mapping[int, _Meaning]] = {
    HTTPStatus.UNAUTHORIZED: (
        FailureKind.UNAUTHORIZED,
        "LINE refuses the channel access token: issue a new one in the LINE Developers Console.",
    ),
    HTTPStatus.FORBIDDEN: (
        FailureKind.CHANNEL_MISCONFIGURED,
        "The official account or its plan may not do this: see the LINE Official Account Manager.",
    ),
    HTTPStatus.NOT_FOUND: (
        FailureKind.CHANNEL_MISCONFIGURED,
        "LINE has nothing at this address: check the setting api_base.",
    ),
    HTTPStatus.CONFLICT: (FailureKind.PLATFORM_UNAVAILABLE, "LINE did not say which request it had taken before."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        FailureKind.CONTENT_REJECTED,
        "The message is larger than LINE allows.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (FailureKind.THROTTLED, "LINE asks to send more slowly."),
}
_DOWN: Final = (FailureKind.PLATFORM_UNAVAILABLE, "LINE is not able to answer at the moment.")


def read_failure(*, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an answer that is no success means. `headers` have names in lower case."""
    kind, text = _meaning(status, Fields.parse(body) or Fields(None))
    wait = _wait(headers) if kind.is_retryable else None
    return Failure(kind=kind, text=text, platform_code=str(status), retry_after=wait)


def no_answer() -> Failure:
    """LINE could not be reached, or did not answer in time."""
    return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="LINE could not be reached, or did not answer in time.")


def _meaning(status: int, error: Fields) -> _Meaning:
    message = error.text("message")
    if status == HTTPStatus.TOO_MANY_REQUESTS and "monthly limit" in message.lower():
        return _QUOTA
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_request(message, error)
    if known := _BY_STATUS.get(status):
        return known
    if HTTPStatus.BAD_REQUEST < status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return FailureKind.CONTENT_REJECTED, f"LINE refuses this: {_reason(message)}."
    return _DOWN


def _bad_request(message: str, error: Fields) -> _Meaning:
    details = error.objects("details")
    is_about_address = "'to'" in message or any(detail.text("property") == "to" for detail in details)
    if is_about_address or message.startswith("Failed to send messages"):
        return _NOBODY
    said = "; ".join(f"{detail.text('property')}: {detail.text('message')}" for detail in details)
    return FailureKind.CONTENT_REJECTED, f"LINE refuses this: {_reason(said or message)}."


def _reason(message: str) -> str:
    return message.rstrip(".")[:300] or "it gives no reason"


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """LINE documents no such header; it is honoured where one comes."""
    asked = headers.get("retry-after", "")
    seconds = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= _MOST_DIGITS else 0
    return timedelta(seconds=min(seconds, _LONGEST_WAIT_SECONDS)) if seconds else None
