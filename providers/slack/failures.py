"""What Slack's refusals mean: the body of an answer → a `Failure`.

Every method answers {"ok": false, "error": code}: https://docs.slack.dev/apis/web-api/#responses. The codes of sending:
https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from anychannel import Failure, FailureKind
from providers.slack.fields import Fields

_UNAUTHORIZED: Final = (
    "Slack refuses the bot token: copy the current one from OAuth & Permissions, or reinstall the app."
)
_NO_PLACE: Final = "Slack knows no such conversation for this bot: it is gone, or the bot was never in it."
_RESTRICTED: Final = "The workspace's settings let the bot not write to this conversation: ask its administrators."
_REFUSED: Final = "Slack refuses this message."
_DOWN: Final = "Slack is not able to answer at the moment."
_SLOWLY: Final = "Slack asks to send more slowly."

# One meaning for each code; the codes' own texts are at the addresses above.
_MEANINGS: Final[Mapping[FailureKind, Mapping[str, tuple[str, ...]]]] = {
    FailureKind.UNAUTHORIZED: {
        _UNAUTHORIZED: (
            "invalid_auth",
            "not_authed",
            "token_revoked",
            "token_expired",
            "account_inactive",
            "org_login_required",
        ),
    },
    FailureKind.CHANNEL_MISCONFIGURED: {
        "The app lacks a permission: add the missing scope under OAuth & Permissions, then reinstall the app.": (
            "missing_scope",
            "no_permission",
            "not_allowed_token_type",
        ),
        "Direct messages to the app are off: switch on the Messages Tab under App Home.": ("messages_tab_disabled",),
        "The workspace's settings keep the app out: ask its administrators.": (
            "access_denied",
            "team_access_not_granted",
            "two_factor_setup_required",
            "accesslimited",
            "enterprise_is_restricted",
            "ekm_access_denied",
        ),
        "The workspace has reached the number of messages that its plan allows.": ("message_limit_exceeded",),
    },
    FailureKind.CONTACT_UNREACHABLE: {
        _NO_PLACE: ("channel_not_found", "team_not_found", "user_not_found", "thread_not_found", "message_not_found"),
        "The bot is no longer in this channel: invite it again.": ("not_in_channel",),
        "This channel is archived: nothing can be written to it.": ("is_archived",),
        "The person's Slack account is deactivated.": ("user_disabled", "cannot_dm_bot"),
        _RESTRICTED: (
            "restricted_action",
            "restricted_action_read_only_channel",
            "restricted_action_thread_only_channel",
            "restricted_action_non_threadable_channel",
            "restricted_action_thread_locked",
            "cannot_reply_to_message",
        ),
    },
    FailureKind.CONTENT_REJECTED: {
        "The message is longer than Slack allows.": (
            "msg_too_long",
            "msg_blocks_too_long",
            "attachment_payload_limit_exceeded",
        ),
        "Slack takes no empty text.": ("no_text",),
        "Slack cannot use the picture or the buttons of this message.": ("invalid_blocks", "invalid_blocks_format"),
    },
    FailureKind.THROTTLED: {_SLOWLY: ("ratelimited", "rate_limited")},
    FailureKind.PLATFORM_UNAVAILABLE: {
        _DOWN: ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"),
    },
}
_BY_CODE: Final = {
    code: (kind, text) for kind, texts in _MEANINGS.items() for text, codes in texts.items() for code in codes
}
# Longer than Slack ever asked for; keeps the arithmetic of dates within its range.
_LONGEST_WAIT: Final = timedelta(days=1)
_LONGEST_CODE: Final = 60


def read_failure(*, status: int, body: bytes, retry_after: str = "") -> Failure:
    """What an answer that is no success means. `retry_after` is the header of that name: seconds.

    https://docs.slack.dev/apis/web-api/rate-limits#responding-to-rate-limiting-conditions
    """
    fields = Fields.parse(body)
    code = (fields.text("error") if fields is not None else "")[:_LONGEST_CODE]
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        code = code or "ratelimited"
    kind, text = _BY_CODE.get(code, (None, ""))
    if kind is FailureKind.THROTTLED:
        return Failure(kind=kind, text=text, platform_code=code, retry_after=_wait(retry_after))
    if kind is not None:
        return Failure(kind=kind, text=text, platform_code=code)
    if status == HTTPStatus.OK and code:
        text = f"{_REFUSED} Its reason: {code}."
        return Failure(kind=FailureKind.CONTENT_REJECTED, text=text, platform_code=code)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Failure(kind=FailureKind.UNAUTHORIZED, text=_UNAUTHORIZED, platform_code=code or str(status))
    return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text=_DOWN, platform_code=code or str(status))


def no_answer() -> Failure:
    """Slack could not be reached, or did not answer in time."""
    return Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="Slack could not be reached, or did not answer in time.")


def _wait(seconds: str) -> timedelta | None:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= len("999999999")):
        return None
    return min(timedelta(seconds=int(seconds)), _LONGEST_WAIT) or None
