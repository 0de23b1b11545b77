"""Where a message stands: statuses only move forward. Pure."""

from collections.abc import Sequence

from anychannel.message import Status

_RANK = {Status.ACCEPTED: 1, Status.SENT: 2, Status.DELIVERED: 3, Status.READ: 4}


def advance(current: Status, reported: Status) -> Status:
    """The status after `reported`: never an earlier one; failed only from accepted or sent, and then for good."""
    if current is Status.FAILED:
        return current
    if reported is Status.FAILED:
        return Status.FAILED if current in (Status.ACCEPTED, Status.SENT) else current
    return reported if _RANK[reported] > _RANK[current] else current


def overall(parts: Sequence[Status]) -> Status:
    """The status of a message with these parts: failed when one is, otherwise that of the part furthest behind."""
    if Status.FAILED in parts:
        return Status.FAILED
    return min(parts, key=_RANK.__getitem__)
