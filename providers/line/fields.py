"""Reads JSON whose shape nobody can promise: what is missing or of another type reads as empty, and nothing raises."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NoReturn

_MOST_DIGITS: Final = 20
_LAST_MILLISECOND: Final = 253_402_300_799_000  # the last second that datetime can hold


class Fields:
    """One JSON object, read by name."""

    __slots__ = ("_values",)

    def __init__(self, values: object) -> None:
        self._values: Mapping[object, object] = values if isinstance(values, Mapping) else {}

    @classmethod
    def parse(cls, body: bytes) -> "Fields | None":
        """The object that `body` spells, or None when it is no JSON object."""
        try:
            values = json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError):  # ValueError covers broken JSON, broken UTF-8 and endless numbers
            return None
        return cls(values) if isinstance(values, Mapping) else None

    def __bool__(self) -> bool:
        return bool(self._values)

    def text(self, name: str) -> str:
        """A text fit to be stored; also a whole number, for ids that are documented as one and written as the other."""
        return _text(self._values.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list that are not empty."""
        value = self._values.get(name)
        return tuple(text for item in value if (text := _text(item))) if isinstance(value, list) else ()

    def number(self, name: str) -> int:
        """A whole number, or 0."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**_MOST_DIGITS:
            return 0
        return value

    def time(self, name: str) -> datetime | None:
        """A time in milliseconds since 1970, or None."""
        number = self.number(name)
        return datetime.fromtimestamp(number / 1000, UTC) if 0 < number <= _LAST_MILLISECOND else None

    def degrees(self, name: str, *, limit: int) -> float | None:
        """An angle from -limit to limit, or None."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if -limit <= value <= limit else None

    def flag(self, name: str) -> bool:
        """Whether the field is true."""
        return self._values.get(name) is True

    def object(self, name: str) -> "Fields":
        """The object in a field, empty when there is none."""
        return Fields(self._values.get(name))

    def objects(self, name: str) -> "tuple[Fields, ...]":
        """The objects of a list."""
        value = self._values.get(name)
        return tuple(Fields(item) for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_MOST_DIGITS:
        return str(value)
    if not isinstance(value, str):
        return ""
    # A lone surrogate, which JSON can spell, reads as the replacement character; a NUL cannot be stored.
    whole = value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
