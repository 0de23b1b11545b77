"""The provider as core sees it, and its secret, which nobody but Viber ever sees."""

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
from providers.viber import ViberProvider

ChannelMaker = Callable[..., ChannelContext]

USER = "01234567890A="
SECRET = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
TOOK = Answer(json={"status": 0, "status_message": "ok", "message_token": 5741311803571721087})


def signed(**fields: object) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"timestamp": 1457764197627, **fields}).encode()
    return body, {"X-Viber-Content-Signature": hmac.digest(SECRET.encode(), body, "sha256").hex()}


async def test_it_declares_what_viber_can() -> None:
    async with serve_provider(ViberProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("viber", "Viber")
    assert (described.receives_webhooks, described.checks_channels) == (True, True)
    assert (described.listens, described.fetches_media) == (False, False)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (7000, TextUnit.UTF16)
    assert {limit.kind: limit.max_bytes for limit in capabilities.media} == {
        MediaKind.IMAGE: 1_000_000,
        MediaKind.VIDEO: 26_000_000,
        MediaKind.FILE: 50_000_000,
    }
    assert (capabilities.max_caption_length, capabilities.locations, capabilities.contact_cards) == (768, True, True)
    assert (capabilities.max_buttons, capabilities.max_button_length) == (12, 30)
    assert (capabilities.templates, capabilities.custom_payloads, capabilities.echoes) == (False, True, False)
    assert capabilities.reports == {Status.DELIVERED, Status.READ}
    assert {field.name for field in described.setting_fields if field.secret} == {"auth_token"}


async def test_a_conversation(viber: ScriptedPlatform, channel: ChannelMaker) -> None:
    """A question with quick replies goes out, is delivered and seen, and one of them is tapped."""
    question = a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address=USER)
    viber.answer(TOOK)
    callbacks = [
        signed(event="delivered", message_token=5741311803571721087, user_id=USER),
        signed(event="seen", message_token=5741311803571721087, user_id=USER),
        signed(event="message", message_token=1, sender={"id": USER}, message={"type": "text", "text": "No"}),
    ]

    async with serve_provider(ViberProvider()) as client:
        sent = await client.deliver(channel(), question)
        received = [
            await client.receive(channel(), a_request(body=body, headers=headers)) for body, headers in callbacks
        ]
        unsigned = await client.receive(channel(), a_request(body=callbacks[2][0]))

    assert isinstance(sent, Sent)
    delivered, seen, tapped = (event for each in received for event in each.events)
    for report, status in ((delivered, Status.DELIVERED), (seen, Status.READ)):
        assert isinstance(report, ReportReceived)
        assert (report.platform_message_id, report.status) == (sent.platform_message_id, status)
    assert isinstance(tapped, MessageReceived)
    assert (tapped.content, tapped.contact.address) == (Text(text="No"), USER)
    assert (unsigned.reply.status_code, unsigned.events) == (401, ())


def breakages() -> dict[str, Answer]:
    """Every way an answer may fail, most of them repeating the token."""
    return {
        "connection lost": Answer(close=True),
        "redirect": Answer(status=302, headers={"location": f"http://127.0.0.1:1/{SECRET}"}),
        "page that repeats it": Answer(status=502, body=SECRET.encode()),
        "refusal that repeats it": Answer(json={"status": 3, "status_message": f"bad {SECRET}"}),
        "broken encoding": Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        "token refused": Answer(json={"status": 2, "status_message": f"invalidAuthToken {SECRET}"}),
    }


def everything_told(raised: BaseException) -> str:
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(told)


@pytest.mark.parametrize("breakage", list(breakages()))
async def test_no_exception_tells_the_secret(
    viber: ScriptedPlatform,
    provider: ViberProvider,
    channel: ChannelMaker,
    caplog: pytest.LogCaptureFixture,
    breakage: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    calls: list[Awaitable[object]] = [provider.send(channel(), a_part("hi")), provider.check(channel())]
    told = [repr(channel())]

    for call in calls:
        # aiohttp asks once more where a kept connection may have gone stale.
        viber.answer(*[breakages()[breakage]] * 2)
        try:
            told.append(repr(await call))
        except Exception as raised:  # noqa: BLE001 - whatever comes out is read
            told.append(everything_told(raised))

    assert len(told) == 3
    assert [text for text in (*told, caplog.text) if SECRET in text] == []


async def test_no_failure_and_no_log_record_tells_the_secret(
    channel: ChannelMaker, viber: ScriptedPlatform, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = list(breakages().values())
    viber.answer(*answers)

    with capture_logs() as records:
        async with serve_provider(ViberProvider()) as client:
            outcomes = [await client.deliver(channel(), a_part("hi")) for _ in answers]
            checked = await client.deliver(channel(auth_token="no token\n"), a_part("hi"))

    written = capfd.readouterr()
    kinds = [outcome.kind for outcome in (*outcomes, checked) if isinstance(outcome, Failure)]
    assert FailureKind.INTERNAL not in kinds
    assert len(kinds) == len(answers) + 1
    for told in (repr(outcomes), repr(records), written.out, written.err):
        assert SECRET not in told


async def test_no_address_carries_the_secret(
    viber: ScriptedPlatform, provider: ViberProvider, channel: ChannelMaker
) -> None:
    viber.answer(TOOK, Answer(json={"status": 0}), Answer(json={"status": 0}))

    await provider.send(channel(), a_part("hi"))
    await provider.check(channel())

    assert len(viber.requests) == 3
    for request in viber.requests:
        assert SECRET not in f"{request.path} {request.query}"
        assert SECRET.encode() not in request.body
