"""What ClickSend means when it refuses or gives up: codes in, a failure out."""

from datetime import timedelta

from anychannel import Failure, FailureKind
from providers.clicksend.wire import parse_json

# What one SMS to one number can meet: https://developers.clicksend.com/docs/#application-status-codes
# COUNTRY_NOT_ENABLED is missing there; the API was seen to answer it for countries switched off in the account.
_CODES = {
    "MISSING_CREDENTIALS": (FailureKind.UNAUTHORIZED, "ClickSend asks for the channel's user name and API key."),
    "INVALID_CREDENTIALS": (FailureKind.UNAUTHORIZED, "ClickSend refuses the channel's user name or API key."),
    "ACCOUNT_NOT_ACTIVATED": (FailureKind.CHANNEL_MISCONFIGURED, "The ClickSend account is not activated."),
    "INSUFFICIENT_CREDIT": (FailureKind.CHANNEL_MISCONFIGURED, "The ClickSend account has no credit left."),
    "INVALID_SENDER_ID": (FailureKind.CHANNEL_MISCONFIGURED, "ClickSend does not accept the channel's sender."),
    "COUNTRY_NOT_ENABLED": (FailureKind.CHANNEL_MISCONFIGURED, "The ClickSend account may not send to this country."),
    "INVALID_RECIPIENT": (FailureKind.CONTACT_UNREACHABLE, "This is not a number that can receive an SMS."),
    "EMPTY_MESSAGE": (FailureKind.CONTENT_REJECTED, "An SMS cannot be empty."),
    # "Identical message body recently sent to the same recipient": a matter of one contact. It names no time to
    # wait, for that would hold up everybody else's messages too.
    "THROTTLED": (FailureKind.THROTTLED, "The same text has just been sent to this number."),
    "INTERNAL_ERROR": (FailureKind.PLATFORM_UNAVAILABLE, "ClickSend has an internal error."),
    "SOMETHING_IS_WRONG": (FailureKind.PLATFORM_UNAVAILABLE, "ClickSend has an internal error."),
    # Of the whole request: https://developers.clicksend.com/docs/#status-codes
    "BAD_REQUEST": (FailureKind.CONTENT_REJECTED, "ClickSend refuses this request."),
    "UNAUTHORIZED": (FailureKind.UNAUTHORIZED, "ClickSend refuses the channel's user name or API key."),
    "FORBIDDEN": (FailureKind.UNAUTHORIZED, "This ClickSend user may not do that."),
    "NOT_FOUND": (FailureKind.CHANNEL_MISCONFIGURED, "There is no ClickSend API at the channel's API address."),
    "TOO_MANY_REQUESTS": (FailureKind.THROTTLED, "ClickSend asks us to slow down."),
    "INTERNAL_SERVER_ERROR": (FailureKind.PLATFORM_UNAVAILABLE, "ClickSend is out of order."),
}
_MAX_EXPLANATION = 200
_MAX_DIGITS = 5
_CODE_OF_STATUS = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "NOT_FOUND",
    429: "TOO_MANY_REQUESTS",
}


def refusal(code: str) -> Failure:
    """Why a message was not taken. A code that nobody has seen yet is final: trying again might cost money."""
    kind, text = _CODES.get(code, (FailureKind.CONTENT_REJECTED, f"ClickSend refuses this message: {code}."))
    return Failure(kind=kind, text=text, platform_code=code)


def refused_request(status_code: int, body: bytes, retry_after: str) -> Failure:
    """Why a whole request failed: a code in its body that we know is more precise than the HTTP status."""
    code, explanation = _read_error(body)
    known = code if code in _CODES else _CODE_OF_STATUS.get(status_code, "INTERNAL_SERVER_ERROR")
    kind, text = _CODES[known]
    # "An accompanying error message will explain further", say the docs of this code alone.
    return Failure(
        kind=kind,
        text=f"{text} {explanation[:_MAX_EXPLANATION]}".rstrip() if known == "BAD_REQUEST" else text,
        platform_code=code or str(status_code),
        retry_after=_wait(retry_after) if kind.is_retryable else None,
    )


def undelivered(*, status: str, text: str, code: str) -> Failure:
    """Why a message that ClickSend had taken did not arrive, from its receipt.

    The words decide, for the numbers beside them have changed: https://help.clicksend.com/en/articles/42318-sms-error-codes.
    """
    is_about_content = status.lower().startswith("cancelled") or "spam" in text.lower()
    return Failure(
        kind=FailureKind.CONTENT_REJECTED if is_about_content else FailureKind.CONTACT_UNREACHABLE,
        text=f"The SMS was not delivered: {text or status or 'ClickSend says no more'}.",
        platform_code=code,
    )


def _read_error(body: bytes) -> tuple[str, str]:
    match parse_json(body):
        case {"response_code": str(code), "response_msg": str(explanation)}:
            return code, explanation
        case {"response_code": str(code)}:
            return code, ""
        case _:
            return "", ""


def _wait(retry_after: str) -> timedelta | None:
    # Seconds: undocumented, but what the API was seen to send with 429.
    return timedelta(seconds=int(retry_after)) if retry_after.isdecimal() and len(retry_after) <= _MAX_DIGITS else None
