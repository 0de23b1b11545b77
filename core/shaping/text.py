"""How long a text is in a platform's unit, and how it is cut where it is too long.

Both take linear time, whatever the text is made of: what is cut comes from strangers.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from anychannel.capabilities import TextUnit
from core.shaping import sms

_CLUSTER = regex.compile(r"\X")
_BREAK = re.compile(r"\s+|[。！？]")  # noqa: RUF001 - these end a sentence in Chinese and Japanese, without a space
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]?\Z")  # noqa: RUF001 - as above, and typographic quotation marks
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_FLAG_STAND_IN = "a\u0301"
_CARRIAGE_RETURN = "\r"

NARROWEST_LIMIT = {TextUnit.CHARACTERS: 1, TextUnit.UTF16: 2, TextUnit.BYTES: 4, TextUnit.SMS_SEGMENTS: 1}
"""The least limit that has room for any one character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A text in pieces that each keep a limit; joined, they are the text again."""

    texts: tuple[str, ...]
    breaks_cluster: bool
    """Whether what a reader sees as one character had to be torn, being longer than the limit by itself."""


def length(text: str, unit: TextUnit) -> int:
    """How long `text` is in `unit`."""
    match unit:
        case TextUnit.CHARACTERS:
            return len(text)
        case TextUnit.UTF16:
            return len(text.encode("utf-16-le", "replace")) // 2
        case TextUnit.BYTES:
            return len(text.encode("utf-8", "replace"))
        case TextUnit.SMS_SEGMENTS:
            return sms.count_segments(text)


def split(text: str, limit: int, unit: TextUnit) -> tuple[str, ...]:
    """Cut `text` into pieces of at most `limit`, see `cut`."""
    return cut(text, limit, unit).texts


def cut(text: str, limit: int, unit: TextUnit) -> Pieces:
    """Cut `text` into pieces of at most `limit`, at the end of a paragraph, line, sentence or word where one is near.

    Never inside a grapheme cluster, unless the cluster alone is over the limit. White space at a cut stays with the
    piece before it, as far as it has room.

    Raises:
        ValueError: `limit` is below `NARROWEST_LIMIT`.
    """
    if limit < NARROWEST_LIMIT[unit]:
        raise ValueError(f"no character fits into {limit} {unit}")
    if _fits(text, limit, unit):
        return Pieces(texts=(text,), breaks_cluster=False)
    ends = _cluster_ends(text)
    texts: list[str] = []
    breaks_cluster = False
    start = 0
    while (reach := _reach(text, start, limit, unit)) < len(text):
        end = _last_end(ends, reach)
        if end <= start:
            end = reach
            breaks_cluster = True
        else:
            end = _natural_end(text, start, end, ends)
        texts.append(text[start:end])
        start = end
    texts.append(text[start:])
    return Pieces(texts=tuple(texts), breaks_cluster=breaks_cluster)


def _fits(text: str, limit: int, unit: TextUnit) -> bool:
    return _reach(text, 0, limit, unit) == len(text)


def _reach(text: str, start: int, limit: int, unit: TextUnit) -> int:
    """Where a piece that begins at `start` ends at the latest."""
    match unit:
        case TextUnit.CHARACTERS:
            return min(start + limit, len(text))
        case TextUnit.UTF16:
            return start + sms.count_fitting_utf16(text[start : start + limit], limit)
        case TextUnit.BYTES:
            fitting = text[start : start + limit].encode("utf-8", "replace")[:limit]
            return start + len(fitting.decode("utf-8", "ignore"))
        case TextUnit.SMS_SEGMENTS:
            return sms.reach(text, start, limit)


def _cluster_ends(text: str) -> Sequence[int]:
    if text.isascii() and _CARRIAGE_RETURN not in text:
        return range(1, len(text) + 1)
    # At each regional indicator the engine looks back over the whole run of them: 100,000 take it 18 seconds. A letter
    # with an accent divides exactly like a flag, and runs of those cost nothing.
    return [match.end() for match in _CLUSTER.finditer(_FLAG.sub(_FLAG_STAND_IN, text))]


def _last_end(ends: Sequence[int], reach: int) -> int:
    position = bisect_right(ends, reach)
    return ends[position - 1] if position else 0


def _is_end(ends: Sequence[int], index: int) -> bool:
    position = bisect_left(ends, index)
    return position < len(ends) and ends[position] == index


def _natural_end(text: str, start: int, end: int, ends: Sequence[int]) -> int:
    """The best place to stop in the last third before `end`, or `end`."""
    earliest = end - (end - start) // 3
    candidates = [
        (_rank(text, match), match.end())
        for match in _BREAK.finditer(text, earliest, end)
        if _is_end(ends, match.end())
    ]
    if text[end].isspace():
        candidates.append((0, end))
    return max(candidates, default=(0, end))[1]


def _rank(text: str, match: re.Match[str]) -> int:
    """How much of an end this is: 3 of a paragraph, 2 of a line, 1 of a sentence, 0 of a word."""
    space = match.group()
    if "\n" in space:
        return min(space.count("\n"), 2) + 1
    before = text[max(match.start() - 2, 0) : match.start()]
    return int(not space.isspace() or _SENTENCE_END.search(before) is not None)
