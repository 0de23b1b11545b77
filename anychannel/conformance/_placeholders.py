"""Settings for a channel that does not exist: of the form that the provider declares, and leading nowhere."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from anychannel.v1 import channel_pb2

_HEX = "c4ec0ffee0ddba11c4ec0ffee0ddba11"
# One for each form that settings commonly have; the first that a field's pattern takes is used.
_CANDIDATES = (
    f"placeholder-{_HEX}",
    f"placeholder_{_HEX}",
    f"placeholder{_HEX}",
    "1029384756102938",
    f"1029384756:{_HEX}abc",
    _HEX,
    _HEX * 2,
    f"AC{_HEX}",
    f"SK{_HEX}",
    f"{_HEX[:20]}.{_HEX[:6]}.{_HEX}",
    f"xoxb-1029384756-{_HEX}",
    f"xapp-1-{_HEX[:8]}",
    f"{_HEX[:16]}-{_HEX[:16]}-{_HEX[:16]}",
    "+15550100200",
    "https://placeholder.invalid",
    "wss://placeholder.invalid",
    "placeholder@placeholder.invalid",
    "v1.0",
    "1",
    "en",
)


class Placeholders(NamedTuple):
    """What could be made up."""

    settings: Mapping[str, str]
    missing: tuple[str, ...]
    """Required fields for whose form there is no placeholder."""


def placeholders(fields: Iterable[channel_pb2.SettingField]) -> Placeholders:
    """A value for each field that has a default, is required or is secret."""
    settings: dict[str, str] = {}
    missing = []
    for field in fields:
        if value := field.default_value or next(iter(field.choices), ""):
            settings[field.name] = value
        elif not field.required and not field.secret:
            continue
        elif value := _of_form(field):
            settings[field.name] = value
        elif field.required:
            missing.append(field.name)
    return Placeholders(settings, tuple(missing))


def _of_form(field: channel_pb2.SettingField) -> str:
    try:
        form = re.compile(field.pattern or ".+")
    except re.error:
        return ""
    return next((candidate for candidate in _CANDIDATES if form.fullmatch(candidate)), "")
