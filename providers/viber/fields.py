"""Reads JSON whose shape nobody can promise: what is missing or of another type reads as empty, and nothing raises.

Message tokens are whole numbers of up to 64 bits: they are read digit by digit, never as floats, and kept as texts.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NoReturn

_LARGEST_NUMBER: Final = 2**64
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

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """A text fit to be stored; also a whole number."""
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER:
            return str(value)
        if not isinstance(value, str):
            return ""
        # A lone surrogate, which JSON can spell, reads as the replacement character; a NUL cannot be stored.
        whole = value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "")

    def number(self, name: str) -> int:
        """A whole number, also one in quotation marks, or 0."""
        text = self.text(name)
        digits = text.removeprefix("-")
        is_number = digits.isascii() and digits.isdigit() and len(digits) <= len(str(_LARGEST_NUMBER))
        return int(text) if is_number else 0

    def time(self, name: str) -> datetime | None:
        """A time in milliseconds since 1970, or None."""
        number = self.number(name)
        return datetime.fromtimestamp(number / 1000, UTC) if 0 < number <= _LAST_MILLISECOND else None

    def degrees(self, name: str, *, limit: int) -> float | None:
        """An angle from -limit to limit, also one in quotation marks, or None."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            angle = float(value)
        except (ValueError, OverflowError):
            return None
        return angle if -limit <= angle <= limit else None

    def object(self, name: str) -> "Fields":
        """The object in a field, empty when there is none."""
        return Fields(self._values.get(name))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
