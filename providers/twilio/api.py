"""Twilio's REST API, the provider's only I/O: https://www.twilio.com/docs/usage/requests-to-twilio.

What is not answered with 2xx is raised as the failure it means, and never with its cause, which may quote an address.
"""

import base64
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from yarl import URL

from anychannel import ChannelSettings, DeliveryFailed, Failure, Media, MediaNotFound
from providers.twilio import failures
from providers.twilio.call import ApiCall, Host
from providers.twilio.wire import parse_json

_TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)  # seconds
_MEDIA_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=5, sock_read=20)  # seconds
_CHUNK_BYTES: Final = 128 * 1024
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


class TwilioApi:
    """Calls the API for any channel; one for the life of the service. Create it where an event loop runs."""

    def __init__(self) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # core bounds what is under way
            cookie_jar=aiohttp.DummyCookieJar(),  # channels share the session, and nothing else
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def call(self, settings: ChannelSettings, call: ApiCall) -> Any:
        """Make a call; what it answers."""
        try:
            async with self._http.request(
                call.method,
                _url(settings, call.host, call.path),
                params=call.query or None,
                data=aiohttp.FormData(call.form) if call.form else None,
                json=call.json,
                headers=_credentials(settings, as_account=call.as_account),
                allow_redirects=False,
                timeout=_TIMEOUT,
            ) as response:
                answer = await response.read()
        except _BROKEN:
            raise DeliveryFailed(failures.no_answer()) from None
        if not 200 <= response.status < 300:
            raise DeliveryFailed(_refusal(response, answer))
        return parse_json(answer)

    async def download(self, settings: ChannelSettings, path: str) -> Media:
        """Open media at a path of the API. Raises MediaNotFound, or DeliveryFailed, also while it is read.

        Twilio redirects to where the media are kept for a few hours: https://help.twilio.com/articles/223183748. That is
        another host, which must not see the credentials.
        """
        url = _url(settings, Host.ACCOUNTS, path)
        response = await self._open(url, _credentials(settings, as_account=False))
        if response.status in {HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT} and "Location" in response.headers:
            response.close()
            response = await self._open(_kept_at(url, response.headers["Location"]), {})
        if response.status != HTTPStatus.OK:
            response.close()
            if response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                raise MediaNotFound("Twilio no longer has this media.")
            raise DeliveryFailed(_refusal(response, b""))
        return Media(
            chunks=_Chunks(response),
            mime_type=response.content_type,
            size_bytes=response.content_length or 0,
            file_name=_file_name(response),
        )

    async def _open(self, url: URL, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        try:
            return await self._http.get(url, headers=headers, allow_redirects=False, timeout=_MEDIA_TIMEOUT)
        except _BROKEN:
            raise DeliveryFailed(failures.no_answer()) from None


def _url(settings: ChannelSettings, host: Host, path: str) -> URL:
    return URL(settings[host].rstrip("/") + path)


def _credentials(settings: ChannelSettings, *, as_account: bool) -> dict[str, str]:
    """The header that tells who calls: an API key where the channel has one, https://www.twilio.com/docs/iam/api-keys."""
    name, password = settings.get("api_key_sid", ""), settings.get("api_key_secret", "")
    if as_account or not (name and password):
        name, password = settings["account_sid"], settings["auth_token"]
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def _refusal(response: aiohttp.ClientResponse, body: bytes) -> Failure:
    return failures.refusal(
        status_code=response.status,
        body=body,
        retry_after=response.headers.get("Retry-After", ""),
        now=datetime.now(UTC),
    )


def _kept_at(asked: URL, location: str) -> URL:
    """Where a redirection leads. Never from https to what everybody on the way can read."""
    try:
        url = asked.join(URL(location))
    except ValueError:
        raise DeliveryFailed(failures.unreadable()) from None
    if url.scheme not in {"https", asked.scheme}:
        raise DeliveryFailed(failures.unreadable())
    return url


def _file_name(response: aiohttp.ClientResponse) -> str:
    disposition = response.content_disposition
    return (disposition.filename or "") if disposition else ""


class _Chunks(AsyncIterator[bytes]):
    """The bytes of an open answer. No generator: closing one that was never begun would leave the connection open."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.read(_CHUNK_BYTES)
        except _BROKEN:
            await self.aclose()
            raise DeliveryFailed(failures.no_answer()) from None
        if not chunk:
            await self.aclose()
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._response.close()
