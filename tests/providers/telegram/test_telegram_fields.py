"""JSON of any shape is read without raising."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.telegram.fields import Fields


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"a":NaN}', b"[" * 100_000, b'{"a":' + b"9" * 5_000 + b"}"],
    ids=["empty", "list", "null", "cut", "no UTF-8", "NaN", "too deep", "endless number"],
)
def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert Fields.parse(body) is None


def test_fields_of_another_type_read_as_empty() -> None:
    fields = Fields({"text": 1, "number": "1", "flag": 1, "object": [], "objects": {}, "true": True, "far": 181})

    assert fields.text("text") == ""
    assert (fields.number("number"), fields.number("true"), fields.number("missing")) == (0, 0, 0)
    assert (fields.flag("flag"), fields.flag("true")) == (False, True)
    assert (bool(fields.object("object")), fields.objects("objects"), fields.rows("objects")) == (False, (), ())
    assert (fields.degrees("far"), fields.degrees("true"), fields.degrees("text")) == (None, None, 1.0)


def test_a_number_beyond_telegrams_range_is_empty() -> None:
    assert Fields({"id": 2**52}).number("id") == 2**52
    assert Fields({"id": 2**52 + 1}).number("id") == 0


def test_a_lone_surrogate_becomes_sayable() -> None:
    fields = Fields.parse(b'{"text":"a\\ud83db \\ud83d\\ude00"}')

    assert fields is not None
    assert fields.text("text") == "a\N{REPLACEMENT CHARACTER}b \N{GRINNING FACE}"


@given(value=st.text())
def test_text_survives(value: str) -> None:
    assert Fields({"text": value}).text("text") == value


ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)


@given(value=ANY_JSON)
def test_no_value_makes_it_raise(value: object) -> None:
    fields = Fields.parse(json.dumps({"a": value}).encode()) or Fields({"a": value})

    fields.text("a").encode()
    fields.number("a")
    fields.degrees("a")
    fields.object("a").text("b")
    fields.objects("a")
    fields.rows("a")
