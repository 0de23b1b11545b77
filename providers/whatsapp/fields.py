"""Reads JSON whose shape nobody can promise: what is missing or of another type reads as empty, and nothing raises."""

import json
import math
from collections.abc import Mapping
from typing import Final, NoReturn

_MOST_DIGITS: Final = 15


class Fields:
    """One JSON object, read by name."""

    __slots__ = ("_values",)

    def __init__(self, values: object) -> None:
        self._values: Mapping[object, object] = values if isinstance(values, Mapping) else {}

    @classmethod
    def parse(cls, body: bytes | str) -> "Fields | None":
        """The object that `body` spells, or None when it is no JSON object."""
        try:
            values = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError):  # ValueError covers broken JSON, broken UTF-8 and endless numbers
            return None
        return cls(values) if isinstance(values, Mapping) else None

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def value(self, name: str) -> object:
        """Whatever is in a field."""
        return self._values.get(name)

    def values(self) -> tuple[object, ...]:
        """What is in all fields."""
        return tuple(self._values.values())

    def text(self, name: str) -> str:
        """A text fit to be stored: no NUL, and the replacement character for a lone surrogate, which JSON can spell."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return ""
        whole = value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "")

    def number(self, name: str) -> int:
        """A whole number of at most 15 digits, or 0. Meta writes some as texts: timestamps and sizes."""
        value = self._values.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**_MOST_DIGITS:
            return 0
        return value

    def degrees(self, name: str, *, limit: int) -> float | None:
        """A finite angle from -limit to limit, or None."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if abs(value) <= limit and math.isfinite(value) else None

    def flag(self, name: str) -> bool:
        """Whether the field is true."""
        return self._values.get(name) is True

    def object(self, name: str) -> "Fields":
        """The object in a field, empty when there is none."""
        return Fields(self._values.get(name))

    def objects(self, name: str) -> "tuple[Fields, ...]":
        """The objects of a list."""
        return objects_in(self._values.get(name))


def objects_in(value: object) -> tuple[Fields, ...]:
    """The objects of what may be a list."""
    return tuple(Fields(item) for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
