"""Reads Meta's errors: an answer of the Graph API, or the `errors` of a report, → a `Failure`.

Which code means what is in `meanings`. The shape of both, and the advice to show `error_data.details`:
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

from datetime import timedelta
from typing import Final

from anychannel import Failure, FailureKind
from providers.whatsapp.fields import Fields
from providers.whatsapp.meanings import DOWN, NO_NUMBER, REJECTED, TOKEN, TOO_FAST, UNDELIVERED, Meaning, meaning_of

_MAX_DETAILS: Final = 300


def read_failure(*, status: int, body: bytes, wait: timedelta | None = None) -> Failure:
    """What an answer of the Graph API that is no success means; `wait` is how long its headers ask to wait."""
    fields = Fields.parse(body)
    if fields is None or not fields.object("error"):
        return Failure(
            kind=FailureKind.PLATFORM_UNAVAILABLE,
            text="WhatsApp's answer could not be read.",
            platform_code=str(status),
            retry_after=wait,
        )
    error = fields.object("error")
    meaning = _known(error) or _by_status(status, is_transient=error.flag("is_transient"))
    return _failure(error, meaning, platform_code=_platform_code(error, str(status)), wait=wait)


def read_status(status: int) -> Failure:
    """What a status means where there is no error to read: media servers answer without."""
    meaning = _by_status(status, is_transient=False)
    return Failure(kind=meaning.kind, text=meaning.text, platform_code=str(status))


def read_report(errors: tuple[Fields, ...]) -> Failure:
    """Why a message failed after WhatsApp had taken it.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
    """
    error = errors[0] if errors else Fields(None)
    meaning = _known(error) or UNDELIVERED
    return _failure(error, meaning, platform_code=_platform_code(error, ""))


def no_answer() -> Failure:
    """Meta could not be reached, or did not answer in time."""
    return Failure(
        kind=FailureKind.PLATFORM_UNAVAILABLE, text="WhatsApp could not be reached, or did not answer in time."
    )


def _failure(error: Fields, meaning: Meaning, *, platform_code: str, wait: timedelta | None = None) -> Failure:
    # Meta's own words on authorization repeat the token; those on content name the parameter that is wrong.
    explains = meaning.kind is FailureKind.CONTENT_REJECTED or meaning is UNDELIVERED
    details = _details(error) if explains else ""
    return Failure(
        kind=meaning.kind,
        text=f"{meaning.text} {details}".rstrip(),
        platform_code=platform_code,
        retry_after=wait if meaning.kind.is_retryable else None,
    )


def _known(error: Fields) -> Meaning | None:
    code = _code(error)
    # "Unsupported post request. Object with ID … does not exist": code 100 with this subcode.
    if code == 100 and error.number("error_subcode") == 33:
        return NO_NUMBER
    return None if code is None else meaning_of(code)


def _by_status(status: int, *, is_transient: bool) -> Meaning:
    if is_transient:
        return DOWN
    match status:
        case 401 | 403:
            return TOKEN
        case 404 | 405:
            return NO_NUMBER
        case 429:
            return TOO_FAST
        case _ if 400 <= status <= 499:
            return REJECTED
    return DOWN


def _code(error: Fields) -> int | None:
    # 0 is a code too.
    return error.number("code") if error.number("code") or error.value("code") == 0 else None


def _platform_code(error: Fields, default: str) -> str:
    code = _code(error)
    return default if code is None else str(code)


def _details(error: Fields) -> str:
    data = error.object("error_data")
    said = data.text("details") or error.text("error_user_msg") or error.text("message") or error.text("title")
    line = " ".join(said.split())[:_MAX_DETAILS].rstrip(" .")
    return f"{line}." if line else ""
