"""A channel at a scripted Twilio, and webhooks signed as Twilio signs them."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import parse_qsl, urlencode

import pytest

from anychannel import ChannelContext, HttpRequest
from anychannel.testing import ProviderClient, ScriptedPlatform, a_channel, a_request, serve_provider
from providers.twilio import TwilioProvider

ACCOUNT_SID = "AC" + "a" * 32
AUTH_TOKEN = "auth-token-that-nobody-may-see"
WEBHOOK_URL = "https://gateway.example/webhooks/channel-1/webhook-token"

ChannelMaker = Callable[..., ChannelContext]
Signer = Callable[..., HttpRequest]


@pytest.fixture
async def twilio() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
async def client() -> AsyncIterator[ProviderClient]:
    async with serve_provider(TwilioProvider()) as client:
        yield client


@pytest.fixture
def channel(twilio: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = WEBHOOK_URL, **settings: str) -> ChannelContext:
        defaults = {
            "account_sid": ACCOUNT_SID,
            "auth_token": AUTH_TOKEN,
            "sender": "+14155550100",
            "attachments": "attached",
            "api_base": twilio.url,
            "messaging_api_base": twilio.url,
        }
        return a_channel(defaults | settings, webhook_url=webhook_url)

    return make


@pytest.fixture(scope="session")
def signed() -> Signer:
    """Makes a webhook that Twilio signed for `told`, the address it was given; what edge saw may differ."""

    def make(
        fields: Mapping[str, str] | bytes = b"",
        *,
        path: str = "",
        query: str = "",
        told: str = "",
        seen: str = "",
        token: str = AUTH_TOKEN,
        content_type: str = "application/x-www-form-urlencoded",
        method: str = "POST",
    ) -> HttpRequest:
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        address = told or f"{WEBHOOK_URL}{path}{'?' if query else ''}{query}"
        if content_type.startswith("application/x-www-form-urlencoded"):
            posted = set(
                parse_qsl(body.decode(errors="surrogateescape"), keep_blank_values=True, errors="surrogateescape")
            )
            address += "".join(name + value for name, value in sorted(posted))
        digest = hmac.new(token.encode(), address.encode(errors="surrogateescape"), hashlib.sha1).digest()
        headers = {"X-Twilio-Signature": base64.b64encode(digest).decode(), "Content-Type": content_type}
        return a_request(method, body, headers, path, query, url=seen)

    return make
