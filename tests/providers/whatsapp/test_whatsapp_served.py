"""The provider as core sees it, and its secrets, which nobody but Meta ever sees."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from anychannel import (
    Attachment,
    ChannelContext,
    DeliveryFailed,
    EchoReceived,
    Failure,
    FailureKind,
    HttpRequest,
    MediaKind,
    MessageReceived,
    QuickReplies,
    ReportReceived,
    Sent,
    Status,
    Text,
    TextUnit,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part, a_request, serve_provider
from providers.whatsapp import WhatsappProvider

ChannelMaker = Callable[..., ChannelContext]
WebhookMaker = Callable[..., HttpRequest]

NUMBER_ID, TO, MEDIA_ID = "106540352242922", "16505551234", "1003383421387256"
WAMID = "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA"


def a_webhook(field: str = "messages", **fields: Any) -> dict[str, Any]:
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER_ID}, **fields}
    changes = [{"field": field, "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]}


async def test_it_declares_what_whatsapp_can() -> None:
    async with serve_provider(WhatsappProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("whatsapp", "WhatsApp")
    assert (described.receives_webhooks, described.listens) == (True, False)
    assert (described.checks_channels, described.fetches_media) == (True, True)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (4096, TextUnit.UTF16)
    assert (capabilities.max_caption_length, capabilities.max_buttons, capabilities.max_button_length) == (1024, 10, 20)
    assert (capabilities.locations, capabilities.contact_cards, capabilities.templates) == (True, True, True)
    assert (capabilities.echoes, capabilities.custom_payloads) == (True, True)
    assert capabilities.reports == {Status.DELIVERED, Status.READ}
    assert {limit.kind: limit.max_bytes for limit in capabilities.media} == {
        MediaKind.IMAGE: 5_000_000,
        MediaKind.VIDEO: 16_000_000,
        MediaKind.AUDIO: 16_000_000,
        MediaKind.FILE: 100_000_000,
    }
    assert described.limits.rate == 80
    fields = {field.name: field for field in described.setting_fields}
    assert {name for name, field in fields.items() if field.secret} == {"access_token", "app_secret", "verify_token"}
    assert {name for name, field in fields.items() if field.required} == {
        *("phone_number_id", "access_token", "app_secret", "verify_token")
    }
    assert {name: field.default_value for name, field in fields.items() if field.default_value} == {
        "register_webhook": "yes",
        "link_previews": "no",
        "list_label": "Options",
        "graph_version": "v26.0",
        "api_base": "https://graph.facebook.com",
    }
    assert all(field.help and field.label for field in fields.values())


async def test_a_conversation(graph: ScriptedPlatform, channel: ChannelMaker, signed: WebhookMaker) -> None:
    """Meta verifies the webhook; a question goes out, arrives, is read and answered; a picture comes and is fetched."""
    question = a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address=TO)
    person = {"profile": {"name": "Sheena Nelson"}, "wa_id": TO}
    frame = {"from": TO, "timestamp": "1749416383"}
    status = {"id": WAMID, "timestamp": "1749416383", "recipient_id": TO, "biz_opaque_callback_data": "msg_1/0"}
    asset = {"url": f"{graph.url}/media/133", "mime_type": "image/jpeg", "file_size": 3, "id": MEDIA_ID}
    graph.answer(Answer(json={"messages": [{"id": WAMID}]}), Answer(json=asset), Answer(body=b"jpg"))

    async with serve_provider(WhatsappProvider()) as client:
        verified = await client.receive(
            channel(),
            a_request(
                "GET", query="hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=vibecoding-but-longer"
            ),
        )
        sent = await client.deliver(channel(), question)
        button = graph.requests[0].json["interactive"]["action"]["buttons"][1]["reply"]
        statuses = [{**status, "status": name} for name in ("sent", "delivered", "read")]
        told = await client.receive(channel(), signed(a_webhook(statuses=statuses)))
        tap = {
            **frame,
            "id": "wamid.tap",
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": button},
        }
        picture = {**frame, "id": "wamid.pic", "type": "image", "image": {"id": MEDIA_ID, "mime_type": "image/jpeg"}}
        answered = await client.receive(channel(), signed(a_webhook(contacts=[person], messages=[tap, picture])))
        echo = {
            "from": "15550783881",
            "to": TO,
            "id": "wamid.echo",
            "timestamp": "1",
            "type": "text",
            "text": {"body": "Hi"},
        }
        echoed = await client.receive(channel(), signed(a_webhook("smb_message_echoes", message_echoes=[echo])))
        forged = await client.receive(channel(), signed(a_webhook(statuses=statuses), app_secret="another"))
        media = await client.fetch_media(channel(), MEDIA_ID)

    assert (verified.reply.status_code, verified.reply.body) == (200, b"1158201444")
    assert sent == Sent(platform_message_id=WAMID)
    reports = [(each.platform_message_id, each.status) for each in told.events if isinstance(each, ReportReceived)]
    assert reports == [(WAMID, Status.SENT), (WAMID, Status.DELIVERED), (WAMID, Status.READ)]
    tapped, pictured = answered.events
    assert isinstance(tapped, MessageReceived)
    assert isinstance(pictured, MessageReceived)
    assert (tapped.content, tapped.contact.address, tapped.contact.first_name) == (Text(text="No"), TO, "Sheena")
    assert pictured.content == Attachment(kind=MediaKind.IMAGE, media_id=MEDIA_ID, mime_type="image/jpeg")
    assert [type(event) for event in echoed.events] == [EchoReceived]
    assert (forged.reply.status_code, forged.events) == (401, ())
    assert (media.data, media.mime_type, media.size_bytes) == (b"jpg", "image/jpeg", 3)


@pytest.fixture
def every_record(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp.client", "aiohttp.internal"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Every record of this side. The scripted platform's own access log is the other side's, which knows its requests."""
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]
    return "\n".join(f"{record.getMessage()} {record.exc_text} {record.__dict__!r}" for record in ours)


def everything_told(raised: BaseException) -> str:
    """All that an exception can tell, hidden contexts too."""
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__context__ or seen.__cause__
    return "\n".join(told)


def breakages(secret: str) -> dict[str, Answer]:
    """Every way an answer may fail, most of them repeating what was sent."""

    def error(code: int, status: int = 400) -> Answer:
        words = f"Malformed access token {secret}"
        data = {"details": words}
        return Answer(status=status, json={"error": {"message": words, "code": code, "error_data": data}})

    return {
        "connection lost": Answer(close=True),
        "redirect": Answer(status=302, headers={"location": f"/{secret}"}),
        "page that repeats it": Answer(status=502, body=secret.encode()),
        "broken encoding": Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        "token refused": error(190, 401),
        "content refused": error(100),
        "template refused": error(132000),
        "unknown refusal": error(999_999),
        "unknown failure": error(999_999, 500),
    }


BREAKAGES = list(breakages(""))


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_no_exception_tells_a_secret(
    graph: ScriptedPlatform,
    provider: WhatsappProvider,
    channel: ChannelMaker,
    every_record: pytest.LogCaptureFixture,
    secrets: tuple[str, ...],
    breakage: str,
) -> None:
    token = secrets[0]
    answer = breakages(token)[breakage]
    told: list[str] = []

    async def outcome(call: Any) -> None:
        graph.answer(*[answer] * 2)  # a GET whose connection is lost is asked once more by aiohttp
        try:
            told.append(repr(await call))
        except Exception as raised:  # noqa: BLE001 - whatever comes out is read
            told.append(everything_told(raised))
        graph._script.clear()

    await outcome(provider.send(channel(), a_part("hi", address=TO)))
    await outcome(provider.fetch_media(channel(), MEDIA_ID))
    await outcome(provider.check(channel()))

    assert len(told) == 3
    for secret in (*secrets, token[6:]):
        assert [text for text in told if secret in text] == []
        assert secret not in logged(every_record)


async def test_no_failure_and_no_log_record_tells_a_secret(
    graph: ScriptedPlatform,
    channel: ChannelMaker,
    signed: WebhookMaker,
    every_record: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    secrets: tuple[str, ...],
) -> None:
    answers = list(breakages(secrets[0]).values())
    graph.answer(*answers)

    with capture_logs() as records:
        async with serve_provider(WhatsappProvider()) as client:
            outcomes = [await client.deliver(channel(), a_part("hi", address=TO)) for _ in answers]
            unreachable = await client.deliver(channel(api_base="http://127.0.0.1:1"), a_part("hi", address=TO))
            received = await client.receive(channel(), signed(b"{", app_secret="another"))

    written = capfd.readouterr()
    kinds = [outcome.kind for outcome in (*outcomes, unreachable) if isinstance(outcome, Failure)]
    assert FailureKind.INTERNAL not in kinds
    assert len(kinds) == len(answers) + 1
    told = [
        repr(outcomes),
        repr(records),
        logged(every_record),
        written.out,
        written.err,
        repr(channel()),
        repr(received),
    ]
    for secret in secrets:
        assert [text for text in told if secret in text] == []
    assert [secret for request in graph.requests for secret in secrets if secret in request.path] == []


async def test_an_answer_that_is_no_http_is_a_failure_without_a_secret(
    provider: WhatsappProvider, channel: ChannelMaker, secrets: tuple[str, ...]
) -> None:
    """The exception that aiohttp makes of it has the request with its headers in it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(DeliveryFailed) as sending:
            await provider.send(channel(api_base=address), a_part("hi", address=TO))
        with pytest.raises(DeliveryFailed) as fetching:
            await provider.fetch_media(channel(api_base=address), MEDIA_ID)

    for raised in (sending, fetching):
        assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
        assert [secret for secret in secrets if secret in everything_told(raised.value)] == []


@pytest.fixture
async def breaking_off() -> AsyncIterator[str]:
    """The address of a Graph API that names media, and breaks off in the middle of every other answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        host = request.lower().partition(b"host: ")[2].partition(b"\r\n")[0]
        body = b'{"url":"http://%b/media/133","mime_type":"image/jpeg"}' % host
        length = len(body) if MEDIA_ID.encode() in request else len(body) + 1
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (length, body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_that_breaks_off_is_a_failure_without_a_secret(
    provider: WhatsappProvider, channel: ChannelMaker, breaking_off: str, secrets: tuple[str, ...]
) -> None:
    media = await provider.fetch_media(channel(api_base=breaking_off), MEDIA_ID)

    with pytest.raises(DeliveryFailed) as sending:
        await provider.send(channel(api_base=breaking_off), a_part("hi", address=TO))
    with pytest.raises(DeliveryFailed) as downloading:
        async for _ in media.chunks:
            pass

    for raised in (sending, downloading):
        assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
        assert [secret for secret in secrets if secret in everything_told(raised.value)] == []
