"""The only I/O with Meta: https://developers.facebook.com/docs/graph-api/overview.

Access tokens go in a header, never in an address; and aiohttp's exceptions, which may carry a request with its headers,
end here: each becomes a failure outside its `except` block, neither as its cause nor as its context.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from anychannel import ChannelMisconfigured, ChannelSettings, DeliveryFailed, PlatformUnavailable, Unauthorized
from providers.instagram.failures import no_answer, read_failure
from providers.instagram.fields import Fields

# https://developers.facebook.com/documentation/instagram-platform/overview: by whom the access token was given
API_BASES: Final = {"instagram": "https://graph.instagram.com", "facebook": "https://graph.facebook.com"}
# https://developers.facebook.com/docs/graph-api/changelog: available since July 29, 2026
DEFAULT_GRAPH_VERSION: Final = "v26.0"
GRAPH_VERSION_PATTERN: Final = r"v[0-9]{1,3}\.[0-9]"
ID_PATTERN: Final = r"[0-9]{1,30}"
TOKEN_PATTERN: Final = r"[!-~]+"  # noqa: S105 - what a header can carry: no line end of a file, for instance

_CONNECT_SECONDS: Final = 10
# Meta fetches an attachment while we wait: up to 25 MB from wherever it is.
_CALL_SECONDS: Final = 90
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Which account, by which login, and where Meta's API is."""

    account_id: str
    access_token: str = field(repr=False)
    is_of_page: bool
    """The token is that of the Facebook Page which the account is linked to."""
    root: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Account":
        """The account that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        account_id, access_token = settings.get("account_id", ""), settings.get("access_token", "")
        if not re.fullmatch(ID_PATTERN, account_id):
            raise ChannelMisconfigured("The setting account_id is not the number of an Instagram account.")
        if not re.fullmatch(TOKEN_PATTERN, access_token):
            raise Unauthorized("The setting access_token is missing or is no such thing: copy it again.")
        root = _root(settings)
        if root is None:
            raise ChannelMisconfigured("The settings login, api_base and graph_version make no http or https address.")
        is_of_page = settings.get("login", "") == "facebook"
        return cls(account_id=account_id, access_token=access_token, is_of_page=is_of_page, root=root)


def _root(settings: ChannelSettings) -> URL | None:
    version = settings.get("graph_version", "") or DEFAULT_GRAPH_VERSION
    try:
        url = URL(settings.get("api_base", "") or API_BASES.get(settings.get("login", "") or "instagram", ""))
    except ValueError:
        return None
    is_address = url.scheme in {"http", "https"} and url.host
    return url / version if is_address and re.fullmatch(GRAPH_VERSION_PATTERN, version) else None


class GraphApi:
    """Calls Meta's API for any channel over one HTTP session."""

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

    async def send(self, account: Account, body: Mapping[str, object]) -> str:
        """Send one message; Meta's id of it. Raises DeliveryFailed."""
        answer = await self._call(account, "POST", "messages", body=body)
        mid = answer.text("message_id")
        if not mid:
            raise PlatformUnavailable("Instagram's answer could not be read.")
        return mid

    async def owner(self, account: Account) -> Fields:
        """Whom the access token belongs to, with the fields `id`, `user_id` and `username`. Raises DeliveryFailed.

        https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-instagram-login/get-started
        """
        if not account.is_of_page:
            return await self._call(account, "GET", query={"fields": "user_id,username"})
        page = await self._call(account, "GET", query={"fields": "id,name,instagram_business_account{id,username}"})
        return page.object("instagram_business_account")

    async def subscribed_apps(self, account: Account) -> tuple[Fields, ...]:
        """The apps that the account, or its page, tells its events. Raises DeliveryFailed."""
        return (await self._call(account, "GET", "subscribed_apps")).objects("data")

    async def subscribe(self, account: Account, fields: tuple[str, ...]) -> None:
        """Let the account, or its page, tell the app these events. Raises DeliveryFailed."""
        await self._call(account, "POST", "subscribed_apps", body={"subscribed_fields": ",".join(fields)})

    async def _call(
        self,
        account: Account,
        method: str,
        edge: str = "",
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Fields:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        answer = None
        try:
            async with self._session.request(
                method,
                account.root / "me" / edge if edge else account.root / "me",
                json=body,
                params=query,
                headers={"Authorization": f"Bearer {account.access_token}"},
                allow_redirects=False,  # a redirect would take the token to somebody else
            ) as response:
                answer = response.status, dict(response.headers), await response.read()
        except _BROKEN:
            pass
        if answer is None:
            raise DeliveryFailed(no_answer())
        status, headers, content = answer
        fields = Fields.parse(content)
        if status == HTTPStatus.OK and fields is not None and "error" not in fields:
            return fields
        # "Malformed access token …" repeats it, and so may a proxy's page.
        content = content.replace(account.access_token.encode(), b"***")
        lowered = {name.lower(): value for name, value in headers.items()}
        raise DeliveryFailed(read_failure(status=status, headers=lowered, body=content))
