"""Which links cross the border."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.inboxes import web_links


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://cdn.example/a.png", id="https"),
        pytest.param("http://cdn.example:8080/a.png?x=1#y", id="http with a port"),
        pytest.param("HTTPS://cdn.example/", id="upper case"),
        pytest.param("https://cdn.example/rechnung-grün.pdf", id="not ASCII"),
        pytest.param("https://[::1]/a", id="an address of version 6"),
        pytest.param("https://cdn.example/@ada", id="an at sign in the path"),
    ],
)
def test_links(url: str) -> None:
    assert web_links.objection(url) == ""


@pytest.mark.parametrize(
    ("url", "objection"),
    [
        pytest.param("", "is not an http or https link.", id="empty"),
        pytest.param("cdn.example/a.png", "is not an http or https link.", id="no scheme"),
        pytest.param("ftp://cdn.example/a", "is not an http or https link.", id="another scheme"),
        pytest.param("data:image/png;base64,AA==", "is not an http or https link.", id="data"),
        pytest.param("javascript:alert(1)", "is not an http or https link.", id="script"),
        pytest.param("https:///a.png", "is not an http or https link.", id="no host"),
        pytest.param("https://cdn.example:99999/", "is not an http or https link.", id="no such port"),
        pytest.param("https://[::1/a", "is not an http or https link.", id="a broken address"),
        pytest.param("https://ada:secret@cdn.example/", "holds a user name or password.", id="credentials"),
        pytest.param("https://cdn.example/a b.png", "holds white space or a backslash.", id="a space"),
        pytest.param("https://cdn.example/a\r\nX: y", "holds white space or a backslash.", id="a line end"),
        pytest.param("https://cdn.example\\@evil.example/", "holds white space or a backslash.", id="a backslash"),
    ],
)
def test_no_links(url: str, objection: str) -> None:
    assert web_links.objection(url) == objection


@given(st.text() | st.text(st.sampled_from("htps:/@[]%.a0 \\?#")).map("https://".__add__))
def test_no_text_raises(url: str) -> None:
    assert web_links.objection(url) in {
        "",
        "is not an http or https link.",
        "holds a user name or password.",
        "holds white space or a backslash.",
    }
