from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.cli.output import jsonable, span, table
from anychannel.cli.values import parse_span
from tests.anychannel.scripted_gateway import a_channel


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8s", 8),
        ("8", 8),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("5m", 300),
        ("24h", 86_400),
        ("7d", 604_800),
        ("1h30m", 5_400),
    ],
)
def test_a_span_is_read(text: str, seconds: float) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1s", "8 s", "8x", "h", "1h30", "1e9", "999999999999d", "٣s"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="span of time"):
        parse_span(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_a_span_that_is_shown_can_be_typed(duration: timedelta) -> None:
    assert parse_span(span(duration)) == duration


def test_columns_are_as_wide_as_they_must_be() -> None:
    assert table(("A", "LONG"), [("wide\ncell", "x"), ("y", "")]).splitlines() == [
        "A          LONG",
        "wide cell  x",
        "y",
    ]


def test_json_leaves_out_what_a_record_hides() -> None:
    shown = jsonable(a_channel())
    assert "webhook_url" not in shown
    assert "token" not in shown["inbox"]
    assert shown["settings"] == {"mode": "webhook"}
