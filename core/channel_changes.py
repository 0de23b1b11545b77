"""What an operator asks for, taken over into a channel's configuration, or refused field by field. Pure."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from anychannel.capabilities import SettingField
from anychannel.channel import Channel, DeliveryPolicy, InboxBinding
from anychannel.provider import ChannelSettings
from core.channels import (
    DEFAULT_EXPIRE_AFTER,
    DEFAULT_RATE,
    DEFAULT_REPLY_TIMEOUT,
    MAX_RATE,
    MAX_REPLY_TIMEOUT,
    ChannelConfig,
    is_channel_id,
    validate_settings,
)
from core.inboxes import binding

MAX_EXPIRE_AFTER = timedelta(days=30)
MAX_NAME_CHARACTERS = 200
MAX_URL_CHARACTERS = 2048
MIN_RATE = 0.01

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")  # what fits a header
_INBOX_FIELDS = frozenset(
    {
        "webhook_url",
        "inbox_channel_id",
        "token",
        "previous_token",
        "id_type",
        "status_shape",
        "reply",
        "reply_timeout",
    }
)
_POLICY_FIELDS = frozenset({"platform_rate", "inbox_rate", "expire_after"})
_FIXED = frozenset({"channel_id", "platform"})
_WHOLE = frozenset({"display_name", "paused", "settings", "inbox", "policy"})


class ChangeRefused(Exception):
    """Fields are missing or wrong; each is named, with what is wrong about it and never with its value."""

    def __init__(self, violations: dict[str, str]) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{field} {text}" for field, text in violations.items()))


def new_config(channel: Channel, fields: tuple[SettingField, ...], webhook_token: str) -> ChannelConfig:
    """The configuration of a channel to add. Raises `ChangeRefused`."""
    config = ChannelConfig(
        channel_id=channel.channel_id,
        platform=channel.platform,
        inbox=binding.InboxBinding(webhook_url="", inbox_channel_id="", id_type=binding.IdType.CUSTOM),
        inbox_token="",
        webhook_token=webhook_token,
    )
    config = _take(config, channel, tuple(_WHOLE), fields)
    violations = {} if is_channel_id(channel.channel_id) else {"channel.channel_id": _CHANNEL_ID_RULE}
    _refuse(violations | _violations(config, fields))
    return config


def changed_config(
    config: ChannelConfig, channel: Channel, paths: Sequence[str], fields: tuple[SettingField, ...] | None
) -> ChannelConfig:
    """The configuration with what `paths` name taken from `channel`. `fields` is None when settings are not among them.

    Raises `ChangeRefused`.
    """
    _refuse(_path_violations(paths))
    changed = _take(config, channel, paths, fields or ())
    _refuse(_violations(changed, fields))
    return changed


def touches_settings(paths: Iterable[str]) -> bool:
    """Whether any of the paths is about settings: only then need they be judged by what the provider declares."""
    return any(path.partition(".")[0] == "settings" for path in paths)


_CHANNEL_ID_RULE = "has to be 1 to 40 characters of a-z, 0-9 and -, beginning with a letter"


def _refuse(violations: dict[str, str]) -> None:
    if violations:
        raise ChangeRefused(violations)


def _path_violations(paths: Sequence[str]) -> dict[str, str]:
    if not paths:
        return {"update_mask": "is missing: name the fields to change"}
    for path in paths:
        head, dot, rest = path.partition(".")
        if path in _FIXED:
            return {"update_mask": f"names {path}, which never changes: add another channel"}
        is_known = (
            path in _WHOLE
            or (head == "settings" and bool(rest))
            or (head == "inbox" and rest in _INBOX_FIELDS)
            or (head == "policy" and rest in _POLICY_FIELDS)
        )
        if not is_known or (dot and not rest):
            return {"update_mask": "names a field that cannot be changed; see UpdateChannelRequest.update_mask"}
    return {}


def _take(
    config: ChannelConfig, channel: Channel, paths: Sequence[str], fields: tuple[SettingField, ...]
) -> ChannelConfig:
    if "display_name" in paths:
        config = replace(config, display_name=channel.display_name)
    if "paused" in paths:
        config = replace(config, paused=channel.paused)
    config = _take_settings(config, channel, paths, fields)
    config = _take_inbox(config, channel.inbox, _names("inbox", paths, _INBOX_FIELDS), is_whole="inbox" in paths)
    return _take_policy(config, channel.policy, _names("policy", paths, _POLICY_FIELDS))


def _names(head: str, paths: Sequence[str], every: frozenset[str]) -> frozenset[str]:
    """Which fields under `head` the paths name."""
    if head in paths:
        return every
    return frozenset(path.removeprefix(f"{head}.") for path in paths if path.startswith(f"{head}."))


def _take_settings(
    config: ChannelConfig, channel: Channel, paths: Sequence[str], fields: tuple[SettingField, ...]
) -> ChannelConfig:
    if not touches_settings(paths):
        return config
    given = dict(channel.settings)
    values = dict(config.settings)
    if "settings" in paths:
        values = {name: value for name, value in values.items() if name in config.secret_names} | given
    for path in paths:
        if path.startswith("settings."):
            name = path.removeprefix("settings.")
            values.pop(name, None)
            values |= {name: given[name]} if name in given else {}
    values = {name: value for name, value in values.items() if value}  # an empty value is none
    declared_secret = {field.name for field in fields if field.secret}
    return replace(
        config,
        settings=ChannelSettings(values),
        secret_names=frozenset(name for name in values if name in declared_secret or name in config.secret_names),
    )


def _take_inbox(config: ChannelConfig, inbox: InboxBinding, names: frozenset[str], *, is_whole: bool) -> ChannelConfig:
    kept = config.inbox
    taken = binding.InboxBinding(
        webhook_url=inbox.webhook_url if "webhook_url" in names else kept.webhook_url,
        inbox_channel_id=inbox.inbox_channel_id if "inbox_channel_id" in names else kept.inbox_channel_id,
        id_type=inbox.id_type if "id_type" in names else kept.id_type,
        status_shape=inbox.status_shape if "status_shape" in names else kept.status_shape,
    )
    # Tokens are write-only: whoever sends the whole binding back as it was answered does not mean to remove them.
    if "token" in names and (inbox.token or not is_whole):
        config = replace(config, inbox_token=inbox.token)
    if "previous_token" in names and (inbox.previous_token or not is_whole):
        config = replace(config, inbox_previous_token=inbox.previous_token)
    if "reply" in names:
        config = replace(config, reply=inbox.reply)
    if "reply_timeout" in names:
        config = replace(
            config, reply_timeout=DEFAULT_REPLY_TIMEOUT if inbox.reply_timeout is None else inbox.reply_timeout
        )
    return replace(config, inbox=taken)


def _take_policy(config: ChannelConfig, policy: DeliveryPolicy, names: frozenset[str]) -> ChannelConfig:
    if "platform_rate" in names:
        config = replace(config, platform_rate=policy.platform_rate or DEFAULT_RATE)
    if "inbox_rate" in names:
        config = replace(config, inbox_rate=policy.inbox_rate or DEFAULT_RATE)
    if "expire_after" in names:
        expire_after = DEFAULT_EXPIRE_AFTER if policy.expire_after is None else policy.expire_after
        config = replace(config, expire_after=expire_after)
    return config


def _violations(config: ChannelConfig, fields: tuple[SettingField, ...] | None) -> dict[str, str]:
    """What is wrong with the configuration, by field."""
    problems = {} if fields is None else validate_settings(fields, config.settings)
    rules = {
        "channel.display_name": ""
        if len(config.display_name) <= MAX_NAME_CHARACTERS and "\0" not in config.display_name
        else f"has to be up to {MAX_NAME_CHARACTERS} characters without NUL",
        "channel.inbox.webhook_url": _url_problem(config.inbox.webhook_url),
        "channel.inbox.inbox_channel_id": ""
        if 0 < len(config.inbox.inbox_channel_id) <= MAX_NAME_CHARACTERS and "\0" not in config.inbox.inbox_channel_id
        else f"has to be 1 to {MAX_NAME_CHARACTERS} characters: the Channel ID in the inbox's dialog",
        "channel.inbox.token": ""
        if _TOKEN.fullmatch(config.inbox_token)
        else "is missing, or has characters that no header takes: the API Token in the inbox's dialog",
        "channel.inbox.previous_token": ""
        if not config.inbox_previous_token or _TOKEN.fullmatch(config.inbox_previous_token)
        else "has characters that no header takes",
        "channel.inbox.reply_timeout": ""
        if timedelta(0) < config.reply_timeout <= MAX_REPLY_TIMEOUT
        else f"has to be more than 0 and up to {MAX_REPLY_TIMEOUT.total_seconds():g} s",
        "channel.policy.platform_rate": _rate_problem(config.platform_rate),
        "channel.policy.inbox_rate": _rate_problem(config.inbox_rate),
        "channel.policy.expire_after": ""
        if timedelta(0) < config.expire_after <= MAX_EXPIRE_AFTER
        else f"has to be more than 0 and up to {MAX_EXPIRE_AFTER.days} days",
    }
    return {f"channel.settings.{name}": text for name, text in problems.items()} | {
        field: text for field, text in rules.items() if text
    }


def _rate_problem(rate: float) -> str:
    return "" if math.isfinite(rate) and MIN_RATE <= rate <= MAX_RATE else f"has to be {MIN_RATE:g} to {MAX_RATE:g}"


def _url_problem(url: str) -> str:
    problem = "has to be an http or https address: the webhook address in the inbox's dialog"
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or " " in url:
        return problem
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return problem
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return problem
    return "must not hold a user name or a password" if parts.username or parts.password else ""
