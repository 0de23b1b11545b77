"""Messages, their parts and their story ↔ protobuf."""

from anychannel.message import Attempt, Lane, Message, MessageStory, Part, PartRecord, Status, StatusRecord
from anychannel.v1 import gateway_pb2, message_pb2
from anychannel.wire.content import content_from_proto, content_to_proto, notes_from_proto, notes_to_proto
from anychannel.wire.enums import (
    direction_from_proto,
    direction_to_proto,
    lane_from_proto,
    lane_to_proto,
    origin_from_proto,
    origin_to_proto,
    status_from_proto,
    status_to_proto,
)
from anychannel.wire.failures import failure_from_proto, optional_failure_to_proto
from anychannel.wire.times import optional_time_to_proto, time_from_proto, time_to_proto


def part_to_proto(part: Part) -> message_pb2.Part:
    """A piece of a message."""
    return message_pb2.Part(
        idempotency_key=part.idempotency_key,
        address=part.address,
        content=content_to_proto(part.content),
        message_id=part.message_id,
        index=part.index,
        count=part.count,
    )


def part_from_proto(proto: message_pb2.Part) -> Part:
    """A piece of a message. Raises `ValueError` when its content is unset or unknown."""
    return Part(
        idempotency_key=proto.idempotency_key,
        address=proto.address,
        content=content_from_proto(proto.content),
        message_id=proto.message_id,
        index=proto.index,
        count=proto.count,
    )


def message_to_proto(message: Message) -> message_pb2.Message:
    """A unified message."""
    return message_pb2.Message(
        message_id=message.message_id,
        channel_id=message.channel_id,
        direction=direction_to_proto(message.direction),
        origin=origin_to_proto(message.origin),
        address=message.address,
        contact_id=message.contact_id,
        content=content_to_proto(message.content),
        status=status_to_proto(message.status),
        failure=optional_failure_to_proto(message.failure),
        notes=notes_to_proto(message.notes),
        create_time=time_to_proto(message.create_time),
        event_time=time_to_proto(message.event_time),
        expire_time=optional_time_to_proto(message.expire_time),
        request_id=message.request_id,
    )


def message_from_proto(proto: message_pb2.Message) -> Message:
    """A unified message. Raises `ValueError` when its content is unset or unknown."""
    return Message(
        message_id=proto.message_id,
        channel_id=proto.channel_id,
        direction=direction_from_proto(proto.direction),
        origin=origin_from_proto(proto.origin),
        address=proto.address,
        contact_id=proto.contact_id,
        content=content_from_proto(proto.content),
        status=status_from_proto(proto.status),
        failure=failure_from_proto(proto.failure) if proto.HasField("failure") else None,
        notes=notes_from_proto(proto.notes),
        create_time=time_from_proto(proto.create_time),
        event_time=time_from_proto(proto.event_time),
        expire_time=time_from_proto(proto.expire_time) if proto.HasField("expire_time") else None,
        request_id=proto.request_id,
    )


def part_record_to_proto(record: PartRecord) -> message_pb2.PartRecord:
    """A piece and where it stands."""
    return message_pb2.PartRecord(
        index=record.index,
        content=content_to_proto(record.content),
        status=status_to_proto(record.status),
        platform_message_id=record.platform_message_id,
        failure=optional_failure_to_proto(record.failure),
    )


def part_record_from_proto(proto: message_pb2.PartRecord) -> PartRecord:
    """A piece and where it stands; a status unknown here reads as accepted, the least that is true of a stored one."""
    return PartRecord(
        index=proto.index,
        content=content_from_proto(proto.content),
        status=status_from_proto(proto.status) or Status.ACCEPTED,
        platform_message_id=proto.platform_message_id,
        failure=failure_from_proto(proto.failure) if proto.HasField("failure") else None,
    )


def attempt_to_proto(attempt: Attempt) -> message_pb2.Attempt:
    """One try at a delivery."""
    return message_pb2.Attempt(
        number=attempt.number,
        lane=lane_to_proto(attempt.lane),
        subject=attempt.subject,
        start_time=time_to_proto(attempt.start_time),
        end_time=optional_time_to_proto(attempt.end_time),
        failure=optional_failure_to_proto(attempt.failure),
        retry_time=optional_time_to_proto(attempt.retry_time),
    )


def attempt_from_proto(proto: message_pb2.Attempt) -> Attempt:
    """One try at a delivery; core always says the lane, an unknown one reads as the platform's."""
    return Attempt(
        number=proto.number,
        lane=lane_from_proto(proto.lane) or Lane.PLATFORM,
        subject=proto.subject,
        start_time=time_from_proto(proto.start_time),
        end_time=time_from_proto(proto.end_time) if proto.HasField("end_time") else None,
        failure=failure_from_proto(proto.failure) if proto.HasField("failure") else None,
        retry_time=time_from_proto(proto.retry_time) if proto.HasField("retry_time") else None,
    )


def status_record_to_proto(record: StatusRecord) -> message_pb2.StatusRecord:
    """One step of a message's status."""
    return message_pb2.StatusRecord(
        status=status_to_proto(record.status),
        event_time=time_to_proto(record.event_time),
        failure=optional_failure_to_proto(record.failure),
    )


def status_record_from_proto(proto: message_pb2.StatusRecord) -> StatusRecord:
    """One step of a message's status; a status unknown here reads as accepted, the least that can be true."""
    return StatusRecord(
        status=status_from_proto(proto.status) or Status.ACCEPTED,
        event_time=time_from_proto(proto.event_time),
        failure=failure_from_proto(proto.failure) if proto.HasField("failure") else None,
    )


def message_story_to_proto(story: MessageStory) -> gateway_pb2.GetMessageResponse:
    """A message with everything that happened to it."""
    return gateway_pb2.GetMessageResponse(
        message=message_to_proto(story.message),
        parts=[part_record_to_proto(part) for part in story.parts],
        attempts=[attempt_to_proto(attempt) for attempt in story.attempts],
        statuses=[status_record_to_proto(status) for status in story.statuses],
    )


def message_story_from_proto(proto: gateway_pb2.GetMessageResponse) -> MessageStory:
    """A message with everything that happened to it."""
    return MessageStory(
        message=message_from_proto(proto.message),
        parts=tuple(part_record_from_proto(part) for part in proto.parts),
        attempts=tuple(attempt_from_proto(attempt) for attempt in proto.attempts),
        statuses=tuple(status_record_from_proto(status) for status in proto.statuses),
    )
