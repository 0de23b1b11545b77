"""Texts without secrets: of protobuf messages by their `debug_redact` marks, of anything else by the secrets given.

Python's own text format prints fields marked `debug_redact`, so nothing of ours prints a protobuf in any other way.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

REDACTED = "•••"

# Shorter ones are not worth hiding and would tear holes into every text.
_MIN_SECRET_LENGTH = 4


def proto_text(message: Message) -> str:
    """One line with the fields that are set; what the contract marks `debug_redact` is hidden, at any depth."""
    fields = (f"{field.name}: {_value_text(field, value)}" for field, value in message.ListFields())
    return f"{message.DESCRIPTOR.name}({', '.join(fields)})"


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret hidden, also where it stands percent-encoded, quoted or escaped."""
    for spelling in _spellings(tuple(secrets)):
        text = text.replace(spelling, REDACTED)
    return text


def _value_text(field: FieldDescriptor, value: Any) -> str:
    if field.GetOptions().debug_redact:
        return REDACTED
    if _is_map(field):
        return f"{{{', '.join(f'{key}: {_item_text(item)}' for key, item in sorted(value.items()))}}}"
    if isinstance(value, Message | str | bytes | int | float):
        return _scalar_text(field, value)
    return f"[{', '.join(_scalar_text(field, item) for item in value)}]"


def _scalar_text(field: FieldDescriptor, value: Any) -> str:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return str(value) if known is None else str(known.name)
    return _item_text(value)


def _item_text(value: Any) -> str:
    return proto_text(value) if isinstance(value, Message) else repr(value)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


@lru_cache(maxsize=1024)
def _spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Every way a secret may stand in a text, longest first so that none is left in half."""
    spellings = {
        spelling
        for secret in secrets
        if len(secret) >= _MIN_SECRET_LENGTH
        for spelling in (
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
        )
    }
    return tuple(sorted(spellings, key=len, reverse=True))


def secrets_of(settings: Mapping[str, str], public_names: Iterable[str]) -> tuple[str, ...]:
    """The values of all settings but those known to be public."""
    public = frozenset(public_names)
    return tuple(value for name, value in settings.items() if name not in public)
