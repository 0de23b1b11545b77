"""`anychannel new NAME`: a provider's project, complete and tested, to begin with."""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from anychannel.cli.output import examples, fail, say

EXAMPLES = examples("anychannel new acme", "anychannel new acme-chat --into ~/providers/acme-chat")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_NAME_LENGTH = 40
_SUFFIX = ".txt"


def new_project(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The platform's name: a-z, 0-9 and -.")],
    *,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FOLDER", help="Where to write; a folder named NAME otherwise.")
    ] = None,
) -> None:
    """Write a new provider's project, with its tests."""
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_LENGTH:
        raise typer.BadParameter(f"{name!r} is no name for a platform, for instance acme or acme-chat")
    folder = into or Path(name)
    try:
        if folder.exists() and any(folder.iterdir()):
            fail(f"{folder} is not empty")
        for path, text in project(name).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{folder} cannot be written: {error.strerror}")
    say(f"{folder} is ready. Begin with its README.md.")


def project(name: str) -> dict[PurePosixPath, str]:
    """The files of a platform's project, by their path in it."""
    words = {
        "{{platform}}": name,
        "{{module}}": f"{name.replace('-', '_')}_provider",
        "{{class}}": "".join(word.capitalize() for word in name.split("-")),
        "{{display_name}}": " ".join(word.capitalize() for word in name.split("-")),
    }
    return {
        PurePosixPath(_filled(str(path), words).removesuffix(_SUFFIX)): _filled(text, words)
        for path, text in _templates(files("anychannel") / "template", PurePosixPath())
    }


def _templates(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _templates(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield path / entry.name, entry.read_text(encoding="utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    return text
