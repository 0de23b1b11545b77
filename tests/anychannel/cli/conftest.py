import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.anychannel.cli.command import Anychannel
from tests.anychannel.scripted_gateway import ADMIN_KEY, ScriptedGateway, serve_scripted_gateway


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("ANYCHANNEL_CORE_ADDRESS", "ANYCHANNEL_API_KEY", "ANYCHANNEL_API_KEY_FILE", "ANYCHANNEL_EDGE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    with serve_scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
def anychannel(gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch) -> Anychannel:
    monkeypatch.setenv("ANYCHANNEL_CORE_ADDRESS", gateway.address)
    monkeypatch.setenv("ANYCHANNEL_API_KEY", ADMIN_KEY)
    return Anychannel()
