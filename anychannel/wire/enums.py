"""Enums ↔ their numbers on the wire, paired by name when this module is imported: a name without its twin fails there.

A number this version does not know reads as what UNSPECIFIED means in the proto, so that a newer peer
never breaks an older one.
"""

from enum import StrEnum
from typing import Protocol, TypeVar

from anychannel.capabilities import TextUnit
from anychannel.content import MediaKind
from anychannel.failures import FailureKind
from anychannel.message import Direction, Lane, Origin, Status
from anychannel.v1 import channel_pb2, message_pb2

Member = TypeVar("Member", bound=StrEnum)
Number = TypeVar("Number", bound=int)
Number_co = TypeVar("Number_co", bound=int, covariant=True)


class Numbers(Protocol[Number_co]):
    """What a generated enum offers."""

    def Value(self, name: str) -> Number_co:  # noqa: N802 - protobuf's own name
        """The number of a name. Raises `ValueError` when there is none."""


def paired(members: type[Member], numbers: Numbers[Number], prefix: str) -> dict[Member, Number]:
    """Each member with the number whose name is the prefix and the member's own name."""
    return {member: numbers.Value(f"{prefix}_{member.name}") for member in members}


def reversed_pairs(pairs: dict[Member, Number]) -> dict[Number, Member]:
    """Each number with its member."""
    return {number: member for member, number in pairs.items()}


_MEDIA_KINDS = paired(MediaKind, message_pb2.MediaKind, "MEDIA_KIND")
_FAILURE_KINDS = paired(FailureKind, message_pb2.FailureKind, "FAILURE_KIND")
_STATUSES = paired(Status, message_pb2.Status, "STATUS")
_DIRECTIONS = paired(Direction, message_pb2.Direction, "DIRECTION")
_ORIGINS = paired(Origin, message_pb2.Origin, "ORIGIN")
_LANES = paired(Lane, message_pb2.Lane, "LANE")
_TEXT_UNITS = paired(TextUnit, channel_pb2.TextUnit, "TEXT_UNIT")

_MEDIA_KINDS_READ = reversed_pairs(_MEDIA_KINDS)
_FAILURE_KINDS_READ = reversed_pairs(_FAILURE_KINDS)
_STATUSES_READ = reversed_pairs(_STATUSES)
_DIRECTIONS_READ = reversed_pairs(_DIRECTIONS)
_ORIGINS_READ = reversed_pairs(_ORIGINS)
_LANES_READ = reversed_pairs(_LANES)
_TEXT_UNITS_READ = reversed_pairs(_TEXT_UNITS)


def media_kind_to_proto(kind: MediaKind) -> message_pb2.MediaKind.ValueType:
    """The number of a media kind."""
    return _MEDIA_KINDS[kind]


def media_kind_from_proto(number: message_pb2.MediaKind.ValueType) -> MediaKind:
    """A media kind; an unknown one is a file."""
    return _MEDIA_KINDS_READ.get(number, MediaKind.FILE)


def failure_kind_to_proto(kind: FailureKind) -> message_pb2.FailureKind.ValueType:
    """The number of a failure kind."""
    return _FAILURE_KINDS[kind]


def failure_kind_from_proto(number: message_pb2.FailureKind.ValueType) -> FailureKind:
    """A failure kind; an unknown one is internal."""
    return _FAILURE_KINDS_READ.get(number, FailureKind.INTERNAL)


def status_to_proto(status: Status | None) -> message_pb2.Status.ValueType:
    """The number of a status; None is UNSPECIFIED."""
    return message_pb2.STATUS_UNSPECIFIED if status is None else _STATUSES[status]


def status_from_proto(number: message_pb2.Status.ValueType) -> Status | None:
    """A status; None when it is not said or unknown."""
    return _STATUSES_READ.get(number)


def direction_to_proto(direction: Direction) -> message_pb2.Direction.ValueType:
    """The number of a direction."""
    return _DIRECTIONS[direction]


def direction_from_proto(number: message_pb2.Direction.ValueType) -> Direction:
    """A direction; core always says it, an unknown one is inbound: nothing is waited for."""
    return _DIRECTIONS_READ.get(number, Direction.INBOUND)


def origin_to_proto(origin: Origin) -> message_pb2.Origin.ValueType:
    """The number of an origin."""
    return _ORIGINS[origin]


def origin_from_proto(number: message_pb2.Origin.ValueType) -> Origin:
    """An origin; core always says it, an unknown one is the platform: somebody elsewhere."""
    return _ORIGINS_READ.get(number, Origin.PLATFORM)


def lane_to_proto(lane: Lane | None) -> message_pb2.Lane.ValueType:
    """The number of a lane; None is UNSPECIFIED: in a filter, both."""
    return message_pb2.LANE_UNSPECIFIED if lane is None else _LANES[lane]


def lane_from_proto(number: message_pb2.Lane.ValueType) -> Lane | None:
    """A lane; None when it is not said or unknown."""
    return _LANES_READ.get(number)


def text_unit_to_proto(unit: TextUnit) -> channel_pb2.TextUnit.ValueType:
    """The number of a text unit."""
    return _TEXT_UNITS[unit]


def text_unit_from_proto(number: channel_pb2.TextUnit.ValueType) -> TextUnit:
    """A text unit; an unknown one is characters."""
    return _TEXT_UNITS_READ.get(number, TextUnit.CHARACTERS)
