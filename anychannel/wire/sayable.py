"""Text from a platform that no encoding can say: half a surrogate pair, as careless JSON has it."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

R = TypeVar("R")


def sayable(record: R) -> R:
    """The record with a question mark for each half surrogate pair, in all its texts.

    Called only when a conversion has failed: a platform that sends such a text would send it for ever, and hold up what comes after.
    """
    said: R = _sayable(record)
    return said


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        # A StrEnum's own text is ours.
        return value.encode("utf-8", "replace").decode() if type(value) is str else value
    if isinstance(value, tuple):
        return tuple(_sayable(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _sayable(getattr(value, field.name)) for field in fields(value)})
    return value
