"""Failures ↔ protobuf."""

from anychannel.failures import Failure
from anychannel.v1 import message_pb2
from anychannel.wire.enums import failure_kind_from_proto, failure_kind_to_proto
from anychannel.wire.times import duration_from_proto, duration_to_proto


def failure_to_proto(failure: Failure) -> message_pb2.Failure:
    """Why something was not delivered."""
    return message_pb2.Failure(
        kind=failure_kind_to_proto(failure.kind),
        text=failure.text,
        platform_code=failure.platform_code,
        retry_after=None if failure.retry_after is None else duration_to_proto(failure.retry_after),
    )


def failure_from_proto(proto: message_pb2.Failure) -> Failure:
    """Why something was not delivered. Raises `ValueError` when retry_after is beyond any calendar."""
    return Failure(
        kind=failure_kind_from_proto(proto.kind),
        text=proto.text,
        platform_code=proto.platform_code,
        retry_after=duration_from_proto(proto.retry_after) if proto.HasField("retry_after") else None,
    )


def optional_failure_to_proto(failure: Failure | None) -> message_pb2.Failure | None:
    """A failure, or nothing."""
    return None if failure is None else failure_to_proto(failure)
