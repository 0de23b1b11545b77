"""The only I/O with Discord: its HTTP API, https://docs.discord.com/developers/reference, and the gateway's socket.

aiohttp's exceptions carry requests with their headers, and so the bot token. They end here: each becomes a failure
outside its `except` block, and reaches nobody else, neither as a cause nor as a context.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import ChannelMisconfigured, ChannelSettings, DeliveryFailed, Unauthorized
from providers.discord.failures import no_answer, read_failure
from providers.discord.fields import Fields

DEFAULT_API_BASE: Final = "https://discord.com/api/v10"
# https://docs.discord.com/developers/reference#authentication-example-bot-token-authorization-header
BOT_TOKEN_PATTERN: Final = r"[A-Za-z0-9_-]{10,100}\.[A-Za-z0-9_-]{4,20}\.[A-Za-z0-9_-]{20,100}"  # noqa: S105 - a shape

_CONNECT_SECONDS: Final = 10
_CALL_SECONDS: Final = 30
# "You must send an initial response within 3 seconds": .../receiving-and-responding#interaction-callback
_ACKNOWLEDGE_SECONDS: Final = 3
_DIAL_SECONDS: Final = 20
_CLOSE_SECONDS: Final = 1
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)
# Without one Discord's protection may refuse: https://docs.discord.com/developers/reference#user-agent
_USER_AGENT: Final = "DiscordBot (anychannel, 0.1)"
# https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object
_DEFERRED_UPDATE_MESSAGE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Which bot, at which API."""

    token: str = field(repr=False)
    api_base: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Bot":
        """The bot that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        token = settings.get("bot_token", "")
        if not re.fullmatch(BOT_TOKEN_PATTERN, token, re.ASCII):
            raise Unauthorized("The setting bot_token is no bot token: copy it from the Developer Portal, under Bot.")
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
        return {"Authorization": f"Bot {self.token}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Discord answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class DiscordApi:
    """Calls the HTTP API, and dials the gateway, over one HTTP session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the SDK bounds the sends, and each channel keeps one connection
            cookie_jar=aiohttp.DummyCookieJar(),  # channels share the session, and nothing else
            headers={"User-Agent": _USER_AGENT},
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, bot: Bot, path: str) -> Fields:
        """Read the resource at `path`. Raises DeliveryFailed."""
        answer = await self._request("GET", bot.api_base / path, bot.authorization, None, _CALL_SECONDS)
        return _fields(_succeeded(bot, answer))

    async def create_message(self, bot: Bot, channel_id: str, body: Mapping[str, object]) -> tuple[Fields, Answer]:
        """Write in a conversation; the message, and the answer with its headers. Raises DeliveryFailed."""
        url = bot.api_base / "channels" / channel_id / "messages"
        answer = _succeeded(bot, await self._request("POST", url, bot.authorization, body, _CALL_SECONDS))
        return _fields(answer), answer

    async def acknowledge(self, bot: Bot, interaction_id: str, token: str) -> None:
        """Tell that a tap was taken; its own `token` proves who does. Raises DeliveryFailed."""
        url = bot.api_base / "interactions" / interaction_id / token / "callback"
        body = {"type": _DEFERRED_UPDATE_MESSAGE}
        _succeeded(bot, await self._request("POST", url, {}, body, _ACKNOWLEDGE_SECONDS))

    async def dial(self, url: URL) -> aiohttp.ClientWebSocketResponse:
        """Open a socket to the gateway. Raises DeliveryFailed."""
        socket = await self._dial(url)
        if socket is None:
            raise DeliveryFailed(no_answer())
        return socket

    async def _dial(self, url: URL) -> aiohttp.ClientWebSocketResponse | None:
        timeout = aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS)
        try:
            async with asyncio.timeout(_DIAL_SECONDS):
                return await self._opened.ws_connect(url, timeout=timeout)
        except _BROKEN:
            return None

    async def _request(
        self, method: str, url: URL, headers: Mapping[str, str], body: Mapping[str, object] | None, seconds: float
    ) -> Answer | None:
        timeout = aiohttp.ClientTimeout(total=seconds, connect=_CONNECT_SECONDS)
        try:
            # A redirect would take the token to somebody else.
            async with self._opened.request(
                method, url, json=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                named = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status, headers=named, body=await response.read())
        except _BROKEN:
            return None

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        return self._session


def _succeeded(bot: Bot, answer: Answer | None) -> Answer:
    if answer is None:
        raise DeliveryFailed(no_answer())
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        clean = answer.body.replace(bot.token.encode(), b"***")  # no answer of Discord's repeats it; a proxy's page may
        raise DeliveryFailed(read_failure(status=answer.status, headers=answer.headers, body=clean))
    return answer


def _fields(answer: Answer) -> Fields:
    fields = Fields.parse(answer.body)
    if fields is None:
        raise DeliveryFailed(no_answer())
    return fields
