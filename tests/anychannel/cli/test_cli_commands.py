import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.anychannel.cli.command import Anychannel
from tests.anychannel.scripted_gateway import ADMIN_KEY, ScriptedGateway, serve_scripted_gateway

COMMANDS = [
    "serve",
    "new",
    "check",
    "apply",
    "send",
    "tail",
    "doctor",
    "channel add",
    "channel update",
    "channel list",
    "channel show",
    "channel check",
    "channel remove",
    "message show",
    "message list",
    "message cancel",
    "dead-letters list",
    "dead-letters replay",
    "dead-letters discard",
    "key create",
    "key list",
    "key revoke",
    "provider list",
    "provider show",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str) -> None:
    help_text = Anychannel()(*command.split(), "--help").stdout
    assert re.search(rf"^    anychannel {command}( |$)", help_text.split("Examples:")[1], re.MULTILINE)


def test_the_list_of_commands_is_whole() -> None:
    listed = [
        f"{group} {name}".strip()
        for group in ("", "channel", "message", "dead-letters", "key", "provider")
        for name in re.findall(r"^  ([a-z-]+)  ", Anychannel()(*group.split(), "--help").stdout, re.MULTILINE)
        if not name.startswith("-")
    ]
    assert sorted(set(listed) - {"channel", "message", "dead-letters", "key", "provider"}) == sorted(COMMANDS)


@pytest.mark.parametrize("command", [[], ["channel"], ["message"], ["dead-letters"], ["key"], ["provider"]], ids=str)
def test_help_ends_no_sentence_in_dots(command: list[str]) -> None:
    assert "..." not in Anychannel()(*command, "--help").stdout.replace("[ARGS]...", "")


def test_there_is_no_option_for_the_key() -> None:
    assert "--key" not in Anychannel()("--help").stdout
    Anychannel()("--key", "x", "channel", "list", exit_code=2)


def test_a_wrong_key_is_one_clear_line(anychannel: Anychannel) -> None:
    result = anychannel("channel", "list", environ={"ANYCHANNEL_API_KEY": "key_wrong"}, exit_code=1)
    assert result.stderr == "error: the key is unknown or revoked. Use another API key.\n"
    assert result.stdout == ""


def test_no_key_is_one_clear_line() -> None:
    result = Anychannel()("channel", "list", exit_code=1)
    assert result.stderr == "error: no API key is set. Set ANYCHANNEL_API_KEY or ANYCHANNEL_API_KEY_FILE.\n"


def test_a_core_that_is_away_is_one_clear_line() -> None:
    with serve_scripted_gateway() as gone:
        address = gone.address
    result = Anychannel()("--core", address, "channel", "list", environ={"ANYCHANNEL_API_KEY": ADMIN_KEY}, exit_code=1)
    assert result.stderr == (
        f"error: the gateway does not answer at {address}. See that it runs, or try again in a moment.\n"
    )


@pytest.mark.parametrize("where", ["variable", "this folder"])
def test_the_key_is_read_from_a_file(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.delenv("ANYCHANNEL_API_KEY")
    path = tmp_path / (".anychannel/admin.key" if where == "this folder" else "my.key")
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{ADMIN_KEY}\n")
    if where == "variable":
        monkeypatch.setenv("ANYCHANNEL_API_KEY_FILE", str(path))

    anychannel("channel", "list")

    assert gateway.metadata[0]["authorization"] == f"Bearer {ADMIN_KEY}"


def test_a_key_file_that_is_not_there_is_one_clear_line(anychannel: Anychannel, tmp_path: Path) -> None:
    environ = {"ANYCHANNEL_API_KEY": "", "ANYCHANNEL_API_KEY_FILE": str(tmp_path / "no.key")}
    stderr = anychannel("channel", "list", environ=environ, exit_code=1).stderr
    assert "no.key cannot be read: No such file or directory" in stderr
    assert stderr.count("\n") == 1


def test_the_real_command_speaks_plainly_into_a_pipe(gateway: ScriptedGateway, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from anychannel.cli import app; app()", "--core", gateway.address, "channel", "list"],
        env={
            "ANYCHANNEL_API_KEY": "key_wrong",
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "FORCE_COLOR": "1",
            "GITHUB_ACTIONS": "true",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "error: the key is unknown or revoked. Use another API key.\n"
    assert done.stdout == ""
