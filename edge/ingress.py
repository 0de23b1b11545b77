"""What edge asks core and what core answers, as values."""

from dataclasses import dataclass, field

from anychannel import HttpReply, HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSend:
    """The inbox sends a message."""

    channel_id: str = ""
    """The channel in the path; empty when the path has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformWebhook:
    """A platform calls."""

    channel_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """One raw request and where it was addressed to."""

    target: InboxSend | PlatformWebhook
    request: HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer, and the message whose id the answer tells the inbox, if it does."""

    reply: HttpReply
    channel_id: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaHeader:
    """What the media is."""

    mime_type: str
    size_bytes: int = 0
    """0 = not known."""
    file_name: str = ""


class CoreUnavailable(Exception):
    """Core is away, full or broken; trying again later may work. The text is a word for metrics and logs."""
