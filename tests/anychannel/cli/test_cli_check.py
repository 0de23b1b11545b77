import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.anychannel.cli.command import Anychannel
from tests.anychannel.conformance.bent_provider import TOKEN

ROOT = Path(__file__).parents[3]
SERVE = ("-c", "from anychannel.cli import app; app()", "serve", "--listen", "127.0.0.1:0", "--drain", "0.3")
GOOD = "tests.anychannel.conformance.bent_provider:GoodProvider"
# Sends whatever it is given, and is gone at the first signal.
BAD = """
import asyncio, json, sys
from anychannel import Capabilities, Provider, Sent
from anychannel._server import start_server


class Bad(Provider):
    platform = "bad"
    display_name = "Bad"
    capabilities = Capabilities(max_text_length=0)

    async def send(self, channel, part):
        return Sent(platform_message_id="1")


async def main():
    async with start_server(Bad()) as running:
        print(json.dumps({"port": running.port}), file=sys.stderr, flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
"""


@contextmanager
def running(*command: str) -> Iterator[tuple[str, str]]:
    """The address and the process of a Python that says its port in its first line."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            said = json.loads(process.stderr.readline())
            yield f"127.0.0.1:{said['port']}", str(process.pid)
        finally:
            process.kill()


def test_a_good_provider_passes_up_to_its_end() -> None:
    with running(*SERVE, GOOD) as (address, pid):
        shown = Anychannel()(
            *("check", address, "--set", "access_token=env:TOKEN", "--to", "ada", "--pid", pid),
            environ={"TOKEN": TOKEN},
        ).stdout

    assert shown.startswith("good 0.1.0\n")
    assert {line.split()[1] for line in shown.splitlines() if line.startswith(("stops_", "really_", "knows_a"))} == {
        "pass"
    }
    assert "really delivers" in shown
    assert ", 0 failed, 2 skipped" in shown
    assert TOKEN not in shown


def test_a_bad_provider_fails_with_reasons() -> None:
    with running("-c", BAD) as (address, pid):
        report = Anychannel().json("check", address, "--pid", pid, exit_code=1)

    failed = {each["name"]: each["reason"] for each in report["results"] if each["verdict"] == "fail"}
    assert (report["has_passed"], report["platform"]) == (False, "bad")
    assert set(failed) == {"can_hear", "capabilities_are_sane", "stops_gracefully"}
    assert "without saying NOT_SERVING" in failed["stops_gracefully"]
    assert {"rule": "stops gracefully", "answer": "no"} in report["quality"]


def test_people_read_what_was_promised() -> None:
    with running("-c", BAD) as (address, _):
        shown = Anychannel()("check", address, exit_code=1).stdout

    assert "can_hear - what is promised: A provider receives webhooks, or listens." in shown
    assert ", 2 failed, " in shown


def test_settings_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(f"access_token: {TOKEN}\n")
    with running(*SERVE, GOOD) as (address, _):
        report = Anychannel().json("check", address, "--settings", str(tmp_path / "settings.yaml"), "--to", "ada")

    assert {"rule": "really delivers", "answer": "yes"} in report["quality"]
    assert TOKEN not in str(report)


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "is no YAML"), ("- a", "holds no names and values"), ("a: s3cret: x", "is no YAML")],
    ids=["no YAML", "a list", "a secret in what is no YAML"],
)
def test_a_file_that_holds_no_settings(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    stderr = Anychannel()("check", "127.0.0.1:9", "--settings", str(tmp_path / "settings.yaml"), exit_code=2).stderr

    assert said in stderr.replace("\n", " ")
    assert "s3cret" not in stderr


def test_nobody_there_is_one_clear_line() -> None:
    stderr = Anychannel()("check", "127.0.0.1:9", exit_code=1).stderr

    assert stderr == "error: 127.0.0.1:9 does not describe itself: UNAVAILABLE. Is a provider served there?\n"
