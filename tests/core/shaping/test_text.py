"""What splitting promises: nothing lost, nothing over the limit, nothing torn, and no text takes long."""

import time

import pytest
import regex  # type: ignore[import-untyped]  # ships no types
from hypothesis import example, given
from hypothesis import strategies as st

from anychannel.capabilities import TextUnit
from core.shaping.text import NARROWEST_LIMIT, cut, length, split

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
GERMANY = "🇩🇪"
ALPHABET = (
    "a", "b", "z", " ", " ", "\n", "\r", ".", "!", '"', "。", "é", "я", "€", "\f", "\x1b", "中", "👩", "\u200d", "\u0301",
    "\U0001f1e9", "\U0001f1ea", "क", "\u094d", "\u1100", "\u1161", "\u0600", "\ufe0f", "👍", "🏽", "\u00a0",
)  # fmt: skip
texts = st.text(st.sampled_from(ALPHABET), max_size=400)
units = st.sampled_from(TextUnit)


def clusters(text: str) -> list[str]:
    return list(regex.findall(r"\X", text))


@pytest.mark.parametrize(
    ("text", "characters", "utf16", "utf8", "segments"),
    [
        pytest.param("", 0, 0, 0, 0, id="empty"),
        pytest.param("hello", 5, 5, 5, 1, id="ascii"),
        pytest.param("grün", 4, 4, 5, 1, id="umlaut: one septet, two bytes"),
        pytest.param("👍", 1, 2, 4, 1, id="emoji: a surrogate pair"),
        pytest.param(GERMANY, 2, 4, 8, 1, id="flag: two characters seen as one"),
        pytest.param("\ud800", 1, 1, 1, 1, id="half a surrogate pair does not raise"),
    ],
)
def test_length_counts_in_the_unit_asked_for(text: str, characters: int, utf16: int, utf8: int, segments: int) -> None:
    assert {unit: length(text, unit) for unit in TextUnit} == {
        TextUnit.CHARACTERS: characters,
        TextUnit.UTF16: utf16,
        TextUnit.BYTES: utf8,
        TextUnit.SMS_SEGMENTS: segments,
    }


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        pytest.param("short", 5, ("short",), id="fits to the last character"),
        pytest.param("", 5, ("",), id="empty stays one piece"),
        pytest.param("aaaa bbbb\n\ncc dd ee", 14, ("aaaa bbbb\n\n", "cc dd ee"), id="paragraph before words"),
        pytest.param("aaaa bbbb c\nd. e ff", 15, ("aaaa bbbb c\n", "d. e ff"), id="line before sentence"),
        pytest.param("aaaa bbb cc. dd ee", 15, ("aaaa bbb cc. ", "dd ee"), id="sentence before word"),
        pytest.param('aaaa "bb cc." dd ee', 16, ('aaaa "bb cc." ', "dd ee"), id="sentence in quotation marks"),
        pytest.param("我们今天去。他们明天来", 7, ("我们今天去。", "他们明天来"), id="sentence without a space"),
        pytest.param("aaaa bbbb cccc", 11, ("aaaa bbbb ", "cccc"), id="word"),
        pytest.param("hello wide world", 10, ("hello wide", " world"), id="word that fills its piece"),
        pytest.param("a bbbbbbbbbbbb", 9, ("a bbbbbbb", "bbbbb"), id="word end too far back"),
        pytest.param("aaaa\n\nbbbbbbbbbb", 12, ("aaaa\n\nbbbbbb", "bbbb"), id="paragraph end too far back"),
        pytest.param("abc" + FAMILY + "d", 9, ("abc", FAMILY + "d"), id="family goes whole"),
        pytest.param("a" + GERMANY * 3, 4, ("a" + GERMANY, GERMANY * 2), id="flags go whole"),
        pytest.param("aa\r\nbb", 3, ("aa", "\r\nb", "b"), id="CR LF stays together"),
        pytest.param("ab \u0301cd", 3, ("ab", " \u0301c", "d"), id="a space with an accent is one character"),
        pytest.param("abcdefgh \u0301ijkl", 12, ("abcdefgh \u0301ij", "kl"), id="and ends no word"),
        pytest.param("a" * 20 + "\n\nbb\ncc dd", 27, ("a" * 20 + "\n\n", "bb\ncc dd"), id="paragraph before line"),
        pytest.param("hello wo ab cd", 11, ("hello wo ab", " cd"), id="a later word end before an earlier one"),
    ],
)
def test_split_prefers_the_end_a_reader_would(text: str, limit: int, pieces: tuple[str, ...]) -> None:
    assert split(text, limit, TextUnit.CHARACTERS) == pieces


@pytest.mark.parametrize(
    ("text", "limit", "unit", "pieces"),
    [
        pytest.param("👍👍👍", 4, TextUnit.UTF16, ("👍👍", "👍"), id="utf16: two units each"),
        pytest.param("👍👍👍", 5, TextUnit.UTF16, ("👍👍", "👍"), id="utf16: an odd limit divides no pair"),
        pytest.param("ééé", 5, TextUnit.BYTES, ("éé", "é"), id="bytes: two each, none divided"),
        pytest.param("x" * 161, 1, TextUnit.SMS_SEGMENTS, ("x" * 160, "x"), id="sms: 160 septets"),
        pytest.param("€" * 81, 1, TextUnit.SMS_SEGMENTS, ("€" * 80, "€"), id="sms: an escape counts"),
        pytest.param("я" * 71, 1, TextUnit.SMS_SEGMENTS, ("я" * 70, "я"), id="sms: 70 units"),
        pytest.param("x" * 307, 2, TextUnit.SMS_SEGMENTS, ("x" * 306, "x"), id="sms: 2 x 153"),
        pytest.param("я" * 135, 2, TextUnit.SMS_SEGMENTS, ("я" * 134, "я"), id="sms: 2 x 67"),
        pytest.param(
            "x" * 100 + "я", 1, TextUnit.SMS_SEGMENTS, ("x" * 100, "я"), id="sms: each piece its own alphabet"
        ),
        pytest.param("👍" * 67, 2, TextUnit.SMS_SEGMENTS, ("👍" * 66, "👍"), id="sms: 33 pairs in 67 units"),
    ],
)
def test_split_counts_in_the_platforms_unit(text: str, limit: int, unit: TextUnit, pieces: tuple[str, ...]) -> None:
    assert split(text, limit, unit) == pieces


@given(texts, units, st.integers(0, 60))
@example(text="\n" * 30, unit=TextUnit.CHARACTERS, more=3)
@example(text=GERMANY * 20 + "a", unit=TextUnit.UTF16, more=4)
def test_pieces_are_the_text_within_the_limit(text: str, unit: TextUnit, more: int) -> None:
    limit = NARROWEST_LIMIT[unit] + more
    pieces = split(text, limit, unit)
    assert "".join(pieces) == text
    assert all(length(piece, unit) <= limit for piece in pieces)
    assert all(pieces) or pieces == ("",)


@given(texts, units, st.integers(0, 60))
def test_only_a_cluster_over_the_limit_is_torn(text: str, unit: TextUnit, more: int) -> None:
    limit = NARROWEST_LIMIT[unit] + more
    pieces = cut(text, limit, unit)
    ends = {0}
    oversized: set[int] = set()
    position = 0
    for cluster in clusters(text):
        if length(cluster, unit) > limit:
            oversized.update(range(position + 1, position + len(cluster)))
        position += len(cluster)
        ends.add(position)
    cuts, position = set(), 0
    for piece in pieces.texts:
        position += len(piece)
        cuts.add(position)
    assert cuts <= ends | oversized
    assert pieces.breaks_cluster == bool(cuts - ends)


@given(st.text(st.sampled_from("\U0001f1e9\U0001f1ea\u0301\u200d👩a \u0600"), max_size=60), st.integers(1, 12))
def test_flags_divide_as_the_standard_says(text: str, limit: int) -> None:
    longest = max(map(len, clusters(text)), default=0)
    pieces = split(text, max(limit, longest, 1), TextUnit.CHARACTERS)
    assert [cluster for piece in pieces for cluster in clusters(piece)] == clusters(text)


@pytest.mark.parametrize("unit", TextUnit)
def test_a_limit_without_room_for_a_character_is_a_bug(unit: TextUnit) -> None:
    with pytest.raises(ValueError, match="no character fits"):
        split("text", NARROWEST_LIMIT[unit] - 1, unit)


@pytest.mark.parametrize("unit", TextUnit)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("word " * 20_000, id="words"),
        pytest.param("a" + "\u0301" * 10_000, id="one cluster of 10,000"),
        pytest.param(GERMANY * 50_000, id="flags"),
        pytest.param("€" * 100_000, id="escapes"),
        pytest.param("." * 100_000, id="dots"),
        pytest.param(" " * 100_000, id="spaces"),
        pytest.param("👩\u200d" * 50_000, id="joiners"),
        pytest.param("x" * 99_999 + "я", id="one character decides the alphabet"),
    ],
)
def test_no_text_takes_long(text: str, unit: TextUnit) -> None:
    start = time.perf_counter()
    cut(text, 160, unit)
    # 5 to 40 ms on an idle machine; whatever is not linear takes many seconds.
    assert time.perf_counter() - start < 2
