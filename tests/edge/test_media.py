"""Media flows from core to the holder of a link, whole or visibly broken, and never as anything a browser would run."""

import asyncio
from typing import Any
from urllib.parse import unquote

import aiohttp
import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ingress import MediaHeader
from edge.media import content_disposition, media_headers, safe_file_name

PIECE_BYTES = 256 * 1024


def script(core: Any, *data: bytes, ends_with: grpc.StatusCode | None = None, **header: Any) -> None:
    head = core.script.a_piece(header=core.script.a_header(**{"mime_type": "image/png"} | header))
    core.script.media = [head, *(core.script.a_piece(data=piece) for piece in data)]
    core.script.media_ends_with = ends_with


@pytest.mark.parametrize("size", [pytest.param(5, id="size known"), pytest.param(0, id="size unknown")])
async def test_streams_media(size: int, edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    script(core, b"abc", b"de", size_bytes=size, file_name="holiday.png")
    async with http.get(f"{edge.url}/media/link.token-1~=") as answer:
        assert answer.status == 200
        assert answer.headers.get("Content-Length") == ("5" if size else None)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"] == 'inline; filename="holiday.png"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert await answer.read() == b"abcde"
    assert core.script.media_tokens == ["link.token-1~="]


async def test_head_answers_the_headers_and_stops_the_stream(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    script(core, *[b"x" * PIECE_BYTES] * 100, size_bytes=100 * PIECE_BYTES)
    async with http.head(f"{edge.url}/media/token") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(100 * PIECE_BYTES)
        assert answer.headers["Content-Type"] == "image/png"
    async with asyncio.timeout(10):
        await core.script.media_ended.wait()
    assert core.script.media_pieces_sent < 100
    async with http.get(f"{edge.url}/healthz") as answer:  # the connection can be used again
        assert answer.status == 200


async def test_media_may_be_empty(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    script(core)
    async with http.get(f"{edge.url}/media/token") as answer:
        assert answer.status == 200
        assert await answer.read() == b""


@pytest.mark.parametrize(
    ("code", "status"),
    [
        pytest.param(grpc.StatusCode.NOT_FOUND, 404, id="forged or expired"),
        pytest.param(grpc.StatusCode.UNAVAILABLE, 503, id="the platform is down"),
        pytest.param(grpc.StatusCode.RESOURCE_EXHAUSTED, 503, id="core is full"),
        pytest.param(grpc.StatusCode.INTERNAL, 503, id="core broke"),
        pytest.param(None, 503, id="nothing came"),
    ],
)
async def test_media_that_cannot_be_had(
    code: grpc.StatusCode | None, status: int, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    core.script.media_ends_with = code
    async with http.get(f"{edge.url}/media/token") as answer:
        assert answer.status == status
        assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)
        assert list((await answer.json())["error"]) == ["message"]


@pytest.mark.parametrize(
    ("data", "size", "ends_with"),
    [
        pytest.param([b"abc"], 5, None, id="less than promised"),
        pytest.param([b"abc", b"def"], 5, None, id="more than promised"),
        pytest.param([b"abc"], 5, grpc.StatusCode.UNAVAILABLE, id="broke, size known"),
        pytest.param([b"abc"], 0, grpc.StatusCode.UNAVAILABLE, id="broke, size unknown"),
    ],
)
async def test_an_incomplete_stream_is_seen_as_incomplete(
    data: list[bytes],
    size: int,
    ends_with: grpc.StatusCode | None,
    edge: Any,
    core: Any,
    http: aiohttp.ClientSession,
) -> None:
    script(core, *data, size_bytes=size, ends_with=ends_with)
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        async with http.get(f"{edge.url}/media/token") as answer:
            await answer.read()


async def test_a_reader_that_stops_reading_holds_no_more_than_a_little(start_edge: Any, core: Any) -> None:
    pieces = 400  # x 256 KiB = 100 MiB: far more than all buffers on the way
    script(core, *[b"x" * PIECE_BYTES] * pieces)
    async with start_edge(media_timeout=1.0) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=1024)
        writer.write(b"GET /media/token HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readline()
        async with asyncio.timeout(10):  # edge gives up after a second
            await core.script.media_ended.wait()
        writer.transport.abort()
    assert core.script.media_pieces_sent < pieces / 2


async def test_a_reader_that_goes_away_ends_the_stream(edge: Any, core: Any) -> None:
    script(core, *[b"x" * PIECE_BYTES] * 400)
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=1024)
    writer.write(b"GET /media/token HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readline()
    writer.transport.abort()
    async with asyncio.timeout(10):
        await core.script.media_ended.wait()
    assert core.script.media_pieces_sent < 400


async def test_more_streams_than_may_be_are_sent_away(start_edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    script(core, *[b"x" * PIECE_BYTES] * 100)
    async with start_edge(max_media_streams=1) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=1024)
        writer.write(b"GET /media/token HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in await reader.readline()
        async with http.get(f"{edge.url}/media/token") as answer:
            assert answer.status == 503
        async with http.post(f"{edge.url}/webhooks/c/t") as answer:
            assert answer.status == 200  # media holds up no messages
        writer.transport.abort()


@pytest.mark.parametrize(
    ("mime_type", "content_type", "disposition"),
    [
        pytest.param("image/jpeg", "image/jpeg", "inline", id="picture"),
        pytest.param("Audio/OGG; codecs=opus", "audio/ogg; codecs=opus", "inline", id="voice, with a parameter"),
        pytest.param("video/mp4", "video/mp4", "inline", id="film"),
        pytest.param("application/pdf", "application/pdf", "attachment", id="document"),
        pytest.param("text/html", "text/html", "attachment", id="page"),
        pytest.param("image/svg+xml", "image/svg+xml", "attachment", id="picture that can run scripts"),
        pytest.param("", "application/octet-stream", "attachment", id="none"),
        pytest.param("image/png\r\nX: y", "application/octet-stream", "attachment", id="injected header"),
        pytest.param("image", "application/octet-stream", "attachment", id="half a type"),
        pytest.param("image/png, text/html", "application/octet-stream", "attachment", id="two types"),
    ],
)
def test_says_what_the_media_is(mime_type: str, content_type: str, disposition: str) -> None:
    headers = media_headers(MediaHeader(mime_type=mime_type))
    assert (headers["Content-Type"], headers["Content-Disposition"]) == (content_type, disposition)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("", "inline", id="none"),
        pytest.param("a b.png", 'inline; filename="a b.png"', id="plain"),
        pytest.param(
            "Überweisung.pdf",
            "inline; filename=\"Uberweisung.pdf\"; filename*=UTF-8''%C3%9Cberweisung.pdf",
            id="umlaut",
        ),
        pytest.param("写真.jpg", "inline; filename=\"jpg\"; filename*=UTF-8''%E5%86%99%E7%9C%9F.jpg", id="no ASCII"),
        pytest.param("../../etc/passwd", 'inline; filename="_.._etc_passwd"', id="path"),
        pytest.param('a"; filename="b.exe', 'inline; filename="a__ filename=_b.exe"', id="quote"),
        pytest.param("a\r\nX: y\x00", 'inline; filename="aX_ y"', id="header"),
        pytest.param("gpj.\u202eexe", 'inline; filename="gpj.exe"', id="turned writing"),
        pytest.param(" ...", "inline", id="nothing left"),
    ],
)
def test_names_are_safe(name: str, expected: str) -> None:
    assert content_disposition("inline", name) == expected


def test_long_names_keep_their_extension() -> None:
    assert safe_file_name("x" * 500 + ".docx") == "x" * 115 + ".docx"
    assert safe_file_name("x" * 500) == "x" * 120
    assert safe_file_name("a." + "x" * 500) == "a." + "x" * 118


@given(st.text(max_size=200))
def test_any_name_makes_one_header(name: str) -> None:
    header = content_disposition("attachment", name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') in (0, 2)
    assert len(safe_file_name(name)) <= 120
    _, is_extended, extended = header.partition("filename*=UTF-8''")
    if is_extended:
        assert unquote(extended) == safe_file_name(name)
