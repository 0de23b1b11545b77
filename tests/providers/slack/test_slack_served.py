"""The provider as core sees it, against a scripted Slack; and its secrets, which nobody but Slack ever sees."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from yarl import URL

from anychannel import (
    ChannelContext,
    ChannelMisconfigured,
    DeliveryFailed,
    Failure,
    FailureKind,
    HttpRequest,
    MediaKind,
    MediaNotFound,
    MessageReceived,
    QuickReplies,
    Sent,
    Text,
    Unauthorized,
)
from anychannel.testing import Answer, CallFailed, ScriptedPlatform, a_part, serve_provider
from providers.slack import SlackProvider
from providers.slack.api import Bot
from providers.slack.media import download_url

ChannelMaker = Callable[..., ChannelContext]
WebhookMaker = Callable[..., HttpRequest]

ADDRESS = "D024BE91L"
TOOK = Answer(json={"ok": True, "channel": ADDRESS, "ts": "1503435956.000247", "message": {}})
# https://docs.slack.dev/reference/methods/auth.test
ACCOUNT: dict[str, Any] = {
    "ok": True,
    "url": "https://subarachnoid.slack.com/",
    "team": "Subarachnoid Workspace",
    "user": "bot",
    "team_id": "T0G9PQBBK",
    "user_id": "W23456789",
    "bot_id": "BZYBOTHED",
}


async def test_it_declares_what_slack_can() -> None:
    async with serve_provider(SlackProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("slack", "Slack")
    assert (described.receives_webhooks, described.listens) == (True, False)
    assert (described.checks_channels, described.fetches_media) == (True, True)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.max_caption_length) == (4000, 3000)
    assert (capabilities.max_buttons, capabilities.max_button_length) == (25, 75)
    assert [limit.kind for limit in capabilities.media] == [MediaKind.IMAGE]
    assert (capabilities.reports, capabilities.echoes) == (frozenset(), False)
    secret = {field.name: field.secret for field in described.setting_fields}
    assert secret == {"bot_token": True, "signing_secret": True, "api_base": False}


async def test_a_conversation(
    slack: ScriptedPlatform, channel: ChannelMaker, signed: WebhookMaker, secrets: tuple[str, ...]
) -> None:
    """A question with buttons goes out, a button is tapped, a file comes in and is downloaded."""
    file = {
        "id": "F0RDC39U1",
        "name": "ghostrap.png",
        "mimetype": "image/png",
        "size": 3,
        "url_private_download": f"{slack.url}/files-pri/T061EG9R6-F0RDC39U1/download/ghostrap.png",
    }
    slack.answer(
        TOOK, Answer(json={"ok": True, "file": file}), Answer(body=b"png", headers={"content-type": "image/png"})
    )

    async with serve_provider(SlackProvider()) as client:
        sent = await client.deliver(
            channel(), a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address=ADDRESS)
        )
        button = slack.requests[0].json["blocks"][1]["elements"][1]
        tap = {
            "type": "block_actions",
            "user": {"id": "U1", "name": "ada"},
            "container": {"type": "message", "message_ts": "1503435956.000247", "channel_id": ADDRESS},
            "actions": [{**button, "action_ts": "1503435957.000001"}],
        }
        tapped = await client.receive(channel(), signed(tap, is_form=True))
        message = {"type": "message", "channel": ADDRESS, "user": "U1", "ts": "1503435958.000001", "files": [file]}
        body = {"type": "event_callback", "event_id": "Ev1", "event": message}
        received = await client.receive(channel(), signed(body))
        refused = await client.receive(channel(signing_secret="another"), signed(body))
        media = await client.fetch_media(channel(), "F0RDC39U1")

    assert sent == Sent(platform_message_id=f"{ADDRESS}:1503435956.000247")
    (event,) = tapped.events
    assert isinstance(event, MessageReceived)
    assert (event.content, event.contact.address) == (Text(text="No"), ADDRESS)
    assert [each.platform_event_id for each in received.events] == ["Ev1"]
    assert (refused.reply.status_code, refused.events) == (401, ())
    assert (media.data, media.mime_type, media.file_name) == (b"png", "image/png", "ghostrap.png")
    assert [(request.method, request.path) for request in slack.requests] == [
        ("POST", "/api/chat.postMessage"),
        ("GET", "/api/files.info"),
        ("GET", "/files-pri/T061EG9R6-F0RDC39U1/download/ghostrap.png"),
    ]
    assert {request.headers["authorization"] for request in slack.requests} == {f"Bearer {secrets[0]}"}
    assert slack.requests[0].headers["content-type"] == "application/json; charset=utf-8"
    assert slack.requests[1].query == {"file": "F0RDC39U1"}


@pytest.mark.parametrize(
    ("answer", "kind", "seconds"),
    [
        (Answer(json={"ok": False, "error": "channel_not_found"}), FailureKind.CONTACT_UNREACHABLE, None),
        (Answer(status=429, headers={"Retry-After": "30"}, json={"ok": False}), FailureKind.THROTTLED, 30),
        (Answer(status=503), FailureKind.PLATFORM_UNAVAILABLE, None),
        (Answer(json={"ok": True}), FailureKind.PLATFORM_UNAVAILABLE, None),
        (Answer(close=True), FailureKind.PLATFORM_UNAVAILABLE, None),
    ],
    ids=["refused", "too fast", "down", "no id", "no answer"],
)
async def test_a_refusal_reaches_core_as_data(
    slack: ScriptedPlatform, channel: ChannelMaker, answer: Answer, kind: FailureKind, seconds: int | None
) -> None:
    slack.answer(answer)

    async with serve_provider(SlackProvider()) as client:
        failure = await client.deliver(channel(), a_part(address=ADDRESS))

    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.retry_after == (None if seconds is None else timedelta(seconds=seconds))


async def test_a_conversation_gets_no_more_than_one_message_a_while(
    slack: ScriptedPlatform, channel: ChannelMaker
) -> None:
    slack.answer(TOOK, TOOK, TOOK)
    times = []

    async with serve_provider(SlackProvider(spacing_seconds=0.05)) as client:
        for address in (ADDRESS, "D2", ADDRESS):
            await client.deliver(channel(), a_part(address=address))
            times.append(asyncio.get_running_loop().time())

    assert times[2] - times[0] >= 0.04


async def test_a_conversation_with_too_much_waiting_is_core_s_to_wait_for(
    slack: ScriptedPlatform, channel: ChannelMaker
) -> None:
    slack.answer(TOOK, TOOK)
    provider = SlackProvider(spacing_seconds=60)

    async with serve_provider(provider) as client:
        await client.deliver(channel(), a_part(address=f"{ADDRESS}:1503435956.000247"))
        refused = await client.deliver(channel(), a_part(address=ADDRESS))
        another = await client.deliver(channel(), a_part(address="D2"))

    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.THROTTLED
    assert timedelta(seconds=50) < (refused.retry_after or timedelta()) <= timedelta(seconds=60)
    assert isinstance(another, Sent)


async def test_the_settings_are_checked(
    slack: ScriptedPlatform, provider: SlackProvider, channel: ChannelMaker
) -> None:
    slack.answer(Answer(json=ACCOUNT, headers={"X-OAuth-Scopes": "chat:write,im:history, files:read"}))

    result = await provider.check(channel())

    assert result.problems == ()
    assert (result.details["bot_name"], result.details["workspace"]) == ("bot", "Subarachnoid Workspace")
    assert slack.requests[0].path == "/api/auth.test"


async def test_what_is_wrong_is_told(slack: ScriptedPlatform, provider: SlackProvider, channel: ChannelMaker) -> None:
    person = {name: value for name, value in ACCOUNT.items() if name != "bot_id"}
    slack.answer(Answer(json=person, headers={"X-OAuth-Scopes": "chat:write"}), Answer(json=ACCOUNT))

    first = await provider.check(channel(webhook_url="", signing_secret=""))
    second = await provider.check(channel(webhook_url="http://gateway.example"))

    assert [problem.code for problem in first.problems] == [
        "not_a_bot",
        "scope_missing",
        "scope_missing",
        "signing_secret_missing",
        "no_public_address",
    ]
    assert [problem.code for problem in second.problems] == ["webhook_not_https"]


async def test_a_refused_token_is_a_problem_and_an_outage_is_none(
    slack: ScriptedPlatform, provider: SlackProvider, channel: ChannelMaker
) -> None:
    slack.answer(Answer(json={"ok": False, "error": "invalid_auth"}), Answer(status=503))

    refused = await provider.check(channel())
    with pytest.raises(DeliveryFailed):
        await provider.check(channel())

    assert [problem.code for problem in refused.problems] == ["unauthorized"]


@pytest.mark.parametrize(
    ("settings", "raised"),
    [
        ({"bot_token": ""}, Unauthorized),
        ({"bot_token": "xoxp-123456789"}, Unauthorized),
        ({"bot_token": "xoxb-123456789\r\nX: y"}, Unauthorized),
        ({"api_base": "ftp://x"}, ChannelMisconfigured),
        ({"api_base": "http://["}, ChannelMisconfigured),
    ],
)
async def test_settings_that_are_none(
    provider: SlackProvider, channel: ChannelMaker, settings: dict[str, str], raised: type[DeliveryFailed]
) -> None:
    with pytest.raises(raised):
        await provider.send(channel(**settings), a_part(address=ADDRESS))


def test_a_bot_does_not_show_its_token(channel: ChannelMaker, secrets: tuple[str, ...]) -> None:
    assert secrets[0] not in repr(Bot.of(channel().settings))


@pytest.mark.parametrize(
    ("said", "is_slacks"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/a.png", True),
        ("https://acme.enterprise.slack.com/files-pri/T1-F1/download/a.png", True),
        ("https://slack-files.com/T1-F1", True),
        ("http://127.0.0.1:8080/files", True),
        ("http://files.slack.com/a.png", False),
        ("https://files.slack.com.evil.example/a.png", False),
        ("https://evilslack.com/a.png", False),
        ("https://files.slack.com@evil.example/a.png", False),
        ("http://127.0.0.1:8081/files", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_the_token_is_shown_to_slack_alone(said: str, *, is_slacks: bool) -> None:
    assert (download_url(said, api_base=URL("http://127.0.0.1:8080/api")) is not None) is is_slacks


async def test_a_file_elsewhere_is_not_fetched(
    slack: ScriptedPlatform, provider: SlackProvider, channel: ChannelMaker
) -> None:
    slack.answer(Answer(json={"ok": True, "file": {"url_private_download": "https://evil.example/a.png"}}))

    with pytest.raises(DeliveryFailed):
        await provider.fetch_media(channel(), "F1")

    assert len(slack.requests) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(json={"ok": False, "error": "file_not_found"})],
        [Answer(json={"ok": False, "error": "file_deleted"})],
        [Answer(json={"ok": False, "error": "access_denied"})],
        [Answer(json={"ok": True, "file": {"id": "F1"}})],
        [None, Answer(status=404)],
    ],
    ids=["unknown", "deleted", "not for the bot", "no address", "gone since"],
)
async def test_a_file_that_is_gone(
    slack: ScriptedPlatform, provider: SlackProvider, channel: ChannelMaker, answers: list[Answer | None]
) -> None:
    info = Answer(json={"ok": True, "file": {"id": "F1", "url_private_download": f"{slack.url}/f"}})
    slack.answer(*[answer or info for answer in answers])

    with pytest.raises(MediaNotFound):
        await provider.fetch_media(channel(), "F1")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<html>", headers={"content-type": "text/html; charset=utf-8"}),
        Answer(status=302, headers={"location": "https://acme.slack.com/?redir=x"}),
    ],
    ids=["page", "redirect"],
)
async def test_the_page_for_signing_in_is_no_file(
    slack: ScriptedPlatform, provider: SlackProvider, channel: ChannelMaker, answer: Answer
) -> None:
    file = {"id": "F1", "mimetype": "image/png", "url_private_download": f"{slack.url}/f"}
    slack.answer(Answer(json={"ok": True, "file": file}), answer)

    with pytest.raises(Unauthorized):
        await provider.fetch_media(channel(), "F1")


@pytest.mark.parametrize("media_id", ["", "../auth.test", "f1", "F1&file=F2"])
async def test_a_media_id_that_is_none_is_not_asked_for(channel: ChannelMaker, media_id: str) -> None:
    async with serve_provider(SlackProvider()) as client:
        with pytest.raises(CallFailed) as raised:
            await client.fetch_media(channel(), media_id)

    assert raised.value.code == "NOT_FOUND"


def everything_told(raised: BaseException) -> str:
    """All that an exception can tell, hidden contexts too."""
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__context__ or seen.__cause__
    return "\n".join(told)


async def test_nobody_but_slack_sees_the_secrets(
    provider: SlackProvider, channel: ChannelMaker, caplog: pytest.LogCaptureFixture, secrets: tuple[str, ...]
) -> None:
    caplog.set_level(logging.DEBUG)
    token = secrets[0]
    answers = [
        Answer(close=True),
        Answer(status=302, headers={"location": f"http://127.0.0.1:1/{token}"}),
        Answer(json={"ok": False, "error": token}),
        Answer(status=502, body=token.encode()),
        Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        Answer(json={"ok": True, "ts": "1.0", "file": {"url_private": f"https://evil.example/{token}"}}),
    ]
    told: list[str] = [repr(channel())]

    with capture_logs() as records:
        for answer in answers:
            async with ScriptedPlatform(lambda _, answer=answer: answer) as broken:  # type: ignore[misc] # bound early
                there = channel(api_base=broken.url)
                calls: list[Awaitable[object]] = [
                    provider.send(there, a_part(address=ADDRESS)),
                    provider.check(there),
                    provider.fetch_media(there, "F1"),
                ]
                for call in calls:
                    try:
                        told.append(repr(await call))
                    except Exception as raised:  # noqa: BLE001 - whatever comes out is read
                        told.append(everything_told(raised))

    ours = [repr(record.__dict__) for record in caplog.records if record.name != "aiohttp.access"]
    assert len(told) == 1 + 3 * len(answers)
    everything = "\n".join([*told, *ours, repr(records)])
    assert [secret for secret in secrets if secret in everything] == []
