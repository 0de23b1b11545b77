"""Reads what the gateway dispatches: https://docs.discord.com/developers/events/gateway-events#receive-events.

Every dispatch reads as something, be it nothing at all; none makes this module raise.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from anychannel import Contact, MessageReceived, Note, ProviderEvent, Text
from providers.discord.fields import Fields
from providers.discord.gateway import Packet
from providers.discord.message import read_contents

# Those that tell of nothing anybody wrote, and of nothing lost.
_SILENT: Final = frozenset({"READY", "RESUMED", "USER_UPDATE", "CHANNEL_CREATE", "CHANNEL_PINS_UPDATE"})
# DEFAULT and REPLY: https://docs.discord.com/developers/resources/message#message-object-message-types
_WRITTEN: Final = frozenset({0, 19})
# https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-type
_MESSAGE_COMPONENT: Final = 3
_BUTTON: Final = 2
# .../receiving-and-responding#interaction-object-interaction-context-types: the direct messages of two other people
_PRIVATE_CHANNEL: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A tap that Discord wants acknowledged within three seconds, else it shows the contact that it failed."""

    interaction_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one dispatch says."""

    events: tuple[ProviderEvent, ...] = ()
    notes: tuple[Note, ...] = ()
    interaction: Interaction | None = None


def read_dispatch(packet: Packet, *, now: datetime) -> Reading:
    """What `packet` says; `now` dates what Discord does not."""
    match packet.name:
        case "MESSAGE_CREATE":
            return _read_message(packet.data, now=now)
        case "INTERACTION_CREATE":
            return _read_interaction(packet.data, now=now)
        case name if name in _SILENT:
            return Reading()
        case name:
            return _ignored("event_ignored", f"An event of a kind that is not read was ignored: {name[:60]}.")


def _read_message(message: Fields, *, now: datetime) -> Reading:
    author, message_id, channel_id = message.object("author"), message.snowflake("id"), message.snowflake("channel_id")
    if message.snowflake("guild_id"):
        return _ignored("server_ignored", "Only direct messages are joined to the inbox; this one is of a server.")
    if author.flag("bot") or message.snowflake("webhook_id"):
        return _ignored("bot_ignored", "A message of a bot was ignored, maybe our own.")
    if message.number("type") not in _WRITTEN:
        return _ignored("service_message_ignored", "A message that nobody wrote was ignored.")
    if not message_id or not channel_id:
        return _ignored("not_understood", "A message without an id or a conversation was ignored.")
    said = read_contents(message)
    events = tuple(
        MessageReceived(
            platform_event_id=f"{message_id}:{index}" if index else message_id,
            event_time=_time(message.text("timestamp"), default=now),
            contact=_contact(author, channel_id),
            platform_message_id=f"{message_id}:{index}" if index else message_id,
            content=content,
            notes=said.notes,
        )
        for index, content in enumerate(said.contents)
    )
    return Reading(events=events)


def _read_interaction(interaction: Fields, *, now: datetime) -> Reading:
    """A tapped button, read as if the contact had typed its label.

    https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object
    """
    interaction_id, channel_id = interaction.snowflake("id"), interaction.snowflake("channel_id")
    token, data, user = interaction.text("token"), interaction.object("data"), interaction.object("user")
    if interaction.snowflake("guild_id") or interaction.number("context") == _PRIVATE_CHANNEL:
        return _ignored("server_ignored", "Only direct messages are joined to the inbox; this tap is not of one.")
    is_tap = interaction.number("type") == _MESSAGE_COMPONENT and data.number("component_type") == _BUTTON
    label = data.text("custom_id").partition(":")[2]  # see `outbound`
    if not is_tap or not label or not interaction_id or not channel_id:
        return _ignored("interaction_ignored", "An interaction other than a tap on one of our buttons was ignored.")
    event = MessageReceived(
        platform_event_id=interaction_id,
        event_time=now,  # Discord dates the message with the buttons, not the tap
        contact=_contact(user, channel_id, language=interaction.text("locale")),
        platform_message_id=f"tap:{interaction_id}",
        content=Text(text=label),
    )
    return Reading(
        events=(event,), interaction=Interaction(interaction_id=interaction_id, token=token) if token else None
    )


def _contact(user: Fields, channel_id: str, *, language: str = "") -> Contact:
    user_id, avatar = user.snowflake("id"), user.text("avatar")
    # https://docs.discord.com/developers/reference#image-formatting-cdn-endpoints
    is_picture = bool(user_id) and avatar.isascii() and avatar.replace("_", "").isalnum()
    return Contact(
        address=channel_id,
        first_name=user.text("global_name") or user.text("username"),
        language=language,
        picture_url=f"https://cdn.discordapp.com/avatars/{user_id}/{avatar}.png" if is_picture else "",
    )


def _time(text: str, *, default: datetime) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return default


def _ignored(code: str, text: str) -> Reading:
    return Reading(notes=(Note(code=code, text=text),))
