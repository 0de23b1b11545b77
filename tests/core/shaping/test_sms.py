"""Segments are counted like a carrier packs them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.shaping.sms import GSM_BASIC, GSM_EXTENSION, count_segments, reach


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("x" * 160, 1, id="160 septets alone"),
        pytest.param("x" * 161, 2, id="161 septets"),
        pytest.param("x" * 306, 2, id="2 x 153"),
        pytest.param("x" * 307, 3, id="one more"),
        pytest.param("€" * 80, 1, id="80 x 2 septets"),
        pytest.param("x" * 159 + "€", 2, id="159 + 2 septets"),
        pytest.param("€" * 152, 2, id="76 escapes in each 153, a septet idle"),
        pytest.param("€" * 153, 3, id="no escape is divided"),
        pytest.param("я" * 70, 1, id="70 units alone"),
        pytest.param("я" * 71, 2, id="71 units"),
        pytest.param("я" * 134, 2, id="2 x 67"),
        pytest.param("я" * 135, 3, id="one more unit"),
        pytest.param("👍" * 35, 1, id="35 pairs"),
        pytest.param("👍" * 66, 2, id="33 pairs in each 67, a unit idle"),
        pytest.param("👍" * 67, 3, id="no pair is divided"),
        pytest.param("x" * 70 + "я", 2, id="one character makes all of it UCS-2"),
        pytest.param("ç", 1, id="small c with cedilla is not in the alphabet"),
        pytest.param("\x1b" * 71, 2, id="a bare escape is no character of the alphabet"),
    ],
)
def test_count_segments(text: str, segments: int) -> None:
    assert count_segments(text) == segments


def test_the_alphabet_is_complete() -> None:
    assert len(set(GSM_BASIC)) == len(GSM_BASIC) == 127  # 128 codes, one of them the escape
    assert len(set(GSM_EXTENSION)) == len(GSM_EXTENSION) == 10


def packed(widths: list[int], alone: int, joined: int) -> int:
    """Pack the slow way, as a second opinion."""
    if sum(widths) <= alone:
        return 1 if widths else 0
    segments, room = 1, joined
    for width in widths:
        if width > room:
            segments, room = segments + 1, joined
        room -= width
    return segments


def second_opinion(text: str) -> int:
    if all(character in GSM_BASIC + GSM_EXTENSION for character in text):
        return packed([2 if character in GSM_EXTENSION else 1 for character in text], 160, 153)
    return packed([2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67)


stretches = st.lists(
    st.tuples(st.sampled_from("aZ€[я👍\x1b\n"), st.integers(1, 170)).map(lambda run: run[0] * run[1]), max_size=6
).map("".join)


@given(stretches)
def test_count_agrees_with_packing_one_by_one(text: str) -> None:
    assert count_segments(text) == second_opinion(text)


@given(stretches, st.integers(1, 6), st.integers(0, 20))
def test_reach_is_the_furthest_that_fits(text: str, segments: int, start: int) -> None:
    start = min(start, len(text))
    end = reach(text, start, segments)
    assert second_opinion(text[start:end]) <= segments
    assert end == len(text) or second_opinion(text[start : end + 1]) > segments
