"""What operators and clients see of the gateway: channels, registered providers, dead letters, keys and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from anychannel.capabilities import ProviderDescription
from anychannel.failures import Failure
from anychannel.message import Lane, Message, Status
from anychannel.provider import ChannelSettings


class IdType(StrEnum):
    """Which ids the inbox uses for contacts; fixed when the inbox channel is created."""

    PHONE = "phone"
    """E.164 with a leading plus."""
    CUSTOM = "custom"
    """Up to 50 of A-Z a-z 0-9 _ = + / @."""


class StatusShape(StrEnum):
    """How a status event is spelled for the inbox: no vendor documents it, so a wrong guess must cost a setting only."""

    NESTED = "nested"
    """`"status": {"value": "failed", "message": "..."}`"""
    FLAT = "flat"
    """`"status": "failed", "error": "..."`"""


class ReplyMode(StrEnum):
    """When the inbox's send is answered."""

    ACCEPTED = "accepted"
    """As soon as the message is stored."""
    OUTCOME = "outcome"
    """After the first attempt, so that a definite refusal is a 4xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxBinding:
    """The inbox side of a channel, as the inbox's own set-up dialog shows it."""

    webhook_url: str = ""
    """Where events go."""
    inbox_channel_id: str = ""
    token: str = field(default="", repr=False)
    """Write-only: empty in what the gateway answers."""
    previous_token: str = field(default="", repr=False)
    """Write-only. Still accepted while the inbox is being switched."""
    id_type: IdType = IdType.CUSTOM
    status_shape: StatusShape = StatusShape.NESTED
    reply: ReplyMode = ReplyMode.ACCEPTED
    reply_timeout: timedelta | None = None
    """How long `outcome` waits; None = the gateway's default, 8 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """Pace and patience of a channel."""

    platform_rate: float = 0
    """Deliveries a second to the platform; 0 = the gateway's default, 20."""
    inbox_rate: float = 0
    """Requests a second to the inbox; 0 = the gateway's default, 20."""
    expire_after: timedelta | None = None
    """A message not sent by then has failed; None = the gateway's default, 24 h."""


class HealthLevel(StrEnum):
    """How well a channel works."""

    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    """A lane waits for its other side."""
    DOWN = "down"
    """Nothing can be delivered until somebody acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """How well a channel works, and why not better."""

    level: HealthLevel = HealthLevel.UNKNOWN
    reason: str = ""
    """Why, and what to do; empty when the level is ok."""
    platform_waiting: int = 0
    inbox_waiting: int = 0


_NO_SETTINGS = ChannelSettings({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One configured account on a platform, bound to one inbox channel."""

    channel_id: str
    """1 to 40 characters of a-z, 0-9 and -, beginning with a letter."""
    platform: str = ""
    display_name: str = ""
    settings: Mapping[str, str] = field(default=_NO_SETTINGS, repr=False)
    """Secret ones are write-only: absent in what the gateway answers, kept when absent from an update."""
    inbox: InboxBinding = field(default_factory=InboxBinding)
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    paused: bool = False
    """Accepts messages and delivers none."""
    webhook_url: str = field(default="", repr=False)
    """Where the platform is to send its webhooks. Carries an unguessable token: treat it as a secret."""
    secrets_set: tuple[str, ...] = ()
    """The names of secret settings that have a value."""
    health: ChannelHealth = field(default_factory=ChannelHealth)
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredProvider:
    """A provider that core knows."""

    platform: str
    address: str
    """Where core dials it, host:port."""
    ready: bool
    description: ProviderDescription | None
    """None when it never answered."""
    describe_time: datetime | None
    reason: str
    """Why it is not ready; empty when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A delivery given up, kept until it is replayed or discarded."""

    dead_letter_id: str
    channel_id: str
    lane: Lane
    message_id: str
    subject: str
    """`part 0`, `message`, `echo` or `status`."""
    address: str
    failure: Failure
    attempt_count: int
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A message reached a status."""

    message_id: str
    status: Status
    failure: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact told to a watcher: a message was stored, or reached a status."""

    event_id: str
    """Ever growing within a channel."""
    channel_id: str
    create_time: datetime
    kind: Message | StatusChange


class Scope(StrEnum):
    """What a key may do."""

    SEND = "send"
    """Send and cancel messages."""
    READ = "read"
    """Read messages, channels, providers, dead letters and events."""
    ADMIN = "admin"
    """Everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, without its secret."""

    key_id: str = ""
    display_name: str
    scopes: tuple[Scope, ...]
    channel_ids: tuple[str, ...] = ()
    """The channels it may see; empty = all."""
    create_time: datetime | None = None
    revoke_time: datetime | None = None
    """None while it works."""
