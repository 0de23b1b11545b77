"""ClickSend's REST API, the provider's only I/O. What is not answered with 2xx is raised as the failure it means."""

import base64
from typing import Any

import aiohttp

from anychannel import ChannelSettings, DeliveryFailed, PlatformUnavailable
from providers.clicksend import failures
from providers.clicksend.checks import Rule, RuleKind
from providers.clicksend.wire import parse_json

_TIMEOUT = aiohttp.ClientTimeout(total=25, connect=5)  # seconds
_MAX_PAGE = 100  # https://developers.clicksend.com/docs/#pagination


class ClicksendApi:
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

    async def send(self, settings: ChannelSettings, request: dict[str, object]) -> Any:
        """Send messages; the answer tells what became of each."""
        return await self._call(settings, "POST", "/sms/send", request)

    async def account(self, settings: ChannelSettings) -> Any:
        """The account. It holds an API key: never log it."""
        return _data(await self._call(settings, "GET", "/account"))

    async def rules(self, settings: ChannelSettings, kind: RuleKind) -> list[Any]:
        """The automation rules of one kind, as many as one page holds."""
        match _data(await self._call(settings, "GET", f"/automations/sms/{kind}?limit={_MAX_PAGE}")):
            case {"data": [*rules]} | [*rules]:
                return rules
            case _:
                return []

    async def create_rule(self, settings: ChannelSettings, rule: Rule) -> None:
        """Make an automation rule."""
        await self._call(settings, "POST", f"/automations/sms/{rule.kind}", rule.fields)

    async def update_rule(self, settings: ChannelSettings, rule_id: int, rule: Rule) -> None:
        """Make an automation rule say what `rule` says."""
        await self._call(settings, "PUT", f"/automations/sms/{rule.kind}/{rule_id}", rule.fields)

    async def _call(
        self, settings: ChannelSettings, method: str, path: str, body: dict[str, object] | None = None
    ) -> Any:
        url = settings["api_base"].rstrip("/") + path
        headers = {"Authorization": _basic(settings["username"], settings["api_key"])}
        try:
            async with self._http.request(method, url, json=body, headers=headers, allow_redirects=False) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError):
            raise PlatformUnavailable("ClickSend does not answer.") from None
        if not 200 <= response.status < 300:
            retry_after = response.headers.get("Retry-After", "")
            raise DeliveryFailed(failures.refused_request(response.status, answer, retry_after))
        return parse_json(answer)


def _basic(username: str, api_key: str) -> str:
    """https://developers.clicksend.com/docs/#authentication."""
    return "Basic " + base64.b64encode(f"{username}:{api_key}".encode()).decode()


def _data(answer: Any) -> Any:
    return answer.get("data") if isinstance(answer, dict) else None
