"""The house rules that a machine can see."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import anychannel
import anychannel.client
import anychannel.testing

ROOT = Path(__file__).parents[2]
SERVICES = ("core", "edge", "providers", "sandbox")
PRODUCT = ("anychannel", *SERVICES)
MOST_LINES = 300
# Each word with what we say instead; names of other people's libraries and protocols are not ours to choose.
NEVER_SAID = {
    "connector": "provider",
    "vendor": "platform",
    "recipient": "contact",
    "webhooks_handler": "webhook",
    "helper": "what it does",
    "manager": "what it does",
    "utils": "what it does",
    "util": "what it does",
}
NOT_OURS = {
    "utils",
    "TCPConnector",
    "connector",
    "Manager",
    "manager",
    "ClientConnectorError",
    "ClientConnectorDNSError",
}


def product_files() -> Iterator[Path]:
    for package in PRODUCT:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "_pb2" not in path.name)


FILES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in product_files()]


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_one_thing(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES, "what should it have been?"


@pytest.mark.parametrize("path", FILES)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", FILES)
def test_names_are_of_the_vocabulary(path: Path) -> None:
    with path.open("rb") as file:
        names = {token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME}
    said = {
        name: NEVER_SAID[word]
        for name in names - NOT_OURS
        for word in re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower())
        if word in NEVER_SAID
    }
    assert said == {}


@pytest.mark.parametrize(
    "facade", [anychannel, anychannel.client, anychannel.testing], ids=lambda module: module.__name__
)
def test_a_facade_lists_its_names(facade: object) -> None:
    listed: list[str] = facade.__all__  # type: ignore[attr-defined]
    assert listed == sorted(listed)
    assert [name for name in listed if not hasattr(facade, name)] == []


def test_no_test_folder_shadows_a_package() -> None:
    assert [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_only_the_sdk_is_published() -> None:
    assert 'packages = ["anychannel"]' in (ROOT / "pyproject.toml").read_text()
