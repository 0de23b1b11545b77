"""What clients and operators see survives the wire field by field, and a newer gateway breaks no older client."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message as ProtoMessage

from anychannel.channel import HealthLevel, IdType, ReplyMode, Scope, StatusShape
from anychannel.v1 import channel_pb2, event_pb2, gateway_pb2
from anychannel.wire.channel import channel_from_proto, channel_to_proto
from anychannel.wire.gateway import (
    dead_letter_from_proto,
    dead_letter_to_proto,
    key_from_proto,
    key_to_proto,
    registered_provider_from_proto,
    registered_provider_to_proto,
    watched_event_from_proto,
    watched_event_to_proto,
)
from tests.anychannel.test_wire import Filler

FROM_THE_FUTURE: Any = 4_711
EVENT_KIND = "anychannel.v1.Event.kind"


@pytest.mark.parametrize(
    ("kind", "read", "write", "chosen"),
    [
        pytest.param(channel_pb2.Channel, channel_from_proto, channel_to_proto, {}, id="channel"),
        pytest.param(
            gateway_pb2.RegisteredProvider,
            registered_provider_from_proto,
            registered_provider_to_proto,
            {},
            id="provider",
        ),
        pytest.param(gateway_pb2.DeadLetter, dead_letter_from_proto, dead_letter_to_proto, {}, id="dead letter"),
        pytest.param(gateway_pb2.Key, key_from_proto, key_to_proto, {}, id="key"),
        *(
            pytest.param(event_pb2.Event, watched_event_from_proto, watched_event_to_proto, {EVENT_KIND: each}, id=each)
            for each in ("message", "status")
        ),
    ],
)
def test_every_field_is_consumed_and_produced(
    kind: type[ProtoMessage], read: Callable[[Any], Any], write: Callable[[Any], Any], chosen: dict[str, str]
) -> None:
    filled = Filler().fill(kind.DESCRIPTOR, chosen)
    assert len(filled.ListFields()) == len(kind.DESCRIPTOR.fields) - (kind is event_pb2.Event)
    assert write(read(filled)) == filled


@pytest.mark.parametrize(
    ("record", "enum", "prefix"),
    [
        pytest.param(IdType, channel_pb2.IdType, "ID_TYPE_", id="IdType"),
        pytest.param(StatusShape, channel_pb2.StatusShape, "STATUS_SHAPE_", id="StatusShape"),
        pytest.param(ReplyMode, channel_pb2.ReplyMode, "REPLY_MODE_", id="ReplyMode"),
        pytest.param(Scope, gateway_pb2.Scope, "SCOPE_", id="Scope"),
    ],
)
def test_enum_names_match_one_to_one(record: Any, enum: Any, prefix: str) -> None:
    assert [f"{prefix}{member.name}" for member in record] == [
        value.name for value in enum.DESCRIPTOR.values if value.number
    ]


def test_health_levels_match_one_to_one() -> None:
    levels = ["LEVEL_UNSPECIFIED" if level is HealthLevel.UNKNOWN else f"LEVEL_{level.name}" for level in HealthLevel]
    assert levels == list(channel_pb2.ChannelHealth.Level.keys())


def test_what_a_newer_gateway_says_is_read_as_far_as_it_is_known() -> None:
    inbox = channel_pb2.InboxBinding(id_type=FROM_THE_FUTURE, status_shape=FROM_THE_FUTURE, reply=FROM_THE_FUTURE)
    health = channel_pb2.ChannelHealth(level=FROM_THE_FUTURE)
    channel = channel_from_proto(channel_pb2.Channel(channel_id="shop", inbox=inbox, health=health))
    assert (channel.inbox.id_type, channel.inbox.status_shape) == (IdType.CUSTOM, StatusShape.NESTED)
    assert (channel.inbox.reply, channel.health.level) == (ReplyMode.ACCEPTED, HealthLevel.UNKNOWN)
    assert key_from_proto(gateway_pb2.Key(scopes=[gateway_pb2.SCOPE_READ, FROM_THE_FUTURE])).scopes == (Scope.READ,)
    assert watched_event_from_proto(event_pb2.Event(event_id="1")) is None


def test_unset_times_and_spans_are_none() -> None:
    channel = channel_from_proto(channel_pb2.Channel(channel_id="shop"))
    assert (channel.create_time, channel.update_time) == (None, None)
    assert (channel.inbox.reply_timeout, channel.policy.expire_after) == (None, None)
    assert channel_to_proto(channel) == channel_pb2.Channel(
        channel_id="shop",
        inbox=channel_pb2.InboxBinding(
            id_type=channel_pb2.ID_TYPE_CUSTOM,
            status_shape=channel_pb2.STATUS_SHAPE_NESTED,
            reply=channel_pb2.REPLY_MODE_ACCEPTED,
        ),
        policy=channel_pb2.DeliveryPolicy(),
        health=channel_pb2.ChannelHealth(),
    )
