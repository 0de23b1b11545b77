"""Nothing that core says can break the framing of an answer, and errors are the inbox's."""

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import HttpReply
from edge.replies import Refused, error_response, reply_response, unavailable


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 404, 418, 429, 500, 599])
async def test_passes_a_reply_on(status: int, edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    async def answer_it(_asked: Any) -> Any:
        return core.script.a_reply(
            status, b"<Response/>", headers=(("content-type", "text/xml"), ("x-two", "1"), ("x-two", "2"))
        )

    core.script.answer = answer_it
    async with http.post(f"{edge.url}/webhooks/c/t", allow_redirects=False) as answer:
        assert answer.status == status
        assert answer.headers.getall("X-Two") == ["1", "2"]
        assert answer.headers["Content-Type"] == "text/xml"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "anychannel"
        assert await answer.read() == (b"" if status == 204 else b"<Response/>")


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600, 99999])
async def test_a_status_that_is_none_becomes_503(
    status: int, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async def answer_it(_asked: Any) -> Any:
        return core.script.a_reply(status)

    core.script.answer = answer_it
    async with http.post(f"{edge.url}/webhooks/c/t") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("x-a", "b\r\nx-injected: 1", id="CRLF in a value"),
        pytest.param("x-a", "b\nx-injected: 1", id="LF in a value"),
        pytest.param("x-a", "b\rx-injected: 1", id="CR in a value"),
        pytest.param("x-a", "b\x00", id="NUL in a value"),
        pytest.param("x-a\r\nx-injected", "1", id="CRLF in a name"),
        pytest.param("x a", "1", id="a space in a name"),
        pytest.param("", "1", id="no name"),
        pytest.param("x-ü", "1", id="a name that is not ASCII"),
        pytest.param("x-a", "x" * 10_000, id="a huge value"),
        pytest.param("Transfer-Encoding", "chunked", id="framing"),
        pytest.param("content-length", "3", id="length"),
        pytest.param("connection", "upgrade", id="the connection"),
        pytest.param("set-cookie", "session=1", id="a cookie for the gateway"),
        pytest.param("content-security-policy", "script-src *", id="a weaker policy"),
    ],
)
async def test_leaves_out_headers_that_could_do_harm(
    name: str, value: str, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async def answer_it(_asked: Any) -> Any:
        return core.script.a_reply(headers=((name, value), ("x-good", "yes")))

    core.script.answer = answer_it
    async with http.post(f"{edge.url}/webhooks/c/t") as answer:
        assert answer.status == 200
        assert answer.headers["X-Good"] == "yes"
        assert await answer.read() == b'{"mId":"msg_1"}'
        assert "x-injected" not in answer.headers
        assert answer.headers.getall(name, []) in ([], ["15"]) or name == "content-security-policy"
        assert "*" not in answer.headers["Content-Security-Policy"]


@given(name=st.text(max_size=20), value=st.text(max_size=50))
def test_no_header_ends_a_line(name: str, value: str) -> None:
    response = reply_response(HttpReply(headers=((name, value),)))
    for written in [*response.headers.keys(), *response.headers.values()]:
        assert not set(written) & {"\r", "\n", "\x00"}


def test_errors_are_in_the_inboxs_shape() -> None:
    response = error_response(unavailable('quoted "words"'))
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"error": {"message": 'quoted "words"'}}
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert response.headers["Content-Type"] == "application/json"
    assert not error_response(Refused(413, "x", close=True)).keep_alive
