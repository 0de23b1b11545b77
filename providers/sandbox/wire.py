"""The one way JSON from outside is parsed here."""

import json
from typing import Any


def parse_json(body: bytes) -> Any:
    """What the body says; None when it is no JSON, as a proxy's error page is not, or nested beyond reason."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
