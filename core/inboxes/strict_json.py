"""JSON from outside, without mercy: refuses what two readers could understand differently and what cannot be stored."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

from core.inboxes.sends import RequestRefused

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL holds neither in a text; no encoder writes half a surrogate pair."""
_UNSTORABLE_RULE = "holds a NUL or half a surrogate pair."
_MAX_SHOWN = 60

Path: TypeAlias = "tuple[Path, str | int] | None"
"""From the inside out, so that a path costs nothing until it is shown."""


def decode(body: bytes) -> Mapping[str, object]:
    """Read a JSON object.

    Raises:
        RequestRefused: 413 over `MAX_BODY_BYTES`; 400 when it is not UTF-8, not JSON, not an object, deeper than
            `MAX_DEPTH`, or holds a name twice, a number that is none, a NUL or half a surrogate pair.
    """
    if len(body) > MAX_BODY_BYTES:
        raise RequestRefused(413, f"The request is larger than {MAX_BODY_BYTES:,} bytes.")
    try:
        document = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise RequestRefused(400, "The request is not UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # also an integer of thousands of digits
        raise RequestRefused(400, "The request is not JSON.") from None
    if not isinstance(document, dict):
        raise RequestRefused(400, "The request is not a JSON object.")
    _refuse_unusable(document)
    return document


def printable(text: str) -> str:
    """The beginning of a stranger's word, fit to be shown in a sentence of ours."""
    shown = text[:_MAX_SHOWN] + "…" if len(text) > _MAX_SHOWN else text
    return "".join(character if character.isprintable() else "?" for character in shown)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise RequestRefused(400, f"The request has {printable(name)} twice in one object.", printable(name))
            seen.add(name)
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise RequestRefused(400, f"{name} is not a JSON number.")


def _too_deep() -> RequestRefused:
    return RequestRefused(400, f"The request is nested deeper than {MAX_DEPTH} levels.")


def _refuse_unusable(document: dict[str, Any]) -> None:
    waiting: list[tuple[dict[str, Any] | list[Any], Path]] = [(document, None)]
    for _ in range(MAX_DEPTH):
        deeper: list[tuple[dict[str, Any] | list[Any], Path]] = []
        for container, path in waiting:
            for step, member in _members(container, path):
                if isinstance(member, dict | list):
                    deeper.append((member, (path, step)))
                elif isinstance(member, str) and _UNSTORABLE.search(member):
                    raise _refused_at((path, step), _UNSTORABLE_RULE)
                elif isinstance(member, float) and not math.isfinite(member):
                    raise _refused_at((path, step), "is too large a number.")
        waiting = deeper
    if waiting:
        raise _too_deep()


def _members(container: dict[str, Any] | list[Any], path: Path) -> Iterable[tuple[str | int, Any]]:
    if isinstance(container, list):
        return enumerate(container)
    for name in container:
        if _UNSTORABLE.search(name):
            raise _refused_at((path, name), _UNSTORABLE_RULE)
    return container.items()


def _refused_at(path: Path, rule: str) -> RequestRefused:
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{printable(step)}")
    field = "".join(reversed(steps)).removeprefix(".")
    return RequestRefused(400, f"{field} {rule}", field)
