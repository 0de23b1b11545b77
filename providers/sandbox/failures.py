"""What the phone network means when it refuses: an HTTP answer in, a failure out."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from anychannel import Failure, FailureKind
from providers.sandbox.wire import parse_json

_KINDS = {
    "bad_token": FailureKind.UNAUTHORIZED,
    "bad_request": FailureKind.CONTENT_REJECTED,
    "no_such_phone": FailureKind.CONTACT_UNREACHABLE,
    "blocked": FailureKind.CONTACT_OPTED_OUT,
    "opted_out": FailureKind.CONTACT_OPTED_OUT,
    "too_fast": FailureKind.THROTTLED,
    "network_down": FailureKind.PLATFORM_UNAVAILABLE,
}

_TEXTS = {
    FailureKind.CHANNEL_MISCONFIGURED: "There is no phone network at the channel's API address.",
    FailureKind.UNAUTHORIZED: "The phone network refuses the channel's access token.",
    FailureKind.CONTENT_REJECTED: "The phone network refuses this message.",
    FailureKind.CONTACT_UNREACHABLE: "This phone cannot be reached.",
    FailureKind.CONTACT_OPTED_OUT: "This contact does not want to receive messages.",
    FailureKind.THROTTLED: "The phone network asks us to slow down.",
    FailureKind.PLATFORM_UNAVAILABLE: "The phone network is down.",
}


def refusal(status_code: int, body: bytes, retry_after: str, now: datetime) -> Failure:
    """Why the platform answered something other than 200. `retry_after` is the header, or empty."""
    code, explanation = _read_error(body)
    kind = _KINDS.get(code) or _kind_of_status(status_code)
    return Failure(
        kind=kind,
        # bad_request names the field that is wrong; the other explanations say no more than ours.
        text=f"{_TEXTS[kind]} {explanation}" if code == "bad_request" else _TEXTS[kind],
        platform_code=code or str(status_code),
        retry_after=_wait(retry_after, now) if kind.is_retryable else None,
    )


def undelivered(reason: str) -> Failure:
    """Why a message that the platform had taken did not arrive after all; `reason` is a sentence, not a code."""
    return Failure(kind=FailureKind.CONTACT_UNREACHABLE, text=reason or _TEXTS[FailureKind.CONTACT_UNREACHABLE])


def _read_error(body: bytes) -> tuple[str, str]:
    match parse_json(body):
        case {"error": {"code": str(code), "message": str(message)}}:
            return code, message
        case _:
            return "", ""


def _kind_of_status(status_code: int) -> FailureKind:
    match status_code:
        case 400 | 413 | 422:
            return FailureKind.CONTENT_REJECTED
        case 401 | 403:
            return FailureKind.UNAUTHORIZED
        case 404 | 405:
            return FailureKind.CHANNEL_MISCONFIGURED
        case 429:
            return FailureKind.THROTTLED
        case _:
            return FailureKind.PLATFORM_UNAVAILABLE


def _wait(retry_after: str, now: datetime) -> timedelta | None:
    """Seconds or a date, https://www.rfc-editor.org/rfc/rfc9110#field.retry-after; anything else counts as not said."""
    try:
        if retry_after.isdecimal():
            wait = timedelta(seconds=int(retry_after))
        else:
            wait = parsedate_to_datetime(retry_after).replace(tzinfo=UTC) - now
    except (ValueError, OverflowError):
        return None
    return max(wait, timedelta())
