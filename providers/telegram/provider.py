"""Wires Telegram to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

Sends carry no idempotency key, because the Bot API has none: an attempt of unknown outcome that is repeated may arrive
twice.
"""

import mimetypes
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from anychannel import (
    Capabilities,
    ChannelContext,
    ChannelMisconfigured,
    CheckResult,
    DeliveryFailed,
    FailureKind,
    Heard,
    HttpRequest,
    Limits,
    Media,
    MediaKind,
    MediaLimit,
    MediaNotFound,
    Note,
    Part,
    Provider,
    Received,
    Sent,
    SettingField,
    TextUnit,
)
from providers.telegram.api import BOT_TOKEN_PATTERN, DEFAULT_API_BASE, Bot, TelegramApi
from providers.telegram.inbound import ALLOWED_UPDATES, Reading, read_update, read_webhook
from providers.telegram.message import platform_message_id
from providers.telegram.outbound import spell
from providers.telegram.webhook import SECRET_TOKEN_PATTERN, problem_before, read_delivery, registration

# https://core.telegram.org/bots/api#getupdates: long polling
POLL_SECONDS: Final = 25
_POLL_TIMEOUT_SECONDS: Final = POLL_SECONDS + 10  # the network's share

# What mimetypes of every system may not know: voice notes and animated stickers.
_MIME_TYPES: Final = {".oga": "audio/ogg", ".tgs": "application/x-tgsticker", ".webp": "image/webp"}


class TelegramProvider(Provider):
    """Telegram, through a bot."""

    platform = "telegram"
    display_name = "Telegram"
    capabilities = Capabilities(
        # 1-4096 characters: https://core.telegram.org/bots/api#sendmessage. Where Telegram says what it counts, these are
        # UTF-16 units: https://core.telegram.org/bots/api#messageentity. A text never has more characters than units.
        max_text_length=4096,
        text_unit=TextUnit.UTF16,
        # https://core.telegram.org/bots/api#sending-files, by HTTP URL: 5 MB for photos, 20 MB for others; the file
        # must have the type of its method, and documents are promised to work only for PDF and ZIP.
        media=(
            MediaLimit(
                kind=MediaKind.IMAGE,
                max_bytes=5_000_000,
                mime_types=("image/jpeg", "image/png", "image/webp", "image/gif"),
            ),
            MediaLimit(kind=MediaKind.VIDEO, max_bytes=20_000_000, mime_types=("video/mp4",)),
            # https://core.telegram.org/bots/api#sendaudio: MP3 or M4A.
            # https://core.telegram.org/bots/api#sendvoice: OGG.
            MediaLimit(
                kind=MediaKind.AUDIO,
                max_bytes=20_000_000,
                mime_types=("audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/ogg"),
            ),
            MediaLimit(kind=MediaKind.FILE, max_bytes=20_000_000, mime_types=("application/pdf", "application/zip")),
        ),
        max_caption_length=1024,  # https://core.telegram.org/bots/api#sendphoto
        locations=True,
        # Telegram documents neither number; keyboards of 100 buttons are known to work, and nobody reads that many.
        max_buttons=50,
        max_button_length=64,
        contact_cards=True,
    )
    # About 30 a second to different chats:
    # https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    limits = Limits(rate=30)
    setting_fields = (
        SettingField(
            name="bot_token",
            label="Bot token",
            help="What @BotFather answers to /newbot or /token.",
            secret=True,
            required=True,
            pattern=BOT_TOKEN_PATTERN,
        ),
        SettingField(
            name="secret_token",
            label="Secret token",
            help="A random text of 16 to 256 letters, digits, _ and -, by which Telegram's webhooks prove themselves. "
            "Required unless mode is polling.",
            secret=True,
            pattern=SECRET_TOKEN_PATTERN,
        ),
        SettingField(
            name="mode",
            label="Mode",
            help="webhook: Telegram calls the gateway, at a public https address. polling: the gateway asks Telegram.",
            default_value="webhook",
            choices=("webhook", "polling"),
        ),
        SettingField(
            name="api_base",
            label="Bot API server",
            help="Only for a Bot API server of your own: its address.",
            default_value=DEFAULT_API_BASE,
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
    )

    def __init__(self) -> None:
        self._api = TelegramApi()

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part by one call of the Bot API."""
        call = spell(part)
        answer = await self._api.call(Bot.of(channel.settings), call.method, call.parameters)
        message = answer.object("result")
        chat_id = message.object("chat").number("id")
        return Sent(
            platform_message_id=platform_message_id(chat_id, message.number("message_id")),
            notes=call.notes,
        )

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Read one update that Telegram delivered."""
        return read_webhook(request, secret_token=channel.settings.get("secret_token", ""))

    async def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        """Poll for updates. The cursor is the next offset: asking for it makes Telegram forget what lies before.

        https://core.telegram.org/bots/api#getupdates
        """
        if not _is_polling(channel):
            raise ChannelMisconfigured("The channel's mode is webhook: there is nothing to listen to.")
        bot = Bot.of(channel.settings)
        offset = int(cursor) if cursor.isascii() and cursor.isdigit() else 0
        while True:
            answer = await self._api.call(bot, "getUpdates", _poll(offset), timeout_seconds=_POLL_TIMEOUT_SECONDS)
            updates = answer.objects("result")
            if not updates:
                continue
            now = datetime.now(UTC)
            readings = [read_update(update, now=now) for update in updates]
            # After a week of silence Telegram draws a new id, maybe a smaller one: so the largest of these, not of all.
            offset = max(update.number("update_id") for update in updates) + 1
            yield Heard(
                events=tuple(event for reading in readings for event in reading.events),
                cursor=str(offset),
                notes=tuple(note for reading in readings for note in reading.notes),
            )
            await self._answer_taps(bot, readings)

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token, and set or remove the webhook as the mode asks."""
        details = {"mode": "polling" if _is_polling(channel) else "webhook"}
        try:
            bot = Bot.of(channel.settings)
            details |= await self._describe(bot)
            if _is_polling(channel):
                # https://core.telegram.org/bots/api#deletewebhook; what waits stays, and is polled.
                await self._api.call(bot, "deleteWebhook", {})
                return CheckResult(details=details)
            return await self._register(bot, channel, details)
        except DeliveryFailed as failed:
            problem = Note(code=failed.failure.kind.value, text=failed.failure.text)
            return CheckResult(problems=(problem,), details=details)

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        """Open a file by its file_id: https://core.telegram.org/bots/api#getfile."""
        bot = Bot.of(channel.settings)
        try:
            file = (await self._api.call(bot, "getFile", {"file_id": media_id})).object("result")
        except DeliveryFailed as failed:
            # "wrong file_id", "invalid file_id" and "file is too big"
            if failed.failure.kind is FailureKind.CONTENT_REJECTED:
                raise MediaNotFound(failed.failure.text) from None
            raise
        path = file.text("file_path")
        if not path:
            raise MediaNotFound("Telegram does not let this file be downloaded.")
        chunks = await self._api.download(bot, path)
        return Media(chunks=chunks, mime_type=_mime_type(path), size_bytes=max(0, file.number("file_size")))

    async def _describe(self, bot: Bot) -> Mapping[str, str]:
        """https://core.telegram.org/bots/api#getme."""
        account = (await self._api.call(bot, "getMe", {})).object("result")
        return {"bot_name": account.text("first_name"), "username": account.text("username")}

    async def _register(self, bot: Bot, channel: ChannelContext, details: Mapping[str, str]) -> CheckResult:
        secret_token = channel.settings.get("secret_token", "")
        problem = problem_before(webhook_url=channel.webhook_url, secret_token=secret_token)
        if problem is not None:
            return CheckResult(problems=(problem,), details=details)
        parameters = registration(webhook_url=channel.webhook_url, secret_token=secret_token)
        await self._api.call(bot, "setWebhook", parameters)
        info = (await self._api.call(bot, "getWebhookInfo", {})).object("result")
        delivery = read_delivery(info)
        return CheckResult(problems=delivery.problems, details={**details, **delivery.details})

    async def _answer_taps(self, bot: Bot, readings: list[Reading]) -> None:
        """Stop the buttons spinning: https://core.telegram.org/bots/api#answercallbackquery."""
        for reading in readings:
            if reading.callback_query_id:
                # The tap is stored already; one that is too old to answer has stopped spinning by itself.
                with suppress(DeliveryFailed):
                    parameters = {"callback_query_id": reading.callback_query_id}
                    await self._api.call(bot, "answerCallbackQuery", parameters)


def _is_polling(channel: ChannelContext) -> bool:
    return channel.settings.get("mode", "") == "polling"


def _poll(offset: int) -> Mapping[str, object]:
    return {"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": list(ALLOWED_UPDATES)}


def _mime_type(path: str) -> str:
    """By the ending: Telegram serves every file as application/octet-stream."""
    ending = path[path.rfind(".") :].lower() if "." in path else ""
    return _MIME_TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
