"""Prints what a service can be set to, from the same descriptions that its settings class carries."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any


def describe(settings_class: type[Any]) -> str:
    """Every setting with its default and what it is for, as text for a terminal."""
    prefix = settings_class.model_config.get("env_prefix", "")
    lines = [settings_class.__doc__ or "", ""]
    for name, field in settings_class.model_fields.items():
        default = _shown(field.get_default(call_default_factory=True))
        lines.append(f"{prefix}{name.upper()}={default}" if default else f"{prefix}{name.upper()}")
        lines.append(f"    {' '.join((field.description or '').split())}")
    return "\n".join(lines).strip()


def _shown(default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case timedelta():
            return f"{default.total_seconds():g}"
        case None:
            return ""
        case Mapping():
            return ",".join(f"{key}={value}" for key, value in default.items())
    return "" if hasattr(default, "get_secret_value") else str(default)
