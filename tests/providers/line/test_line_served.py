"""The provider as core sees it, and its secrets, which nobody but LINE ever sees."""

import hmac
import json
import logging
import traceback
from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from anychannel import (
    Attachment,
    ChannelContext,
    Failure,
    FailureKind,
    MediaKind,
    MessageReceived,
    QuickReplies,
    Sent,
    Text,
    TextUnit,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part, a_request, serve_provider
from providers.line import LineProvider

ChannelMaker = Callable[..., ChannelContext]

USER = "U80696558e1aa831"
SECRETS = ("the-access-token/of+the=channel", "the-secret-of-the-channel")
TOOK = Answer(json={"sentMessages": [{"id": "461230966842064897"}]})


def signed(*messages: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    source = {"type": "user", "userId": USER}
    events = [
        {
            "type": "message",
            "message": message,
            "source": source,
            "timestamp": 1625665242211,
            "webhookEventId": f"e{index}",
        }
        for index, message in enumerate(messages)
    ]
    body = json.dumps({"destination": "U1", "events": events}).encode()
    return body, {"X-Line-Signature": b64encode(hmac.digest(SECRETS[1].encode(), body, "sha256")).decode()}


async def test_it_declares_what_line_can() -> None:
    async with serve_provider(LineProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("line", "LINE")
    assert (described.receives_webhooks, described.checks_channels, described.fetches_media) == (True, True, True)
    assert described.listens is False
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (5000, TextUnit.UTF16)
    assert {limit.kind: limit.max_bytes for limit in capabilities.media} == {
        MediaKind.IMAGE: 1_000_000,
        MediaKind.VIDEO: 200_000_000,
    }
    assert (capabilities.max_caption_length, capabilities.locations, capabilities.contact_cards) == (5000, True, False)
    assert (capabilities.max_buttons, capabilities.max_button_length) == (13, 20)
    assert (capabilities.templates, capabilities.custom_payloads, capabilities.echoes) == (False, True, False)
    assert capabilities.reports == frozenset()
    assert described.limits.rate == 2000
    secret = {field.name for field in described.setting_fields if field.secret}
    assert secret == {"channel_access_token", "channel_secret"}


async def test_a_conversation(line: ScriptedPlatform, channel: ChannelMaker) -> None:
    """A question with quick replies goes out, one of them is tapped, and a picture follows."""
    question = a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address=USER)
    line.answer(TOOK, Answer(body=b"\xff\xd8", headers={"content-type": "image/jpeg"}))
    picture: dict[str, object] = {"type": "image", "id": "326", "contentProvider": {"type": "line"}}

    async with serve_provider(LineProvider()) as client:
        sent = await client.deliver(channel(), question)
        body, headers = signed({"type": "text", "id": "325", "text": "No"}, picture)
        received = await client.receive(channel(), a_request(body=body, headers=headers))
        unsigned = await client.receive(channel(), a_request(body=body))
        media = await client.fetch_media(channel(), "326")

    assert sent == Sent(platform_message_id="461230966842064897")
    tapped, shown = received.events
    assert isinstance(tapped, MessageReceived)
    assert isinstance(shown, MessageReceived)
    assert (tapped.content, tapped.contact.address) == (Text(text="No"), USER)
    assert shown.content == Attachment(kind=MediaKind.IMAGE, media_id="326")
    assert (media.data, media.mime_type) == (b"\xff\xd8", "image/jpeg")
    assert (unsigned.reply.status_code, unsigned.events) == (401, ())


def breakages() -> dict[str, Answer]:
    """Every way an answer may fail, most of them repeating a secret."""
    token = SECRETS[0]
    return {
        "connection lost": Answer(close=True),
        "redirect": Answer(status=302, headers={"location": f"http://127.0.0.1:1/{token}"}),
        "page that repeats it": Answer(status=502, body=token.encode()),
        "refusal that repeats it": Answer(status=400, body=f'{{"message":"{token}"}}'.encode()),
        "broken encoding": Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        "token refused": Answer(status=401, body=f'{{"message":"Authentication failed: {token}"}}'.encode()),
    }


def everything_told(raised: BaseException) -> str:
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)


async def fetch(provider: LineProvider, channel: ChannelContext) -> bytes:
    media = await provider.fetch_media(channel, "326")
    return b"".join([chunk async for chunk in media.chunks])


@pytest.mark.parametrize("breakage", list(breakages()))
async def test_no_exception_tells_a_secret(
    line: ScriptedPlatform,
    provider: LineProvider,
    channel: ChannelMaker,
    caplog: pytest.LogCaptureFixture,
    breakage: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    calls: list[Awaitable[object]] = [
        provider.send(channel(), a_part("hi", address=USER)),
        provider.check(channel()),
        fetch(provider, channel()),
    ]
    told = [repr(channel())]

    for call in calls:
        # aiohttp asks once more where a kept connection may have gone stale.
        line.answer(*[breakages()[breakage]] * 2)
        try:
            told.append(repr(await call))
        except Exception as raised:  # noqa: BLE001 - whatever comes out is read
            told.append(everything_told(raised))

    assert len(told) == 4
    assert [text for text in (*told, caplog.text) for secret in SECRETS if secret in text] == []


async def test_no_failure_and_no_log_record_tells_a_secret(
    channel: ChannelMaker, line: ScriptedPlatform, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = list(breakages().values())
    line.answer(*answers)

    with capture_logs() as records:
        async with serve_provider(LineProvider()) as client:
            outcomes = [await client.deliver(channel(), a_part("hi", address=USER)) for _ in answers]
            checked = await client.deliver(channel(channel_access_token="no token\n"), a_part("hi", address=USER))

    written = capfd.readouterr()
    kinds = [outcome.kind for outcome in (*outcomes, checked) if isinstance(outcome, Failure)]
    assert FailureKind.INTERNAL not in kinds
    assert len(kinds) == len(answers) + 1
    for told in (repr(outcomes), repr(records), written.out, written.err):
        assert [secret for secret in SECRETS if secret in told] == []


async def test_no_address_carries_a_secret(
    line: ScriptedPlatform, provider: LineProvider, channel: ChannelMaker
) -> None:
    line.answer(TOOK, Answer(json={}), Answer(status=404), Answer(json={}), Answer(json={}), Answer(json={}))
    line.answer(Answer(body=b"x"))

    await provider.send(channel(), a_part("hi", address=USER))
    await provider.check(channel())
    await fetch(provider, channel())

    assert len(line.requests) == 7
    for request in line.requests:
        assert [secret for secret in SECRETS if secret in f"{request.path} {request.query}"] == []
