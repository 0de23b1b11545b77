"""Why something was not delivered: a closed list, as data and as exceptions a provider raises.

DeliveryFailed
├── Throttled              too fast; tried again after `retry_after`
├── PlatformUnavailable    down or no answer; tried again
├── ChannelMisconfigured   the operator mends a setting
├── Unauthorized           the operator mends the credentials
├── ContactUnreachable     no such contact on this platform
├── ContactOptedOut        the contact does not want to be written to
├── ContentRejected        the platform refuses this content
├── ContentUnsupported     the platform cannot say this
└── WindowClosed           the platform allows no free message now
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar


class FailureKind(StrEnum):
    """The closed list of reasons."""

    THROTTLED = "throttled"
    PLATFORM_UNAVAILABLE = "platform_unavailable"
    CHANNEL_MISCONFIGURED = "channel_misconfigured"
    UNAUTHORIZED = "unauthorized"
    CONTACT_UNREACHABLE = "contact_unreachable"
    CONTACT_OPTED_OUT = "contact_opted_out"
    CONTENT_REJECTED = "content_rejected"
    CONTENT_UNSUPPORTED = "content_unsupported"
    WINDOW_CLOSED = "window_closed"
    EXPIRED = "expired"
    INTERNAL = "internal"
    CANCELLED = "cancelled"

    @property
    def is_retryable(self) -> bool:
        """Whether another attempt may succeed without anybody mending anything."""
        return self in _RETRYABLE

    @property
    def fault(self) -> "Fault":
        """Whose fault it is."""
        return _FAULTS[self]


class Fault(StrEnum):
    """Who can mend a failure."""

    PLATFORM = "platform"
    OPERATOR = "operator"
    CONTACT = "contact"
    SENDER = "sender"
    GATEWAY = "gateway"


_RETRYABLE = frozenset({FailureKind.THROTTLED, FailureKind.PLATFORM_UNAVAILABLE, FailureKind.INTERNAL})
_FAULTS = {
    FailureKind.THROTTLED: Fault.PLATFORM,
    FailureKind.PLATFORM_UNAVAILABLE: Fault.PLATFORM,
    FailureKind.CHANNEL_MISCONFIGURED: Fault.OPERATOR,
    FailureKind.UNAUTHORIZED: Fault.OPERATOR,
    FailureKind.CONTACT_UNREACHABLE: Fault.CONTACT,
    FailureKind.CONTACT_OPTED_OUT: Fault.CONTACT,
    FailureKind.CONTENT_REJECTED: Fault.SENDER,
    FailureKind.CONTENT_UNSUPPORTED: Fault.SENDER,
    FailureKind.WINDOW_CLOSED: Fault.CONTACT,
    FailureKind.EXPIRED: Fault.GATEWAY,
    FailureKind.INTERNAL: Fault.GATEWAY,
    FailureKind.CANCELLED: Fault.SENDER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, as data."""

    kind: FailureKind
    text: str
    """One sentence an agent understands, without secrets."""
    platform_code: str = ""
    """The platform's own code."""
    retry_after: timedelta | None = None
    """Not before this long from now; only with throttled and platform_unavailable."""


class DeliveryFailed(Exception):
    """A provider could not send a part, and knows why. Raise a subclass, or this one with a `Failure`."""

    kind: ClassVar[FailureKind] = FailureKind.INTERNAL

    def __init__(self, reason: str | Failure, *, platform_code: str = "", retry_after: timedelta | None = None) -> None:
        if isinstance(reason, Failure):
            self.failure = reason
        else:
            self.failure = Failure(kind=self.kind, text=reason, platform_code=platform_code, retry_after=retry_after)
        super().__init__(self.failure.text)


class Throttled(DeliveryFailed):
    """Too fast for the platform; the whole lane waits for `retry_after`."""

    kind = FailureKind.THROTTLED


class PlatformUnavailable(DeliveryFailed):
    """The platform is down, or did not answer in time."""

    kind = FailureKind.PLATFORM_UNAVAILABLE


class ChannelMisconfigured(DeliveryFailed):
    """A setting of the channel is wrong."""

    kind = FailureKind.CHANNEL_MISCONFIGURED


class Unauthorized(DeliveryFailed):
    """The platform refuses the channel's credentials."""

    kind = FailureKind.UNAUTHORIZED


class ContactUnreachable(DeliveryFailed):
    """The contact does not exist or cannot be reached on this platform."""

    kind = FailureKind.CONTACT_UNREACHABLE


class ContactOptedOut(DeliveryFailed):
    """The contact asked not to be written to, or blocked the channel."""

    kind = FailureKind.CONTACT_OPTED_OUT


class ContentRejected(DeliveryFailed):
    """The platform refuses this content."""

    kind = FailureKind.CONTENT_REJECTED


class ContentUnsupported(DeliveryFailed):
    """The platform has no way to say this."""

    kind = FailureKind.CONTENT_UNSUPPORTED


class WindowClosed(DeliveryFailed):
    """The platform allows no free message to this contact now."""

    kind = FailureKind.WINDOW_CLOSED
