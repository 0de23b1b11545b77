import ast
from pathlib import Path

import pytest

from anychannel.cli.new import project
from tests.anychannel.cli.command import Anychannel


def test_a_project_is_written(tmp_path: Path) -> None:
    shown = Anychannel()("new", "acme").stdout

    assert shown == "acme is ready. Begin with its README.md.\n"
    written = {str(path.relative_to(tmp_path / "acme")) for path in (tmp_path / "acme").rglob("*") if path.is_file()}
    assert written == {
        ".gitignore",
        "Dockerfile",
        "README.md",
        "acme_provider/__init__.py",
        "acme_provider/api.py",
        "acme_provider/failures.py",
        "acme_provider/inbound.py",
        "acme_provider/outbound.py",
        "acme_provider/provider.py",
        "pyproject.toml",
        "tests/cases.py",
        "tests/test_provider.py",
    }


@pytest.mark.parametrize("name", ["acme", "acme-chat-2", "a" * 40])
def test_every_placeholder_is_filled(name: str) -> None:
    files = project(name)

    assert [str(path) for path, text in files.items() if "{{" in f"{path}{text}"] == []
    for path, text in files.items():
        if path.suffix == ".py":
            ast.parse(text)
    assert any(f'platform = "{name}"' in text for text in files.values())


def test_a_folder_of_ones_own_choice(tmp_path: Path) -> None:
    Anychannel()("new", "acme-chat", "--into", "deep/folder")

    assert "class AcmeChatProvider(Provider)" in (tmp_path / "deep/folder/acme_chat_provider/provider.py").read_text()


@pytest.mark.parametrize("name", ["Acme", "1st", "acme_chat", "acme-", "../acme", "acme--chat", "a" * 41, ""])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    assert "is no name for a platform" in Anychannel()("new", name, exit_code=2).stderr.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "mine.txt").write_text("mine")

    assert Anychannel()("new", "acme", exit_code=1).stderr == "error: acme is not empty\n"
    assert [path.name for path in (tmp_path / "acme").iterdir()] == ["mine.txt"]


def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("mine")

    assert Anychannel()("new", "acme", exit_code=1).stderr.startswith("error: acme cannot be written: ")
