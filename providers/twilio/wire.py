"""The one way JSON and forms from outside are parsed here."""

import json
from typing import Any
from urllib.parse import parse_qsl

FormFields = tuple[tuple[str, str], ...]
"""In the order sent, repeated names repeated. A byte that is no UTF-8 stands as its surrogate escape."""

# An inbound message has some thirty fields and two more for each of ten media.
_MAX_FIELDS = 500


def parse_json(body: bytes) -> Any:
    """What the body says; None when it is no JSON, as a proxy's error page is not, or nested beyond reason."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def parse_form(encoded: str) -> FormFields | None:
    """The fields of an urlencoded form; None when they are too many."""
    try:
        fields = parse_qsl(encoded, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    return tuple(fields)


def by_name(fields: FormFields) -> dict[str, str]:
    """The fields by name, fit for UTF-8; of a repeated one the last."""
    return {_clean(name): _clean(value) for name, value in fields}


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()
