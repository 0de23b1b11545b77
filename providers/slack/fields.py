"""Reads JSON whose shape nobody can promise: what is missing or of another type reads as empty, and nothing raises."""

import json
from collections.abc import Mapping
from typing import Final

# What fits a 64-bit float, in which many writers of JSON hold their numbers.
_LARGEST_NUMBER: Final = 2**53


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

    def __bool__(self) -> bool:
        return bool(self._values)

    def text(self, name: str) -> str:
        """A text, fit for UTF-8: a lone surrogate, which JSON can spell, reads as the replacement character."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return ""
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def number(self, name: str) -> int:
        """A whole number of a size that JSON carries everywhere, or 0."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_NUMBER:
            return 0
        return value

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
