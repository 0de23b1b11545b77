"""What operators are shown of a channel: never a secret, and whether it works, with what to do when it does not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from anychannel.channel import (
    Channel,
    ChannelHealth,
    DeliveryPolicy,
    HealthLevel,
    InboxBinding,
)
from anychannel.message import Lane
from anychannel.provider import ChannelSettings
from core.channels import ChannelConfig, webhook_url_of
from core.lanes.records import LaneKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """How one lane stands."""

    is_waiting: bool = False
    """Nothing is delivered before a certain time."""
    probes: int = 0
    """Failed tries to reach the other side since it was last up."""
    pause_reason: str = ""
    waiting: int = 0
    """Deliveries on it."""


_NOT_SAID = LaneState()


def view_of(config: ChannelConfig, health: ChannelHealth, public_url: str) -> Channel:
    """The channel without its secrets."""
    return Channel(
        channel_id=config.channel_id,
        platform=config.platform,
        display_name=config.display_name,
        settings=ChannelSettings({n: v for n, v in config.settings.items() if n not in config.secret_names}),
        inbox=InboxBinding(
            webhook_url=config.inbox.webhook_url,
            inbox_channel_id=config.inbox.inbox_channel_id,
            id_type=config.inbox.id_type,
            status_shape=config.inbox.status_shape,
            reply=config.reply,
            reply_timeout=config.reply_timeout,
        ),
        policy=DeliveryPolicy(
            platform_rate=config.platform_rate, inbox_rate=config.inbox_rate, expire_after=config.expire_after
        ),
        paused=config.paused,
        webhook_url=webhook_url_of(config, public_url) if config.webhook_token else "",
        secrets_set=tuple(sorted(config.secret_names)),
        health=health,
        create_time=config.create_time,
        update_time=config.update_time,
    )


def health_of(config: ChannelConfig, lanes: Mapping[LaneKey, LaneState], provider_problem: str | None) -> ChannelHealth:
    """How well the channel works: down when somebody must act first, degraded when a lane waits for its other side.

    `provider_problem` says why the provider is not ready; empty when it is, None when there is none.
    """
    platform = lanes.get(LaneKey(config.channel_id, Lane.PLATFORM), _NOT_SAID)
    inbox = lanes.get(LaneKey(config.channel_id, Lane.INBOX), _NOT_SAID)
    level, reason = HealthLevel.OK, ""
    if needs := _what_somebody_must_do(config, provider_problem):
        level, reason = HealthLevel.DOWN, needs
    elif waits := [text for lane, name in ((platform, "platform"), (inbox, "inbox")) if (text := _waits(lane, name))]:
        level, reason = HealthLevel.DEGRADED, " ".join(waits)
    return ChannelHealth(level=level, reason=reason, platform_waiting=platform.waiting, inbox_waiting=inbox.waiting)


def _what_somebody_must_do(config: ChannelConfig, provider_problem: str | None) -> str:
    if config.problem:
        return f"Its secrets cannot be read: {config.problem}; or set its tokens and secret settings again."
    if config.paused:
        return "It is paused: unpause it to deliver."
    if provider_problem is None:
        return f"No provider of the platform {config.platform} is registered: start one."
    if provider_problem:
        return f"The provider of the platform {config.platform} is not ready: {provider_problem}."
    return ""


def _waits(lane: LaneState, other_side: str) -> str:
    if lane.probes:
        why = lane.pause_reason or "it does not answer"
        return f"The {other_side} is tried again and again (failed {lane.probes} times): {why}"
    if lane.is_waiting:
        return f"The {other_side} asked us to wait: {lane.pause_reason or 'too many requests'}"
    return ""
