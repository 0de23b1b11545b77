"""Decides on a bot's webhook: may Telegram be told this address, and does it deliver there.

https://core.telegram.org/bots/webhooks and https://core.telegram.org/bots/api#setwebhook
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from yarl import URL

from anychannel import Note
from providers.telegram.fields import Fields
from providers.telegram.inbound import ALLOWED_UPDATES

# https://core.telegram.org/bots/api#setwebhook, note 3
PORTS: Final = (443, 80, 88, 8443)
# https://core.telegram.org/bots/api#setwebhook: 1-256 of these; we ask for enough of them that nobody guesses it.
SECRET_TOKEN_PATTERN: Final = r"[A-Za-z0-9_-]{16,256}"  # noqa: S105 - the shape of a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How Telegram delivers to a webhook, for people."""

    details: Mapping[str, str]
    problems: tuple[Note, ...] = ()


def problem_before(*, webhook_url: str, secret_token: str) -> Note | None:
    """Why Telegram need not even be asked to deliver to `webhook_url`; None when it should be asked."""
    if not secret_token:
        return Note(
            code="secret_token_missing",
            text="Webhooks need the setting secret_token: fill in a random text of letters and digits.",
        )
    if not webhook_url:
        return Note(
            code="no_public_address",
            text="The gateway has no public address: give it one, or set mode to polling.",
        )
    url = URL(webhook_url)
    if url.scheme != "https":
        return Note(
            code="webhook_not_https",
            text="Telegram delivers only over https: give the gateway an https address, or set mode to polling.",
        )
    if url.port not in PORTS:
        return Note(
            code="webhook_port_refused",
            text="Telegram delivers only to the ports 443, 80, 88 and 8443: use one of them, or set mode to polling.",
        )
    return None


def registration(*, webhook_url: str, secret_token: str) -> Mapping[str, object]:
    """The parameters of setWebhook."""
    return {"url": webhook_url, "secret_token": secret_token, "allowed_updates": list(ALLOWED_UPDATES)}


def read_delivery(info: Fields) -> Delivery:
    """What getWebhookInfo says: https://core.telegram.org/bots/api#webhookinfo.

    Telegram keeps the last error for ever, so it is a problem only while updates wait.
    """
    pending, error = info.number("pending_update_count"), info.text("last_error_message")
    details = {"pending_updates": str(pending)}
    if not error:
        return Delivery(details=details)
    details["last_error"] = error
    error_time = info.number("last_error_date")
    if 0 < error_time < datetime(9999, 1, 1, tzinfo=UTC).timestamp():
        details["last_error_time"] = datetime.fromtimestamp(error_time, UTC).isoformat()
    if pending == 0:
        return Delivery(details=details)
    problem = Note(code="webhook_failing", text=f"Telegram cannot deliver {pending} updates, and says: {error}.")
    return Delivery(details=details, problems=(problem,))
