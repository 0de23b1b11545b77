"""The provider and the sandbox itself, each as it is: what one says the other understands."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from anychannel import (
    Attachment,
    ChannelContext,
    Content,
    EchoReceived,
    Failure,
    FailureKind,
    HttpRequest,
    Location,
    MediaKind,
    MessageReceived,
    ProviderEvent,
    QuickReplies,
    Received,
    ReportReceived,
    Sent,
    Status,
    Text,
)
from anychannel.testing import ProviderClient, a_channel, a_part, serve_provider
from providers.sandbox import SandboxProvider
from sandbox.app import create_app
from sandbox.settings import Settings

NUMBER = "+491713920042"
Sandbox = TestClient[web.Request, web.Application]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with TestClient(TestServer(create_app(Settings(delivered_after=0, read_after=0)))) as sandbox:
        yield sandbox


@pytest.fixture
async def client() -> AsyncIterator[ProviderClient]:
    async with serve_provider(SandboxProvider()) as client:
        yield client


@pytest.fixture
def channel(sandbox: Sandbox, webhooks: "Webhooks") -> ChannelContext:
    settings = {
        "api_base": str(sandbox.make_url("")),
        "access_token": "sandbox-platform-token",
        "webhook_secret": "sandbox-webhook-secret",
    }
    return a_channel(settings, webhook_url=webhooks.url)


class Webhooks:
    """Stands for edge: keeps what comes in, answers 200."""

    def __init__(self) -> None:
        self.url = ""
        self._requests: asyncio.Queue[HttpRequest] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        body = await request.read()
        now = datetime.now(UTC)
        await self._requests.put(HttpRequest(method="POST", url="", headers=headers, body=body, receive_time=now))
        return web.Response()

    async def events(self, client: ProviderClient, channel: ChannelContext, count: int) -> list[ProviderEvent]:
        """The next events, as the provider reads them."""
        events: list[ProviderEvent] = []
        async with asyncio.timeout(10):
            while len(events) < count:
                received: Received = await client.receive(channel, await self._requests.get())
                assert (received.reply.status_code, received.notes) == (200, ())
                events += received.events
        return events


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    webhooks = Webhooks()
    app = web.Application()
    app.router.add_post("/webhook", webhooks.handle)
    async with TestServer(app) as server:
        webhooks.url = str(server.make_url("/webhook"))
        yield webhooks


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(Text(text="👋" * 500), id="1,000 UTF-16 units"),
        *[
            pytest.param(
                Attachment(
                    kind=kind,
                    url="https://x.example/f",
                    mime_type="application/pdf",
                    file_name="f.pdf",
                    caption="c" * 500,
                ),
                id=kind.value,
            )
            for kind in MediaKind
        ],
        pytest.param(Attachment(kind=MediaKind.IMAGE, url="https://x.example/f"), id="bare picture"),
        pytest.param(Location(latitude=-90, longitude=180, name="Pole"), id="location"),
        pytest.param(QuickReplies(text="Which?", replies=("1" * 20, "2", "3")), id="three buttons"),
    ],
)
async def test_phones_take_all_that_is_declared(
    client: ProviderClient, channel: ChannelContext, content: Content
) -> None:
    assert isinstance(await client.deliver(channel, a_part(content, address=NUMBER)), Sent)


async def test_a_part_sent_twice_is_shown_once(
    client: ProviderClient, channel: ChannelContext, sandbox: Sandbox
) -> None:
    first = await client.deliver(channel, a_part("Hello", address=NUMBER))
    second = await client.deliver(channel, a_part("Hello", address=NUMBER))

    assert first == second
    async with sandbox.get("/phones/ledger") as ledger:
        assert len(await ledger.json()) == 1


@pytest.mark.parametrize(
    ("behaviour", "kind", "wait"),
    [
        pytest.param({"unregistered": True}, FailureKind.CONTACT_UNREACHABLE, None, id="unregistered"),
        pytest.param({"blocked": True}, FailureKind.CONTACT_OPTED_OUT, None, id="blocked"),
        pytest.param({"opted_out": True}, FailureKind.CONTACT_OPTED_OUT, None, id="opted out"),
        pytest.param({"answer": 429, "retry_after": 3}, FailureKind.THROTTLED, 3, id="too fast"),
        pytest.param({"answer": 500}, FailureKind.PLATFORM_UNAVAILABLE, None, id="stumbles"),
        pytest.param({"answer": 503, "retry_after": 9}, FailureKind.PLATFORM_UNAVAILABLE, 9, id="down"),
    ],
)
async def test_what_phones_refuse(
    client: ProviderClient,
    channel: ChannelContext,
    sandbox: Sandbox,
    behaviour: dict[str, Any],
    kind: FailureKind,
    wait: int | None,
) -> None:
    await sandbox.put(f"/phones/{NUMBER}", json=behaviour)

    outcome = await client.deliver(channel, a_part(address=NUMBER))

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.retry_after and outcome.retry_after.total_seconds()) == (kind, wait)


async def test_a_bad_request_names_the_field(client: ProviderClient, channel: ChannelContext) -> None:
    outcome = await client.deliver(channel, a_part("x" * 1001, address=NUMBER))

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CONTENT_REJECTED
    assert "message.text" in outcome.text


async def test_a_conversation(
    client: ProviderClient, channel: ChannelContext, sandbox: Sandbox, webhooks: Webhooks
) -> None:
    assert (await client.check(channel)).problems == ()
    sent = await client.deliver(channel, a_part(QuickReplies(text="Tea?", replies=("Yes", "No")), address=NUMBER))
    assert isinstance(sent, Sent)

    (delivered,) = await webhooks.events(client, channel, 1)
    await sandbox.post(f"/phones/{NUMBER}/read")
    tap = {"type": "button", "text": "Yes", "button_of": sent.platform_message_id}
    picture = {"type": "media", "kind": "image", "url": "https://x.example/i", "caption": "Mine"}
    await sandbox.post(f"/phones/{NUMBER}/messages", json={"message": tap})
    await sandbox.post(f"/phones/{NUMBER}/messages", json={"message": picture})
    await sandbox.post(f"/phones/{NUMBER}/echo", json={"message": {"type": "text", "text": "On my way"}})
    read, tapped, sent_picture, echo = await webhooks.events(client, channel, 4)

    assert isinstance(delivered, ReportReceived)
    assert isinstance(read, ReportReceived)
    assert [(report.platform_message_id, report.status) for report in (delivered, read)] == [
        (sent.platform_message_id, Status.DELIVERED),
        (sent.platform_message_id, Status.READ),
    ]
    assert isinstance(tapped, MessageReceived)
    assert tapped.content == Text(text="Yes")
    assert (tapped.contact.address, tapped.contact.first_name, tapped.contact.last_name) == (NUMBER, "Ada", "Brandt")
    assert isinstance(sent_picture, MessageReceived)
    assert sent_picture.content == Attachment(kind=MediaKind.IMAGE, url="https://x.example/i", caption="Mine")
    assert isinstance(echo, EchoReceived)
    assert (echo.contact.address, echo.content) == (NUMBER, Text(text="On my way"))


async def test_a_message_the_network_gives_up(
    client: ProviderClient, channel: ChannelContext, sandbox: Sandbox, webhooks: Webhooks
) -> None:
    await client.check(channel)
    await sandbox.put(f"/phones/{NUMBER}", json={"online": False})
    sent = await client.deliver(channel, a_part(address=NUMBER))
    await sandbox.post(f"/phones/{NUMBER}/fail", json={"reason": "The phone is gone."})

    (failed,) = await webhooks.events(client, channel, 1)

    assert isinstance(sent, Sent)
    assert isinstance(failed, ReportReceived)
    assert (failed.platform_message_id, failed.status) == (sent.platform_message_id, Status.FAILED)
    assert failed.failure == Failure(kind=FailureKind.CONTACT_UNREACHABLE, text="The phone is gone.")


async def test_a_wrong_token_is_found_by_the_check(client: ProviderClient, channel: ChannelContext) -> None:
    wrong = a_channel({**channel.settings, "access_token": "wrong"})

    assert [problem.code for problem in (await client.check(wrong)).problems] == ["unauthorized"]
