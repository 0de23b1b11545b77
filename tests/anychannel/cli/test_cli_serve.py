import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anychannel.cli import serve as serve_module
from tests.anychannel.cli.command import Anychannel

PROVIDER = """
from anychannel import Capabilities, Provider, Sent


class AcmeProvider(Provider):
    platform = "acme"
    display_name = "Acme"
    capabilities = Capabilities(max_text_length=100)

    async def send(self, channel, part):
        return Sent(platform_message_id="1")

    def receive(self, channel, request):
        raise NotImplementedError


class NoProvider:
    pass
"""


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_provider.py").write_text(PROVIDER)
    (tmp_path / "needs_more.py").write_text("import no_such_module_at_all\n")
    (tmp_path / "breaks.py").write_text("x = 1\nraise RuntimeError('no luck')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("acme_provider", "needs_more", "breaks"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    calls: list[tuple[Any, dict[str, Any]]] = []

    async def serve(provider: Any, **options: Any) -> None:
        calls.append((provider, options))

    monkeypatch.setattr(serve_module, "serve", serve)
    monkeypatch.setattr(serve_module, "configure", lambda _: None)
    return calls


def test_a_provider_of_this_folder_is_served(served: list[tuple[Any, dict[str, Any]]]) -> None:
    Anychannel()(
        *("serve", "acme_provider:AcmeProvider", "--listen", "127.0.0.1:0"),
        *("--register", "core:50050", "--advertise", "acme:50051"),
        environ={"ANYCHANNEL_REGISTRATION_TOKEN": "reg-token"},
    )
    provider, options = served[0]
    assert type(provider).__name__ == "AcmeProvider"
    assert options == {
        "listen": "127.0.0.1:0",
        "register": "core:50050",
        "registration_token": "reg-token",
        "advertise": "acme:50051",
        "drain_seconds": 5.0,
    }


def test_everything_can_come_from_the_environment(served: list[tuple[Any, dict[str, Any]]], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("reg-token\n")
    environ = {
        "ANYCHANNEL_PROVIDER_LISTEN": "[::]:7",
        "ANYCHANNEL_PROVIDER_REGISTER": "core:1",
        "ANYCHANNEL_PROVIDER_ADVERTISE": "",
        "ANYCHANNEL_PROVIDER_DRAIN_SECONDS": "0",
        "ANYCHANNEL_REGISTRATION_TOKEN_FILE": "token",
    }
    Anychannel()("serve", "acme_provider:AcmeProvider", environ=environ)
    assert served[0][1] == {
        "listen": "[::]:7",
        "register": "core:1",
        "registration_token": "reg-token",
        "advertise": None,
        "drain_seconds": 0.0,
    }


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        pytest.param(("acme_provider",), 2, "is not MODULE:CLASS", id="no class"),
        pytest.param(("nowhere:X",), 1, "there is no module nowhere", id="no module"),
        pytest.param(("nowhere.deep:X",), 1, "there is no module nowhere.deep", id="no package"),
        pytest.param(("needs_more:X",), 1, "needs_more needs the module no_such_module_at_all", id="a missing import"),
        pytest.param(("breaks:X",), 1, "breaks.py:2: no luck", id="a module that breaks"),
        pytest.param(("acme_provider:Acme",), 1, "has no Acme; it has AcmeProvider", id="a slip"),
        pytest.param(("acme_provider:NoProvider",), 1, "is no subclass of anychannel.Provider", id="another class"),
        pytest.param(("acme_provider:AcmeProvider", "--listen", "50051"), 2, "is not HOST:PORT", id="no host"),
        pytest.param(("acme_provider:AcmeProvider", "--register", "core:x"), 2, "is not HOST:PORT", id="no port"),
    ],
)
def test_what_cannot_be_served_is_one_clear_line(
    served: list[tuple[Any, dict[str, Any]]], arguments: tuple[str, ...], exit_code: int, said: str
) -> None:
    stderr = Anychannel()("serve", *arguments, exit_code=exit_code).stderr
    assert said in stderr
    assert "Traceback" not in stderr
    assert served == []


def test_a_registration_token_is_repeated_in_no_error(served: list[tuple[Any, dict[str, Any]]]) -> None:
    environ = {"ANYCHANNEL_REGISTRATION_TOKEN": "reg s3cret"}
    stderr = Anychannel()("serve", "acme_provider:AcmeProvider", environ=environ, exit_code=1).stderr
    assert "registration token" in stderr
    assert "s3cret" not in stderr
    assert served == []


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _start(tmp_path, f"127.0.0.1:{taken.getsockname()[1]}")
        _, stderr = done.communicate(timeout=60)
    assert done.returncode == 1
    assert stderr.splitlines()[-1].startswith("error: acme_provider:AcmeProvider: cannot listen on 127.0.0.1:")
    assert "Traceback" not in stderr


def test_the_real_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    process = _start(tmp_path, "127.0.0.1:0")
    assert process.stderr is not None
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert '"serving"' in first
    assert '"stopped"' in rest
    assert process.returncode == 0


def _start(folder: Path, listen: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from anychannel.cli import app; app()",
            "serve",
            "acme_provider:AcmeProvider",
            "--listen",
            listen,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
