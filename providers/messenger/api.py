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
from providers.messenger.failures import no_answer, read_failure
from providers.messenger.fields import Fields

DEFAULT_API_BASE: Final = "https://graph.facebook.com"
# https://developers.facebook.com/docs/graph-api/changelog: available since July 29, 2026
DEFAULT_GRAPH_VERSION: Final = "v26.0"
GRAPH_VERSION_PATTERN: Final = r"v[0-9]{1,3}\.[0-9]"
ID_PATTERN: Final = r"[0-9]{1,30}"
TOKEN_PATTERN: Final = r"[!-~]+"  # noqa: S105 - what a header can carry: no line end of a file, for instance

_CONNECT_SECONDS: Final = 10
# Meta fetches an attachment while we wait, a video for up to 75 seconds:
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/saving-assets
_CALL_SECONDS: Final = 90
_BROKEN: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which page, of which app, and where Meta's API is."""

    page_id: str
    access_token: str = field(repr=False)
    app_id: str
    app_secret: str = field(repr=False)
    root: URL

    @classmethod
    def of(cls, settings: ChannelSettings) -> "Page":
        """The page that a channel's settings name. Raises Unauthorized or ChannelMisconfigured when they name none."""
        page_id, app_id = settings.get("page_id", ""), settings.get("app_id", "")
        for name, value in (("page_id", page_id), ("app_id", app_id)):
            if not re.fullmatch(ID_PATTERN, value):
                raise ChannelMisconfigured(f"The setting {name} is not the number that Meta's dashboard shows.")
        access_token, app_secret = settings.get("page_access_token", ""), settings.get("app_secret", "")
        for name, value in (("page_access_token", access_token), ("app_secret", app_secret)):
            if not re.fullmatch(TOKEN_PATTERN, value):
                raise Unauthorized(f"The setting {name} is missing or is no such thing: copy it again.")
        root = _root(settings)
        if root is None:
            raise ChannelMisconfigured("The settings api_base and graph_version make no http or https address.")
        return cls(page_id=page_id, access_token=access_token, app_id=app_id, app_secret=app_secret, root=root)

    @property
    def app_token(self) -> str:
        """Speaks for the app: https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens."""
        return f"{self.app_id}|{self.app_secret}"


def _root(settings: ChannelSettings) -> URL | None:
    version = settings.get("graph_version", "") or DEFAULT_GRAPH_VERSION
    try:
        url = URL(settings.get("api_base", "") or DEFAULT_API_BASE)
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

    async def send(self, page: Page, body: Mapping[str, object]) -> str:
        """Send one message; Meta's id of it. Raises DeliveryFailed."""
        answer = await self._call(page, "POST", f"{page.page_id}/messages", token=page.access_token, body=body)
        mid = answer.text("message_id")
        if not mid:
            raise PlatformUnavailable("Messenger's answer could not be read.")
        return mid

    async def account(self, page: Page) -> Fields:
        """Whom the access token belongs to. Raises DeliveryFailed.

        https://developers.facebook.com/docs/graph-api/reference/page/
        """
        return await self._call(page, "GET", "me", token=page.access_token, query={"fields": "id,name"})

    async def subscribed_apps(self, page: Page) -> tuple[Fields, ...]:
        """The apps that the page tells its events. Raises DeliveryFailed."""
        answer = await self._call(page, "GET", f"{page.page_id}/subscribed_apps", token=page.access_token)
        return answer.objects("data")

    async def subscribe(self, page: Page, fields: tuple[str, ...]) -> None:
        """Let the page tell the app these events. Raises DeliveryFailed."""
        body = {"subscribed_fields": ",".join(fields)}
        await self._call(page, "POST", f"{page.page_id}/subscribed_apps", token=page.access_token, body=body)

    async def subscriptions(self, page: Page) -> tuple[Fields, ...]:
        """The webhooks of the app. Raises DeliveryFailed."""
        answer = await self._call(page, "GET", f"{page.app_id}/subscriptions", token=page.app_token)
        return answer.objects("data")

    async def register(self, page: Page, fields: tuple[str, ...], *, webhook_url: str, verify_token: str) -> None:
        """Let Meta tell the app's webhook these events; it asks that address at once. Raises DeliveryFailed."""
        body = {
            "object": "page",
            "callback_url": webhook_url,
            "verify_token": verify_token,
            "fields": ",".join(fields),
            "include_values": True,
        }
        await self._call(page, "POST", f"{page.app_id}/subscriptions", token=page.app_token, body=body)

    async def _call(
        self,
        page: Page,
        method: str,
        path: str,
        *,
        token: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Fields:
        if self._session is None:
            raise RuntimeError("The session is not open: start the provider first.")
        answer = None
        try:
            async with self._session.request(
                method,
                page.root.joinpath(*path.split("/")),
                json=body,
                params=query,
                headers={"Authorization": f"Bearer {token}"},
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
        for secret in (page.access_token, page.app_secret):
            # "Malformed access token …" repeats it, and so may a proxy's page.
            content = content.replace(secret.encode(), b"***")
        lowered = {name.lower(): value for name, value in headers.items()}
        raise DeliveryFailed(read_failure(status=status, headers=lowered, body=content))
