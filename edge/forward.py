"""Routes to core: frames a raw request, has core answer it, and confirms what the inbox was told."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import RawHeaders

from anychannel import HttpRequest
from edge.admission import Admission
from edge.core_client import CoreClient
from edge.ingress import CoreUnavailable, Forwarded, InboxSend, PlatformWebhook, Reply
from edge.replies import HOP_BY_HOP, Refused, reply_response, unavailable
from edge.settings import Settings

REPLY: Final = web.RequestKey("reply", Reply)
"""Where the middleware finds the ids for its log line."""

# A name, an IPv4 address or an IPv6 address in brackets, and a port
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class Forwarding:
    """The routes whose requests core answers."""

    def __init__(self, *, settings: Settings, core: CoreClient, admission: Admission) -> None:
        self._settings = settings
        self._core = core
        self._admission = admission

    async def take_send(self, request: web.Request) -> web.StreamResponse:
        """POST /message and POST /channels/{channel_id}/message: the inbox sends."""
        if "Authorization" not in request.headers:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "The request carries no API token.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        target = InboxSend(channel_id=request.match_info.get("channel_id", ""))
        return await self._answer(request, target, path="", max_bytes=self._settings.max_body_bytes)

    async def take_webhook(self, request: web.Request) -> web.StreamResponse:
        """Anything at /webhooks/{channel_id}/{token}[/...]: a platform calls."""
        channel_id, token = request.match_info["channel_id"], request.match_info["token"]
        # aiohttp matches the unescaped path; the provider gets its part of it raw: what follows "", "webhooks", id and token
        rest = request.rel_url.raw_path.split("/", 4)[4:]
        path = f"/{rest[0]}" if rest else ""
        target = PlatformWebhook(channel_id=channel_id, token=token)
        return await self._answer(request, target, path=path, max_bytes=self._settings.max_webhook_body_bytes)

    async def _answer(
        self, request: web.Request, target: InboxSend | PlatformWebhook, *, path: str, max_bytes: int
    ) -> web.StreamResponse:
        receive_time = datetime.now(UTC)
        url = self._address(request)
        with self._admission.enter() as admitted:
            body = await admitted.read_body(request, max_bytes=max_bytes, seconds=self._settings.body_read_timeout)
            raw = HttpRequest(
                method=request.method.upper(),
                url=url,
                path=path,
                query=request.rel_url.raw_query_string,
                headers=end_to_end_headers(request.raw_headers),
                body=body,
                receive_time=receive_time,
            )
            try:
                reply = await self._core.forward(Forwarded(target=target, request=raw))
            except CoreUnavailable:
                raise unavailable() from None
            request[REPLY] = reply
            response = reply_response(reply.reply)
            await response.prepare(request)
            await response.write_eof()
        if reply.message_id:
            self._core.confirm(channel_id=reply.channel_id, message_id=reply.message_id)
        return response

    def _address(self, request: web.Request) -> str:
        address = address_seen(
            # as received, to the last question mark; the absolute form that proxies use names its own host
            target=request.raw_path if request.raw_path.startswith("/") else request.rel_url.raw_path_qs,
            public_url=self._settings.public_url,
            scheme=(self._trusted(request, "X-Forwarded-Proto") or request.scheme).lower(),
            host=self._trusted(request, "X-Forwarded-Host") or request.headers.get("Host", ""),
        )
        if address is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "The request's address is malformed.", close=True)
        return address

    def _trusted(self, request: web.Request, name: str) -> str:
        """What the proxy before us wrote: the last value, as earlier ones came from further away."""
        if not self._settings.trust_forwarded:
            return ""
        return request.headers.get(name, "").rpartition(",")[2].strip()


def address_seen(*, target: str, public_url: str, scheme: str, host: str) -> str | None:
    """The whole address as the caller saw it, or None when it is malformed. `target` is the raw path and query."""
    if not target.isascii():
        return None
    if public_url:
        return public_url + target
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host}{target}"


def end_to_end_headers(raw: RawHeaders) -> tuple[tuple[str, str], ...]:
    """The headers in the order received, names in lower case, without those that speak of the connection."""
    headers = [(_text(name).lower(), _text(value)) for name, value in raw]
    named = {option.strip().lower() for name, value in headers if name == "connection" for option in value.split(",")}
    return tuple((name, value) for name, value in headers if name not in HOP_BY_HOP and name not in named)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # what HTTP once was; every byte has a character, so that none is lost
