"""Reads JSON whose shape nobody can promise: what is missing or of another type reads as empty, and nothing raises."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NoReturn

_LARGEST_NUMBER: Final = 2**63
# Messenger dates in milliseconds, and in its sample of a postback in seconds; the year 5138 has 12 digits in seconds.
_FIRST_MILLISECONDS: Final = 10**11
_LAST_SECOND: Final = 253_402_300_799  # the last that datetime can hold


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

    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(_clean(str(name)) for name in self._values)

    def text(self, name: str) -> str:
        """A text; also a whole number, for ids that are sometimes written as one."""
        return _text(self._values.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list that are not empty."""
        value = self._values.get(name)
        return tuple(text for item in value if (text := _text(item))) if isinstance(value, list) else ()

    def number(self, name: str) -> int:
        """A whole number, also one in quotation marks, or 0."""
        text = self.text(name)
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(_LARGEST_NUMBER)):
            return 0
        return int(text)

    def time(self, name: str) -> datetime | None:
        """A time, or None."""
        number = self.number(name)
        seconds = number / 1000 if number >= _FIRST_MILLISECONDS else number
        return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= _LAST_SECOND else None

    def degrees(self, name: str) -> float | None:
        """An angle from -180 to 180, or None."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if -180 <= value <= 180 else None

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
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER:
        return str(value)
    return _clean(value) if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Fit for UTF-8: a lone surrogate, which JSON can spell, reads as the replacement character."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
