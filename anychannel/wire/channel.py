"""Channels ↔ protobuf."""

from anychannel.channel import (
    Channel,
    ChannelHealth,
    DeliveryPolicy,
    HealthLevel,
    IdType,
    InboxBinding,
    ReplyMode,
    StatusShape,
)
from anychannel.provider import ChannelSettings
from anychannel.v1 import channel_pb2
from anychannel.wire.enums import paired, reversed_pairs
from anychannel.wire.times import (
    duration_from_proto,
    duration_to_proto,
    optional_time_to_proto,
    time_from_proto,
)

_ID_TYPES = paired(IdType, channel_pb2.IdType, "ID_TYPE")
_STATUS_SHAPES = paired(StatusShape, channel_pb2.StatusShape, "STATUS_SHAPE")
_REPLY_MODES = paired(ReplyMode, channel_pb2.ReplyMode, "REPLY_MODE")
_LEVELS = {
    HealthLevel.UNKNOWN: channel_pb2.ChannelHealth.LEVEL_UNSPECIFIED,
    HealthLevel.OK: channel_pb2.ChannelHealth.LEVEL_OK,
    HealthLevel.DEGRADED: channel_pb2.ChannelHealth.LEVEL_DEGRADED,
    HealthLevel.DOWN: channel_pb2.ChannelHealth.LEVEL_DOWN,
}

_ID_TYPES_READ = reversed_pairs(_ID_TYPES)
_STATUS_SHAPES_READ = reversed_pairs(_STATUS_SHAPES)
_REPLY_MODES_READ = reversed_pairs(_REPLY_MODES)
_LEVELS_READ = reversed_pairs(_LEVELS)


def channel_to_proto(channel: Channel) -> channel_pb2.Channel:
    """A channel."""
    return channel_pb2.Channel(
        channel_id=channel.channel_id,
        display_name=channel.display_name,
        platform=channel.platform,
        settings=channel.settings,
        inbox=inbox_binding_to_proto(channel.inbox),
        policy=delivery_policy_to_proto(channel.policy),
        webhook_url=channel.webhook_url,
        secrets_set=channel.secrets_set,
        health=channel_health_to_proto(channel.health),
        create_time=optional_time_to_proto(channel.create_time),
        update_time=optional_time_to_proto(channel.update_time),
        paused=channel.paused,
    )


def channel_from_proto(proto: channel_pb2.Channel) -> Channel:
    """A channel."""
    return Channel(
        channel_id=proto.channel_id,
        display_name=proto.display_name,
        platform=proto.platform,
        settings=ChannelSettings(proto.settings),
        inbox=inbox_binding_from_proto(proto.inbox),
        policy=delivery_policy_from_proto(proto.policy),
        webhook_url=proto.webhook_url,
        secrets_set=tuple(proto.secrets_set),
        health=channel_health_from_proto(proto.health),
        create_time=time_from_proto(proto.create_time) if proto.HasField("create_time") else None,
        update_time=time_from_proto(proto.update_time) if proto.HasField("update_time") else None,
        paused=proto.paused,
    )


def inbox_binding_to_proto(inbox: InboxBinding) -> channel_pb2.InboxBinding:
    """The inbox side of a channel."""
    return channel_pb2.InboxBinding(
        webhook_url=inbox.webhook_url,
        inbox_channel_id=inbox.inbox_channel_id,
        token=inbox.token,
        previous_token=inbox.previous_token,
        id_type=_ID_TYPES[inbox.id_type],
        status_shape=_STATUS_SHAPES[inbox.status_shape],
        reply=_REPLY_MODES[inbox.reply],
        reply_timeout=None if inbox.reply_timeout is None else duration_to_proto(inbox.reply_timeout),
    )


def inbox_binding_from_proto(proto: channel_pb2.InboxBinding) -> InboxBinding:
    """The inbox side of a channel; what is not said or unknown takes the proto's default."""
    return InboxBinding(
        webhook_url=proto.webhook_url,
        inbox_channel_id=proto.inbox_channel_id,
        token=proto.token,
        previous_token=proto.previous_token,
        id_type=_ID_TYPES_READ.get(proto.id_type, IdType.CUSTOM),
        status_shape=_STATUS_SHAPES_READ.get(proto.status_shape, StatusShape.NESTED),
        reply=_REPLY_MODES_READ.get(proto.reply, ReplyMode.ACCEPTED),
        reply_timeout=duration_from_proto(proto.reply_timeout) if proto.HasField("reply_timeout") else None,
    )


def delivery_policy_to_proto(policy: DeliveryPolicy) -> channel_pb2.DeliveryPolicy:
    """Pace and patience."""
    return channel_pb2.DeliveryPolicy(
        platform_rate=policy.platform_rate,
        inbox_rate=policy.inbox_rate,
        expire_after=None if policy.expire_after is None else duration_to_proto(policy.expire_after),
    )


def delivery_policy_from_proto(proto: channel_pb2.DeliveryPolicy) -> DeliveryPolicy:
    """Pace and patience."""
    return DeliveryPolicy(
        platform_rate=proto.platform_rate,
        inbox_rate=proto.inbox_rate,
        expire_after=duration_from_proto(proto.expire_after) if proto.HasField("expire_after") else None,
    )


def channel_health_to_proto(health: ChannelHealth) -> channel_pb2.ChannelHealth:
    """How well a channel works."""
    return channel_pb2.ChannelHealth(
        level=_LEVELS[health.level],
        reason=health.reason,
        platform_waiting=health.platform_waiting,
        inbox_waiting=health.inbox_waiting,
    )


def channel_health_from_proto(proto: channel_pb2.ChannelHealth) -> ChannelHealth:
    """How well a channel works; an unknown level reads as not known."""
    return ChannelHealth(
        level=_LEVELS_READ.get(proto.level, HealthLevel.UNKNOWN),
        reason=proto.reason,
        platform_waiting=proto.platform_waiting,
        inbox_waiting=proto.inbox_waiting,
    )
