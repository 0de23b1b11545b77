"""What an inbox's answer to an event means for the event and for the lane it waits on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from anychannel.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The inbox has the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The inbox will never take this event: a dead letter."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """Too fast: the whole lane waits."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The inbox is down: the lane waits, and no attempt is burnt."""

    text: str
    retry_after: timedelta | None = None
    """As the inbox asked, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """This event failed now and may succeed later; others may pass meanwhile."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Unauthorized:
    """The token is wrong: the lane stops until the operator mends it."""

    text: str


InboxAnswer: TypeAlias = Taken | Refused | Throttled | Unavailable | TryAgain | Unauthorized
