"""Which links may cross the border between an inbox and us."""

import re
from urllib.parse import urlsplit

_NEVER_IN_LINK = re.compile(r"[\s\x00-\x1f\x7f\\]")


def objection(url: str, schemes: frozenset[str] = frozenset({"http", "https"})) -> str:
    """Why `url` is no link that one may be asked to fetch, to go on after its name; empty if it is one."""
    if _NEVER_IN_LINK.search(url):
        return "holds white space or a backslash."
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # reading the port checks it
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in schemes:
        return f"is not an {' or '.join(sorted(schemes))} link."
    if "@" in parts.netloc:
        return "holds a user name or password."
    return ""
