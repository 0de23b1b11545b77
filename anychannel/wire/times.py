"""Aware UTC datetimes ↔ Timestamp, timedeltas ↔ Duration; to the microsecond, finer digits are cut off."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 86_400


def time_to_proto(time: datetime) -> Timestamp:
    """A point in time. Raises `ValueError` when it has no time zone."""
    try:
        since = time - _EPOCH
    except TypeError:
        raise ValueError("a time without a time zone: give an aware datetime") from None
    return Timestamp(seconds=since.days * _SECONDS_A_DAY + since.seconds, nanos=since.microseconds * 1000)


def time_from_proto(timestamp: Timestamp) -> datetime:
    """A point in time, in UTC. Raises `ValueError` when it lies outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None


def optional_time_to_proto(time: datetime | None) -> Timestamp | None:
    """A point in time, or nothing."""
    return None if time is None else time_to_proto(time)


def duration_to_proto(span: timedelta) -> Duration:
    """A span of time; one below zero has both its fields below zero, as Duration demands."""
    micros = span.days * _SECONDS_A_DAY * 1_000_000 + span.seconds * 1_000_000 + span.microseconds
    seconds, rest = divmod(abs(micros), 1_000_000)
    sign = -1 if micros < 0 else 1
    return Duration(seconds=sign * seconds, nanos=sign * rest * 1000)


def duration_from_proto(duration: Duration) -> timedelta:
    """A span of time. Raises `ValueError` when it is longer than two million years."""
    try:
        return timedelta(seconds=duration.seconds, microseconds=int(duration.nanos / 1000))
    except OverflowError:
        raise ValueError("a duration longer than two million years") from None
