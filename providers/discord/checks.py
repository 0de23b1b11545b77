"""Decides what a check of a channel found.

https://docs.discord.com/developers/resources/user#get-current-user and
https://docs.discord.com/developers/events/gateway#get-gateway-bot
"""

from collections.abc import Mapping
from typing import Final

from anychannel import Note
from providers.discord.fields import Fields

_FEW_SESSIONS: Final = 20


def describe(user: Fields, plan: Fields) -> Mapping[str, str]:
    """Who the bot is, and how often it may still begin a session today, for people."""
    limit = plan.object("session_start_limit")
    said = {
        "bot_name": user.text("global_name") or user.text("username"),
        "bot_user_id": user.snowflake("id"),
        "sessions_left": f"{limit.number('remaining')} of {limit.number('total')}" if limit.number("total") else "",
    }
    return {name: value for name, value in said.items() if value}


def problems(user: Fields, plan: Fields, application: Fields) -> tuple[Note, ...]:
    """What keeps the channel from working, or soon will."""
    found = []
    if not user.flag("bot"):
        text = "The token is not a bot's: copy the bot's from the Developer Portal, under Bot."
        found.append(Note(code="not_a_bot", text=text))
    limit = plan.object("session_start_limit")
    if limit.number("total") and limit.number("remaining") < _FEW_SESSIONS:
        text = "The bot has begun nearly as many sessions as Discord allows a day: does another program use its token?"
        found.append(Note(code="sessions_running_out", text=text))
    # Taps come either there or through the gateway:
    # https://docs.discord.com/developers/interactions/receiving-and-responding#receiving-an-interaction
    if application.text("interactions_endpoint_url"):
        text = "Taps on buttons go elsewhere: empty Interactions Endpoint URL in the Developer Portal."
        found.append(Note(code="taps_elsewhere", text=text))
    return tuple(found)
