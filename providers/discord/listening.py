"""Listens to a bot's direct messages: connects, resumes where it was, and begins anew where it must.

https://docs.discord.com/developers/events/gateway#disconnecting
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from yarl import URL

from anychannel import DeliveryFailed, Heard, Note, PlatformUnavailable
from providers.discord.api import Bot, DiscordApi
from providers.discord.connection import Connection
from providers.discord.gateway import (
    Ending,
    Session,
    begin_session,
    gateway_url,
    identify,
    is_session_over,
    read_cursor,
    read_plan,
    resume,
    write_cursor,
)
from providers.discord.inbound import Interaction, read_dispatch

_STEADY_SECONDS: Final = 30
_MOST_QUICK_ENDINGS: Final = 3
_SESSION_LOST: Final = Note(
    code="session_lost",
    text="Discord no longer knew the session: what was written while the gateway was away may be missing.",
)


async def listen(api: DiscordApi, bot: Bot, cursor: str, *, jitter: Callable[[], float]) -> AsyncGenerator[Heard, None]:
    """One batch for each event. Raises DeliveryFailed when Discord refuses, or is down."""
    clock = asyncio.get_running_loop().time
    session = read_cursor(cursor)
    notes: tuple[Note, ...] = ()
    quick_endings = 0
    while True:
        is_heard, was_resumed, start = False, session is not None, clock()
        connection = await _connect(api, bot, session, jitter=jitter)
        try:
            while not isinstance(packet := await connection.next(), Ending):
                is_heard = True
                session = begin_session(packet) if packet.name == "READY" else session
                if session is None:
                    raise PlatformUnavailable("Discord began a session without saying which.")
                session = replace(session, seq=max(session.seq, packet.seq))
                reading = read_dispatch(packet, now=datetime.now(UTC))
                yield Heard(events=reading.events, cursor=write_cursor(session), notes=(*notes, *reading.notes))
                notes = ()
                connection.stored(session.seq)
                await _acknowledge(api, bot, reading.interaction)
        finally:
            await connection.close()
        if is_session_over(packet):
            session, notes = None, (_SESSION_LOST,)
        quick_endings = 0 if clock() - start > _STEADY_SECONDS else quick_endings + 1
        if quick_endings > _MOST_QUICK_ENDINGS or not (is_heard or was_resumed):
            # Core waits longer each time: beginning sessions without end would cost the bot its token.
            raise PlatformUnavailable("Discord keeps ending the connection to its gateway.")


async def _connect(api: DiscordApi, bot: Bot, session: Session | None, *, jitter: Callable[[], float]) -> Connection:
    resume_url = gateway_url(session.resume_url, api_base=bot.api_base) if session else None
    if session is not None and resume_url is not None:
        with suppress(DeliveryFailed):
            return await _begin(api, resume_url, resume(bot.token, session), seq=session.seq, jitter=jitter)
    plan = read_plan(await api.get(bot, "gateway/bot"), api_base=bot.api_base)
    if session is not None:
        return await _begin(api, plan.url, resume(bot.token, session), seq=session.seq, jitter=jitter)
    return await _begin(api, plan.url, identify(bot.token, shards=plan.shards), seq=0, jitter=jitter)


async def _begin(api: DiscordApi, url: URL, first_words: str, *, seq: int, jitter: Callable[[], float]) -> Connection:
    connection = Connection(await api.dial(url), seq=seq, jitter=jitter)
    try:
        await connection.begin(first_words)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _acknowledge(api: DiscordApi, bot: Bot, interaction: Interaction | None) -> None:
    """Stop the button spinning; the tap is stored already, and one that is too old has stopped by itself."""
    if interaction is not None:
        with suppress(DeliveryFailed):
            await api.acknowledge(bot, interaction.interaction_id, interaction.token)
