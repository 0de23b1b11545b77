"""A channel at a scripted Graph API."""

import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from anychannel import ChannelContext, HttpRequest
from anychannel.testing import ScriptedPlatform, a_channel, a_request
from providers.whatsapp import WhatsappProvider

TOKEN = "EAAJBzZC4tokenOfTheSystemUser"
APP_SECRET = "0123456789abcdef0123456789abcdef"
VERIFY_TOKEN = "vibecoding-but-longer"
WEBHOOK_URL = "https://gateway.example/w/whatsapp-1/unguessable"
# The ids that Meta's examples have.
NUMBER_ID = "106540352242922"
WABA_ID = "102290129340398"

ChannelMaker = Callable[..., ChannelContext]
WebhookMaker = Callable[..., HttpRequest]


@pytest.fixture
def secrets() -> tuple[str, ...]:
    """What nobody but Meta may see."""
    return (TOKEN, APP_SECRET, VERIFY_TOKEN)


@pytest.fixture
async def graph() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(graph: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = WEBHOOK_URL, **settings: str) -> ChannelContext:
        defaults = {
            "phone_number_id": NUMBER_ID,
            "access_token": TOKEN,
            "app_secret": APP_SECRET,
            "verify_token": VERIFY_TOKEN,
            "graph_version": "v26.0",
            "api_base": graph.url,
        }
        return a_channel({**defaults, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
def signed() -> WebhookMaker:
    """A webhook as Meta signs it."""

    def make(body: bytes | Mapping[str, Any], *, app_secret: str = APP_SECRET, **request: Any) -> HttpRequest:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = hmac.new(app_secret.encode(), raw, "sha256").hexdigest()
        return a_request(body=raw, headers={"X-Hub-Signature-256": f"sha256={signature}"}, **request)

    return make


@pytest.fixture
async def provider() -> AsyncIterator[WhatsappProvider]:
    provider = WhatsappProvider()
    await provider.start()
    yield provider
    await provider.stop()
