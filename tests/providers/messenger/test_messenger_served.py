"""The provider as core sees it, and its secrets, which nobody but Meta ever sees."""

import hashlib
import hmac
import json
import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from anychannel import (
    ChannelContext,
    Failure,
    FailureKind,
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
from providers.messenger import MessengerProvider

ChannelMaker = Callable[..., ChannelContext]

PAGE = "1906385232743451"
TOOK = Answer(json={"recipient_id": "254", "message_id": "m_1"})
SECRETS = ("EAAG-the-token-of-the-page", "the-secret-of-the-app", "meatyhamhock")


def signed(*items: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"object": "page", "entry": [{"id": PAGE, "messaging": items}]}).encode()
    digest = hmac.new(b"the-secret-of-the-app", body, hashlib.sha256).hexdigest()
    return body, {"X-Hub-Signature-256": f"sha256={digest}"}


async def test_it_declares_what_messenger_can() -> None:
    async with serve_provider(MessengerProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("messenger", "Messenger")
    assert (described.receives_webhooks, described.checks_channels) == (True, True)
    assert (described.listens, described.fetches_media) == (False, False)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (2000, TextUnit.UTF16)
    assert {limit.kind: limit.max_bytes for limit in capabilities.media} == {
        MediaKind.IMAGE: 8_000_000,
        MediaKind.VIDEO: 25_000_000,
        MediaKind.AUDIO: 25_000_000,
        MediaKind.FILE: 25_000_000,
    }
    assert (capabilities.max_caption_length, capabilities.locations, capabilities.contact_cards) == (0, False, False)
    assert (capabilities.max_buttons, capabilities.max_button_length) == (13, 20)
    assert (capabilities.templates, capabilities.custom_payloads, capabilities.echoes) == (True, True, True)
    assert capabilities.reports == {Status.DELIVERED}
    assert {field.name for field in described.setting_fields if field.secret} == {
        "page_access_token",
        "app_secret",
        "verify_token",
    }


async def test_a_conversation(messenger: ScriptedPlatform, channel: ChannelMaker) -> None:
    """A question with quick replies goes out, is delivered, and one of them is tapped."""
    question = a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address="254")
    messenger.answer(TOOK)
    parties = {"sender": {"id": "254"}, "recipient": {"id": PAGE}, "timestamp": 1458692752478}
    tap = {"mid": "m_2", "text": "No", "quick_reply": {"payload": "No"}}

    async with serve_provider(MessengerProvider()) as client:
        sent = await client.deliver(channel(), question)
        body, headers = signed({**parties, "delivery": {"mids": ["m_1"]}}, {**parties, "message": tap})
        received = await client.receive(channel(), a_request(body=body, headers=headers))
        unsigned = await client.receive(channel(), a_request(body=body))
        query = "hub.mode=subscribe&hub.challenge=7&hub.verify_token=meatyhamhock"
        asked = await client.receive(channel(), a_request("GET", query=query))

    assert sent == Sent(platform_message_id="m_1")
    report, tapped = received.events
    assert isinstance(report, ReportReceived)
    assert (report.platform_message_id, report.status) == ("m_1", Status.DELIVERED)
    assert isinstance(tapped, MessageReceived)
    assert (tapped.content, tapped.contact.address) == (Text(text="No"), "254")
    assert (received.reply.status_code, asked.reply.body) == (200, b"7")
    assert (unsigned.reply.status_code, unsigned.events) == (401, ())


def breakages() -> dict[str, Answer]:
    """Every way an answer may fail, most of them repeating a secret, as "Malformed access token" does."""
    told = " ".join(SECRETS[:2])
    return {
        "connection lost": Answer(close=True),
        "redirect": Answer(status=302, headers={"location": f"http://127.0.0.1:1/{SECRETS[0]}"}),
        "page that repeats them": Answer(status=502, body=told.encode()),
        "refusal that repeats them": Answer(status=400, json={"error": {"code": 100, "message": told}}),
        "words for people that repeat them": Answer(
            status=400, json={"error": {"code": 100, "message": "x", "error_user_msg": told}}
        ),
        "broken encoding": Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        "token refused": Answer(
            status=400, json={"error": {"code": 190, "message": f"Malformed access token {SECRETS[0]}"}}
        ),
    }


def everything_told(raised: BaseException) -> str:
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)


@pytest.mark.parametrize("breakage", list(breakages()))
async def test_no_exception_tells_a_secret(
    messenger: ScriptedPlatform,
    provider: MessengerProvider,
    channel: ChannelMaker,
    caplog: pytest.LogCaptureFixture,
    breakage: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    calls: list[Awaitable[object]] = [
        provider.send(channel(human_agent="yes"), a_part("hi", address="254")),
        provider.check(channel()),
    ]
    told = [repr(channel())]

    for call in calls:
        # aiohttp asks once more where a kept connection may have gone stale.
        messenger.answer(*[breakages()[breakage]] * 2)
        try:
            told.append(repr(await call))
        except Exception as raised:  # noqa: BLE001 - whatever comes out is read
            told.append(everything_told(raised))

    assert len(told) == 3
    assert [text for text in (*told, caplog.text) for secret in SECRETS if secret in text] == []


async def test_no_failure_and_no_log_record_tells_a_secret(
    channel: ChannelMaker, messenger: ScriptedPlatform, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = list(breakages().values())
    messenger.answer(*answers)

    with capture_logs() as records:
        async with serve_provider(MessengerProvider()) as client:
            outcomes = [await client.deliver(channel(), a_part("hi", address="254")) for _ in answers]
            checked = await client.deliver(channel(page_access_token="no token\n"), a_part("hi", address="254"))

    written = capfd.readouterr()
    kinds = [outcome.kind for outcome in (*outcomes, checked) if isinstance(outcome, Failure)]
    assert FailureKind.INTERNAL not in kinds
    assert len(kinds) == len(answers) + 1
    for told in (repr(outcomes), repr(records), written.out, written.err):
        assert [secret for secret in SECRETS if secret in told] == []


async def test_no_address_carries_a_secret(
    messenger: ScriptedPlatform, provider: MessengerProvider, channel: ChannelMaker
) -> None:
    page = Answer(json={"id": PAGE, "name": "Acme"})
    nothing, done = Answer(json={"data": []}), Answer(json={"success": True})
    messenger.answer(TOOK, page, nothing, done, nothing, done)

    await provider.send(channel(), a_part("hi", address="254"))
    await provider.check(channel())

    assert len(messenger.requests) == 6
    for request in messenger.requests:
        assert [secret for secret in SECRETS if secret in f"{request.path} {request.query}"] == []
