"""Wires Discord to anychannel: what is declared, and which call does what. Every decision is in the modules beside it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    Heard,
    Limits,
    MediaKind,
    MediaLimit,
    Note,
    Part,
    PlatformUnavailable,
    Provider,
    Sent,
    SettingField,
    TextUnit,
    Throttled,
)
from providers.discord import checks
from providers.discord.api import BOT_TOKEN_PATTERN, DEFAULT_API_BASE, Bot, DiscordApi
from providers.discord.listening import listen
from providers.discord.outbound import spell
from providers.discord.waits import Pauses, exhausted_seconds

# One conversation's limit passes within seconds; a longer one is core's to wait for.
_LONGEST_PAUSE_SECONDS: Final = 5.0
_RANDOM: Final = secrets.SystemRandom()


class DiscordProvider(Provider):
    """Discord, through a bot that people write to directly."""

    platform = "discord"
    display_name = "Discord"
    capabilities = Capabilities(
        # "Up to 2000 characters", of which kind Discord does not say; a text never has more characters than UTF-16 units.
        # https://docs.discord.com/developers/resources/message#create-message
        max_text_length=2000,
        text_unit=TextUnit.UTF16,
        # Pictures go by their address in an embed; other files would have to be uploaded, so core sends them as links.
        media=(MediaLimit(kind=MediaKind.IMAGE, mime_types=("image/png", "image/jpeg", "image/gif", "image/webp")),),
        max_caption_length=2000,
        # Five rows of five: https://docs.discord.com/developers/components/reference#action-row
        max_buttons=25,
        max_button_length=80,  # https://docs.discord.com/developers/components/reference#button
    )
    limits = Limits(rate=50)  # https://docs.discord.com/developers/topics/rate-limits#global-rate-limit
    setting_fields = (
        SettingField(
            name="bot_token",
            label="Bot token",
            help="discord.com/developers/applications, your application, Bot, Reset Token.",
            secret=True,
            required=True,
            pattern=BOT_TOKEN_PATTERN,
        ),
        SettingField(
            name="api_base",
            label="HTTP API",
            help="The address of Discord's HTTP API with its version; changed only for tests.",
            default_value=DEFAULT_API_BASE,
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
    )

    def __init__(self, *, jitter: Callable[[], float] = _RANDOM.random) -> None:
        self._api = DiscordApi()
        self._jitter = jitter
        self._pauses = Pauses()

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part as one message."""
        bot, body = Bot.of(channel.settings), spell(part)
        await self._pause(part.address)
        message, answer = await self._api.create_message(bot, part.address, body)
        self._pauses.learn(part.address, seconds=exhausted_seconds(answer.headers), now=_now())
        message_id = message.snowflake("id")
        if not message_id:
            raise PlatformUnavailable("Discord's answer could not be read.")
        return Sent(platform_message_id=message_id)

    async def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        """Listen to the bot's direct messages. The cursor is the gateway's session and how far it is stored."""
        async with aclosing(listen(self._api, Bot.of(channel.settings), cursor, jitter=self._jitter)) as batches:
            async for heard in batches:
                yield heard

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token, and see that messages and taps come through the gateway."""
        try:
            bot = Bot.of(channel.settings)
            user = await self._api.get(bot, "users/@me")
            plan = await self._api.get(bot, "gateway/bot")
            application = await self._api.get(bot, "applications/@me")
        except DeliveryFailed as failed:
            if failed.failure.kind.is_retryable:
                raise
            return CheckResult(problems=(Note(code=failed.failure.kind.value, text=failed.failure.text),))
        return CheckResult(problems=checks.problems(user, plan, application), details=checks.describe(user, plan))

    async def _pause(self, address: str) -> None:
        """Every 429 counts against the bot, so none is provoked: .../topics/rate-limits#invalid-request-limit."""
        seconds = self._pauses.seconds(address, now=_now())
        if seconds > _LONGEST_PAUSE_SECONDS:
            raise Throttled("Discord asks to send more slowly.", retry_after=timedelta(seconds=seconds))
        if seconds > 0:
            await asyncio.sleep(seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()
