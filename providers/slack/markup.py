"""Slack's markup and plain text: https://docs.slack.dev/messaging/formatting-message-text."""

import re
from typing import Final

_SPECIAL: Final = re.compile(r"<([^<>]*)>")
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # the ampersand last, or &amp;lt; would become <


def escape(text: str) -> str:
    """The text with Slack's three control characters written so that they stand for themselves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def read_markup(text: str) -> str:
    """What a person reads: links, mentions and dates spelled out, entities decoded. Bold and the like stay as typed."""
    return _decode(_SPECIAL.sub(lambda match: _spell_out(match[1]), text))


def _spell_out(inside: str) -> str:
    target, _, label = inside.partition("|")
    kind, name = target[:1], target[1:]
    if kind in {"@", "#"}:  # a person or a channel; the label is its name, when Slack sends one
        return f"{kind}{label or name}"
    if kind == "!":
        return _spell_out_command(name, label)
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return address if label in {"", address} or _is_shown_part(label, address) else f"{label} ({address})"


def _spell_out_command(name: str, label: str) -> str:
    # <!here>, <!subteam^S1|@team>, <!date^1392734382^{date}|18 February 2014>
    return label or f"@{name.partition('^')[0]}"


def _is_shown_part(label: str, address: str) -> bool:
    """Slack turns a typed `example.com` into a link to http://example.com that shows what was typed."""
    return address in {f"http://{label}", f"https://{label}", f"http://{label}/", f"https://{label}/"}


def _decode(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text
