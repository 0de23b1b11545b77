"""Finds the providers of this repository."""

import importlib
from pathlib import Path

from anychannel import Provider

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("providers/*/provider.py"))


def our_providers() -> dict[str, type[Provider]]:
    """The provider classes of `providers/*/provider.py`, by platform."""
    classes = [
        value
        for path in FILES
        for value in vars(importlib.import_module(f"providers.{path.parent.name}.provider")).values()
        if isinstance(value, type) and issubclass(value, Provider) and value is not Provider
    ]
    return {provider.platform: provider for provider in classes}
