"""What Twilio means when it refuses a message or gives it up: an answer or a code in, a failure out.

Twilio asks nobody to rely on its codes, so what `codes` does not list is understood by the HTTP status, or by the report
alone: https://www.twilio.com/en-us/changelog/updates-to-the-error-code-dictionary-to-clarify-number-validatio.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.twilio.codes import BROKEN, CREDENTIALS, MEANINGS, TOO_FAST, Meaning
from providers.twilio.wire import parse_json

_NOT_TWILIO: Final = (FailureKind.CHANNEL_MISCONFIGURED, "There is no Twilio API at the channel's API address.")
_REFUSED: Final = (FailureKind.CONTENT_REJECTED, "Twilio refuses this message.")
_LONGEST_EXPLANATION: Final = 200


def refusal(*, status_code: int, body: bytes, retry_after: str, now: datetime) -> Failure:
    """Why a request was refused. `retry_after` is the header, or empty.

    https://www.twilio.com/docs/usage/twilios-response
    """
    code, explanation = _read_error(body)
    known = MEANINGS.get(code)
    kind, text = known or _meaning_of_status(status_code)
    return Failure(
        kind=kind,
        # "The 'To' number 5551234567 is not a valid phone number.": what we have no words for ourselves.
        text=text if known or kind is not FailureKind.CONTENT_REJECTED else f"{text} {explanation}".rstrip(),
        platform_code=code or str(status_code),
        retry_after=_wait(retry_after, now) if kind.is_retryable else None,
    )


def undelivered(code: str) -> Failure:
    """Why a message that Twilio had taken did not arrive. `code` is empty where Twilio knows no reason."""
    kind, text = MEANINGS.get(code, (FailureKind.CONTACT_UNREACHABLE, "The message was not delivered."))
    return Failure(kind=kind, text=text, platform_code=code)


def no_answer() -> Failure:
    """Twilio could not be reached, or did not answer in time."""
    return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="Twilio does not answer.")


def unreadable() -> Failure:
    """Whatever answered, it was not Twilio."""
    return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="Twilio's answer cannot be read.")


def _read_error(body: bytes) -> tuple[str, str]:
    match parse_json(body):
        case {"code": int(code), **rest}:
            return str(code), _tellable(rest.get("message"))
        case _:
            return "", ""


def _tellable(message: object) -> str:
    """What Twilio says, unless it quotes an address: that may be ours, and holds a token."""
    return message[:_LONGEST_EXPLANATION] if isinstance(message, str) and "://" not in message else ""


def _meaning_of_status(status_code: int) -> Meaning:
    match status_code:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return CREDENTIALS
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return _NOT_TWILIO
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TOO_FAST
        case _ if HTTPStatus.BAD_REQUEST <= status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _REFUSED
        case _:
            return BROKEN


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
