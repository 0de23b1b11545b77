"""How the command line speaks: plain text for people, JSON for programs, one line on stderr when something fails."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

import typer

from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    QuickReplies,
    Template,
    Text,
)
from anychannel.failures import Failure

MASK = "•••"
"""Stands for a secret."""

_CONTENT_NAMES: Mapping[type, str] = {
    Text: "text",
    Attachment: "attachment",
    Location: "location",
    QuickReplies: "quick_replies",
    ContactCard: "contact_card",
    Template: "template",
    CustomPayload: "custom_payload",
}
# Contacts choose what they write: control characters in it would command the reader's terminal.
_CONTROLS = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
_ONE_LINE = {ord("\n"): " ", ord("\t"): " "}
_SUMMARY_CHARACTERS = 60


def say(text: str = "", *, err: bool = False) -> None:
    """Print a line for people."""
    typer.echo(text.translate(_CONTROLS), err=err)


def fail(text: str) -> NoReturn:
    """Say what is wrong, in one line on stderr, and end with exit code 1."""
    say(f"error: {one_line(text)}", err=True)
    raise typer.Exit(1)


def say_json(value: object) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def say_json_line(value: object) -> None:
    """Print a value for programs, as one line of many."""
    typer.echo(json.dumps(jsonable(value), ensure_ascii=False))


def jsonable(value: object) -> Any:  # noqa: PLR0911 - one return for each shape of value
    """A record as JSON knows it: the names of the proto, times in ISO 8601, spans in seconds, and nothing secret."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(name): jsonable(each) for name, each in value.items()}
        case list() | tuple():
            return [jsonable(each) for each in value]
        case set() | frozenset():
            return sorted(jsonable(each) for each in value)
        case _ if dataclasses.is_dataclass(value):
            # What a record hides from its repr is secret; settings come without the secret ones from the gateway.
            shown = {
                field.name: jsonable(getattr(value, field.name))
                for field in dataclasses.fields(value)
                if field.repr or field.name == "settings"
            }
            name = _CONTENT_NAMES.get(type(value))
            return shown if name is None else {name: shown}
        case _:
            return value


def one_line(text: str) -> str:
    """The text without line breaks."""
    return text.translate(_ONE_LINE)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be."""
    lines = [tuple(headings), *(tuple(one_line(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def local(time: datetime | None) -> str:
    """A time as the clock on the wall shows it; empty when there is none."""
    return "" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(duration: timedelta) -> str:
    """A span of time as it is typed: 90s, 5m, 24h."""
    seconds = duration.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{number(seconds)}s"


def number(value: float) -> str:
    """A number as people write it: six digits behind the point at most, never an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def failure_text(failure: Failure) -> str:
    """A failure in one line."""
    code = f" (the platform's code {failure.platform_code})" if failure.platform_code else ""
    return f"{failure.kind}: {one_line(failure.text)}{code}"


def content_text(content: Content) -> str:  # noqa: PLR0911 - one return for each kind
    """What a message says, in one line."""
    match content:
        case Text(text=text):
            return one_line(text)
        case Attachment():
            name = content.file_name or content.url or content.media_id
            return one_line(f"[{content.kind}] {name} {content.caption}").rstrip()
        case Location():
            return f"[location] {content.latitude:g},{content.longitude:g} {content.name}".rstrip()
        case QuickReplies():
            return f"{one_line(content.text)} [{' | '.join(content.replies)}]"
        case ContactCard():
            return f"[contact card] {content.name} {', '.join(content.phone_numbers)}".rstrip()
        case Template():
            return f"[template] {content.name} ({content.language}) {', '.join(content.parameters)}".rstrip()
        case CustomPayload():
            return f"[custom] {one_line(content.json)}"


def shortened(text: str, length: int = _SUMMARY_CHARACTERS) -> str:
    """The text, cut where a column ends."""
    return text if len(text) <= length else text[: length - 1] + "…"


def examples(*lines: str) -> str:
    """The foot of a command's help; the backspace keeps the lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
