"""The only I/O with Viber: https://developers.viber.com/docs/api/rest-bot-api/.

The bot's token goes in a header, never in an address; and aiohttp's exceptions, which may carry a request with its headers,
end here: each becomes a failure outside its `except` block, neither as its cause nor as its context.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import ChannelMisconfigured, ChannelSettings, DeliveryFailed, Unauthorized
from providers.viber.failures import no_answer, read_failure
from providers.viber.fields import Fields
from providers.viber.outbound import encode

DEFAULT_API_BASE: Final = "https://chatapi.viber.com/pa"
TOKEN_PATTERN: Final = r"[!-~]+"  # noqa: S105 - what a header can carry: no line end of a file, for instance

_CONNECT_SECONDS: Final = 10
_CALL_SECONDS: Final = 60
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """Which bot, and where Viber's API is."""

    auth_token: str = field(repr=False)
    api_base: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Bot":
        """The bot that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        auth_token = settings.get("auth_token", "")
        if not re.fullmatch(TOKEN_PATTERN, auth_token):
            raise Unauthorized("The setting auth_token is missing or is no such thing: copy it again.")
        try:
            api_base = URL(settings.get("api_base", "") or DEFAULT_API_BASE)
        except ValueError:
            api_base = URL()
        if api_base.scheme not in {"http", "https"} or not api_base.host:
            raise ChannelMisconfigured("The setting api_base is not an http or https address.")
        return cls(auth_token=auth_token, api_base=api_base)


class ViberApi:
    """Calls Viber for any channel over one HTTP session."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the SDK bounds the sends under way
            cookie_jar=aiohttp.DummyCookieJar(),  # channels share the session, and nothing else
            timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS, connect=_CONNECT_SECONDS),
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, bot: Bot, method: str, body: Mapping[str, object]) -> Fields:
        """Call `method`; gives the answer of a success. Raises DeliveryFailed."""
        answer = await self._post(bot, method, encode(body))
        if answer is None:
            raise DeliveryFailed(no_answer())
        status, content = answer
        fields = Fields.parse(content)
        if status == HTTPStatus.OK and fields is not None and fields.text("status") == "0":
            return fields
        raise DeliveryFailed(read_failure(status=status, body=content))

    async def _post(self, bot: Bot, method: str, body: bytes) -> tuple[int, bytes] | None:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        headers = {"X-Viber-Auth-Token": bot.auth_token, "Content-Type": "application/json"}
        try:
            # A redirect would take the token to somebody else.
            async with self._session.post(
                bot.api_base / method, data=body, headers=headers, allow_redirects=False
            ) as response:
                # No answer of Viber's repeats the token; a proxy's page may.
                return response.status, (await response.read()).replace(bot.auth_token.encode(), b"***")
        except _BROKEN:
            return None
