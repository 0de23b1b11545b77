"""The only I/O with Meta: the Graph API, https://developers.facebook.com/docs/graph-api/overview.

aiohttp's exceptions carry requests with their headers, and so the access token. They end here: each becomes a failure
outside its `except` block, and reaches nobody else, neither as a cause nor as a context.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import ChannelMisconfigured, ChannelSettings, DeliveryFailed, MediaNotFound, Unauthorized
from providers.whatsapp.failures import no_answer, read_failure, read_status
from providers.whatsapp.fields import Fields
from providers.whatsapp.waits import asked_wait

DEFAULT_API_BASE: Final = "https://graph.facebook.com"
# The latest of https://developers.facebook.com/docs/graph-api/changelog, of 29 July 2026
DEFAULT_VERSION: Final = "v26.0"
VERSION_PATTERN: Final = r"v[0-9]{1,3}\.[0-9]{1,3}"
ID_PATTERN: Final = r"[0-9]{1,30}"

_CONNECT_SECONDS: Final = 10
_CALL_SECONDS: Final = 60
_DOWNLOAD_SILENCE_SECONDS: Final = 30
_CHUNK_BYTES: Final = 128 * 1024
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which business number, as whom, at which Graph API."""

    token: str = field(repr=False)
    phone_number_id: str
    api_base: URL
    version: str

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Account":
        """The account that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        token = settings.get("access_token", "")
        if not re.fullmatch(r"[!-~]+", token):  # what a header can carry
            raise Unauthorized(
                "The setting access_token is empty or no access token: copy it from Meta's business settings."
            )
        phone_number_id = settings.get("phone_number_id", "")
        if not re.fullmatch(ID_PATTERN, phone_number_id, re.ASCII):
            raise ChannelMisconfigured(
                "The setting phone_number_id is not the ID of a phone number: copy it from Meta."
            )
        version = settings.get("graph_version", "") or DEFAULT_VERSION
        if not re.fullmatch(VERSION_PATTERN, version, re.ASCII):
            raise ChannelMisconfigured(f"The setting graph_version is not a version such as {DEFAULT_VERSION}.")
        api_base = _base_url(settings.get("api_base", "") or DEFAULT_API_BASE)
        if api_base is None:
            raise ChannelMisconfigured("The setting api_base is not an http or https address.")
        return cls(token=token, phone_number_id=phone_number_id, api_base=api_base, version=version)


def _base_url(text: str) -> URL | None:
    try:
        url = URL(text)
    except ValueError:
        return None
    return url if url.scheme in {"http", "https"} and url.host else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class GraphApi:
    """Calls the Graph API over one HTTP session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the SDK bounds the sends under way
            cookie_jar=aiohttp.DummyCookieJar(),  # channels share the session, and nothing else
            # Media is not given to clients without a name:
            # https://github.com/gabrieldwight/Whatsapp-Business-Cloud-Api-Net/issues/45
            headers={"User-Agent": "anychannel"},
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, account: Account, path: str, query: Mapping[str, str] | None = None) -> Fields:
        """Read the node or edge at `path`. Raises DeliveryFailed."""
        return await self._call(account, "GET", path, query=query or {}, body=None)

    async def post(self, account: Account, path: str, body: Mapping[str, object] | None = None) -> Fields:
        """Write to the node or edge at `path`. Raises DeliveryFailed."""
        return await self._call(account, "POST", path, query={}, body=body or {})

    async def download(self, account: Account, url: URL) -> AsyncIterator[bytes]:
        """Open media at the address that the Graph API named. Raises MediaNotFound, or DeliveryFailed, also while read."""
        response = await self._open(account, url)
        if response is None:
            raise DeliveryFailed(no_answer())
        if response.status != HTTPStatus.OK:
            response.close()
            if response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                raise MediaNotFound("WhatsApp no longer has this media.")
            raise DeliveryFailed(read_status(response.status))
        return _Chunks(response)

    async def _call(
        self, account: Account, method: str, path: str, *, query: Mapping[str, str], body: Mapping[str, object] | None
    ) -> Fields:
        url = account.api_base / account.version / path
        answer = await self._request(method, url.with_query(query), account.token, body)
        if answer is None:
            raise DeliveryFailed(no_answer())
        fields = Fields.parse(answer.body)
        if answer.status != HTTPStatus.OK or fields is None or "error" in fields:
            # Meta repeats a malformed access token in its answer.
            clean = answer.body.replace(account.token.encode(), b"***")
            wait = asked_wait(answer.headers, datetime.now(UTC))
            raise DeliveryFailed(read_failure(status=answer.status, body=clean, wait=wait))
        return fields

    async def _request(self, method: str, url: URL, token: str, body: Mapping[str, object] | None) -> _Answer | None:
        timeout = aiohttp.ClientTimeout(total=_CALL_SECONDS, connect=_CONNECT_SECONDS)
        try:
            # A redirect would take the token to somebody else.
            async with self._opened.request(
                method, url, json=body, headers=_bearer(token), timeout=timeout, allow_redirects=False
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return _Answer(status=response.status, headers=headers, body=await response.read())
        except _BROKEN:
            return None

    async def _open(self, account: Account, url: URL) -> aiohttp.ClientResponse | None:
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_DOWNLOAD_SILENCE_SECONDS)
        try:
            return await self._opened.get(url, headers=_bearer(account.token), timeout=timeout, allow_redirects=False)
        except _BROKEN:
            return None

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        return self._session


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


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
