"""What Telegram's refusals mean: the body of an error answer → a `Failure`.

The shape of the body: https://core.telegram.org/bots/api#making-requests ("error_code" and "description") and
https://core.telegram.org/bots/api#responseparameters ("retry_after"). Telegram publishes no list of
descriptions; those here are the ones its own open server spells:
https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp
"""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.telegram.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    code: int
    words: str
    """Lower case; found anywhere in the description."""
    kind: FailureKind
    text: str


_NO_CHAT: Final = "Telegram knows no such chat for this bot: the contact has to write to the bot first."
_GONE: Final = "This bot can no longer write to that chat."

_MEANINGS: Final = (
    _Meaning(
        code=403,
        words="bot was blocked by the user",
        kind=FailureKind.CONTACT_OPTED_OUT,
        text="The contact has blocked the bot.",
    ),
    _Meaning(
        code=403,
        words="user is deactivated",
        kind=FailureKind.CONTACT_UNREACHABLE,
        text="The contact's Telegram account no longer exists.",
    ),
    _Meaning(
        code=403,
        words="bot can't initiate conversation",
        kind=FailureKind.CONTACT_UNREACHABLE,
        text="A bot cannot begin a conversation: the contact has to write to it first.",
    ),
    _Meaning(
        code=403,
        words="bot can't send messages to bots",
        kind=FailureKind.CONTACT_UNREACHABLE,
        text="The contact is a bot, and Telegram lets no bot write to it.",
    ),
    # Any other 403 is about a chat that the bot was thrown out of, or that is deleted.
    _Meaning(code=403, words="", kind=FailureKind.CONTACT_UNREACHABLE, text=_GONE),
    _Meaning(code=400, words="chat not found", kind=FailureKind.CONTACT_UNREACHABLE, text=_NO_CHAT),
    _Meaning(code=400, words="chat_id is empty", kind=FailureKind.CONTACT_UNREACHABLE, text=_NO_CHAT),
    _Meaning(code=400, words="peer_id_invalid", kind=FailureKind.CONTACT_UNREACHABLE, text=_NO_CHAT),
    _Meaning(code=400, words="user not found", kind=FailureKind.CONTACT_UNREACHABLE, text=_NO_CHAT),
    _Meaning(code=400, words="upgraded to a supergroup", kind=FailureKind.CONTACT_UNREACHABLE, text=_GONE),
    _Meaning(
        code=400,
        words="frozen_method_invalid",
        kind=FailureKind.CHANNEL_MISCONFIGURED,
        text="Telegram has frozen this bot's account: ask Telegram why.",
    ),
    _Meaning(
        code=400,
        words="logged out",
        kind=FailureKind.CHANNEL_MISCONFIGURED,
        text="This bot was logged out of this Bot API server: check the setting api_base.",
    ),
    _Meaning(
        code=400,
        words="wrong file identifier/http url specified",
        kind=FailureKind.CONTENT_REJECTED,
        text="Telegram could not use the address of the attachment.",
    ),
    _Meaning(
        code=400,
        words="failed to get http url content",
        kind=FailureKind.CONTENT_REJECTED,
        text="Telegram could not download the attachment from its address.",
    ),
    _Meaning(
        code=400,
        words="wrong type of the web page content",
        kind=FailureKind.CONTENT_REJECTED,
        text="What is at the attachment's address is not of the type that was announced.",
    ),
    _Meaning(
        code=400,
        words="message is too long",
        kind=FailureKind.CONTENT_REJECTED,
        text="The text is longer than Telegram allows.",
    ),
    _Meaning(
        code=400,
        words="message text is empty",
        kind=FailureKind.CONTENT_REJECTED,
        text="Telegram takes no empty text.",
    ),
    _Meaning(
        code=401,
        words="",
        kind=FailureKind.UNAUTHORIZED,
        text="Telegram refuses the bot token: it is wrong or was revoked. Ask @BotFather for the current one.",
    ),
    # A token that is none at all makes an address that does not exist.
    _Meaning(
        code=404,
        words="",
        kind=FailureKind.UNAUTHORIZED,
        text="Telegram knows no bot with this token: copy it again from @BotFather.",
    ),
    _Meaning(
        code=409,
        words="webhook is active",
        kind=FailureKind.CHANNEL_MISCONFIGURED,
        text="A webhook is set for this bot, so it cannot be polled: check the channel, which removes the webhook.",
    ),
    # Also what the later of two readers sees while one takes over from the other, so it is worth another attempt.
    _Meaning(
        code=409,
        words="",
        kind=FailureKind.PLATFORM_UNAVAILABLE,
        text="Another program reads this bot's updates at the same time: only one can.",
    ),
    _Meaning(
        code=413,
        words="",
        kind=FailureKind.CONTENT_REJECTED,
        text="The message is larger than Telegram allows.",
    ),
)


def read_failure(*, status: int, body: bytes) -> Failure:
    """What an answer that is no success means. `status` is the HTTP status, which the body's own code overrides."""
    fields = Fields.parse(body)
    if fields is None:
        return Failure(
            kind=FailureKind.PLATFORM_UNAVAILABLE,
            text="Telegram's answer could not be read.",
            platform_code=str(status),
        )
    code = fields.number("error_code") or status
    description = fields.text("description")
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(
            kind=FailureKind.THROTTLED,
            text="Telegram asks to send more slowly.",
            platform_code=str(code),
            retry_after=_retry_after(fields.object("parameters")),
        )
    lowered = description.lower()
    for meaning in _MEANINGS:
        if meaning.code == code and meaning.words in lowered:
            return Failure(kind=meaning.kind, text=meaning.text, platform_code=str(code))
    if lowered.startswith("bad request: bad webhook"):
        return Failure(
            kind=FailureKind.CHANNEL_MISCONFIGURED,
            text=f"Telegram cannot deliver to the gateway's public address: {description}.",
            platform_code=str(code),
        )
    if code == HTTPStatus.BAD_REQUEST:
        return Failure(
            kind=FailureKind.CONTENT_REJECTED,
            text=f"Telegram refuses this message: {description or 'it gives no reason'}.",
            platform_code=str(code),
        )
    return Failure(
        kind=FailureKind.PLATFORM_UNAVAILABLE,
        text="Telegram is not able to answer at the moment.",
        platform_code=str(code),
    )


def no_answer() -> Failure:
    """Telegram could not be reached, or did not answer in time."""
    return Failure(
        kind=FailureKind.PLATFORM_UNAVAILABLE, text="Telegram could not be reached, or did not answer in time."
    )


def _retry_after(parameters: Fields) -> timedelta | None:
    seconds = parameters.number("retry_after")
    # A year is longer than Telegram ever asked for, and keeps the arithmetic of dates within its range.
    return timedelta(seconds=min(seconds, 366 * 24 * 3600)) if seconds > 0 else None
