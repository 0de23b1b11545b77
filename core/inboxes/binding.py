"""What a channel stores of the inbox channel it is bound to, except the tokens."""

from dataclasses import dataclass
from enum import StrEnum


class IdType(StrEnum):
    """What the inbox takes for a contact's id; chosen once, when the inbox channel is created."""

    PHONE = "phone"
    """E.164 with its plus."""
    CUSTOM = "custom"
    """Up to 50 of A-Z a-z 0-9 _ = + / @."""


class StatusShape(StrEnum):
    """How a status is spelled: the vendor's page does not show it, so a wrong guess must cost a setting only."""

    NESTED = "nested"
    """`"status": {"value": "failed", "message": …}`."""
    FLAT = "flat"
    """`"status": "failed", "error": …`."""


class ReplyMode(StrEnum):
    """When a send by the inbox is answered."""

    ACCEPTED = "accepted"
    """As soon as it is stored."""
    OUTCOME = "outcome"
    """After the first attempt, or after a few seconds without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxBinding:
    """Where a channel's events go, and in which variant."""

    webhook_url: str
    """As the inbox shows it, with its trailing slash."""
    inbox_channel_id: str
    """The inbox's id of the channel; ours is another."""
    id_type: IdType
    status_shape: StatusShape = StatusShape.NESTED
