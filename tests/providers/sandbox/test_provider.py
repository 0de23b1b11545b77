"""The provider as core meets it, with a scripted phone network behind it."""

import asyncio
import hmac
import json
import logging
import traceback
from collections.abc import AsyncIterator

import aiohttp
import pytest

from anychannel import (
    Attachment,
    ChannelContext,
    ChannelSettings,
    CheckResult,
    DeliveryFailed,
    Failure,
    FailureKind,
    HttpRequest,
    Location,
    MediaKind,
    MessageReceived,
    Note,
    Sent,
    Text,
)
from anychannel.testing import (
    A_TIME,
    Answer,
    CallFailed,
    ProviderClient,
    ScriptedPlatform,
    a_channel,
    a_part,
    a_request,
    serve_provider,
)
from providers.sandbox import SandboxProvider, api

ACCESS_TOKEN = "access-token-that-nobody-may-see"
WEBHOOK_SECRET = "webhook-secret-that-nobody-may-see"
SECRETS = (ACCESS_TOKEN, WEBHOOK_SECRET, "webhook-token")


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
async def client() -> AsyncIterator[ProviderClient]:
    async with serve_provider(SandboxProvider()) as client:
        yield client


@pytest.fixture
def channel(platform: ScriptedPlatform) -> ChannelContext:
    return a_channel({"api_base": platform.url, "access_token": ACCESS_TOKEN, "webhook_secret": WEBHOOK_SECRET})


async def test_a_part_is_sent(client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext) -> None:
    platform.answer(Answer(json={"id": "ph_1"}))

    sent = await client.deliver(channel, a_part("Hello", address="+491713920042"))

    assert sent == Sent(platform_message_id="ph_1")
    (request,) = platform.requests
    assert (request.method, request.path) == ("POST", "/platform/v1/messages")
    assert request.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert request.json == {
        "to": "+491713920042",
        "idempotency_key": "msg_1/0",
        "message": {"type": "text", "text": "Hello"},
    }


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        pytest.param(
            Answer(status=429, json={"error": {"code": "too_fast", "message": "-"}}, headers={"Retry-After": "7"}),
            (FailureKind.THROTTLED, "too_fast", 7),
            id="throttled",
        ),
        pytest.param(
            Answer(status=403, json={"error": {"code": "blocked", "message": "-"}}),
            (FailureKind.CONTACT_OPTED_OUT, "blocked", None),
            id="blocked",
        ),
        pytest.param(
            Answer(status=401, json={"error": {"code": "bad_token", "message": "-"}}),
            (FailureKind.UNAUTHORIZED, "bad_token", None),
            id="unauthorized",
        ),
        pytest.param(
            Answer(status=502, body=b"<html>"), (FailureKind.PLATFORM_UNAVAILABLE, "502", None), id="proxy error"
        ),
        pytest.param(
            Answer(status=307, headers={"Location": "https://elsewhere.example"}),
            (FailureKind.PLATFORM_UNAVAILABLE, "307", None),
            id="redirections are not followed with the token",
        ),
        pytest.param(Answer(close=True), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="connection lost"),
        pytest.param(Answer(body=b"ok"), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="answer is no JSON"),
        pytest.param(Answer(json={"id": 7}), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="answer without an id"),
    ],
)
async def test_refusals(
    client: ProviderClient,
    platform: ScriptedPlatform,
    channel: ChannelContext,
    answer: Answer,
    failure: tuple[FailureKind, str, int | None],
) -> None:
    platform.answer(answer)

    outcome = await client.deliver(channel, a_part())

    assert isinstance(outcome, Failure)
    wait = None if outcome.retry_after is None else outcome.retry_after.total_seconds()
    assert (outcome.kind, outcome.platform_code, wait) == failure


async def test_a_platform_that_is_away(client: ProviderClient, channel: ChannelContext, unused_tcp_port: int) -> None:
    away = ChannelSettings({**channel.settings, "api_base": f"http://127.0.0.1:{unused_tcp_port}"})

    outcome = await client.deliver(ChannelContext(channel_id="channel-1", settings=away), a_part())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.PLATFORM_UNAVAILABLE


async def test_a_platform_that_does_not_answer(
    platform: ScriptedPlatform, channel: ChannelContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    never = asyncio.Event()
    platform.answer(Answer(wait_for=never))
    phones = api.PhonesApi()

    with pytest.raises(DeliveryFailed) as failed:
        await phones.send_message(channel.settings, {})

    assert failed.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    never.set()
    await phones.close()


async def test_no_traceback_holds_the_address(channel: ChannelContext, unused_tcp_port: int) -> None:
    away = ChannelSettings({**channel.settings, "api_base": f"http://127.0.0.1:{unused_tcp_port}"})
    platform = api.PhonesApi()

    with pytest.raises(DeliveryFailed) as failed:
        await platform.send_message(away, {})

    assert str(unused_tcp_port) not in "".join(traceback.format_exception(failed.value, chain=True))
    await platform.close()


async def test_a_webhook_is_read(client: ProviderClient, channel: ChannelContext) -> None:
    event = {
        "id": "ev_1",
        "type": "message",
        "time": "2026-01-02T03:04:05Z",
        "from": {"number": "+491713920042", "name": "Ada Brandt"},
        "message_id": "ph_1",
        "message": {"type": "text", "text": "Hi"},
    }

    received = await client.receive(channel, _webhook({"events": [event]}))

    (message,) = received.events
    assert isinstance(message, MessageReceived)
    assert (message.content, message.event_time) == (Text(text="Hi"), A_TIME)


async def test_a_webhook_of_somebody_else_is_refused(client: ProviderClient, channel: ChannelContext) -> None:
    received = await client.receive(channel, a_request(body={"events": []}))

    assert (received.reply.status_code, received.events) == (401, ())


async def test_a_check_registers_the_webhook(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext
) -> None:
    platform.answer(Answer(json={"url": channel.webhook_url}))

    assert await client.check(channel) == CheckResult(details={"webhook": "registered"})
    (request,) = platform.requests
    assert (request.method, request.path, request.json) == (
        "PUT",
        "/platform/v1/webhook",
        {"url": "https://gateway.example/webhooks/channel-1/webhook-token"},
    )


async def test_a_check_says_what_is_wrong(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext
) -> None:
    platform.answer(Answer(status=401, json={"error": {"code": "bad_token", "message": "-"}}))

    assert (await client.check(channel)).problems == (
        Note(code="unauthorized", text="The phone network refuses the channel's access token."),
    )


async def test_a_check_without_a_public_address(client: ProviderClient, channel: ChannelContext) -> None:
    nowhere = ChannelContext(channel_id="channel-1", settings=channel.settings)

    assert [problem.code for problem in (await client.check(nowhere)).problems] == ["no_public_address"]


async def test_a_check_while_the_platform_is_down(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext
) -> None:
    platform.answer(Answer(status=503))

    with pytest.raises(CallFailed) as failed:
        await client.check(channel)

    assert failed.value.code == "UNAVAILABLE"


async def test_what_it_declares(client: ProviderClient) -> None:
    description = await client.describe()

    assert (description.platform, description.receives_webhooks, description.listens) == ("sandbox", True, False)
    assert (description.checks_channels, description.fetches_media) == (True, False)
    assert {field.name for field in description.setting_fields if field.secret} == {"access_token", "webhook_secret"}


async def test_no_secret_is_told(
    client: ProviderClient,
    platform: ScriptedPlatform,
    channel: ChannelContext,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    platform.answer(*[Answer(status=status) for status in (400, 401, 429, 500)], Answer(close=True), Answer(status=401))
    parts = (
        a_part(Attachment(kind=MediaKind.FILE, url="https://x.example/f")),
        a_part(Location(latitude=1, longitude=2)),
    )

    told: list[object] = [await client.deliver(channel, part) for part in parts]
    told += [await client.deliver(channel, a_part()) for _ in range(3)]
    told += [await client.check(channel)]
    told += [await client.receive(channel, a_request(body=b"garbage")), await client.receive(channel, _webhook({}))]

    everything = "\n".join([*map(repr, told), caplog.text, *capsys.readouterr(), repr(channel)])
    assert "Failure" in everything
    assert [secret for secret in SECRETS if secret in everything] == []


def _webhook(body: object) -> HttpRequest:
    raw = json.dumps(body).encode()
    timestamp = str(int(A_TIME.timestamp()))
    signature = f"sha256={hmac.digest(WEBHOOK_SECRET.encode(), timestamp.encode() + b'.' + raw, 'sha256').hex()}"
    headers = {"X-Sandbox-Signature": signature, "X-Sandbox-Timestamp": timestamp}
    return a_request(body=raw, headers=headers)
