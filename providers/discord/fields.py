"""Reads JSON whose shape nobody can promise: what is missing or of another type reads as empty, and nothing raises."""

import json
import math
from collections.abc import Mapping
from typing import Final

# What fits a 64-bit float, in which many writers of JSON hold their numbers. Discord's ids are larger, and texts.
_LARGEST_NUMBER: Final = 2**53
_LONGEST_ID: Final = 20


class Fields:
    """One JSON object, read by name."""

    __slots__ = ("_values",)

    def __init__(self, values: object) -> None:
        self._values: Mapping[object, object] = values if isinstance(values, Mapping) else {}

    @classmethod
    def parse(cls, body: bytes | str) -> "Fields | None":
        """The object that `body` spells, or None when it is no JSON object."""
        try:
            values = json.loads(body)
        except (ValueError, RecursionError):  # ValueError covers broken JSON, broken UTF-8 and endless numbers
            return None
        return cls(values) if isinstance(values, Mapping) else None

    def text(self, name: str) -> str:
        """A text, fit for UTF-8: a lone surrogate, which JSON can spell, reads as the replacement character."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return ""
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def snowflake(self, name: str) -> str:
        """An id, which Discord sends as a text: https://docs.discord.com/developers/reference#snowflakes."""
        value = self._values.get(name)
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > _LONGEST_ID:
            return ""
        return value

    def number(self, name: str) -> int:
        """A whole number of a size that JSON carries everywhere, or 0."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_NUMBER:
            return 0
        return value

    def seconds(self, name: str) -> float:
        """A finite time of no more than a year, or 0."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 366 * 24 * 3600:
            return 0.0
        return float(value) if math.isfinite(value) else 0.0

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
