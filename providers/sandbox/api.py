"""The phone network's API, the provider's only I/O. What is not answered with 200 is raised as the failure it means."""

from datetime import UTC, datetime
from typing import Any

import aiohttp

from anychannel import ChannelSettings, DeliveryFailed, PlatformUnavailable
from providers.sandbox import failures
from providers.sandbox.wire import parse_json

_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)  # seconds


class PhonesApi:
    """Calls the API for any channel; one for the life of the service. Create it where an event loop runs."""

    def __init__(self) -> None:
        self._http = aiohttp.ClientSession(
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(limit=0),  # core bounds what is under way
            cookie_jar=aiohttp.DummyCookieJar(),  # channels share the session, and nothing else
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def send_message(self, settings: ChannelSettings, message: dict[str, object]) -> str:
        """Send a message; the platform's id of it."""
        match await self._call(settings, "POST", "/platform/v1/messages", message):
            case {"id": str(message_id)}:
                return message_id
            case _:
                raise PlatformUnavailable("The phone network's answer cannot be read.")

    async def register_webhook(self, settings: ChannelSettings, url: str) -> None:
        """Say where webhooks are to go."""
        await self._call(settings, "PUT", "/platform/v1/webhook", {"url": url})

    async def _call(self, settings: ChannelSettings, method: str, path: str, body: dict[str, object]) -> Any:
        url = settings["api_base"].rstrip("/") + path
        headers = {"Authorization": f"Bearer {settings['access_token']}"}
        try:
            async with self._http.request(method, url, json=body, headers=headers, allow_redirects=False) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            # Without the cause: it may quote the address, and on many platforms the address holds a token.
            raise PlatformUnavailable("The phone network does not answer.") from None
        if response.status != 200:
            retry_after = response.headers.get("Retry-After", "")
            raise DeliveryFailed(failures.refusal(response.status, answer, retry_after, datetime.now(UTC)))
        return parse_json(answer)
