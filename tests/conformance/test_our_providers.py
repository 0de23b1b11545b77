"""Every provider of this repository against the contract."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anychannel import Provider, conformance

ROOT = Path(__file__).parents[2]


def our_providers() -> dict[str, type[Provider]]:
    """The provider classes of `providers/*/provider.py`, by platform."""
    classes = [
        value
        for path in sorted(ROOT.glob("providers/*/provider.py"))
        for value in vars(importlib.import_module(f"providers.{path.parent.name}.provider")).values()
        if isinstance(value, type) and issubclass(value, Provider) and value is not Provider
    ]
    return {provider.platform: provider for provider in classes}


@pytest.mark.parametrize("provider", our_providers().values(), ids=our_providers())
@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.name)
def test_our_provider_keeps_the_contract(provider: Callable[[], Provider], check: Any) -> None:
    held: Any = conformance.suite(provider)
    held(check)


def test_all_of_them_were_found() -> None:
    assert len(our_providers()) == len(list(ROOT.glob("providers/*/provider.py")))
