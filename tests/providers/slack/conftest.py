"""A channel at a scripted Slack."""

import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from anychannel import ChannelContext, HttpRequest
from anychannel.testing import A_TIME, ScriptedPlatform, a_channel, a_request
from providers.slack import SlackProvider

TOKEN = "xoxb-" + "17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"  # a shape of the documentation's, no bot's
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # Slack's own example

ChannelMaker = Callable[..., ChannelContext]
WebhookMaker = Callable[..., HttpRequest]


@pytest.fixture
def secrets() -> tuple[str, ...]:
    """What nobody but Slack may see."""
    return (TOKEN, SIGNING_SECRET)


@pytest.fixture
async def slack() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
def channel(slack: ScriptedPlatform) -> ChannelMaker:
    def make(*, webhook_url: str = "https://gateway.example/w/1", **settings: str) -> ChannelContext:
        defaults = {"bot_token": TOKEN, "signing_secret": SIGNING_SECRET, "api_base": f"{slack.url}/api"}
        return a_channel({**defaults, **settings}, webhook_url=webhook_url)

    return make


@pytest.fixture
def signed() -> WebhookMaker:
    """A webhook as Slack signs it; a tap goes as a form."""

    def make(
        body: bytes | Mapping[str, Any],
        *,
        timestamp: int = int(A_TIME.timestamp()),
        is_form: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> HttpRequest:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = urlencode({"payload": raw.decode()}).encode() if is_form else raw
        digest = hmac.new(SIGNING_SECRET.encode(), b"v0:%d:%b" % (timestamp, raw), "sha256").hexdigest()
        content_type = "application/x-www-form-urlencoded" if is_form else "application/json"
        proof = {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}
        return a_request(body=raw, headers={"Content-Type": content_type, **proof, **(headers or {})})

    return make


@pytest.fixture
async def provider() -> AsyncIterator[SlackProvider]:
    provider = SlackProvider(spacing_seconds=0)
    await provider.start()
    yield provider
    await provider.stop()
