"""A provider in another language, from the .proto files alone, keeps the contract."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anychannel.conformance import Account, Verdict, examine
from anychannel.testing import Answer, RecordedRequest, ScriptedPlatform

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "providers" / "examples" / "node"
INSTALL_SECONDS = 120
TOKEN = "the-access-token"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with its packages."""
    folder = tmp_path_factory.mktemp("node") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    if shutil.which("npm") is None:
        _give_up("Node is not installed: Node 20 or newer, with npm")
    done = subprocess.run(
        ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode != 0:
        _give_up(f"npm install failed in {EXAMPLE.relative_to(ROOT)}: npm must reach a registry. {done.stderr[-300:]}")
    return folder


@pytest.fixture
def served(installed: Path) -> Iterator[tuple[str, int]]:
    """Its address, and its process."""
    with subprocess.Popen(
        ["node", "provider.js", "127.0.0.1:0"],
        cwd=installed,
        env={**os.environ, "PROTOS": str(ROOT / "protos"), "DRAIN_MS": "500"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().rpartition(" ")[2].strip()
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.kill()


async def test_it_keeps_the_contract(served: tuple[str, int]) -> None:
    def answer(request: RecordedRequest) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(status=401)
        return Answer(json={"id": f"id of {request.json['key']}"} if request.body else {})

    address, pid = served
    async with ScriptedPlatform(answer) as platform:
        settings = {"access_token": TOKEN, "webhook_secret": "the-webhook-secret", "api_base": platform.url}
        examination = await examine(address, Account(settings=settings, to="ada", pid=pid))

    assert [result for result in examination.results if result.verdict is Verdict.FAIL] == []
    verdicts: dict[str, Any] = {result.name: result.verdict for result in examination.results}
    for name in ("really_delivers", "knows_a_part_again", "stops_gracefully", "answers_each_of_a_batch"):
        assert verdicts[name] is Verdict.PASS


def test_it_stays_small() -> None:
    assert len((EXAMPLE / "provider.js").read_text().splitlines()) < 150


def _give_up(reason: str) -> None:
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)
