"""Raw requests reach core as they came; core's replies go out as they are."""

import asyncio
import gzip
from typing import Any

import aiohttp
import pytest
from yarl import URL

from edge.forward import address_seen, end_to_end_headers
from edge.serve import longest_stop_seconds
from edge.settings import Settings

BEARER = {"Authorization": "Bearer secret-token"}


async def last_asked(core: Any) -> Any:
    async with asyncio.timeout(10):
        return await core.script.asked.get()


@pytest.mark.parametrize(
    ("path", "channel_id"),
    [
        pytest.param("/message", "", id="the channel is the token's"),
        pytest.param("/channels/chn_1/message", "chn_1", id="the channel is in the path"),
    ],
)
async def test_forwards_what_the_inbox_sends(
    path: str, channel_id: str, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async with http.post(edge.url + path, data=b'{"contactId":"+49"}', headers=BEARER) as answer:
        assert answer.status == 200
        assert await answer.read() == b'{"mId":"msg_1"}'
        assert answer.headers["Content-Type"] == "application/json"
    asked = await last_asked(core)
    assert asked.WhichOneof("target") == "inbox_send"
    assert asked.inbox_send.channel_id == channel_id
    assert (asked.request.method, asked.request.path, asked.request.query) == ("POST", "", "")
    assert asked.request.body == b'{"contactId":"+49"}'
    assert asked.request.url == edge.url + path
    assert asked.request.receive_time.seconds > 0
    assert ("authorization", "Bearer secret-token") in [(h.name, h.value) for h in asked.request.headers]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    ("rest", "path", "query"),
    [
        pytest.param("", "", "", id="nothing after the token"),
        pytest.param("/", "/", "", id="a slash"),
        pytest.param("/sms/in", "/sms/in", "", id="a path"),
        pytest.param("?hub.challenge=1%2B1&b=", "", "hub.challenge=1%2B1&b=", id="a query, raw"),
        pytest.param("/a%20b%2Fc/../d;e?x=%C3%BC&x=y?z", "/a%20b%2Fc/../d;e", "x=%C3%BC&x=y?z", id="escapes, raw"),
        pytest.param("/%zz%?q=%", "/%zz%", "q=%", id="broken escapes"),
        pytest.param("/%00%0d%0aX:%20y", "/%00%0d%0aX:%20y", "", id="escaped control characters"),
    ],
)
async def test_forwards_any_webhook_raw(
    method: str, rest: str, path: str, query: str, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    address = f"{edge.url}/webhooks/chn_1/to-ken{rest}"
    async with http.request(method, URL(address, encoded=True), data=b"\x00\xff") as answer:
        assert answer.status == 200
    asked = await last_asked(core)
    assert asked.WhichOneof("target") == "platform_webhook"
    assert (asked.platform_webhook.channel_id, asked.platform_webhook.token) == ("chn_1", "to-ken")
    assert (asked.request.method, asked.request.path, asked.request.query) == (method, path, query)
    assert asked.request.url == address
    assert asked.request.body == b"\x00\xff"


async def test_escapes_in_the_first_segments_are_read(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    async with http.get(URL(f"{edge.url}/%77ebhooks/chn%5F1/t%6fken/a%2Fb", encoded=True)) as answer:
        assert answer.status == 200
    asked = await last_asked(core)
    assert (asked.platform_webhook.channel_id, asked.platform_webhook.token) == ("chn_1", "token")
    assert asked.request.path == "/a%2Fb"


async def test_a_head_request_gets_the_replys_headers_without_its_body(
    edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async with http.head(f"{edge.url}/webhooks/chn_1/token") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == "15"
        assert await answer.read() == b""
    assert (await last_asked(core)).request.method == "HEAD"


async def test_a_compressed_body_stays_compressed(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    body = gzip.compress(b"x" * 10_000_000)  # would not pass the limit, unpacked
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with http.post(f"{edge.url}/webhooks/chn_1/token", data=body, headers=headers) as answer:
        assert answer.status == 200
    asked = await last_asked(core)
    assert asked.request.body == body
    assert ("content-encoding", "gzip") in [(h.name, h.value) for h in asked.request.headers]


async def test_a_chunked_body_arrives_whole(edge: Any, core: Any) -> None:
    answer = await edge.raw(
        b"POST /webhooks/chn_1/token HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    asked = await last_asked(core)
    assert asked.request.body == b"abcde"
    assert [h.name for h in asked.request.headers] == ["host"]


async def test_headers_keep_their_order_and_bytes(edge: Any, core: Any) -> None:
    await edge.raw(
        b"GET /webhooks/chn_1/token HTTP/1.1\r\nHost: gw.example\r\nX-Two: 1\r\nX-One: a\r\nX-Two: 2\r\n"
        b"X-Latin: caf\xe9\r\nX-Utf8: caf\xc3\xa9\r\nX-Hop: secret\r\nConnection: close, X-Hop\r\n\r\n"
    )
    asked = await last_asked(core)
    assert [(h.name, h.value) for h in asked.request.headers] == [
        ("host", "gw.example"),
        ("x-two", "1"),
        ("x-one", "a"),
        ("x-two", "2"),
        ("x-latin", "caf\xe9"),
        ("x-utf8", "caf\xe9"),
    ]
    assert asked.request.url == "http://gw.example/webhooks/chn_1/token"


@pytest.mark.parametrize(
    ("settings", "headers", "seen"),
    [
        pytest.param({}, {}, "http://gw.example/webhooks/c/t?q=1", id="the host alone"),
        pytest.param(
            {},
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"},
            "http://gw.example/webhooks/c/t?q=1",
            id="a stranger's word is not believed",
        ),
        pytest.param(
            {"trust_forwarded": True},
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example, public.example:8443"},
            "https://public.example:8443/webhooks/c/t?q=1",
            id="a trusted proxy's last word",
        ),
        pytest.param(
            {"public_url": "https://public.example/gw/"},
            {"X-Forwarded-Host": "evil.example"},
            "https://public.example/gw/webhooks/c/t?q=1",
            id="what the operator says",
        ),
    ],
)
async def test_the_address_is_the_callers(
    settings: dict[str, Any],
    headers: dict[str, str],
    seen: str,
    start_edge: Any,
    core: Any,
    http: aiohttp.ClientSession,
) -> None:
    async with start_edge(**settings) as edge:
        async with http.get(f"{edge.url}/webhooks/c/t?q=1", headers={"Host": "gw.example", **headers}) as answer:
            assert answer.status == 200
        assert (await last_asked(core)).request.url == seen


@pytest.mark.parametrize(
    ("host", "scheme", "target", "seen"),
    [
        pytest.param("gw.example", "http", "/a?", "http://gw.example/a?", id="name"),
        pytest.param("[::1]:8080", "https", "/a", "https://[::1]:8080/a", id="ipv6"),
        pytest.param("", "http", "/a", None, id="no host"),
        pytest.param("gw.example/x?", "http", "/a", None, id="more than a host"),
        pytest.param("user@gw.example", "http", "/a", None, id="a user"),
        pytest.param("a.example, b.example", "http", "/a", None, id="two hosts"),
        pytest.param("gw.example", "javascript", "/a", None, id="another scheme"),
        pytest.param("gw.example", "http", "/\xfc", None, id="not ASCII"),
    ],
)
def test_only_a_well_formed_address_is_formed(host: str, scheme: str, target: str, seen: str | None) -> None:
    assert address_seen(target=target, public_url="", scheme=scheme, host=host) == seen


def test_headers_of_the_connection_are_left_out() -> None:
    raw = tuple(
        (name.encode(), b"x")
        for name in ("Host", "TE", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection")
    )
    assert end_to_end_headers(raw) == (("host", "x"),)


@pytest.mark.parametrize("path", ["/message", "/channels/chn_1/message"])
async def test_a_send_without_a_token_is_refused_at_once(
    path: str, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async with http.post(edge.url + path, json={}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert await answer.json() == {"error": {"message": "The request carries no API token."}}
    assert core.script.batches == []


async def test_what_is_written_is_confirmed(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    async def answer_with_id(_asked: Any) -> Any:
        return core.script.a_reply(message_id="msg_7", channel_id="chn_7")

    core.script.answer = answer_with_id
    async with http.post(f"{edge.url}/message", headers=BEARER) as answer:
        assert answer.status == 200
    async with asyncio.timeout(10):
        assert await core.script.confirmed.get() == ("chn_7", "msg_7")


async def test_what_the_caller_did_not_wait_for_is_not_confirmed(
    edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    caller_gone = asyncio.Event()

    async def answer_late(asked: Any) -> Any:
        if asked.request.query == "gone":
            await caller_gone.wait()
            return core.script.a_reply(message_id="msg_gone", channel_id="chn_1")
        return core.script.a_reply(message_id="msg_here", channel_id="chn_1")

    core.script.answer = answer_late
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"POST /message?gone HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nContent-Length: 0\r\n\r\n")
    await last_asked(core)
    writer.transport.abort()
    async with http.get(f"{edge.url}/healthz") as answer:  # one turn more, for edge to notice
        assert answer.status == 200
    caller_gone.set()
    assert await reader.read() == b""
    async with http.post(f"{edge.url}/message", headers=BEARER) as answer:
        assert answer.status == 200
    async with asyncio.timeout(10):
        assert await core.script.confirmed.get() == ("chn_1", "msg_here")
    assert core.script.confirmed.empty()
    async with http.get(f"{edge.url}/metrics") as answer:
        assert 'anychannel_edge_requests_total{route="/message",status="499"} 1.0' in await answer.text()


def test_core_has_less_time_than_edge() -> None:
    settings = Settings()
    assert settings.request_timeout > 30  # core's longest wait for an outcome
    assert longest_stop_seconds(settings) == 5 + 35 + 1 + 5
