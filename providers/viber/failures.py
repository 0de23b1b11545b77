"""What Viber's refusals mean: the answer to a call that failed → a `Failure`.

Viber answers 200 and says in `status` what became of the call:
https://developers.viber.com/docs/api/rest-bot-api/#error-codes and https://creators.viber.com/docs/bots-api/errors.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.viber.fields import Fields

_Meaning = tuple[FailureKind, str]

_NO_TOKEN: Final = (
    FailureKind.UNAUTHORIZED,
    "Viber refuses the bot's token: copy it again from the bot's settings in Viber, Edit info, Your app key.",
)
_SUSPENDED: Final = (
    FailureKind.CHANNEL_MISCONFIGURED,
    "Viber has blocked or suspended this bot: ask Viber's support why.",
)
_OLD_APP: Final = (
    FailureKind.CONTACT_UNREACHABLE,
    "The contact's device or version of Viber cannot receive messages of bots.",
)
_TOO_NEW: Final = (FailureKind.CONTENT_UNSUPPORTED, "The contact's version of Viber cannot show this.")
_NOBODY: Final = (
    FailureKind.CONTACT_UNREACHABLE,
    "Viber knows no such contact of this bot: ids of contacts are valid for one bot only.",
)
_TOO_FAST: Final = (
    FailureKind.THROTTLED,
    "Viber asks to send more slowly: also 100 messages an hour to one contact who does not answer are too many.",
)
_NOT_ALLOWED: Final = (FailureKind.CHANNEL_MISCONFIGURED, "Viber does not allow this bot to do that.")
_DOWN: Final = (FailureKind.PLATFORM_UNAVAILABLE, "Viber is not able to answer at the moment.")

_BAD_DATA: Final = 3
_MISSING_DATA: Final = 4
_BY_STATUS: Final[Mapping[int, _Meaning]] = {
    1: (
        FailureKind.CHANNEL_MISCONFIGURED,
        "Viber does not reach the gateway's public address: it needs https with a certificate that everybody trusts.",
    ),
    2: _NO_TOKEN,
    5: (FailureKind.CONTACT_UNREACHABLE, "The contact is not registered with Viber."),
    6: (FailureKind.CONTACT_OPTED_OUT, "The contact is not subscribed to the bot: they have to write to it first."),
    7: _SUSPENDED,
    8: _NO_TOKEN,
    9: _SUSPENDED,
    10: (FailureKind.CHANNEL_MISCONFIGURED, "The bot has no webhook: check the channel, which sets it."),
    11: _OLD_APP,
    12: _TOO_FAST,
    13: _TOO_NEW,
    14: (FailureKind.CONTENT_UNSUPPORTED, "The message needs a higher min_api_version than it names."),
    15: _NO_TOKEN,
    16: _NOT_ALLOWED,
    17: _NOT_ALLOWED,
    18: _NOT_ALLOWED,
    19: _NOT_ALLOWED,
    20: _NOT_ALLOWED,
    21: (FailureKind.CONTACT_UNREACHABLE, "Viber does not deliver this message in the contact's country."),
    22: (FailureKind.CONTENT_UNSUPPORTED, "This bot may not send payment messages."),
    23: (
        FailureKind.WINDOW_CLOSED,
        "The bot's free messages of this month are used up: the contact has to write first.",
    ),
    24: (FailureKind.CHANNEL_MISCONFIGURED, "The bot has no balance left at Viber: top it up."),
}


def read_failure(*, status: int, body: bytes) -> Failure:
    """What an answer that is no success means; `status` is the HTTP status."""
    fields = Fields.parse(body) or Fields(None)
    code = fields.number("status")
    kind, text = _told(code, fields.text("status_message")) if code else _by_http(status)
    return Failure(kind=kind, text=text, platform_code=str(code or status))


def no_answer() -> Failure:
    """Viber could not be reached, or did not answer in time."""
    return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="Viber could not be reached, or did not answer in time.")


def _told(code: int, message: str) -> _Meaning:
    if known := _BY_STATUS.get(code):
        return known
    # 999 "Bad receiver ID" stands in no list: https://github.com/Viber/sample-bot-isitup/issues/7
    if "receiver" in message.lower():
        return _NOBODY
    if code in {_BAD_DATA, _MISSING_DATA}:
        reason = message.rstrip(".")[:300] or "it gives no reason"
        return FailureKind.CONTENT_REJECTED, f"Viber refuses this: {reason}."
    # "General error"
    return _DOWN


def _by_http(status: int) -> _Meaning:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return _NO_TOKEN
        case HTTPStatus.NOT_FOUND:
            return FailureKind.CHANNEL_MISCONFIGURED, "Viber has nothing at this address: check the setting api_base."
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return FailureKind.CONTENT_REJECTED, "The message is larger than Viber allows."
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _TOO_FAST
        case _:
            return _DOWN
