"""Providers, dead letters, keys and watched events, as clients and operators are told of them ↔ protobuf."""

from anychannel.channel import DeadLetter, Event, Key, RegisteredProvider, Scope, StatusChange
from anychannel.message import Lane, Message, Status
from anychannel.v1 import event_pb2, gateway_pb2
from anychannel.wire.capabilities import description_from_proto, description_to_proto
from anychannel.wire.enums import (
    lane_from_proto,
    lane_to_proto,
    paired,
    reversed_pairs,
    status_from_proto,
    status_to_proto,
)
from anychannel.wire.failures import failure_from_proto, failure_to_proto, optional_failure_to_proto
from anychannel.wire.message import message_from_proto, message_to_proto
from anychannel.wire.times import optional_time_to_proto, time_from_proto, time_to_proto

_SCOPES = paired(Scope, gateway_pb2.Scope, "SCOPE")
_SCOPES_READ = reversed_pairs(_SCOPES)


def registered_provider_to_proto(provider: RegisteredProvider) -> gateway_pb2.RegisteredProvider:
    """A provider that core knows."""
    return gateway_pb2.RegisteredProvider(
        platform=provider.platform,
        address=provider.address,
        ready=provider.ready,
        description=None if provider.description is None else description_to_proto(provider.description),
        describe_time=optional_time_to_proto(provider.describe_time),
        reason=provider.reason,
    )


def registered_provider_from_proto(proto: gateway_pb2.RegisteredProvider) -> RegisteredProvider:
    """A provider that core knows."""
    return RegisteredProvider(
        platform=proto.platform,
        address=proto.address,
        ready=proto.ready,
        description=description_from_proto(proto.description) if proto.HasField("description") else None,
        describe_time=time_from_proto(proto.describe_time) if proto.HasField("describe_time") else None,
        reason=proto.reason,
    )


def dead_letter_to_proto(letter: DeadLetter) -> gateway_pb2.DeadLetter:
    """A delivery given up."""
    return gateway_pb2.DeadLetter(
        dead_letter_id=letter.dead_letter_id,
        channel_id=letter.channel_id,
        lane=lane_to_proto(letter.lane),
        message_id=letter.message_id,
        subject=letter.subject,
        address=letter.address,
        failure=failure_to_proto(letter.failure),
        attempt_count=letter.attempt_count,
        create_time=time_to_proto(letter.create_time),
    )


def dead_letter_from_proto(proto: gateway_pb2.DeadLetter) -> DeadLetter:
    """A delivery given up; core always says the lane, an unknown one reads as the platform's."""
    return DeadLetter(
        dead_letter_id=proto.dead_letter_id,
        channel_id=proto.channel_id,
        lane=lane_from_proto(proto.lane) or Lane.PLATFORM,
        message_id=proto.message_id,
        subject=proto.subject,
        address=proto.address,
        failure=failure_from_proto(proto.failure),
        attempt_count=proto.attempt_count,
        create_time=time_from_proto(proto.create_time),
    )


def key_to_proto(key: Key) -> gateway_pb2.Key:
    """A key, without its secret."""
    return gateway_pb2.Key(
        key_id=key.key_id,
        display_name=key.display_name,
        scopes=[_SCOPES[scope] for scope in key.scopes],
        channel_ids=key.channel_ids,
        create_time=optional_time_to_proto(key.create_time),
        revoke_time=optional_time_to_proto(key.revoke_time),
    )


def key_from_proto(proto: gateway_pb2.Key) -> Key:
    """A key, without its secret; scopes unknown here are left out."""
    return Key(
        key_id=proto.key_id,
        display_name=proto.display_name,
        scopes=tuple(_SCOPES_READ[number] for number in proto.scopes if number in _SCOPES_READ),
        channel_ids=tuple(proto.channel_ids),
        create_time=time_from_proto(proto.create_time) if proto.HasField("create_time") else None,
        revoke_time=time_from_proto(proto.revoke_time) if proto.HasField("revoke_time") else None,
    )


def watched_event_to_proto(event: Event) -> event_pb2.Event:
    """A fact told to a watcher."""
    proto = event_pb2.Event(
        event_id=event.event_id, channel_id=event.channel_id, create_time=time_to_proto(event.create_time)
    )
    if isinstance(event.kind, Message):
        proto.message.CopyFrom(message_to_proto(event.kind))
    else:
        proto.status.CopyFrom(_status_change_to_proto(event.kind))
    return proto


def watched_event_from_proto(proto: event_pb2.Event) -> Event | None:
    """A fact told to a watcher; None when it is of a kind unknown here."""
    kind: Message | StatusChange
    match proto.WhichOneof("kind"):
        case "message":
            kind = message_from_proto(proto.message)
        case "status":
            kind = _status_change_from_proto(proto.status)
        case _:
            return None
    return Event(
        event_id=proto.event_id,
        channel_id=proto.channel_id,
        create_time=time_from_proto(proto.create_time),
        kind=kind,
    )


def _status_change_to_proto(change: StatusChange) -> event_pb2.StatusChange:
    return event_pb2.StatusChange(
        message_id=change.message_id,
        status=status_to_proto(change.status),
        failure=optional_failure_to_proto(change.failure),
    )


def _status_change_from_proto(proto: event_pb2.StatusChange) -> StatusChange:
    return StatusChange(
        message_id=proto.message_id,
        status=status_from_proto(proto.status) or Status.ACCEPTED,
        failure=failure_from_proto(proto.failure) if proto.HasField("failure") else None,
    )
