"""What core knows of a channel, decrypted, and the rules its settings keep. Pure."""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anychannel.capabilities import SettingField
from anychannel.provider import ChannelContext, ChannelSettings
from core.inboxes.binding import InboxBinding, ReplyMode

DEFAULT_RATE = 20.0
"""Requests a second: what an inbox's custom channel takes."""
MAX_RATE = 10_000.0
DEFAULT_EXPIRE_AFTER = timedelta(hours=24)
DEFAULT_REPLY_TIMEOUT = timedelta(seconds=8)
MAX_REPLY_TIMEOUT = timedelta(seconds=30)
MAX_SETTING_CHARACTERS = 16_384  # a service account's key file fits

_CHANNEL_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """One channel with everything an operator configured."""

    channel_id: str
    platform: str
    display_name: str = ""
    settings: ChannelSettings = field(default_factory=lambda: ChannelSettings({}))
    """What the operator gave, secrets included; `context_of` fills in the defaults."""
    secret_names: frozenset[str] = frozenset()
    """Which of the settings are secret."""
    inbox: InboxBinding
    inbox_token: str = field(repr=False)
    inbox_previous_token: str = field(default="", repr=False)
    """Still accepted while the inbox is being switched; empty when there is none."""
    reply: ReplyMode = ReplyMode.ACCEPTED
    reply_timeout: timedelta = DEFAULT_REPLY_TIMEOUT
    platform_rate: float = DEFAULT_RATE
    """Deliveries a second."""
    inbox_rate: float = DEFAULT_RATE
    """Requests a second."""
    expire_after: timedelta = DEFAULT_EXPIRE_AFTER
    paused: bool = False
    """Accepts messages and delivers none."""
    webhook_token: str = field(repr=False)
    revision: int = 0
    """Of no other state of any channel; 0 = not stored yet."""
    create_time: datetime | None = None
    update_time: datetime | None = None
    problem: str = ""
    """Why its secrets cannot be read: then they are empty, and the directory leaves the channel out."""

    def accepts_inbox_token(self, token: str) -> bool:
        """Whether the inbox may send with `token`; in constant time."""
        return _same(token, self.inbox_token) | _same(token, self.inbox_previous_token)

    def accepts_webhook_token(self, token: str) -> bool:
        """Whether a webhook with `token` in its path is this channel's; in constant time."""
        return _same(token, self.webhook_token)


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), kept.encode()) and bool(kept)


def is_channel_id(text: str) -> bool:
    """Whether an operator may call a channel so."""
    return _CHANNEL_ID.fullmatch(text) is not None


def webhook_url_of(config: ChannelConfig, public_url: str) -> str:
    """Where the platform is to send its webhooks; empty when we have no public address. A secret."""
    return f"{public_url}/webhooks/{config.channel_id}/{config.webhook_token}" if public_url else ""


def context_of(config: ChannelConfig, fields: Iterable[SettingField], public_url: str) -> ChannelContext:
    """What a provider is told of the channel: its settings with the defaults filled in, and its webhook's address."""
    return ChannelContext(
        channel_id=config.channel_id,
        settings=ChannelSettings(with_defaults(fields, config.settings)),
        webhook_url=webhook_url_of(config, public_url),
    )


def with_defaults(fields: Iterable[SettingField], values: Mapping[str, str]) -> dict[str, str]:
    """Every declared setting with its value, or else its default; what has neither is left out."""
    defaults = {field.name: field.default_value for field in fields if field.default_value}
    return {**defaults, **{name: value for name, value in values.items() if value}}


def validate_settings(fields: tuple[SettingField, ...], values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the values, by the name of the setting; empty when nothing is. Never says a value."""
    known = {field.name for field in fields}
    problems = {
        name: f"is not a setting of this platform; known are: {', '.join(sorted(known)) or 'none'}"
        for name in sorted(values)
        if name not in known
    }
    filled = with_defaults(fields, values)
    for declared in fields:
        problem = _problem(declared, filled.get(declared.name, ""))
        if problem:
            problems[declared.name] = problem
    return problems


def _problem(declared: SettingField, value: str) -> str:
    if not value:
        return f"is missing: {declared.help or declared.label}" if declared.required else ""
    if len(value) > MAX_SETTING_CHARACTERS:
        return f"is longer than {MAX_SETTING_CHARACTERS} characters"
    if "\0" in value:
        return "contains a NUL character"
    if declared.choices and value not in declared.choices:
        return f"is not one of: {', '.join(declared.choices)}"
    if declared.pattern and not _matches(declared.pattern, value):
        return f"does not look right: {declared.help or declared.label}"
    return ""


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # RE2 syntax that Python does not know: the platform will judge
