"""What a provider says of itself, read from its class: what it offers is what it overrides."""

import re

from anychannel.capabilities import Capabilities, Limits, ProviderDescription
from anychannel.provider import Provider

PROTOCOL_VERSIONS = (1,)
"""The versions of the protocol that this SDK speaks."""

_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")


def describe(provider: Provider) -> ProviderDescription:
    """The provider's description. Raises `TypeError` or `ValueError` saying what its class must declare."""
    kind = type(provider)
    for name, type_ in (
        ("platform", str),
        ("display_name", str),
        ("version", str),
        ("capabilities", Capabilities),
        ("limits", Limits),
    ):
        if not isinstance(getattr(kind, name, None), type_):
            raise TypeError(f"{kind.__name__}.{name} is missing: declare it as {type_.__name__}")
    if not _PLATFORM.fullmatch(kind.platform):
        raise ValueError(f"{kind.__name__}.platform is {kind.platform!r}: use 1 to 40 characters of a-z, 0-9 and -")
    if not kind.offers("send"):
        raise TypeError(f"{kind.__name__}.send is missing: every provider sends")
    return ProviderDescription(
        protocol_versions=PROTOCOL_VERSIONS,
        platform=kind.platform,
        display_name=kind.display_name,
        version=kind.version,
        capabilities=kind.capabilities,
        limits=kind.limits,
        setting_fields=tuple(kind.setting_fields),
        receives_webhooks=kind.offers("receive"),
        listens=kind.offers("listen"),
        checks_channels=kind.offers("check"),
        fetches_media=kind.offers("fetch_media"),
    )


def version_mismatch(core_versions: tuple[int, ...]) -> str:
    """Why core and this provider cannot talk, with both lists of versions; empty when they can."""
    if set(core_versions) & set(PROTOCOL_VERSIONS):
        return ""
    return (
        f"no common version of the protocol: core speaks {_listed(core_versions)}, this provider speaks "
        f"{_listed(PROTOCOL_VERSIONS)}; upgrade the older one"
    )


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(str(version) for version in versions) or "none"
