"""The routes, and what is the same for all of them: errors in one shape, one log line, the counters."""

import asyncio
import time
import traceback
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edge.admission import Admission
from edge.core_client import CoreClient
from edge.forward import REPLY, Forwarding
from edge.media import MediaLinks
from edge.metrics import CONTENT_TYPE, Metrics
from edge.readiness import Readiness
from edge.replies import SAFETY, Refused, error_response
from edge.settings import Settings

# What core gives out fits these; the rest is nobody's.
_CHANNEL_ID: Final = r"{channel_id:[A-Za-z0-9_-]{1,64}}"
_TOKEN: Final = r"{token:[A-Za-z0-9._~=-]{1,200}}"  # noqa: S105  # a pattern
_MEDIA_TOKEN: Final = r"{token:[A-Za-z0-9._~=-]{1,2000}}"  # noqa: S105  # a pattern; a signed link carries what it names
_MESSAGE: Final = "/message"
_CHANNEL_MESSAGE: Final = f"/channels/{_CHANNEL_ID}/message"
_WEBHOOK: Final = f"/webhooks/{_CHANNEL_ID}/{_TOKEN}"
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_UNMATCHED: Final = "unmatched"
_CALLER_GONE: Final = 499  # nginx's word for it; never sent

_log = structlog.get_logger("edge.app")


def create_app(*, settings: Settings, core: CoreClient, metrics: Metrics, readiness: Readiness) -> web.Application:
    """Everything edge answers."""
    messages = Admission(max_requests=settings.max_in_flight, max_bytes=settings.max_buffered_bytes)
    streams = Admission(max_requests=settings.max_media_streams, max_bytes=0)
    metrics.watch("forward", requests=lambda: messages.requests, body_bytes=lambda: messages.held_bytes)
    metrics.watch("media", requests=lambda: streams.requests, body_bytes=lambda: streams.held_bytes)
    forwarding = Forwarding(settings=settings, core=core, admission=messages)
    media = MediaLinks(core=core, admission=streams, seconds=settings.media_timeout)

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"}, headers=SAFETY)

    async def readyz(_request: web.Request) -> web.Response:
        if not await readiness.is_ready():
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, "draining" if readiness.is_draining else "core is not serving"
            )
        return web.json_response({"status": "ready"}, headers=SAFETY)

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={**SAFETY, "Content-Type": CONTENT_TYPE})

    async def close_while_draining(_request: web.Request, response: web.StreamResponse) -> None:
        if readiness.is_draining:  # so that the caller's next request finds another edge
            response.headers["Connection"] = "close"
            response.force_close()

    app = web.Application(middlewares=[_around(metrics)])
    app.on_response_prepare.append(close_while_draining)
    app.router.add_post(_MESSAGE, forwarding.take_send)
    app.router.add_post(_CHANNEL_MESSAGE, forwarding.take_send)
    app.router.add_route("*", _WEBHOOK, forwarding.take_webhook)
    app.router.add_route("*", _WEBHOOK + r"/{rest:[\s\S]*}", forwarding.take_webhook)
    app.router.add_get(f"/media/{_MEDIA_TOKEN}", media.give)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    return app


def _around(metrics: Metrics) -> Middleware:
    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        route = _template(request)
        status = _CALLER_GONE
        try:
            response = await _answer(request, handler, route)
            status = response.status
            return response
        except ConnectionError:
            return web.Response(status=_CALLER_GONE)  # aiohttp finds the connection gone as well
        finally:
            seconds = time.perf_counter() - began
            metrics.answered(route, status, seconds)
            _log_line(request, route, status, seconds)

    return around


async def _answer(request: web.Request, handler: Handler, route: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return error_response(refused)
    except web.HTTPMethodNotAllowed as error:
        allow = ", ".join(sorted(error.allowed_methods))
        return error_response(Refused(error.status, "That method is not offered here.", headers={"Allow": allow}))
    except web.HTTPException as error:
        text = "There is nothing here." if error.status == HTTPStatus.NOT_FOUND else error.reason
        return error_response(Refused(error.status, text))
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001  # a bug of ours must not show the caller or the log what it carried
        # places only: an exception's text may repeat the request
        places = traceback.format_list(traceback.extract_tb(error.__traceback__))
        _log.error("bug", route=route, error=type(error).__name__, places=places)
        return error_response(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "The gateway failed. Please try again."))


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else _UNMATCHED


def _log_line(request: web.Request, route: str, status: int, seconds: float) -> None:
    reply = request.get(REPLY)
    write = _log.debug if route in _PROBES else _log.info
    write(
        "request",
        route=route,
        status=status,
        duration_ms=round(seconds * 1000, 1),
        channel_id=(reply.channel_id if reply else "") or request.match_info.get("channel_id", ""),
        message_id=reply.message_id if reply else "",
    )
