"""A platform's HTTP API on this machine: records what it is asked, answers what it was told to."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

_UNSCRIPTED_STATUS = 599
_MAX_BODY_BYTES = 64 * 1024 * 1024
# A client that keeps its connection open must not hold up the end of a test.
_SHUTDOWN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request that the platform got."""

    method: str
    path: str
    """Decoded, without the query."""
    headers: Mapping[str, str]
    """Names in lower case; of repeated ones the last."""
    query: Mapping[str, str]
    """Of repeated names the last."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` when it is none."""
        return json.loads(self.body)

    @property
    def form(self) -> Mapping[str, str]:
        """The body as an urlencoded form; of repeated names the last."""
        return dict(self.form_fields)

    @property
    def form_fields(self) -> tuple[tuple[str, str], ...]:
        """The body as an urlencoded form, repeated names repeated."""
        return tuple(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the platform answers."""

    status: int = 200
    json: Any = None
    """Sent as JSON unless `body` is given."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_for: asyncio.Event | None = None
    """Answered only once this is set."""
    close: bool = False
    """Close the connection without an answer."""


class ScriptedPlatform:
    """An HTTP server on a free port of this machine. Use it as an async context manager.

    Answers come from the script, first in, first out, or from a function. A request for which there is no answer gets
    status 599, and leaving the context raises `AssertionError` with its method and path.
    """

    def __init__(self, answer: Callable[[RecordedRequest], Answer] | None = None) -> None:
        self.requests: list[RecordedRequest] = []
        """All requests so far, oldest first."""
        self.url = ""
        """http://127.0.0.1:port, without a slash at the end."""
        self._script: list[Answer] = []
        self._function = answer
        self._unscripted: list[str] = []
        self._arrived = asyncio.Condition()
        application = web.Application(client_max_size=_MAX_BODY_BYTES)
        application.router.add_route("*", "/{anything:.*}", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=_SHUTDOWN_SECONDS)

    def answer(self, *answers: Answer) -> None:
        """Add answers to the script."""
        self._script.extend(answers)

    async def requested(self, count: int = 1, *, seconds: float = 5.0) -> list[RecordedRequest]:
        """Wait until `count` requests have come; all so far. Raises `TimeoutError` after so many seconds."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return list(self.requests)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        if raised is None and self._unscripted:
            raise AssertionError(f"no answer was scripted for: {', '.join(self._unscripted)}")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        recorded = RecordedRequest(
            method=request.method,
            path=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query.items()),
            body=await request.read(),
        )
        answer = self._next_answer(recorded)
        async with self._arrived:
            self.requests.append(recorded)
            self._arrived.notify_all()
        if answer.wait_for is not None:
            await answer.wait_for.wait()
        if answer.close:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if answer.json is not None and not answer.body:
            return web.json_response(answer.json, status=answer.status, headers=answer.headers)
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    def _next_answer(self, request: RecordedRequest) -> Answer:
        if self._script:
            return self._script.pop(0)
        if self._function is not None:
            return self._function(request)
        self._unscripted.append(f"{request.method} {request.path}")
        return Answer(status=_UNSCRIPTED_STATUS, body=b"no answer was scripted for this request")
