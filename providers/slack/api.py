"""The only I/O with Slack: the Web API, https://docs.slack.dev/apis/web-api.

aiohttp's exceptions carry requests with their headers, and so the bot token. They end here: each becomes a failure
outside its `except` block, and reaches nobody else, neither as a cause nor as a context.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import ChannelMisconfigured, ChannelSettings, DeliveryFailed, MediaNotFound, Unauthorized
from providers.slack.failures import no_answer, read_failure
from providers.slack.fields import Fields

DEFAULT_API_BASE: Final = "https://slack.com/api"
# "Bot token strings begin with xoxb-": https://docs.slack.dev/authentication/tokens#bot; xoxe.xoxb- when they rotate.
BOT_TOKEN_PATTERN: Final = r"(xoxe\.)?xoxb-[A-Za-z0-9-]{8,300}"  # noqa: S105 - the shape of a token

_CONNECT_SECONDS: Final = 10
_CALL_SECONDS: Final = 30
_DOWNLOAD_SILENCE_SECONDS: Final = 30
_CHUNK_BYTES: Final = 128 * 1024
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Which bot, at which Web API."""

    token: str = field(repr=False)
    api_base: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Bot":
        """The bot that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        token = settings.get("bot_token", "")
        if not re.fullmatch(BOT_TOKEN_PATTERN, token, re.ASCII):
            raise Unauthorized("The setting bot_token is no bot token: copy it from OAuth & Permissions.")
        try:
            api_base = URL(settings.get("api_base", "") or DEFAULT_API_BASE)
        except ValueError:
            api_base = URL()
        if api_base.scheme not in {"http", "https"} or not api_base.host:
            raise ChannelMisconfigured("The setting api_base is not an http or https address.")
        return cls(token=token, api_base=api_base)

    @property
    def authorization(self) -> Mapping[str, str]:
        """The header that proves who calls."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a method answered when it succeeded."""

    fields: Fields
    scopes: str
    """What the token may do, separated by commas; empty when Slack does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    status: int
    headers: Mapping[str, str]
    body: bytes


class SlackApi:
    """Calls the Web API over one HTTP session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the SDK bounds the sends under way
            cookie_jar=aiohttp.DummyCookieJar(),  # channels share the session, and nothing else
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, bot: Bot, method: str, parameters: Mapping[str, object]) -> Answer:
        """Call a `method` that writes, with JSON. Raises DeliveryFailed."""
        headers = {**bot.authorization, "Content-Type": "application/json; charset=utf-8"}
        data = json.dumps(parameters).encode()
        return _answer(bot, await self._request("POST", bot.api_base / method, headers, data))

    async def read(self, bot: Bot, method: str, parameters: Mapping[str, str]) -> Answer:
        """Call a `method` that reads, which takes no JSON. Raises DeliveryFailed."""
        url = (bot.api_base / method).with_query(parameters)
        return _answer(bot, await self._request("GET", url, bot.authorization, b""))

    async def download(self, bot: Bot, url: URL, *, mime_type: str) -> AsyncIterator[bytes]:
        """Open a file. Raises MediaNotFound, or DeliveryFailed, also while it is read."""
        response = await self._get(bot, url)
        if response is None:
            raise DeliveryFailed(no_answer())
        if response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            response.close()
            raise MediaNotFound("Slack no longer has this file.")
        # Who may not read a file is sent to the page for signing in.
        is_sign_in = response.content_type == "text/html" and mime_type != "text/html"
        if is_sign_in or HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            response.close()
            raise Unauthorized("Slack does not let the bot read this file: the app needs the scope files:read.")
        if response.status != HTTPStatus.OK:
            response.close()
            raise DeliveryFailed(read_failure(status=response.status, body=b""))
        return _Chunks(response)

    async def _request(self, verb: str, url: URL, headers: Mapping[str, str], data: bytes) -> _Raw | None:
        timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS, connect=_CONNECT_SECONDS)
        try:
            # A redirect would take the token to somebody else.
            async with self._opened.request(
                verb, url, data=data or None, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                named = {name.lower(): value for name, value in response.headers.items()}
                return _Raw(status=response.status, headers=named, body=await response.read())
        except _BROKEN:
            return None

    async def _get(self, bot: Bot, url: URL) -> aiohttp.ClientResponse | None:
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_DOWNLOAD_SILENCE_SECONDS)
        try:
            return await self._opened.get(url, headers=bot.authorization, timeout=timeout, allow_redirects=False)
        except _BROKEN:
            return None

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        return self._session


def _answer(bot: Bot, raw: _Raw | None) -> Answer:
    if raw is None:
        raise DeliveryFailed(no_answer())
    fields = Fields.parse(raw.body)
    if raw.status != HTTPStatus.OK or fields is None or not fields.flag("ok"):
        clean = raw.body.replace(bot.token.encode(), b"***")  # no answer of Slack's repeats it; a proxy's page may
        raise DeliveryFailed(
            read_failure(status=raw.status, body=clean, retry_after=raw.headers.get("retry-after", ""))
        )
    return Answer(fields=fields, scopes=raw.headers.get("x-oauth-scopes", ""))


class _Chunks(AsyncIterator[bytes]):
    """The bytes of an open answer. No generator: closing one that was never begun would leave the connection open."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __anext__(self) -> bytes:
        chunk = await self._read()
        if not chunk:
            await self.aclose()
            if chunk is None:
                raise DeliveryFailed(no_answer())
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._response.close()

    async def _read(self) -> bytes | None:
        try:
            return await self._response.content.read(_CHUNK_BYTES)
        except _BROKEN:
            return None
