"""What Discord's refusals mean: the body of an error answer → a `Failure`.

https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.discord.fields import Fields
from providers.discord.waits import asked_wait

_UNAUTHORIZED: Final = "Discord refuses the bot token: reset it in the Developer Portal, under Bot."
_DOWN: Final = "Discord is not able to answer at the moment."
_SLOWLY: Final = "Discord asks to send more slowly."
_NO_CHANNEL: Final = "Discord knows no such conversation: the contact has to write to the bot first."

_MEANINGS: Final[Mapping[int, tuple[FailureKind, str]]] = {
    10003: (FailureKind.CONTACT_UNREACHABLE, _NO_CHANNEL),
    10013: (FailureKind.CONTACT_UNREACHABLE, _NO_CHANNEL),
    50001: (FailureKind.CONTACT_UNREACHABLE, "The bot has no access to this conversation."),
    50007: (
        FailureKind.CONTACT_UNREACHABLE,
        "The contact takes no messages of this bot: they blocked it, closed their direct messages, or share no server.",
    ),
    50033: (FailureKind.CONTACT_UNREACHABLE, _NO_CHANNEL),
    50278: (FailureKind.CONTACT_UNREACHABLE, "The contact is in no server together with the bot any more."),
    40001: (FailureKind.UNAUTHORIZED, _UNAUTHORIZED),
    50014: (FailureKind.UNAUTHORIZED, _UNAUTHORIZED),
    40002: (FailureKind.CHANNEL_MISCONFIGURED, "Discord wants the bot's account verified first."),
    50013: (FailureKind.CHANNEL_MISCONFIGURED, "The bot lacks the permission to write in this conversation."),
    40003: (FailureKind.THROTTLED, "Discord asks to open conversations more slowly."),
    40062: (FailureKind.THROTTLED, _SLOWLY),
    20016: (FailureKind.THROTTLED, _SLOWLY),
    20028: (FailureKind.THROTTLED, _SLOWLY),
    20029: (FailureKind.THROTTLED, _SLOWLY),
    40004: (FailureKind.PLATFORM_UNAVAILABLE, "Discord has switched off sending for a while."),
    40006: (FailureKind.PLATFORM_UNAVAILABLE, _DOWN),
    40333: (FailureKind.PLATFORM_UNAVAILABLE, "Discord's protection keeps this gateway out at the moment."),
    130000: (FailureKind.PLATFORM_UNAVAILABLE, _DOWN),
    40005: (FailureKind.CONTENT_REJECTED, "The message is larger than Discord allows."),
    50006: (FailureKind.CONTENT_REJECTED, "Discord takes no empty message."),
    50008: (FailureKind.CONTACT_UNREACHABLE, "This conversation is not one for texts."),
    50035: (
        FailureKind.CONTENT_REJECTED,
        "Discord cannot use this message: it is too long, or an address in it is none.",
    ),
    240000: (FailureKind.CONTENT_REJECTED, "Discord holds an address in this message to be harmful."),
}


def read_failure(*, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What an answer that is no success means; the names of the headers in lower case."""
    fields = Fields.parse(body) or Fields(None)
    code = fields.number("code")
    shown = str(code or status)
    wait = asked_wait(headers, fields)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        is_global = fields.flag("global") or "x-ratelimit-global" in headers
        text = "Discord asks the whole bot to send more slowly." if is_global else _SLOWLY
        return Failure(kind=FailureKind.THROTTLED, text=text, platform_code=shown, retry_after=wait)
    kind, text = _MEANINGS.get(code) or _by_status(status, fields.text("message"))
    is_passing = kind in {FailureKind.THROTTLED, FailureKind.PLATFORM_UNAVAILABLE}
    return Failure(kind=kind, text=text, platform_code=shown, retry_after=wait if is_passing else None)


def no_answer() -> Failure:
    """Discord could not be reached, or did not answer in time."""
    return Failure(
        kind=FailureKind.PLATFORM_UNAVAILABLE, text="Discord could not be reached, or did not answer in time."
    )


def _by_status(status: int, message: str) -> tuple[FailureKind, str]:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return FailureKind.UNAUTHORIZED, _UNAUTHORIZED
        case HTTPStatus.FORBIDDEN | HTTPStatus.NOT_FOUND if message:
            return FailureKind.CONTACT_UNREACHABLE, f"Discord does not let the bot write there: {message[:200]}."
        case HTTPStatus.BAD_REQUEST if message:
            return FailureKind.CONTENT_REJECTED, f"Discord refuses this message: {message[:200]}."
        case _:
            return FailureKind.PLATFORM_UNAVAILABLE, _DOWN
