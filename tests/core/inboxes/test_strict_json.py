"""JSON that two readers could understand differently, or that cannot be stored, is refused in words."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.inboxes.sends import Refusal, RequestRefused
from core.inboxes.strict_json import MAX_BODY_BYTES, MAX_DEPTH, decode


@pytest.mark.parametrize(
    ("body", "document"),
    [
        pytest.param(b"{}", {}, id="empty object"),
        pytest.param(b' {"a": [1, 2.5, "x", null, true]} ', {"a": [1, 2.5, "x", None, True]}, id="every kind"),
        pytest.param('{"a": "grün 👍"}'.encode(), {"a": "grün 👍"}, id="UTF-8"),
        pytest.param(rb'{"a": "\ud83d\udc4d"}', {"a": "👍"}, id="a whole surrogate pair"),
        pytest.param(b'{"a": {"b": 1}, "c": {"b": 2}}', {"a": {"b": 1}, "c": {"b": 2}}, id="a name in two objects"),
        pytest.param(b"{" + b" " * (MAX_BODY_BYTES - 2) + b"}", {}, id="just small enough"),
    ],
)
def test_json_is_read(body: bytes, document: dict[str, Any]) -> None:
    assert decode(body) == document


@pytest.mark.parametrize(
    ("body", "status_code", "text", "field"),
    [
        pytest.param(b"", 400, "is not JSON", "", id="nothing"),
        pytest.param(b"{'a': 1}", 400, "is not JSON", "", id="not JSON"),
        pytest.param(b'{"a": 1} x', 400, "is not JSON", "", id="more after it"),
        pytest.param(b'{"a": 1,}', 400, "is not JSON", "", id="a comma too many"),
        pytest.param(b'{"a": "\n"}', 400, "is not JSON", "", id="a bare line end in a text"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', 400, "is not JSON", "", id="a byte order mark"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", 400, "is not JSON", "", id="an integer of 5,000 digits"),
        pytest.param(b'{"a": "\xff"}', 400, "is not UTF-8", "", id="not UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), 400, "is not UTF-8", "", id="UTF-16"),
        pytest.param(b"[]", 400, "is not a JSON object", "", id="a list"),
        pytest.param(b"null", 400, "is not a JSON object", "", id="null"),
        pytest.param(b'{"a": 1, "a": 1}', 400, "has a twice", "a", id="a name twice"),
        pytest.param(b'{"x": [{"a": 1, "b": 2, "a": 3}]}', 400, "has a twice", "a", id="a name twice, deep inside"),
        pytest.param(b'{"a": NaN}', 400, "NaN is not a JSON number", "", id="NaN"),
        pytest.param(b'{"a": -Infinity}', 400, "-Infinity is not a JSON number", "", id="infinity"),
        pytest.param(b'{"a": {"b": 1e999}}', 400, "is too large a number", "a.b", id="infinity in disguise"),
        pytest.param(rb'{"a": {"b": ["", "\u0000"]}}', 400, "holds a NUL", "a.b[1]", id="NUL"),
        pytest.param(rb'{"a": "\ud800"}', 400, "half a surrogate pair", "a", id="half a surrogate pair"),
        pytest.param(rb'{"a": "\udc4d\ud83d"}', 400, "half a surrogate pair", "a", id="halves in the wrong order"),
        pytest.param(rb'{"a": {"b\u0000": 1}}', 400, "holds a NUL", "a.b?", id="NUL in a name"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, 400, "nested deeper than 32", "", id="33 deep"),
        pytest.param(b'{"a":' + b"[" * 100_000, 400, "", "", id="100,000 deep"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "nested deeper", "", id="and closed"),
        pytest.param(b"{" + b" " * MAX_BODY_BYTES + b"}", 413, "larger than 1,048,576 bytes", "", id="too large"),
    ],
)
def test_anything_else_is_refused(body: bytes, status_code: int, text: str, field: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        decode(body)
    assert caught.value.status_code == status_code
    assert text in caught.value.text
    assert caught.value.text.endswith(".")
    assert caught.value.field == field


def test_the_allowed_depth_is_allowed() -> None:
    body = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert decode(body)


def test_a_long_name_is_not_repeated_at_length() -> None:
    name = "n" * 500_000
    with pytest.raises(RequestRefused) as caught:
        decode(json.dumps({name: ["\0"] * 1000}).encode())
    assert len(caught.value.text) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_body_does_anything_but_be_read_or_refused(body: bytes) -> None:
    match read_or_refuse(body):
        case Refusal(status_code=status_code, text=text):
            assert status_code == 400
            assert text.encode()
        case document:
            assert json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def read_or_refuse(body: bytes) -> Mapping[str, object] | Refusal:
    try:
        return decode(body)
    except RequestRefused as refused:
        return refused.refusal
