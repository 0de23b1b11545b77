"""Listening to a scripted gateway: https://docs.discord.com/developers/events/gateway."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from anychannel import (
    ChannelContext,
    ChannelMisconfigured,
    DeliveryFailed,
    FailureKind,
    Heard,
    MessageReceived,
    PlatformUnavailable,
    Text,
    Throttled,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform
from providers.discord import DiscordProvider

ChannelMaker = Callable[..., ChannelContext]
Gateway = Any
"""A ScriptedGateway of conftest, which tests do not import."""

CHANNEL_ID = "319674150115610528"
AUTHOR = {"id": "80351110224678912", "username": "nelly", "global_name": "Nelly"}


def message(message_id: str, text: str) -> dict[str, object]:
    return {
        "id": message_id,
        "channel_id": CHANNEL_ID,
        "author": AUTHOR,
        "content": text,
        "timestamp": "2026-01-02T03:04:05.678000+00:00",
        "type": 0,
    }


def plan(url: str, **limit: int) -> Answer:
    """https://docs.discord.com/developers/events/gateway#get-gateway-bot-example-response."""
    started = {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1, **limit}
    return Answer(json={"url": url, "shards": 1, "session_start_limit": started})


def ready(url: str, session_id: str = "session-1") -> dict[str, object]:
    return {"v": 10, "user": {"id": "1", "bot": True}, "session_id": session_id, "resume_gateway_url": url}


def cursor(url: str, *, seq: int, session_id: str = "session-1") -> str:
    return json.dumps({"id": session_id, "url": url, "seq": seq})


def listening(provider: DiscordProvider, channel: ChannelContext, cursor: str = "") -> AsyncGenerator[Heard, None]:
    return cast("AsyncGenerator[Heard, None]", provider.listen(channel, cursor))


def texts(heard: Heard) -> list[str]:
    contents = [event.content for event in heard.events if isinstance(event, MessageReceived)]
    return [content.text for content in contents if isinstance(content, Text)]


async def soon(heard: AsyncGenerator[Heard, None]) -> Heard:
    async with asyncio.timeout(5):
        return await anext(heard)


async def test_a_session_begins_and_messages_come(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker, token: str
) -> None:
    discord.answer(plan(gateway.url))

    async with aclosing(listening(provider, channel())) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        identified = await there.hear()
        await there.dispatch("READY", ready(gateway.url), seq=1)
        began = await first
        await there.dispatch("MESSAGE_CREATE", message("334385199974967042", "Grüße 👋"), seq=2)
        told = await soon(heard)

    assert there.query == {"v": "10", "encoding": "json"}
    assert discord.requests[0].path == "/api/v10/gateway/bot"
    assert discord.requests[0].headers["authorization"] == f"Bot {token}"
    # DIRECT_MESSAGES alone: https://docs.discord.com/developers/events/gateway#list-of-intents
    assert (identified["op"], identified["d"]["token"], identified["d"]["intents"]) == (2, token, 4096)
    assert "shard" not in identified["d"]
    assert (began.events, json.loads(began.cursor)) == ((), {"id": "session-1", "url": gateway.url, "seq": 1})
    assert (texts(told), json.loads(told.cursor)["seq"]) == (["Grüße 👋"], 2)
    # Neither 1000 nor 1001, which would end the session.
    async with asyncio.timeout(5):
        assert await there.closed == 4000


async def test_many_servers_make_it_the_first_of_several_shards(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(Answer(json={"url": gateway.url, "shards": 9}))

    async with aclosing(listening(provider, channel())) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        identified = await there.hear()
        await there.dispatch("READY", ready(gateway.url), seq=1)
        await first

    assert identified["d"]["shard"] == [0, 9]


async def test_a_stored_cursor_is_resumed_where_it_was(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker, token: str
) -> None:
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=1337))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        resumed = await there.hear()
        await there.dispatch("MESSAGE_CREATE", message("1", "missed"), seq=1338)
        missed = await first
        await there.dispatch("RESUMED", {}, seq=1339)
        caught_up = await soon(heard)

    assert resumed == {"op": 6, "d": {"token": token, "session_id": "session-1", "seq": 1337}}
    assert (texts(missed), json.loads(missed.cursor)["seq"]) == (["missed"], 1338)
    assert (caught_up.events, caught_up.notes) == ((), ())


@pytest.mark.parametrize("ending", ["reconnect", "close", "resumable invalid session"])
async def test_what_was_not_stored_comes_again(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker, ending: str
) -> None:
    """Resumed from the last batch that the generator was resumed for, not from the last that came."""
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        await there.hear()
        await there.dispatch("MESSAGE_CREATE", message("1", "one"), seq=6)
        await first
        second = asyncio.ensure_future(soon(heard))
        if ending == "reconnect":
            await there.say(7)
        elif ending == "close":
            await there.close(4000)
        else:
            await there.say(9, data=True)
        again = await gateway.connected()
        await again.hello()
        resumed = await again.hear()
        await again.dispatch("MESSAGE_CREATE", message("2", "two"), seq=7)
        told = await second

    assert (resumed["op"], resumed["d"]["seq"]) == (6, 6)
    assert texts(told) == ["two"]


@pytest.mark.parametrize("code", [None, 4003, 4007, 4009])
async def test_a_session_that_is_lost_begins_anew_with_a_note(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker, code: int | None
) -> None:
    discord.answer(plan(gateway.url))

    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5, session_id="old"))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        await there.hear()
        await (there.say(9, data=False) if code is None else there.close(code))
        again = await gateway.connected()
        await again.hello()
        identified = await again.hear()
        await again.dispatch("READY", ready(gateway.url, "new"), seq=1)
        began = await first

    assert identified["op"] == 2
    assert [note.code for note in began.notes] == ["session_lost"]
    assert json.loads(began.cursor) == {"id": "new", "url": gateway.url, "seq": 1}


async def test_a_place_to_resume_that_is_gone_is_asked_for_anew(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(plan(gateway.url))

    async with aclosing(listening(provider, channel(), cursor("ws://127.0.0.1:1", seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        resumed = await there.hear()
        await there.dispatch("RESUMED", {}, seq=6)
        await first

    assert (resumed["op"], resumed["d"]["seq"]) == (6, 5)


async def test_the_token_is_said_to_no_other_host(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(plan("wss://gateway.discord.gg.example"))

    with pytest.raises(PlatformUnavailable):
        await soon(listening(provider, channel(), cursor("wss://evil.example", seq=5)))


async def test_it_beats_with_what_is_stored_and_answers_when_asked(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        await there.hear()
        beat = await there.hear()  # the jitter of these tests is 0
        await there.say(11)
        await there.dispatch("MESSAGE_CREATE", message("1", "one"), seq=6)
        await first
        await there.say(1)
        before = await there.hear()
        second = asyncio.ensure_future(soon(heard))
        await there.dispatch("MESSAGE_CREATE", message("2", "two"), seq=7)
        await second
        await there.say(1)
        after = await there.hear()

    # While a batch is not stored, it is not told to have come.
    assert [beat, before, after] == [{"op": 1, "d": 5}, {"op": 1, "d": 5}, {"op": 1, "d": 6}]


async def test_a_gateway_that_acknowledges_no_beat_is_left_and_resumed(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello(interval=20)
        await there.hear()
        await there.hear()
        again = await gateway.connected()
        await again.hello()
        resumed = await again.hear()
        await again.dispatch("RESUMED", {}, seq=6)
        await first

    assert await there.closed == 4000
    assert (resumed["op"], resumed["d"]["seq"]) == (6, 5)


async def test_beats_that_are_acknowledged_go_on(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello(interval=20)
        await there.hear()
        beats = []
        for _ in range(4):
            beats.append((await there.hear())["op"])
            await there.say(11)
        await there.dispatch("RESUMED", {}, seq=6)
        await first

    assert beats == [1, 1, 1, 1]
    assert len(gateway.connections) == 1


async def test_a_tap_is_acknowledged_once_it_is_stored(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(Answer(status=204))
    tap = {
        "id": "786008729715212338",
        "application_id": "1",
        "type": 3,
        "token": "interaction-token",
        "channel_id": CHANNEL_ID,
        "user": AUTHOR,
        "locale": "de",
        "context": 1,
        "data": {"component_type": 2, "custom_id": "1:No: never"},
    }

    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        await there.hear()
        await there.dispatch("INTERACTION_CREATE", tap, seq=6)
        tapped = await first
        asked_before_stored = len(discord.requests)
        second = asyncio.ensure_future(soon(heard))
        (request,) = await discord.requested(1)
        await there.dispatch("RESUMED", {}, seq=7)
        await second

    assert (texts(tapped), asked_before_stored) == (["No: never"], 0)
    assert request.path == "/api/v10/interactions/786008729715212338/interaction-token/callback"
    assert (request.json, "authorization" in request.headers) == ({"type": 6}, False)


async def test_more_than_waits_comes_whole_and_in_order(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    count = 250
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=0))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        await there.hear()
        for index in range(1, count + 1):
            await there.dispatch("MESSAGE_CREATE", message(str(index), str(index)), seq=index)
        told = texts(await first)
        while len(told) < count:
            told += texts(await soon(heard))

    assert told == [str(index) for index in range(1, count + 1)]


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        (4004, Unauthorized),
        (4010, ChannelMisconfigured),
        (4011, ChannelMisconfigured),
        (4012, ChannelMisconfigured),
        (4013, ChannelMisconfigured),
        (4014, ChannelMisconfigured),
        (4008, PlatformUnavailable),
        (1006, PlatformUnavailable),
    ],
)
async def test_a_bot_that_is_not_let_in_hears_why(
    discord: ScriptedPlatform,
    gateway: Gateway,
    provider: DiscordProvider,
    channel: ChannelMaker,
    code: int,
    raised: type[DeliveryFailed],
) -> None:
    discord.answer(plan(gateway.url))
    first = asyncio.ensure_future(soon(listening(provider, channel())))
    there = await gateway.connected()
    await there.hello()
    await there.hear()
    await there.close(1011 if code == 1006 else code)

    with pytest.raises(raised):
        await first


async def test_sessions_are_not_begun_without_end(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(*[plan(gateway.url)] * 5)

    async def refuse() -> None:
        while True:
            there = await gateway.connected()
            await there.hello()
            await there.hear()
            await there.dispatch("READY", ready(gateway.url), seq=1)
            await there.say(9, data=False)

    refusing = asyncio.ensure_future(refuse())
    with pytest.raises(PlatformUnavailable):
        async for _ in listening(provider, channel()):
            pass
    refusing.cancel()

    assert len(gateway.connections) == 4


async def test_the_last_session_of_a_day_is_not_begun(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(plan(gateway.url, remaining=0))

    with pytest.raises(Throttled) as raised:
        await soon(listening(provider, channel()))

    assert raised.value.failure.retry_after is not None
    assert raised.value.failure.retry_after.total_seconds() == 14400
    assert gateway.connections == []


@pytest.mark.parametrize(
    "greeting",
    ["{", "[]", '{"op":10,"d":null}', '{"op":0,"t":"READY","s":1,"d":{}}', '{"op":10,"d":{"heartbeat_interval":-1}}'],
)
async def test_a_greeting_that_is_none_ends_it(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker, greeting: str
) -> None:
    discord.answer(plan(gateway.url))
    first = asyncio.ensure_future(soon(listening(provider, channel())))
    there = await gateway.connected()
    await there.say_raw(greeting)

    with pytest.raises(PlatformUnavailable):
        await first


async def test_what_cannot_be_read_is_passed_over(
    gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    async with aclosing(listening(provider, channel(), cursor(gateway.url, seq=5))) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        await there.hear()
        for junk in ("{", "[]", "null", '{"op":0}', '{"op":99}', '{"op":"0","t":[]}'):
            await there.say_raw(junk)
        await there.dispatch("MESSAGE_CREATE", message("1", "one"), seq=6)
        told = await first

    assert texts(told) == ["one"]


@pytest.mark.parametrize("stored", ["", "{", "{}", "[]", '{"id":1}', "😀"])
async def test_a_cursor_that_is_none_begins_anew(
    discord: ScriptedPlatform, gateway: Gateway, provider: DiscordProvider, channel: ChannelMaker, stored: str
) -> None:
    discord.answer(plan(gateway.url))

    async with aclosing(listening(provider, channel(), stored)) as heard:
        first = asyncio.ensure_future(soon(heard))
        there = await gateway.connected()
        await there.hello()
        identified = await there.hear()
        await there.dispatch("READY", ready(gateway.url), seq=1)
        await first

    assert identified["op"] == 2


async def test_a_gateway_that_is_away_is_a_failure(
    discord: ScriptedPlatform, provider: DiscordProvider, channel: ChannelMaker
) -> None:
    discord.answer(plan("ws://127.0.0.1:1"))

    with pytest.raises(DeliveryFailed) as raised:
        await soon(listening(provider, channel()))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
