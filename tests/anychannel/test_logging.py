"""Logs are JSON lines on stderr without secrets, from structlog and from the standard library alike."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from anychannel._logging import LEVEL_VARIABLE, configure, redact
from anychannel.v1 import provider_pb2


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_says_what_when_and_who(capsys: pytest.CaptureFixture[str]) -> None:
    configure("core")
    structlog.get_logger().info("accepted", message_id="msg_1")

    [line] = _lines(capsys)
    assert line.items() >= {"event": "accepted", "service": "core", "level": "info", "message_id": "msg_1"}.items()
    assert str(line["time"]).endswith("Z")


def test_the_standard_library_logs_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("core")
    logging.getLogger("aiohttp").warning("sent %s", "Bearer abc.def")

    [line] = _lines(capsys)
    assert line.items() >= {"event": "sent Bearer •••", "service": "core", "level": "warning"}.items()


def test_an_exception_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("core")
    try:
        int("wrong")
    except ValueError:
        structlog.get_logger().exception("failed")

    [line] = _lines(capsys)
    assert "ValueError: invalid literal" in str(line["exception"])


@pytest.mark.parametrize(("level", "events"), [("WARNING", ["loud"]), ("debug", ["quiet", "loud"])])
def test_the_level_is_a_setting(
    level: str, events: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LEVEL_VARIABLE, level)
    configure("core")
    structlog.get_logger().debug("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in _lines(capsys)] == events


def test_an_unknown_level_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL_VARIABLE, "loud")
    with pytest.raises(ValueError, match="ANYCHANNEL_LOG_LEVEL is 'LOUD': use one of DEBUG, INFO"):
        configure("core")


@pytest.mark.parametrize(
    ("name", "value", "logged"),
    [
        pytest.param("authorization", "anything", "•••", id="authorization"),
        pytest.param("access_token", "anything", "•••", id="a token"),
        pytest.param("API-Key", "anything", "•••", id="an API key"),
        pytest.param("password", 1234, "•••", id="a number as password"),
        pytest.param("settings", {"a": "b"}, "•••", id="settings"),
        pytest.param("has_token", True, True, id="whether there is one"),
        pytest.param("token", None, None, id="none"),
        pytest.param("headers", {"Cookie": "c", "accept": "a"}, {"Cookie": "•••", "accept": "a"}, id="nested"),
        pytest.param("items", [{"secret": "s"}], [{"secret": "•••"}], id="in a list"),
        pytest.param("url", "postgres://me:pw@host/db", "postgres://•••@host/db", id="a URL's user"),
        pytest.param("text", "authorization: Bearer abc.d-f", "authorization: Bearer •••", id="a bearer in a text"),
        pytest.param("status", 200, 200, id="a number"),
        pytest.param(
            "request",
            provider_pb2.ChannelContext(channel_id="c", settings={"a": "hidden"}),
            "ChannelContext(channel_id: 'c', settings: •••)",
            id="a protobuf",
        ),
        pytest.param("error", ValueError("Basic dXNlcjpwdw=="), "Basic •••", id="an exception"),
    ],
)
def test_what_is_secret_by_name_or_look_is_hidden(name: str, value: object, logged: object) -> None:
    assert redact(None, "info", {name: value}) == {name: logged}


def test_endless_nesting_ends() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless

    assert "…" in repr(redact(None, "info", {"value": endless}))
