"""The provider as core sees it, against a scripted Discord; and its bot token, which nobody but Discord ever sees."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from anychannel import (
    ChannelContext,
    ChannelMisconfigured,
    DeliveryFailed,
    Failure,
    FailureKind,
    MediaKind,
    MessageReceived,
    QuickReplies,
    Sent,
    Text,
    TextUnit,
    Throttled,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part, serve_provider
from providers.discord import DiscordProvider
from providers.discord.api import Bot
from providers.discord.outbound import nonce

ChannelMaker = Callable[..., ChannelContext]
Gateway = Any
"""A ScriptedGateway of conftest, which tests do not import."""

ADDRESS = "319674150115610528"
TOOK = Answer(json={"id": "334385199974967042", "channel_id": ADDRESS})
BOT = {"id": "1", "username": "acme", "bot": True}
PLAN = {
    "url": "wss://gateway.discord.gg/",
    "shards": 1,
    "session_start_limit": {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1},
}


async def test_it_declares_what_discord_can() -> None:
    async with serve_provider(DiscordProvider()) as client:
        described = await client.describe()

    assert (described.platform, described.display_name) == ("discord", "Discord")
    assert (described.receives_webhooks, described.listens) == (False, True)
    assert (described.checks_channels, described.fetches_media) == (True, False)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (2000, TextUnit.UTF16)
    assert (capabilities.max_buttons, capabilities.max_button_length) == (25, 80)
    assert [limit.kind for limit in capabilities.media] == [MediaKind.IMAGE]
    assert capabilities.reports == frozenset()
    assert {field.name: field.secret for field in described.setting_fields} == {"bot_token": True, "api_base": False}


async def test_a_conversation(discord: ScriptedPlatform, gateway: Gateway, channel: ChannelMaker, token: str) -> None:
    """A question with buttons goes out, and a button is tapped."""
    discord.answer(TOOK, Answer(json={**PLAN, "url": gateway.url}), Answer(status=204))
    question = a_part(QuickReplies(text="Well?", replies=("Yes", "No")), address=ADDRESS)

    async with serve_provider(DiscordProvider()) as client:
        sent = await client.deliver(channel(), question)
        custom_id = discord.requests[0].json["components"][0]["components"][1]["custom_id"]
        async with aclosing(client.listen(channel())) as heard:
            first = asyncio.ensure_future(anext(heard))
            there = await gateway.connected()
            await there.hello()
            await there.hear()
            await there.dispatch("READY", {"session_id": "s", "resume_gateway_url": gateway.url}, seq=1)
            await first
            tap = {"id": "7", "type": 3, "token": "t", "channel_id": ADDRESS, "user": {"id": "2", "username": "ada"}}
            data = {"component_type": 2, "custom_id": custom_id}
            await there.dispatch("INTERACTION_CREATE", {**tap, "data": data}, seq=2)
            (event,) = (await anext(heard)).events
            third = asyncio.ensure_future(anext(heard))
            await discord.requested(3)
            third.cancel()
            await asyncio.wait([third])

    assert sent == Sent(platform_message_id="334385199974967042")
    assert isinstance(event, MessageReceived)
    assert (event.content, event.contact.address, event.contact.first_name) == (Text(text="No"), ADDRESS, "ada")
    request = discord.requests[0]
    assert (request.method, request.path) == ("POST", f"/api/v10/channels/{ADDRESS}/messages")
    assert request.headers["authorization"] == f"Bot {token}"
    assert request.headers["user-agent"].startswith("DiscordBot (")
    assert (request.json["nonce"], request.json["enforce_nonce"]) == (nonce("msg_1/0"), True)
    assert discord.requests[2].path == "/api/v10/interactions/7/t/callback"


async def test_an_attempt_that_is_repeated_has_the_same_nonce(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(Answer(close=True), TOOK)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part(address=ADDRESS))
    await provider.send(channel(), a_part(address=ADDRESS))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    first, second = (request.json["nonce"] for request in discord.requests)
    assert first == second


async def test_a_conversation_that_is_exhausted_is_left_alone(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    """https://docs.discord.com/developers/topics/rate-limits#header-format."""
    exhausted = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "60"}
    discord.answer(Answer(json={"id": "1"}, headers=exhausted), Answer(json={"id": "2"}))
    await provider.send(channel(), a_part(address=ADDRESS))

    with pytest.raises(Throttled) as raised:
        await provider.send(channel(), a_part(address=ADDRESS))
    another = await provider.send(channel(), a_part(address="42"))

    assert timedelta(seconds=59) < (raised.value.failure.retry_after or timedelta()) <= timedelta(seconds=60)
    assert (another.platform_message_id, len(discord.requests)) == ("2", 2)


async def test_a_short_pause_is_waited_for(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    exhausted = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.05"}
    discord.answer(Answer(json={"id": "1"}, headers=exhausted), Answer(json={"id": "2"}))
    start = asyncio.get_running_loop().time()

    await provider.send(channel(), a_part(address=ADDRESS))
    await provider.send(channel(), a_part(address=ADDRESS))

    assert asyncio.get_running_loop().time() - start >= 0.05


async def test_a_refusal_reaches_core_as_data(discord: ScriptedPlatform, channel: ChannelMaker) -> None:
    discord.answer(Answer(status=403, json={"code": 50007, "message": "Cannot send messages to this user"}))

    async with serve_provider(DiscordProvider()) as client:
        failure = await client.deliver(channel(), a_part(address=ADDRESS))

    assert isinstance(failure, Failure)
    assert (failure.kind, failure.platform_code) == (FailureKind.CONTACT_UNREACHABLE, "50007")


async def test_the_settings_are_checked(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(Answer(json=BOT), Answer(json=PLAN), Answer(json={"interactions_endpoint_url": None}))

    result = await provider.check(channel())

    assert result.problems == ()
    assert result.details == {"bot_name": "acme", "bot_user_id": "1", "sessions_left": "999 of 1000"}
    assert [request.path.removeprefix("/api/v10/") for request in discord.requests] == [
        "users/@me",
        "gateway/bot",
        "applications/@me",
    ]


async def test_what_is_wrong_is_told(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    few = {**PLAN, "session_start_limit": {"total": 1000, "remaining": 3}}
    discord.answer(
        Answer(json={"id": "1"}), Answer(json=few), Answer(json={"interactions_endpoint_url": "https://x.example"})
    )

    result = await provider.check(channel())

    assert [problem.code for problem in result.problems] == ["not_a_bot", "sessions_running_out", "taps_elsewhere"]


async def test_a_refused_token_is_a_problem_and_an_outage_is_none(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(Answer(status=401, json={"code": 0, "message": "401: Unauthorized"}), Answer(status=503))

    refused = await provider.check(channel())
    with pytest.raises(DeliveryFailed):
        await provider.check(channel())

    assert [problem.code for problem in refused.problems] == ["unauthorized"]


def test_a_bot_does_not_show_its_token(channel: ChannelMaker, token: str) -> None:
    assert token not in repr(Bot.of(channel().settings))


@pytest.mark.parametrize(
    ("settings", "raised"),
    [
        ({"bot_token": ""}, Unauthorized),
        ({"bot_token": "Bot x"}, Unauthorized),
        ({"bot_token": "a" * 24 + ".bbbbbb." + "c" * 27 + "\r\nX: y"}, Unauthorized),
        ({"api_base": "ftp://x"}, ChannelMisconfigured),
        ({"api_base": "http://["}, ChannelMisconfigured),
    ],
)
async def test_settings_that_are_none(
    provider: DiscordProvider, channel: ChannelMaker, settings: dict[str, str], raised: type[DeliveryFailed]
) -> None:
    with pytest.raises(raised):
        await provider.send(channel(**settings), a_part(address=ADDRESS))


def everything_told(raised: BaseException) -> str:
    """All that an exception can tell, hidden contexts too."""
    told = ["".join(traceback.format_exception(raised))]
    seen: BaseException | None = raised
    while seen is not None:
        told += [repr(seen), str(seen), repr(vars(seen))]
        seen = seen.__context__ or seen.__cause__
    return "\n".join(told)


async def test_nobody_but_discord_sees_the_token(
    provider: DiscordProvider, channel: ChannelMaker, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        Answer(close=True),
        Answer(status=302, headers={"location": f"http://127.0.0.1:1/{token}"}),
        Answer(status=400, json={"code": 1, "message": f"what is {token}?"}),
        Answer(status=502, body=token.encode()),
        Answer(body=b"{}", headers={"content-encoding": "gzip"}),
        Answer(body=token.encode()),
    ]
    told: list[str] = [repr(channel())]

    with capture_logs() as records:
        for answer in answers:
            async with ScriptedPlatform(lambda _, answer=answer: answer) as broken:  # type: ignore[misc] # bound early
                there = channel(api_base=broken.url)
                calls: list[Awaitable[object]] = [
                    provider.send(there, a_part(address=ADDRESS)),
                    provider.check(there),
                    anext(provider.listen(there, "")),
                ]
                for call in calls:
                    try:
                        told.append(repr(await call))
                    except Exception as raised:  # noqa: BLE001 - whatever comes out is read
                        told.append(everything_told(raised))

    ours = [repr(record.__dict__) for record in caplog.records if record.name != "aiohttp.access"]
    assert len(told) == 1 + 3 * len(answers)
    assert [text for text in (*told, *ours, repr(records)) if token in text] == []
