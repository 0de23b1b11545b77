"""Wires WhatsApp to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

The Cloud API has no idempotency: an attempt of unknown outcome that is repeated may arrive twice. Each message carries
its part's key as `biz_opaque_callback_data`, which the reports on it bring back.
"""

from collections.abc import Mapping
from contextlib import suppress

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    HttpRequest,
    Limits,
    Media,
    MediaKind,
    MediaLimit,
    MediaNotFound,
    Note,
    Part,
    PlatformUnavailable,
    Provider,
    Received,
    Sent,
    Status,
    TextUnit,
)
from providers.whatsapp import checks
from providers.whatsapp.api import Account, GraphApi
from providers.whatsapp.fields import Fields
from providers.whatsapp.inbound import read_request
from providers.whatsapp.media import MEDIA_ID_PATTERN, download_url
from providers.whatsapp.outbound import DEFAULT_LIST_LABEL, Style, spell
from providers.whatsapp.proof import Secrets
from providers.whatsapp.settings import SETTING_FIELDS

_NO_MEDIA_CODE = "100"


class WhatsappProvider(Provider):
    """WhatsApp, through Meta's Cloud API."""

    platform = "whatsapp"
    display_name = "WhatsApp"
    capabilities = Capabilities(
        # "Maximum 4096 characters", of which kind Meta does not say; a text never has more characters than UTF-16 units.
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
        max_text_length=4096,
        text_unit=TextUnit.UTF16,
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#supported-media-types
        media=(
            MediaLimit(kind=MediaKind.IMAGE, max_bytes=5_000_000, mime_types=("image/jpeg", "image/png")),
            MediaLimit(kind=MediaKind.VIDEO, max_bytes=16_000_000, mime_types=("video/mp4", "video/3gpp")),
            MediaLimit(
                kind=MediaKind.AUDIO,
                max_bytes=16_000_000,
                mime_types=("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
            ),
            MediaLimit(
                kind=MediaKind.FILE,
                max_bytes=100_000_000,
                mime_types=(
                    "application/pdf",
                    "text/plain",
                    "application/msword",
                    "application/vnd.ms-excel",
                    "application/vnd.ms-powerpoint",
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                ),
            ),
        ),
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/image-messages
        max_caption_length=1024,
        locations=True,
        # Three buttons of 20 characters, else a list of ten rows of 24: what fits both.
        max_buttons=10,
        max_button_length=20,
        contact_cards=True,
        templates=True,
        custom_payloads=True,
        reports=frozenset({Status.DELIVERED, Status.READ}),
        echoes=True,
    )
    # https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput: 80 a second by default.
    limits = Limits(rate=80)
    setting_fields = SETTING_FIELDS

    def __init__(self) -> None:
        self._api = GraphApi()

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part, and after audio its caption."""
        account = Account.of(channel.settings)
        spelled = spell(part, _style(channel))
        messages = f"{account.phone_number_id}/messages"
        answer = await self._api.post(account, messages, spelled.body)
        taken = next(iter(answer.objects("messages")), None)
        message_id = taken.text("id") if taken else ""
        if taken is None or not message_id:
            raise PlatformUnavailable("WhatsApp's answer could not be read.")
        notes = list(spelled.notes)
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
        if taken.text("message_status") not in {"", "accepted"}:
            notes.append(
                Note(code="held", text="WhatsApp holds this template message back to watch its quality first.")
            )
        if spelled.caption is not None:
            notes.append(await self._send_caption(account, messages, spelled.caption))
        return Sent(platform_message_id=message_id, notes=tuple(notes))

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Answer Meta's verification, or read one webhook."""
        settings = channel.settings
        secrets = Secrets(app_secret=settings.get("app_secret", ""), verify_token=settings.get("verify_token", ""))
        return read_request(request, secrets=secrets, phone_number_id=settings.get("phone_number_id", ""))

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token and the number, and see that webhooks come here."""
        details: dict[str, str] = {}
        problems: list[Note] = []
        try:
            account = Account.of(channel.settings)
            number = await self._api.get(account, account.phone_number_id, {"fields": checks.NUMBER_FIELDS})
            details |= checks.describe_number(number)
            problems += checks.number_problems(number)
            details |= await self._subscribe(account, channel.settings.get("waba_id", ""))
            problems += await self._register(account, channel, number)
        except DeliveryFailed as failed:
            if failed.failure.kind.is_retryable:
                raise
            problems.append(Note(code=failed.failure.kind.value, text=failed.failure.text))
        return CheckResult(problems=tuple(problems), details=details)

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        """Ask where the media is, for five minutes, and open it there.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#get-media-url
        """
        account = Account.of(channel.settings)
        if not MEDIA_ID_PATTERN.fullmatch(media_id):
            raise MediaNotFound("This is not the id of media on WhatsApp.")
        try:
            found = await self._api.get(account, media_id, {"phone_number_id": account.phone_number_id})
        except DeliveryFailed as failed:
            # "Object with ID … does not exist": seven days have passed.
            if failed.failure.platform_code == _NO_MEDIA_CODE:
                raise MediaNotFound("WhatsApp no longer has this media.") from None
            raise
        url = download_url(found.text("url"), api_base=account.api_base)
        if url is None:
            raise PlatformUnavailable("WhatsApp named an address for this media that is not Meta's.")
        chunks = await self._api.download(account, url)
        mime_type = found.text("mime_type") or "application/octet-stream"
        return Media(chunks=chunks, mime_type=mime_type, size_bytes=max(0, found.number("file_size")))

    async def _send_caption(self, account: Account, messages: str, caption: Mapping[str, object]) -> Note:
        """The audio is on its way already: repeating it, because its caption failed, would send it twice."""
        try:
            await self._api.post(account, messages, caption)
        except DeliveryFailed as failed:
            return Note(code="caption_lost", text=f"The caption could not be sent. {failed.failure.text}")
        return Note(code="caption_separated", text="WhatsApp has no captions under audio: it followed as a text.")

    async def _subscribe(self, account: Account, waba_id: str) -> Mapping[str, str]:
        """See that the app gets the account's webhooks.

        Only when it does not: subscribing again would remove the account's own webhook address.
        https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override#delete-waba-alternate-callback
        """
        if not waba_id:
            return {"subscription": "not checked: the setting waba_id is empty"}
        app_id = ""
        with suppress(DeliveryFailed):  # tells which app the token is of; nobody promises it
            app_id = (await self._api.get(account, "app")).text("id")
        subscriptions = await self._api.get(account, f"{waba_id}/subscribed_apps")
        if checks.is_subscribed(subscriptions, app_id):
            return {"subscription": "the app is subscribed to the account's webhooks"}
        await self._api.post(account, f"{waba_id}/subscribed_apps")
        return {"subscription": "the app has been subscribed to the account's webhooks"}

    async def _register(self, account: Account, channel: ChannelContext, number: Fields) -> tuple[Note, ...]:
        """See that the number's webhooks come here; what is wrong otherwise."""
        problems = checks.address_problems(channel.webhook_url)
        if problems or checks.delivers_to(number, channel.webhook_url):
            return problems
        if channel.settings.get("register_webhook", "") == "no":
            return (checks.ELSEWHERE,)
        verify_token = channel.settings.get("verify_token", "")
        body = checks.registration(webhook_url=channel.webhook_url, verify_token=verify_token)
        await self._api.post(account, account.phone_number_id, body)
        return ()


def _style(channel: ChannelContext) -> Style:
    return Style(
        has_link_previews=channel.settings.get("link_previews", "") == "yes",
        list_label=channel.settings.get("list_label", "") or DEFAULT_LIST_LABEL,
    )
