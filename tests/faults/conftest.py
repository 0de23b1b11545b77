"""What tests of faults share: how often, and a seed that can be given again."""

import os
import random
import secrets
from collections.abc import Callable

import pytest

Tell = Callable[[str], None]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Print a figure, also of a test that passes: figures are what these tests are run for."""

    def told(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}")  # noqa: T201  # see above

    return told


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often each victim is killed."""
    return int(os.environ.get("ANYCHANNEL_FAULT_ROUNDS", "3"))


@pytest.fixture
def chance(tell: Tell) -> random.Random:
    """When things happen; the seed is printed, and given again by ANYCHANNEL_FAULT_SEED."""
    seed = int(os.environ.get("ANYCHANNEL_FAULT_SEED") or secrets.randbelow(1_000_000))
    tell(f"ANYCHANNEL_FAULT_SEED={seed}")
    return random.Random(seed)
