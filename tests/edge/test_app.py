"""Routes, errors of every route, and what is counted."""

import io
from typing import Any

import aiohttp
import pytest
import structlog
from grpc_health.v1 import health_pb2
from structlog import WriteLoggerFactory
from structlog.processors import JSONRenderer
from yarl import URL

from anychannel import _logging


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        pytest.param("GET", "/", 404, None, id="root"),
        pytest.param("POST", "/messages", 404, None, id="almost"),
        pytest.param("POST", "/message/", 404, None, id="a slash too many"),
        pytest.param("POST", "//message", 404, None, id="a slash too many in front"),
        pytest.param("POST", "/webhooks/chn_1", 404, None, id="a webhook without a token"),
        pytest.param("POST", "/webhooks/a%2Fb/token", 404, None, id="an escaped slash in the channel"),
        pytest.param("POST", "/webhooks/chn_1/a%20b", 404, None, id="a space in the token"),
        pytest.param("POST", f"/webhooks/{'c' * 65}/token", 404, None, id="a long channel"),
        pytest.param("POST", f"/webhooks/c/{'t' * 201}", 404, None, id="a long token"),
        pytest.param("POST", "/channels/../message", 404, None, id="dots"),
        pytest.param("POST", "/channels/a.b/message", 404, None, id="a channel that cannot be"),
        pytest.param("GET", "/media/", 404, None, id="media without a token"),
        pytest.param("GET", "/media/a/b", 404, None, id="media with more"),
        pytest.param("GET", "/message", 405, "POST", id="reading a message"),
        pytest.param("PUT", "/channels/chn_1/message", 405, "POST", id="putting a message"),
        pytest.param("POST", "/media/token", 405, "GET, HEAD", id="posting media"),
        pytest.param("POST", "/healthz", 405, "GET, HEAD", id="posting health"),
        pytest.param("DELETE", "/metrics", 405, "GET, HEAD", id="deleting metrics"),
    ],
)
async def test_what_is_not_offered(
    method: str, path: str, status: int, allow: str | None, edge: Any, core: Any, http: aiohttp.ClientSession
) -> None:
    async with http.request(method, URL(edge.url + path, encoded=True), allow_redirects=False) as answer:
        assert answer.status == status
        assert answer.headers.get("Allow") == allow
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert list((await answer.json())["error"]) == ["message"]
    assert core.script.batches == []


async def test_it_lives_and_is_ready(edge: Any, http: aiohttp.ClientSession) -> None:
    for path in ("/healthz", "/readyz"):
        async with http.get(edge.url + path) as answer:
            assert answer.status == 200


async def test_it_is_not_ready_while_core_does_not_serve(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    await core.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    async with http.get(f"{edge.url}/readyz") as answer:
        assert answer.status == 503
        assert await answer.json() == {"error": {"message": "core is not serving"}}
    async with http.get(f"{edge.url}/healthz") as answer:
        assert answer.status == 200


async def test_it_is_not_ready_while_core_is_away(edge: Any, core: Any, http: aiohttp.ClientSession) -> None:
    await core.server.stop(None)
    async with http.get(f"{edge.url}/readyz") as answer:
        assert answer.status == 503


async def test_counts_requests_by_template(edge: Any, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{edge.url}/webhooks/chn_secret/token-secret/rest-secret?query-secret") as answer:
        assert answer.status == 200
    async with http.get(f"{edge.url}/path-secret") as answer:
        assert answer.status == 404
    async with http.get(f"{edge.url}/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await answer.text()
    assert 'anychannel_edge_requests_total{route="/webhooks/{channel_id}/{token}/{rest}",status="200"} 1.0' in text
    assert 'anychannel_edge_requests_total{route="unmatched",status="404"} 1.0' in text
    assert 'anychannel_edge_request_seconds_count{route="/webhooks/{channel_id}/{token}/{rest}"} 1.0' in text
    assert 'anychannel_edge_batch_items_sum{call="forward"} 1.0' in text
    assert 'anychannel_edge_in_flight{kind="forward"} 0.0' in text
    assert "process_resident_memory_bytes" in text
    assert "secret" not in text


async def test_a_bug_shows_nothing(
    edge: Any,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_: Any) -> None:
        raise ValueError("text-secret")

    monkeypatch.setattr("edge.core_client._forwarded_to_proto", break_down)
    lines = io.StringIO()
    structlog.configure(
        processors=[*_logging._processors("edge"), JSONRenderer()], logger_factory=WriteLoggerFactory(lines)
    )
    async with http.post(f"{edge.url}/webhooks/c/token-secret") as answer:
        assert answer.status == 500
        assert await answer.json() == {"error": {"message": "The gateway failed. Please try again."}}
    logged = lines.getvalue()
    assert "ValueError" in logged
    assert "break_down" in logged
    assert "secret" not in logged.replace(r"\"text-secret\"", "")  # the source line itself is no secret
