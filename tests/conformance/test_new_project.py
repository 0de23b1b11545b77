"""What `anychannel new` writes works with the wheel alone: nothing of the repository is there."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 120
# Neither the repository nor what this run was told may be of help.
ENVIRON = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment with the built wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", folder / "wheel", ROOT],
        check=False,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    if built.returncode != 0 and "CI" not in os.environ:
        pytest.skip("no wheel could be built: pip must reach hatchling, or pip install hatchling and try again")
    assert built.returncode == 0, built.stderr
    venv.create(folder / "venv")
    commands = folder / "venv" / "bin"
    (wheel,) = (folder / "wheel").glob("anychannel-*.whl")
    subprocess.run([*pip, "--python", commands / "python", "install", "--no-deps", wheel], check=True)
    # What the wheel depends on is borrowed. The .pth files there are not read, so that the repository stays unknown.
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return commands


@pytest.fixture(scope="module", params=["acme", "a-chat-with-a-name-of-forty-letters-xyzw"])
def acme(request: pytest.FixtureRequest, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project written by the installed command."""
    folder = tmp_path_factory.mktemp("projects")
    assert run(folder, installed / "anychannel", "new", request.param).endswith("Begin with its README.md.\n")
    return folder / str(request.param)


def run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRON, check=False, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_its_tests_pass_without_the_repository(installed: Path, acme: Path) -> None:
    where = run(acme, installed / "python", "-c", "import anychannel; print(anychannel.__file__)")

    assert Path(where).is_relative_to(installed.parent)
    assert " passed" in run(acme, installed / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize("tool", [("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",)], ids=" ".join)
def test_it_is_clean(installed: Path, acme: Path, tool: tuple[str, ...]) -> None:
    run(acme, installed / "python", "-m", *tool)


def test_it_is_served_and_checked(installed: Path, acme: Path) -> None:
    (module,) = (path.parent.name for path in acme.glob("*/provider.py"))
    name = "".join(word.capitalize() for word in acme.name.split("-"))
    with subprocess.Popen(
        [
            installed / "anychannel",
            "serve",
            f"{module}.provider:{name}Provider",
            "--listen",
            "127.0.0.1:0",
            "--drain",
            "1",
        ],
        cwd=acme,
        env=ENVIRON,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        try:
            assert served.stderr is not None
            port = json.loads(served.stderr.readline())["port"]
            checked = run(
                acme, installed / "anychannel", "check", f"127.0.0.1:{port}", "--pid", str(served.pid), "--json"
            )
        finally:
            served.kill()

    results = {each["name"]: each["verdict"] for each in json.loads(checked)["results"]}
    assert json.loads(checked)["platform"] == acme.name
    assert results["stops_gracefully"] == "pass"
    assert "fail" not in results.values()
