"""Starts edge, and stops it without cutting anybody off."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from edge.app import create_app
from edge.core_client import CLOSE_SECONDS, connect
from edge.metrics import Metrics
from edge.readiness import Readiness
from edge.settings import Settings

# Carriers send texts in the query of a GET: 1,530 characters x 9 escaped bytes, and the rest of the address.
_MAX_LINE_BYTES: Final = 16 * 1024
# after an early answer, how long what the caller still sends is read, so that it gets to see the answer
_LINGER_SECONDS: Final = 2.0
# on top of the slowest answer from core, for writing it
_FINISH_MARGIN_SECONDS: Final = 1.0

_log = structlog.get_logger("edge.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An edge that listens."""

    port: int
    readiness: Readiness


def longest_stop_seconds(settings: Settings) -> float:
    """What an orchestrator must allow for stopping: draining, the slowest request, the last confirmations."""
    return settings.drain_seconds + settings.request_timeout + _FINISH_MARGIN_SECONDS + CLOSE_SECONDS


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    started: Callable[[Running], None] = lambda _running: None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Serve until `stop` is set, then drain.

    Args:
        settings: what an operator set.
        stop: set it to begin draining.
        started: told once edge listens.
        pause: waits so many seconds, for balancers to notice that edge is not ready any more.
    """
    metrics = Metrics()
    async with connect(
        settings.core_address,
        metrics=metrics,
        request_timeout=settings.request_timeout,
        media_timeout=settings.media_timeout,
        max_calls=settings.max_in_flight,
    ) as core:
        readiness = Readiness(core.is_serving)
        app = create_app(settings=settings, core=core, metrics=metrics, readiness=readiness)
        finish_seconds = settings.request_timeout + _FINISH_MARGIN_SECONDS
        runner = web.AppRunner(
            app,
            access_log=None,  # its line would hold the path, and so tokens
            logger=_quiet_logger(),
            auto_decompress=False,  # signatures are over the raw bytes; and nothing can blow up here
            max_line_size=_MAX_LINE_BYTES,
            lingering_time=_LINGER_SECONDS,
            shutdown_timeout=finish_seconds,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
            port: int = runner.addresses[0][1]
            _log.info("started", port=port, configuration=settings.model_dump(mode="json"))
            started(Running(port=port, readiness=readiness))
            await stop.wait()
            readiness.is_draining = True
            _log.info("draining", seconds=settings.drain_seconds)
            await pause(settings.drain_seconds)
        finally:
            await _finish(runner, finish_seconds)
    _log.info("stopped")


async def _finish(runner: web.AppRunner, seconds: float) -> None:
    """Stop accepting, and let what is under way end, for so many seconds at most."""
    try:
        async with asyncio.timeout(seconds):
            await runner.cleanup()
    except TimeoutError:
        _log.warning("cut_off")


def _quiet_logger() -> logging.Logger:
    """What aiohttp logs of requests it cannot read would quote them, tokens and all: only the error's kind is kept."""
    logger = logging.getLogger("edge.http")
    if _without_quotes not in logger.filters:
        logger.addFilter(_without_quotes)
    return logger


def _without_quotes(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    record.msg = "unreadable request: %s"
    record.args = (kind.__name__ if kind else "unknown",)
    record.exc_info = None
    record.exc_text = None
    record.levelno, record.levelname = logging.INFO, "INFO"  # the internet sends much that is not HTTP
    return True
