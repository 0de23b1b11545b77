"""Every provider of this repository against the contract."""

from collections.abc import Callable

import pytest

from anychannel import Provider, conformance
from tests.conformance.our_providers import FILES, our_providers


@pytest.mark.parametrize("provider", our_providers().values(), ids=our_providers())
@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.name)
def test_our_provider_keeps_the_contract(provider: Callable[[], Provider], check: conformance.Check) -> None:
    conformance.suite(provider)(check)


def test_each_folder_has_one() -> None:
    assert len(our_providers()) == len(FILES)
