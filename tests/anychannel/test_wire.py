"""Every field of every covered message is consumed and produced; the unknown and the missing read as documented."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from anychannel import wire
from anychannel.capabilities import TextUnit
from anychannel.content import (
    MediaKind,
    Text,
)
from anychannel.failures import Failure, FailureKind
from anychannel.message import (
    Direction,
    Lane,
    Origin,
    Part,
    Status,
)
from anychannel.provider import (
    ChannelContext,
    ChannelSettings,
    Sent,
)
from anychannel.v1 import channel_pb2, event_pb2, gateway_pb2, message_pb2, provider_pb2


def _outcome_to_proto(known: tuple[int, Sent | Failure]) -> provider_pb2.DeliverResponse.Outcome:
    return wire.outcome_to_proto(*known)


COVERED: dict[type[ProtoMessage], tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    message_pb2.Content: (wire.content_from_proto, wire.content_to_proto),
    message_pb2.Note: (wire.note_from_proto, wire.note_to_proto),
    message_pb2.Failure: (wire.failure_from_proto, wire.failure_to_proto),
    message_pb2.Part: (wire.part_from_proto, wire.part_to_proto),
    message_pb2.Message: (wire.message_from_proto, wire.message_to_proto),
    message_pb2.PartRecord: (wire.part_record_from_proto, wire.part_record_to_proto),
    message_pb2.Attempt: (wire.attempt_from_proto, wire.attempt_to_proto),
    message_pb2.StatusRecord: (wire.status_record_from_proto, wire.status_record_to_proto),
    gateway_pb2.GetMessageResponse: (wire.message_story_from_proto, wire.message_story_to_proto),
    event_pb2.Contact: (wire.contact_from_proto, wire.contact_to_proto),
    event_pb2.ProviderEvent: (wire.event_from_proto, wire.event_to_proto),
    channel_pb2.Capabilities: (wire.capabilities_from_proto, wire.capabilities_to_proto),
    channel_pb2.Limits: (wire.limits_from_proto, wire.limits_to_proto),
    channel_pb2.SettingField: (wire.setting_field_from_proto, wire.setting_field_to_proto),
    provider_pb2.DescribeResponse: (wire.description_from_proto, wire.description_to_proto),
    provider_pb2.ChannelContext: (wire.channel_context_from_proto, wire.channel_context_to_proto),
    provider_pb2.DeliverResponse.Outcome: (wire.outcome_from_proto, _outcome_to_proto),
    provider_pb2.Sent: (wire.sent_from_proto, wire.sent_to_proto),
    provider_pb2.HttpRequest: (wire.http_request_from_proto, wire.http_request_to_proto),
    provider_pb2.HttpReply: (wire.http_reply_from_proto, wire.http_reply_to_proto),
    provider_pb2.ReceiveWebhooksResponse.Received: (wire.received_from_proto, wire.received_to_proto),
    provider_pb2.ListenResponse: (wire.heard_from_proto, wire.heard_to_proto),
    provider_pb2.CheckChannelResponse: (wire.check_result_from_proto, wire.check_result_to_proto),
}


class Filler:
    """Sets every field of a message to a value seen nowhere else in it."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self) -> int:
        self._count += 1
        return self._count

    def fill(self, descriptor: Any, chosen: dict[str, str]) -> ProtoMessage:
        message: Any = GetMessageClass(descriptor)()
        if descriptor is Timestamp.DESCRIPTOR or descriptor is Duration.DESCRIPTOR:
            message.seconds, message.nanos = self._next(), self._next() * 1000
            return message  # type: ignore[no-any-return] # reflection
        for field in descriptor.fields:
            oneof = field.containing_oneof
            if oneof is None or chosen.get(oneof.full_name, oneof.fields[0].name) == field.name:
                self._set(message, field, chosen)
        return message  # type: ignore[no-any-return] # reflection

    def _set(self, message: Any, field: FieldDescriptor, chosen: dict[str, str]) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)[f"key {self._next()}"] = f"value {self._next()}"
        elif field.is_repeated and field.message_type is not None:
            getattr(message, field.name).extend(self.fill(field.message_type, chosen) for _ in range(2))
        elif field.is_repeated:
            values = [self._scalar(field), self._scalar(field)]
            getattr(message, field.name).extend(values[:1] if values[0] == values[1] else values)
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(self.fill(field.message_type, chosen))
        else:
            setattr(message, field.name, self._scalar(field))

    def _scalar(self, field: FieldDescriptor) -> Any:
        count = self._next()
        if field.enum_type is not None:
            return field.enum_type.values[-1].number
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return True
        if field.type == FieldDescriptor.TYPE_BYTES:
            return f"bytes {count}".encode()
        return f"{field.name} {count}" if field.cpp_type == FieldDescriptor.CPPTYPE_STRING else count


def _oneofs(descriptor: Any, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Each oneof below the message, with each of its cases."""
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for oneof in descriptor.oneofs:
        yield from ((oneof.full_name, field.name) for field in oneof.fields)
    for field in descriptor.fields:
        if field.message_type is not None:
            yield from _oneofs(field.message_type, seen)


def _filled() -> Iterator[Any]:
    for kind in COVERED:
        descriptor = kind.DESCRIPTOR
        yield pytest.param(kind, {}, id=descriptor.full_name)
        for oneof, case in _oneofs(descriptor, set()):
            yield pytest.param(kind, {oneof: case}, id=f"{descriptor.full_name}-{oneof.rsplit('.', 1)[0]}-{case}")


@pytest.mark.parametrize(("kind", "chosen"), list(_filled()))
def test_every_field_is_consumed_and_produced(kind: type[ProtoMessage], chosen: dict[str, str]) -> None:
    read, write = COVERED[kind]
    filled = Filler().fill(kind.DESCRIPTOR, chosen)

    written = write(read(filled))

    assert written == filled
    assert written.SerializeToString(deterministic=True) == filled.SerializeToString(deterministic=True)


def test_the_filler_leaves_no_field_unset() -> None:
    filled = Filler().fill(provider_pb2.DescribeResponse.DESCRIPTOR, {})

    assert {field.name for field, _ in filled.ListFields()} == set(
        provider_pb2.DescribeResponse.DESCRIPTOR.fields_by_name
    )


@pytest.mark.parametrize(
    ("record", "enum", "prefix"),
    [
        pytest.param(MediaKind, message_pb2.MediaKind, "MEDIA_KIND_", id="MediaKind"),
        pytest.param(FailureKind, message_pb2.FailureKind, "FAILURE_KIND_", id="FailureKind"),
        pytest.param(Status, message_pb2.Status, "STATUS_", id="Status"),
        pytest.param(Direction, message_pb2.Direction, "DIRECTION_", id="Direction"),
        pytest.param(Origin, message_pb2.Origin, "ORIGIN_", id="Origin"),
        pytest.param(Lane, message_pb2.Lane, "LANE_", id="Lane"),
        pytest.param(TextUnit, channel_pb2.TextUnit, "TEXT_UNIT_", id="TextUnit"),
    ],
)
def test_enum_names_match_one_to_one(record: Any, enum: Any, prefix: str) -> None:
    assert [f"{prefix}{member.name}" for member in record] == [
        value.name for value in enum.DESCRIPTOR.values if value.number
    ]


FROM_THE_FUTURE: Any = 4_711


@pytest.mark.parametrize("number", [0, FROM_THE_FUTURE], ids=["unspecified", "unknown"])
@pytest.mark.parametrize(
    ("read", "meaning"),
    [
        pytest.param(wire.media_kind_from_proto, MediaKind.FILE, id="media_kind"),
        pytest.param(wire.failure_kind_from_proto, FailureKind.INTERNAL, id="failure_kind"),
        pytest.param(wire.status_from_proto, None, id="status"),
        pytest.param(wire.direction_from_proto, Direction.INBOUND, id="direction"),
        pytest.param(wire.origin_from_proto, Origin.PLATFORM, id="origin"),
        pytest.param(wire.lane_from_proto, None, id="lane"),
        pytest.param(wire.text_unit_from_proto, TextUnit.CHARACTERS, id="text_unit"),
    ],
)
def test_an_unknown_number_reads_as_unspecified(read: Callable[[Any], Any], meaning: Any, number: Any) -> None:
    assert read(number) == meaning


@pytest.mark.parametrize("status", [0, FROM_THE_FUTURE], ids=["unspecified", "unknown"])
def test_a_stored_status_of_no_known_name_reads_as_accepted(status: Any) -> None:
    content = message_pb2.Content(text=message_pb2.Text(text="hi"))

    assert wire.part_record_from_proto(message_pb2.PartRecord(content=content, status=status)).status is Status.ACCEPTED
    assert wire.status_record_from_proto(message_pb2.StatusRecord(status=status)).status is Status.ACCEPTED


@pytest.mark.parametrize(
    ("read", "unset", "field"),
    [
        pytest.param(wire.content_from_proto, message_pb2.Content(), "content", id="content"),
        pytest.param(wire.part_from_proto, message_pb2.Part(address="a"), "content", id="part"),
        pytest.param(wire.message_from_proto, message_pb2.Message(), "content", id="message"),
        pytest.param(
            wire.event_from_proto,
            event_pb2.ProviderEvent(event_time=Timestamp(seconds=1), message=event_pb2.ReceivedMessage()),
            "content",
            id="event without content",
        ),
        pytest.param(
            wire.event_from_proto,
            event_pb2.ProviderEvent(report=event_pb2.Report(status=message_pb2.STATUS_SENT)),
            "event_time",
            id="event without time",
        ),
        pytest.param(wire.http_request_from_proto, provider_pb2.HttpRequest(), "receive_time", id="request"),
        pytest.param(wire.outcome_from_proto, provider_pb2.DeliverResponse.Outcome(), "outcome", id="outcome"),
    ],
)
def test_what_a_record_cannot_do_without_is_named(read: Callable[[Any], Any], unset: Any, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        read(unset)


def test_facts_of_a_later_version_are_skipped() -> None:
    known = event_pb2.ProviderEvent(
        platform_event_id="1",
        event_time=Timestamp(seconds=1),
        report=event_pb2.Report(platform_message_id="2", status=message_pb2.STATUS_READ),
    )
    of_unknown_kind = event_pb2.ProviderEvent(platform_event_id="3")
    of_unknown_status = event_pb2.ProviderEvent(
        event_time=Timestamp(seconds=1), report=event_pb2.Report(status=FROM_THE_FUTURE)
    )
    response = provider_pb2.ListenResponse(events=[of_unknown_kind, known, of_unknown_status], cursor="9")

    heard = wire.heard_from_proto(response)

    assert [event.platform_event_id for event in heard.events] == ["1"]


@pytest.mark.parametrize(
    "timestamp",
    [pytest.param(Timestamp(seconds=2**62), id="too late"), pytest.param(Timestamp(seconds=-(2**62)), id="too early")],
)
def test_a_time_beyond_the_calendar_is_a_value_error(timestamp: Timestamp) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        wire.time_from_proto(timestamp)


def test_a_time_without_a_zone_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        wire.time_to_proto(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test


def test_a_time_of_another_zone_reads_back_as_the_same_instant_in_utc() -> None:
    there = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    back = wire.time_from_proto(wire.time_to_proto(there))

    assert (back, back.tzinfo) == (there, UTC)


def test_zeroes_on_the_wire_read_as_the_documented_defaults() -> None:
    assert wire.capabilities_from_proto(channel_pb2.Capabilities()).max_button_length == 20
    assert wire.limits_from_proto(channel_pb2.Limits()).max_in_flight == 50


def test_a_context_used_twice_goes_once() -> None:
    first, second = (
        ChannelContext(channel_id=name, settings=ChannelSettings({"token": name})) for name in ("one", "two")
    )
    part = Part(idempotency_key="k", address="a", content=Text(text="t"), message_id="m")

    request = wire.deliver_request_to_proto([(first, part), (second, part), (first, part)])

    assert [channel.channel_id for channel in request.channels] == ["one", "two"]
    assert [delivery.channel_index for delivery in request.deliveries] == [0, 1, 0]
