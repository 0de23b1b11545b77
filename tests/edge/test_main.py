"""The process: settings from the environment, help, an orderly end, and logs that hold no secret."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import pytest

from edge.__main__ import main
from edge.settings import Settings


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, setting in Settings.model_fields.items():
        assert f"ANYCHANNEL_EDGE_{name.upper()}" in shown
        assert setting.description


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PUBLIC_URL", "ftp://gw.example"),
        ("PUBLIC_URL", "https://gw.example/?x=1"),
        ("PUBLIC_URL", "https://user:word@gw.example"),
        ("PUBLIC_URL", "https://"),
        ("MAX_IN_FLIGHT", "0"),
        ("MAX_WEBHOOK_BODY_BYTES", "16000000"),  # with its headers it would not fit in a message to core
        ("REQUEST_TIMEOUT", "-1"),
        ("CORE_ADDRESS", ""),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"ANYCHANNEL_EDGE_{name}", value)
    assert main([]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"ANYCHANNEL_EDGE_{name}: ")
    assert value not in shown or len(value) < 3


def test_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "1"]) == 2
    assert "--help" in capsys.readouterr().err


async def read_lines(stream: asyncio.StreamReader, lines: list[dict[str, Any]], until: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while line := await stream.readline():
            lines.append(json.loads(line))
            if lines[-1]["event"] == until:
                return lines[-1]
    raise AssertionError(f"ended without {until}: {lines}")


async def talk(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_no_secret_reaches_a_log_and_the_end_is_orderly(core: Any) -> None:
    async def answer_or_break(asked: Any) -> Any:
        if asked.request.query == "q-secret&break":
            raise RuntimeError("core-secret")
        return core.script.a_reply(body=b"reply-secret", message_id="msg_1", channel_id="chn_1")

    core.script.answer = answer_or_break
    core.script.media_ends_with = None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge",
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "ANYCHANNEL_EDGE_HOST": "127.0.0.1",
            "ANYCHANNEL_EDGE_PORT": "0",
            "ANYCHANNEL_EDGE_CORE_ADDRESS": core.address,
            "ANYCHANNEL_EDGE_DRAIN_SECONDS": "0",
            "ANYCHANNEL_LOG_LEVEL": "DEBUG",
        },
    )
    assert process.stderr is not None
    assert process.stdout is not None
    lines: list[dict[str, Any]] = []
    try:
        port = (await read_lines(process.stderr, lines, "started"))["port"]
        head = b"Host: x\r\nConnection: close\r\nAuthorization: Bearer bearer-secret\r\nCookie: cookie-secret\r\n"
        body = b"Content-Length: 11\r\n\r\nbody-secret"
        for sent, answered in [
            (b"POST /message?q-secret HTTP/1.1\r\n" + head + body, b" 200 "),
            (b"POST /webhooks/chn_1/token-secret/rest-secret?q-secret HTTP/1.1\r\n" + head + body, b" 200 "),
            (b"POST /webhooks/chn_1/token-secret?q-secret&break HTTP/1.1\r\n" + head + body, b" 503 "),
            (b"GET /media/media-secret?q-secret HTTP/1.1\r\n" + head + b"\r\n", b" 503 "),
            (b"GET /path-secret?q-secret HTTP/1.1\r\n" + head + b"\r\n", b" 404 "),
            (b"DELETE /message?q-secret HTTP/1.1\r\n" + head + b"\r\n", b" 405 "),
            (b"POST /message?q-secret HTTP/1.1\r\n" + head + b"Expect: expect-secret\r\n" + body, b" 417 "),
            (b"GET /webhooks/chn_1/token-secret?\xff HTTP/1.1\r\n" + head + b"\r\n", b" 400 "),
            (b"GET /webhooks/chn_1/token-secret HTTP/1.1\r\nX-Bad: header-secret\x00\r\n" + head + b"\r\n", b" 400 "),
            (b"GET /webhooks/chn_1/token-secret HTTP/1.1\r\nHost: host-secret/\r\nConnection: close\r\n\r\n", b" 400 "),
            (b"POST /message HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\nchunk-secret\r\n", b" 400 "),
            (b"method-secret / HTTP/1.1\r\n" + head + b"\r\n", b" 400 "),
        ]:
            assert answered in (await talk(port, sent))[:20], sent
        process.send_signal(signal.SIGTERM)
        await read_lines(process.stderr, lines, "stopped")
        stdout, rest = await process.stdout.read(), await process.stderr.read()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "secret" not in json.dumps(lines) + (stdout + rest).decode()
    answered_lines = [line for line in lines if line["event"] == "request"]
    assert len(answered_lines) == 7  # the other five are not HTTP to aiohttp's mind, or expect too much
    assert answered_lines[0] == answered_lines[0] | {
        "route": "/message",
        "status": 200,
        "channel_id": "chn_1",
        "message_id": "msg_1",
        "service": "edge",
    }
    assert set(answered_lines[0]) <= {
        *("time", "level", "event", "service", "route", "status", "duration_ms", "channel_id", "message_id")
    }
