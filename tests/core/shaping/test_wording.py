"""How things look as plain text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.content import ContactCard, Location, QuickReplies, Template
from core.shaping import wording


@pytest.mark.parametrize(
    ("latitude", "longitude", "query"),
    [
        pytest.param(52.52, 13.405, "52.52,13.405", id="as short as it goes"),
        pytest.param(-33.8567844, 151.2152967, "-33.856784,151.215297", id="to the decimetre"),
        pytest.param(0.0, -0.0, "0,0", id="no negative zero"),
        pytest.param(1e-9, -1e-9, "0,0", id="no exponent"),
        pytest.param(90, 100, "90,100", id="zeros before the point stay"),
    ],
)
def test_map_link(latitude: float, longitude: float, query: str) -> None:
    link = wording.map_link(Location(latitude=latitude, longitude=longitude))
    assert link == f"https://www.google.com/maps?q={query}"


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_map_link_is_always_plain_numbers(latitude: float, longitude: float) -> None:
    link = wording.map_link(Location(latitude=latitude, longitude=longitude))
    found = re.fullmatch(r".*\?q=(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", link)
    assert found
    assert [float(number) for number in found.groups()] == pytest.approx([latitude, longitude], abs=1e-6)


def test_what_is_not_known_leaves_no_empty_line() -> None:
    assert wording.place(Location(latitude=1, longitude=2, address="Berlin")) == "Berlin"
    assert wording.address_book_entry(ContactCard(name="", phone_numbers=("+49151",))) == "+49151"
    assert wording.numbered_list(QuickReplies(text="", replies=("A", "B"))) == "1. A\n2. B"
    assert wording.template(Template(name="hello", language="", parameters=("Ada", ""))) == "hello\nAda"
