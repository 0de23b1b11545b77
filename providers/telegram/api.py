"""The only I/O with Telegram: https://core.telegram.org/bots/api#making-requests.

The bot token is part of every address, and aiohttp's exceptions carry addresses. So they end here: each becomes a
failure outside its `except` block, and reaches nobody else, neither as a cause nor as a context.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import ChannelMisconfigured, ChannelSettings, DeliveryFailed, Failure, MediaNotFound, Unauthorized
from providers.telegram.failures import no_answer, read_failure
from providers.telegram.fields import Fields

DEFAULT_API_BASE: Final = "https://api.telegram.org"
# "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11": https://core.telegram.org/bots/api#authorizing-your-bot
BOT_TOKEN_PATTERN: Final = r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}"  # noqa: S105 - the shape of a token

_CONNECT_SECONDS: Final = 10
# Telegram downloads an attachment while we wait: up to 20 MB from wherever it is.
_CALL_SECONDS: Final = 60
_DOWNLOAD_SILENCE_SECONDS: Final = 30
_CHUNK_BYTES: Final = 128 * 1024
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Which bot, at which Bot API server."""

    token: str = field(repr=False)
    api_base: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Bot":
        """The bot that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        token = settings.get("bot_token", "")
        if not re.fullmatch(BOT_TOKEN_PATTERN, token, re.ASCII):
            raise Unauthorized("The setting bot_token is no bot token: copy it from @BotFather.")
        api_base = _base_url(settings.get("api_base", "") or DEFAULT_API_BASE)
        if api_base is None:
            raise ChannelMisconfigured("The setting api_base is not an http or https address.")
        return cls(token=token, api_base=api_base)


def _base_url(text: str) -> URL | None:
    try:
        url = URL(text)
    except ValueError:
        return None
    return url if url.scheme in {"http", "https"} and url.host else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of Telegram's, whatever it says."""

    status: int
    body: bytes


class TelegramApi:
    """Calls the Bot API over one HTTP session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            # Not limited here: the SDK bounds the sends under way, and each polled channel keeps one connection.
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, bot: Bot, method: str, parameters: Mapping[str, object], *, timeout_seconds: float = _CALL_SECONDS
    ) -> Fields:
        """Call `method`; gives the answer with its `result`. Raises DeliveryFailed."""
        answer = await self._post(bot, method, parameters, timeout_seconds=timeout_seconds)
        if answer is None:
            raise DeliveryFailed(no_answer())
        fields = Fields.parse(answer.body)
        if fields is None or not fields.flag("ok"):
            raise DeliveryFailed(_failure(bot, answer))
        return fields

    async def download(self, bot: Bot, file_path: str) -> AsyncIterator[bytes]:
        """Open a file that getFile named. Raises MediaNotFound, or DeliveryFailed, also while it is read.

        https://core.telegram.org/bots/api#file
        """
        response = await self._get(bot.api_base / "file" / f"bot{bot.token}" / file_path.lstrip("/"))
        if response is None:
            raise DeliveryFailed(no_answer())
        if response.status != HTTPStatus.OK:
            response.close()
            if response.status == HTTPStatus.NOT_FOUND:
                raise MediaNotFound("Telegram no longer has this file.")
            raise DeliveryFailed(read_failure(status=response.status, body=b""))
        return _Chunks(response)

    async def _post(
        self, bot: Bot, method: str, parameters: Mapping[str, object], *, timeout_seconds: float
    ) -> Answer | None:
        url = bot.api_base / f"bot{bot.token}" / method
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=_CONNECT_SECONDS)
        try:
            # A redirect would take the token to somebody else.
            async with self._opened.post(url, json=parameters, timeout=timeout, allow_redirects=False) as response:
                return Answer(status=response.status, body=await response.read())
        except _BROKEN:
            return None

    async def _get(self, url: URL) -> aiohttp.ClientResponse | None:
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_DOWNLOAD_SILENCE_SECONDS)
        try:
            return await self._opened.get(url, timeout=timeout, allow_redirects=False)
        except _BROKEN:
            return None

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        return self._session


def _failure(bot: Bot, answer: Answer) -> Failure:
    # No description of Telegram's repeats the token; a proxy's page may.
    return read_failure(status=answer.status, body=answer.body.replace(bot.token.encode(), b"***"))


class _Chunks(AsyncIterator[bytes]):
    """The bytes of an open answer. No generator: closing one that was never begun would leave the connection open."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __anext__(self) -> bytes:
        chunk = await self._read()
        if chunk is None:
            await self.aclose()
            raise DeliveryFailed(no_answer())
        if not chunk:
            await self.aclose()
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._response.close()

    async def _read(self) -> bytes | None:
        try:
            return await self._response.content.read(_CHUNK_BYTES)
        except _BROKEN:
            return None
