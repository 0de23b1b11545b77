"""Wires Viber to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

Sends carry no idempotency key, because Viber has none: an attempt of unknown outcome that is repeated may arrive twice.
"""

from collections.abc import Mapping
from typing import Final

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    HttpRequest,
    MediaKind,
    MediaLimit,
    Note,
    Part,
    Provider,
    Received,
    Sent,
    SettingField,
    Status,
    TextUnit,
)
from providers.viber import checks
from providers.viber.api import DEFAULT_API_BASE, TOKEN_PATTERN, Bot, ViberApi
from providers.viber.inbound import read_webhook
from providers.viber.outbound import Sender, spell

_MEGABYTE: Final = 1_000_000
_DEFAULT_SENDER: Final = "Support"


class ViberProvider(Provider):
    """Viber, through a bot."""

    platform = "viber"
    display_name = "Viber"
    capabilities = Capabilities(
        # 7,000 characters: https://developers.viber.com/docs/api/rest-bot-api/#text-message. What a character is there, Viber
        # does not say; a text never has more of them than UTF-16 units.
        max_text_length=7000,
        text_unit=TextUnit.UTF16,
        # https://developers.viber.com/docs/api/rest-bot-api/#message-types: pictures 1 MB on iOS and 3 MB on Android
        media=(
            MediaLimit(kind=MediaKind.IMAGE, max_bytes=_MEGABYTE, mime_types=("image/jpeg", "image/png", "image/gif")),
            MediaLimit(kind=MediaKind.VIDEO, max_bytes=26 * _MEGABYTE, mime_types=("video/mp4",)),
            MediaLimit(kind=MediaKind.FILE, max_bytes=50 * _MEGABYTE),
        ),
        max_caption_length=768,  # https://developers.viber.com/docs/api/rest-bot-api/#picture-message
        locations=True,
        # 12 rows: https://developers.viber.com/docs/faq/. A button's text may have 250 characters, but what does not fit on
        # it is cut off: https://developers.viber.com/docs/tools/keyboards/
        max_buttons=12,
        max_button_length=30,
        contact_cards=True,
        custom_payloads=True,
        reports=frozenset({Status.DELIVERED, Status.READ}),
    )
    setting_fields = (
        SettingField(
            name="auth_token",
            label="Bot token",
            help="In Viber under More, Settings, Bots, Edit info: Your app key. It also proves that callbacks are Viber's.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="sender_name",
            label="Sender's name",
            help="In whose name the bot writes, up to 28 characters: your business, for instance.",
            required=True,
            pattern=r".{1,28}",
        ),
        SettingField(
            name="sender_avatar",
            label="Sender's picture",
            help="The https address of a picture of up to 100 kB beside the name; empty = the bot's own.",
            pattern=r"https://[^\s]+",
        ),
        SettingField(
            name="api_base",
            label="API address",
            help="Where Viber's bot API is.",
            default_value=DEFAULT_API_BASE,
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
    )

    def __init__(self) -> None:
        self._api = ViberApi()

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part; the caption of a video or a file follows as a text."""
        bot = Bot.of(channel.settings)
        spelled = spell(part, _sender(channel))
        answer = await self._api.call(bot, "send_message", spelled.body)
        notes = spelled.notes
        if spelled.caption is not None:
            notes = (*notes, await self._send_caption(bot, spelled.caption))
        token = answer.text("message_token")
        if not token:
            # It is on its way: another attempt would send it twice.
            lost = Note(code="message_id_unknown", text="Viber gave no id, so it cannot report on this message.")
            return Sent(platform_message_id=f"unknown:{part.idempotency_key}"[:200], notes=(*notes, lost))
        return Sent(platform_message_id=token, notes=notes)

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one callback."""
        return read_webhook(request, auth_token=channel.settings.get("auth_token", ""))

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token, and set the webhook: Viber calls it at once."""
        details: dict[str, str] = {}
        try:
            problem = await self._connect(channel, details)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            problem = Note(code=refused.failure.kind.value, text=refused.failure.text)
        return CheckResult(problems=(problem,) if problem else (), details=details)

    async def _connect(self, channel: ChannelContext, details: dict[str, str]) -> Note | None:
        bot = Bot.of(channel.settings)
        # https://developers.viber.com/docs/api/rest-bot-api/#get-account-info
        account = await self._api.call(bot, "get_account_info", {})
        details |= {"bot_name": account.text("name"), "subscribers": account.text("subscribers_count")}
        if problem := checks.address_problem(channel.webhook_url):
            return problem
        await self._api.call(bot, "set_webhook", checks.registration(channel.webhook_url))
        details["webhook"] = "registered"
        return None

    async def _send_caption(self, bot: Bot, caption: Mapping[str, object]) -> Note:
        """The attachment is on its way already: repeating it, because its caption failed, would send it twice."""
        try:
            await self._api.call(bot, "send_message", caption)
        except DeliveryFailed as failed:
            return Note(code="caption_lost", text=f"The caption could not be sent. {failed.failure.text}")
        return Note(code="caption_separated", text="Viber has no captions under this: it followed as a text.")


def _sender(channel: ChannelContext) -> Sender:
    name = channel.settings.get("sender_name", "") or _DEFAULT_SENDER
    return Sender(name=name, avatar=channel.settings.get("sender_avatar", ""))
