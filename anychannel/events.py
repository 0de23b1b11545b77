"""Facts that a provider reads from its platform."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from anychannel.content import Content, Note
from anychannel.failures import Failure
from anychannel.message import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person as a platform describes them. Empty = not known."""

    address: str
    """Their id on the platform."""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    """E.164."""
    email: str = ""
    language: str = ""
    """BCP 47 tag."""
    country_code: str = ""
    """ISO 3166-1 alpha-2, upper case."""
    picture_url: str = ""
    """Public https link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """The contact wrote."""

    platform_event_id: str
    """The same fact told twice has the same id."""
    event_time: datetime
    contact: Contact
    platform_message_id: str
    content: Content
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoReceived:
    """The business wrote, elsewhere; `contact` is whom it wrote to."""

    platform_event_id: str
    event_time: datetime
    contact: Contact
    platform_message_id: str
    content: Content
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived:
    """The platform says what became of a message."""

    platform_event_id: str
    event_time: datetime
    platform_message_id: str
    """As `Sent` carried it."""
    status: Status
    """sent, delivered, read or failed."""
    failure: Failure | None = None
    """Required with failed."""


ProviderEvent: TypeAlias = MessageReceived | EchoReceived | ReportReceived
