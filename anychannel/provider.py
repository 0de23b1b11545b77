"""What an author of a provider writes: one class, and nothing of gRPC.

    class AcmeProvider(Provider):
        platform = "acme"
        display_name = "Acme Chat"
        capabilities = Capabilities(max_text_length=2000)

        async def send(self, channel, part): ...
        def receive(self, channel, request): ...

`anychannel serve acme_provider:AcmeProvider` serves it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from anychannel.capabilities import Capabilities, Limits, SettingField
from anychannel.content import Note
from anychannel.events import ProviderEvent
from anychannel.message import Part


class ChannelSettings(Mapping[str, str]):
    """A channel's settings by name, defaults filled in. Never shows a value in its repr: some are secret."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"ChannelSettings({', '.join(f'{name}=…' for name in sorted(self._values))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelContext:
    """The channel a call is about."""

    channel_id: str
    settings: ChannelSettings
    webhook_url: str = field(default="", repr=False)
    """Where the platform is to send its webhooks; empty when core knows no public address. Carries a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The platform took a part."""

    platform_message_id: str
    """The platform's id, by which reports name it."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A raw HTTP request from outside."""

    method: str
    url: str = field(repr=False)
    """The whole address as the caller saw it, as far as edge can know."""
    path: str = ""
    """What follows the channel's token; empty or beginning with a slash."""
    query: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    receive_time: datetime

    def header(self, name: str) -> str:
        """The first value of the header `name` (lower case), or an empty text."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A raw HTTP reply to the outside."""

    status_code: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What one webhook said."""

    events: tuple[ProviderEvent, ...] = ()
    """Verified, in the order to store them."""
    reply: HttpReply = field(default_factory=HttpReply)
    """What the platform is answered once the events are stored."""
    notes: tuple[Note, ...] = ()
    """What was ignored, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One batch of what `listen` heard."""

    events: tuple[ProviderEvent, ...]
    cursor: str
    """Where to go on from once this batch is stored; up to 1,000 characters."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check of a channel found."""

    problems: tuple[Note, ...] = ()
    """What is wrong, each with what to do about it; none = the channel works."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What is known of the account, for instance its name on the platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Inbound media, its bytes as a stream."""

    chunks: AsyncIterator[bytes]
    """Any size of chunk."""
    mime_type: str
    size_bytes: int = 0
    """0 = not known."""
    file_name: str = ""


class Provider:
    """Speaks one platform. Subclass it; override `send` and whichever of the others the platform has."""

    platform: ClassVar[str]
    """The platform's name: a-z, 0-9 and -."""
    display_name: ClassVar[str]
    """The platform's name for people."""
    version: ClassVar[str] = "0.1.0"
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[Limits] = Limits()
    setting_fields: ClassVar[tuple[SettingField, ...]] = ()

    async def start(self) -> None:
        """Open what lives as long as the service, such as an HTTP session."""

    async def stop(self) -> None:
        """Close what `start` opened."""

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part. Raise a `DeliveryFailed` that says why not; anything else raised is an internal failure."""
        raise NotOffered

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook; synchronous on purpose: no I/O while parsing.

        A request that does not prove where it comes from is answered 401 without events.
        """
        raise NotOffered

    def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        """Listen to the platform, from `cursor` on (empty the first time); an async generator.

        When the generator is resumed, what it yielded is stored: tell the platform to forget it only then.
        Raise `DeliveryFailed` when the platform refuses or is down.
        """
        raise NotOffered

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Check the settings against the platform, and register the webhook where the platform lets us."""
        raise NotOffered

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        """Open inbound media by the `media_id` that `receive` gave. Raise `MediaNotFound` when it is gone."""
        raise NotOffered

    @classmethod
    def offers(cls, method: str) -> bool:
        """Whether the subclass overrides `method`: what is declared cannot lie."""
        return getattr(cls, method) is not getattr(Provider, method)


class NotOffered(Exception):
    """This provider does not offer that; core never asks for what was not declared."""


class MediaNotFound(Exception):
    """The platform no longer has this media."""
