"""The only I/O with LINE: https://developers.line.biz/en/reference/messaging-api/.

The access token goes in a header, never in an address; and aiohttp's exceptions, which may carry a request with its headers,
end here: each becomes a failure outside its `except` block, neither as its cause nor as its context.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import (
    ChannelMisconfigured,
    ChannelSettings,
    DeliveryFailed,
    Media,
    MediaNotFound,
    PlatformUnavailable,
    Unauthorized,
)
from providers.line.answers import Answer
from providers.line.failures import no_answer, read_failure

# https://developers.line.biz/en/reference/messaging-api/#domain-name
DEFAULT_API_BASE: Final = "https://api.line.me"
DEFAULT_DATA_BASE: Final = "https://api-data.line.me"
TOKEN_PATTERN: Final = r"[!-~]+"  # noqa: S105 - what a header can carry: no line end of a file, for instance
MEDIA_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)

_CONNECT_SECONDS: Final = 10
_CALL_SECONDS: Final = 60
_DOWNLOAD_SILENCE_SECONDS: Final = 30
_CHUNK_BYTES: Final = 128 * 1024
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which official account, and where LINE's API is."""

    access_token: str = field(repr=False)
    api_base: URL
    data_base: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Account":
        """The account that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        access_token = settings.get("channel_access_token", "")
        if not re.fullmatch(TOKEN_PATTERN, access_token):
            raise Unauthorized("The setting channel_access_token is missing or is no such thing: copy it again.")
        return cls(
            access_token=access_token,
            api_base=_base(settings, "api_base", DEFAULT_API_BASE),
            data_base=_base(settings, "data_base", DEFAULT_DATA_BASE),
        )


def _base(settings: ChannelSettings, name: str, default: str) -> URL:
    try:
        url = URL(settings.get(name, "") or default)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise ChannelMisconfigured(f"The setting {name} is not an http or https address.")
    return url


class LineApi:
    """Calls LINE for any channel over one HTTP session."""

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

    async def call(
        self,
        account: Account,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the API; whatever LINE answers. Raises DeliveryFailed when it does not."""
        answer = await self._request(account, method, account.api_base / path, body, headers or {})
        if answer is None:
            raise DeliveryFailed(no_answer())
        return answer

    async def download(self, account: Account, message_id: str) -> Media:
        """Open what a contact sent. Raises MediaNotFound, or DeliveryFailed, also while it is read.

        https://developers.line.biz/en/reference/messaging-api/#get-content
        """
        response = await self._open(account, account.data_base / f"v2/bot/message/{message_id}/content")
        if response is None:
            raise DeliveryFailed(no_answer())
        if response.status == HTTPStatus.OK:
            return Media(
                chunks=_Chunks(response),
                mime_type=response.headers.get("Content-Type", "") or "application/octet-stream",
                size_bytes=response.content_length or 0,
            )
        response.close()
        if response.status == HTTPStatus.ACCEPTED:
            raise PlatformUnavailable("LINE is still preparing this media: ask again in a moment.")
        if response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise MediaNotFound("LINE no longer has this media.")
        raise DeliveryFailed(read_failure(status=response.status, headers={}, body=b""))

    async def _request(
        self, account: Account, method: str, url: URL, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Answer | None:
        timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS, connect=_CONNECT_SECONDS)
        try:
            async with self._opened.request(
                method,
                url,
                json=body,
                headers={**headers, **_bearer(account)},
                timeout=timeout,
                allow_redirects=False,  # a redirect would take the token to somebody else
            ) as response:
                # No answer of LINE's repeats the token; a proxy's page may.
                content = (await response.read()).replace(account.access_token.encode(), b"***")
                lowered = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status, headers=lowered, body=content)
        except _BROKEN:
            return None

    async def _open(self, account: Account, url: URL) -> aiohttp.ClientResponse | None:
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_DOWNLOAD_SILENCE_SECONDS)
        try:
            return await self._opened.get(url, headers=_bearer(account), timeout=timeout, allow_redirects=False)
        except _BROKEN:
            return None

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        return self._session


def _bearer(account: Account) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {account.access_token}"}


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
