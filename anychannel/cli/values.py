"""Values typed on a command line: secrets by reference, spans of time, pairs of name and value."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import typer

_SPAN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhd]))+|[0-9]+(?:\.[0-9]+)?")
_SPAN_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhd])?")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def parse_span(text: str) -> timedelta:
    """A span of time: 500ms, 8s, 5m, 24h, 1d12h; a bare number is seconds. Raises `ValueError` otherwise."""
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is no span of time; write 8s, 5m, 24h or 7d")
    try:
        pieces = _SPAN_PIECE.findall(text)
        return sum((float(number) * _UNITS[unit or "s"] for number, unit in pieces), start=timedelta())
    except OverflowError:
        raise ValueError(f"{text!r} is too long a span of time") from None


def span_option(text: str | timedelta) -> timedelta:
    """`parse_span` for an option; its default comes through here too."""
    if isinstance(text, timedelta):
        return text
    try:
        return parse_span(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None


def read_value(text: str, *, name: str) -> str:
    """The value that `text` names: @FILE, env:NAME, - (asked for, unseen, or one line of stdin), or itself.

    A value that begins with @ is written with two. `name` is what the value is for; the value stands in no error.
    """
    if text == "-":
        return _ask(name)
    if text.startswith("@@"):
        return text[1:]
    if text.startswith("@"):
        return read_file(Path(text[1:]), name=name)
    if text.startswith("env:"):
        return _of_environment(text.removeprefix("env:"), os.environ, name=name)
    return text


def read_file(path: Path, *, name: str) -> str:
    """The text of a file, without the line break at its end."""
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise typer.BadParameter(f"{name}: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{name}: {path} is no text") from None
    if not value:
        raise typer.BadParameter(f"{name}: {path} is empty")
    return value


def read_settings(pairs: Sequence[str]) -> Mapping[str, str]:
    """The settings that NAME=VALUE pairs give."""
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            # The pair may hold a secret, so that it is not repeated.
            raise typer.BadParameter("--set takes NAME=VALUE")
        settings[name] = read_value(value, name=name)
    return settings


def _ask(name: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=True, err=True))
    value = sys.stdin.readline().rstrip("\r\n")
    if not value:
        raise typer.BadParameter(f"{name}: nothing on stdin")
    return value


def _of_environment(variable: str, environ: Mapping[str, str], *, name: str) -> str:
    value = environ.get(variable, "")
    if not value:
        raise typer.BadParameter(f"{name}: the environment has no {variable}")
    return value
