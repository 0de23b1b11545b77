"""What a channel stores of the inbox channel it is bound to, except the tokens."""

from dataclasses import dataclass

from anychannel.channel import IdType, ReplyMode, StatusShape

__all__ = ["IdType", "InboxBinding", "ReplyMode", "StatusShape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxBinding:
    """Where a channel's events go, and in which variant."""

    webhook_url: str
    """As the inbox shows it, with its trailing slash."""
    inbox_channel_id: str
    """The inbox's id of the channel; ours is another."""
    id_type: IdType
    status_shape: StatusShape = StatusShape.NESTED
