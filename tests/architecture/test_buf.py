"""The contract in buf's eyes; `test_protos.py` is the floor where buf cannot be had."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOW = "buf is not on the PATH: `npm install -g @bufbuild/buf`, then run again"


@pytest.fixture
def buf() -> str:
    found = shutil.which("buf")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(HOW)
        pytest.skip(HOW)
    return found


def test_the_protos_are_clean(buf: str) -> None:
    done = subprocess.run([buf, "lint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_protos_are_formatted(buf: str) -> None:
    done = subprocess.run([buf, "format", "--diff", "protos"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
