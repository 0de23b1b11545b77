"""What a provider declares about its platform: what it can express, how fast, and which settings a channel has."""

from dataclasses import dataclass, field
from enum import StrEnum

from anychannel.content import MediaKind
from anychannel.message import Status


class TextUnit(StrEnum):
    """In what a platform counts the length of a text."""

    CHARACTERS = "characters"
    """Unicode code points."""
    UTF16 = "utf16"
    """UTF-16 code units: most emoji count two."""
    BYTES = "bytes"
    """Bytes of UTF-8."""
    SMS_SEGMENTS = "sms_segments"
    """160 GSM-7 septets alone and 153 each when joined, or 70 and 67 UCS-2 units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimit:
    """One kind of media that a platform takes."""

    kind: MediaKind
    max_bytes: int = 0
    """0 = not limited."""
    mime_types: tuple[str, ...] = ()
    """Empty = any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can express. Core shapes every message to it."""

    max_text_length: int
    """In `text_unit`."""
    text_unit: TextUnit = TextUnit.CHARACTERS
    media: tuple[MediaLimit, ...] = ()
    """A kind not listed goes as a link in a text."""
    max_caption_length: int = 0
    """In `text_unit`; 0 = captions go as a text of their own."""
    locations: bool = False
    """Otherwise a map link in a text."""
    max_buttons: int = 0
    """More quick replies than that become a numbered list."""
    max_button_length: int = 20
    """In characters; a longer label makes it a numbered list."""
    contact_cards: bool = False
    """Otherwise a text."""
    templates: bool = False
    """Otherwise they are refused."""
    custom_payloads: bool = False
    """Otherwise they are refused."""
    reports: frozenset[Status] = field(default_factory=frozenset)
    """Which of delivered and read the platform reports."""
    echoes: bool = False
    """The platform tells what the business wrote elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast a platform may be called."""

    max_in_flight: int = 50
    """Parts under way at once for one channel."""
    rate: float = 0
    """Parts a second on one channel; 0 = not limited by the platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting of a channel."""

    name: str
    """Lower case with underscores."""
    label: str
    help: str
    """Where to find the value, in a sentence."""
    secret: bool = False
    required: bool = False
    default_value: str = ""
    pattern: str = ""
    """A regular expression that the whole value matches."""
    choices: tuple[str, ...] = ()
    """Empty = any value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescription:
    """Who a provider is and what it can do, as it says itself when core asks."""

    protocol_versions: tuple[int, ...]
    """The versions of the protocol it speaks."""
    platform: str
    display_name: str
    version: str
    """The provider's own version."""
    capabilities: Capabilities
    limits: Limits = field(default_factory=Limits)
    setting_fields: tuple[SettingField, ...] = ()
    receives_webhooks: bool = False
    listens: bool = False
    checks_channels: bool = False
    fetches_media: bool = False
