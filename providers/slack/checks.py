"""Decides what a check of a channel found: https://docs.slack.dev/reference/methods/auth.test."""

from collections.abc import Mapping
from typing import Final

from yarl import URL

from anychannel import Note
from providers.slack.fields import Fields

# What the bot does, and the scope it needs for that: https://docs.slack.dev/reference/scopes
NEEDED_SCOPES: Final = {
    "chat:write": "to send",
    "im:history": "to read direct messages",
    "files:read": "to fetch files",
}


def describe(account: Fields) -> Mapping[str, str]:
    """Who the bot is, for people."""
    said = {
        "bot_name": account.text("user"),
        "bot_user_id": account.text("user_id"),
        "workspace": account.text("team"),
        "workspace_url": account.text("url"),
        # No API of a bot's registers it: https://docs.slack.dev/apis/events-api/#subscribing
        "webhook": "enter the channel's webhook address as Request URL under Event Subscriptions and under Interactivity",
    }
    return {name: value for name, value in said.items() if value}


def problems(account: Fields, *, scopes: str, signing_secret: str, webhook_url: str) -> tuple[Note, ...]:
    """What keeps the channel from working. `scopes` are those of the token, empty when Slack did not name them."""
    found = []
    if not account.text("bot_id"):
        found.append(Note(code="not_a_bot", text="The token is not a bot's: copy the Bot User OAuth Token."))
    granted = {scope.strip() for scope in scopes.split(",")} - {""}
    for scope, purpose in NEEDED_SCOPES.items():
        if granted and scope not in granted:
            text = f"The scope {scope} is missing {purpose}: add it under OAuth & Permissions, then reinstall the app."
            found.append(Note(code="scope_missing", text=text))
    if not signing_secret:
        text = "Webhooks need the setting signing_secret: copy it from Basic Information."
        found.append(Note(code="signing_secret_missing", text=text))
    if not webhook_url:
        text = "The gateway has no public address: give it one, so that Slack can call it."
        found.append(Note(code="no_public_address", text=text))
    elif URL(webhook_url).scheme != "https":
        found.append(Note(code="webhook_not_https", text="Slack calls only https: give the gateway an https address."))
    return tuple(found)
