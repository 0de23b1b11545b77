"""Decides what is wrong with an installation, and what to do about it, from what was found out."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from anychannel.channel import Channel, HealthLevel, RegisteredProvider

COUNTED_DEAD_LETTERS = 500
"""More of one channel are not counted."""


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is broken."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found, and what to do about it."""

    level: Level
    subject: str
    text: str
    action: str = ""
    """Empty when there is nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What edge answered."""

    url: str
    problem: str
    """Empty when it is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found out of a gateway that answers."""

    core_address: str
    core_version: str
    own_version: str
    scopes: frozenset[str]
    """What the key was seen to be allowed."""
    providers: tuple[RegisteredProvider, ...]
    channels: tuple[Channel, ...]
    dead_letters: Mapping[str, int]
    """By channel."""


def diagnose(facts: Facts) -> list[Finding]:
    """Everything worth saying of a gateway that answers."""
    return [
        _core(facts),
        _key(facts),
        *_providers(facts),
        *(finding for channel in facts.channels for finding in _channel(channel, facts)),
    ]


def diagnose_edge(edge: Edge) -> Finding:
    """What is to be said of edge."""
    if not edge.problem:
        return Finding(level=Level.OK, subject="edge", text=f"ready at {edge.url}")
    return Finding(
        level=Level.WRONG,
        subject="edge",
        text=f"{edge.problem} at {edge.url}",
        action="Start edge, or name its address with --edge (--edge '' leaves it out); see its log.",
    )


def is_loopback(url: str) -> bool:
    """Whether `url` is on this machine, where a gateway that is being tried out has its platform, too."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unreachable_because(url: str) -> str:
    """Why a platform outside cannot call `url`; empty when it can, as far as its name tells."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "it is not https"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_local = host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".localhost"))
        return f"{host} is a name inside a network" if is_local else ""
    return "" if address.is_global else f"{host} is an address inside a network"


def _core(facts: Facts) -> Finding:
    text = f"answers at {facts.core_address}" + (f", version {facts.core_version}" if facts.core_version else "")
    if facts.core_version and facts.own_version and _series(facts.core_version) != _series(facts.own_version):
        return Finding(
            level=Level.NOTE,
            subject="core",
            text=f"{text}; this command is {facts.own_version}",
            action="Install the command in the gateway's version.",
        )
    return Finding(level=Level.OK, subject="core", text=text)


def _key(facts: Facts) -> Finding:
    text = f"valid, scopes {', '.join(sorted(facts.scopes))}"
    if "admin" in facts.scopes:
        return Finding(level=Level.OK, subject="key", text=text)
    return Finding(
        level=Level.NOTE, subject="key", text=text, action="Configuring channels takes a key with the scope admin."
    )


def _providers(facts: Facts) -> Iterator[Finding]:
    if not facts.providers:
        yield Finding(
            level=Level.WRONG,
            subject="providers",
            text="none is registered",
            action="Start one: anychannel serve --help",
        )
    for provider in facts.providers:
        subject = f"provider {provider.platform}"
        version = f", version {provider.description.version}" if provider.description else ""
        if provider.ready:
            yield Finding(level=Level.OK, subject=subject, text=f"ready at {provider.address}{version}")
        else:
            yield Finding(
                level=Level.WRONG,
                subject=subject,
                text=f"not ready: {provider.reason or 'core does not say why'}",
                action=f"See that it runs and that core reaches {provider.address}; see its log.",
            )


def _channel(channel: Channel, facts: Facts) -> Iterator[Finding]:
    subject = f"channel {channel.channel_id}"
    health = channel.health
    waiting = f"{health.platform_waiting} waiting for the platform, {health.inbox_waiting} for the inbox"
    provider = next((each for each in facts.providers if each.platform == channel.platform), None)
    if provider is None:
        yield Finding(
            level=Level.WRONG,
            subject=subject,
            text=f"no provider of {channel.platform} is registered; {waiting}",
            action="Start it: anychannel serve --help",
        )
    match health.level:
        case HealthLevel.OK:
            yield Finding(level=Level.OK, subject=subject, text=f"ok; {waiting}")
        case HealthLevel.UNKNOWN:
            yield Finding(
                level=Level.NOTE,
                subject=subject,
                text=f"nobody knows yet whether it works; {waiting}",
                action=f"Ask: anychannel channel check {channel.channel_id}",
            )
        case HealthLevel.DEGRADED | HealthLevel.DOWN:
            yield Finding(
                level=Level.WRONG,
                subject=subject,
                text=f"{health.level}: {health.reason.rstrip('.') or 'core does not say why'}; {waiting}",
                action=f"Mend that, then: anychannel channel check {channel.channel_id}",
            )
    if channel.paused:
        yield Finding(
            level=Level.NOTE,
            subject=subject,
            text="paused: it accepts messages and delivers none",
            action=f"Go on: anychannel channel update {channel.channel_id} --resume",
        )
    yield from _webhook(channel, provider, subject)
    yield from _dead_letters(channel, facts.dead_letters.get(channel.channel_id, 0), subject)


def _webhook(channel: Channel, provider: RegisteredProvider | None, subject: str) -> Iterator[Finding]:
    description = provider.description if provider else None
    if description is None or not description.receives_webhooks:
        return
    # A platform that can also be listened to needs no webhook address; whether this channel uses one, only its provider knows.
    level = Level.NOTE if description.listens else Level.WRONG
    if not channel.webhook_url:
        yield Finding(
            level=level,
            subject=subject,
            text="the platform has nowhere to send its webhooks: core knows no public address",
            action="Set the gateway's public address in core's settings.",
        )
    elif why := unreachable_because(channel.webhook_url):
        yield Finding(
            level=Level.NOTE if is_loopback(channel.webhook_url) else level,
            subject=subject,
            text=f"the platform cannot send its webhooks: {why}",
            action="Before a platform outside is to call it: set a public https address in core's settings.",
        )


def _dead_letters(channel: Channel, count: int, subject: str) -> Iterable[Finding]:
    if not count:
        return ()
    more = " or more" if count >= COUNTED_DEAD_LETTERS else ""
    return (
        Finding(
            level=Level.WRONG,
            subject=subject,
            text=f"{count}{more} dead {'letter' if count == 1 else 'letters'}",
            action=f"See why: anychannel dead-letters list --channel {channel.channel_id}; then replay or discard.",
        ),
    )


def _series(version: str) -> tuple[str, ...]:
    # Before 1.0 every minor version may change things.
    return tuple(version.split("."))[: 2 if version.startswith("0.") else 1]
