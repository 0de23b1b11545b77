"""Wires LINE to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

Sends carry a key that is the same for every attempt at a part, so what is repeated within 24 hours arrives once. LINE tells
of no message whether it was delivered or read, so nothing is reported.
"""

from http import HTTPStatus

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
    Provider,
    Received,
    Sent,
    SettingField,
    TextUnit,
)
from providers.line import checks
from providers.line.answers import read_object, read_push
from providers.line.api import (
    DEFAULT_API_BASE,
    DEFAULT_DATA_BASE,
    MEDIA_ID_PATTERN,
    TOKEN_PATTERN,
    Account,
    LineApi,
)
from providers.line.fields import Fields
from providers.line.inbound import read_webhook
from providers.line.outbound import spell

_WEBHOOK = "v2/bot/channel/webhook/endpoint"


class LineProvider(Provider):
    """LINE, as an official account."""

    platform = "line"
    display_name = "LINE"
    capabilities = Capabilities(
        # 5000 UTF-16 code units: https://developers.line.biz/en/reference/messaging-api/#text-message and
        # https://developers.line.biz/en/docs/messaging-api/text-character-count/
        max_text_length=5000,
        text_unit=TextUnit.UTF16,
        media=(
            # 10 MB, but 1 MB for the preview, which here is the same picture and otherwise stays broken:
            # https://developers.line.biz/en/reference/messaging-api/#image-message and
            # https://github.com/chatwoot/chatwoot/issues/12757
            MediaLimit(kind=MediaKind.IMAGE, max_bytes=1_000_000, mime_types=("image/jpeg", "image/png")),
            # https://developers.line.biz/en/reference/messaging-api/#video-message
            MediaLimit(kind=MediaKind.VIDEO, max_bytes=200_000_000, mime_types=("video/mp4",)),
            # Audio needs its duration, which is not known here, and files LINE does not take: both go as links.
        ),
        max_caption_length=5000,  # a text of its own in the same push
        locations=True,
        # https://developers.line.biz/en/reference/messaging-api/#items-object and
        # https://developers.line.biz/en/reference/messaging-api/#action-object-label-spec
        max_buttons=13,
        max_button_length=20,
        custom_payloads=True,
    )
    # https://developers.line.biz/en/reference/messaging-api/#send-push-message-rate-limit
    limits = Limits(rate=2000)
    setting_fields = (
        SettingField(
            name="channel_access_token",
            label="Channel access token",
            help="In the LINE Developers Console on the channel's tab Messaging API, at the bottom: issue the long-lived one.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="channel_secret",
            label="Channel secret",
            help="In the LINE Developers Console on the channel's tab Basic settings. It proves that webhooks are LINE's.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="preview_url",
            label="Preview of videos",
            help="The https address of a JPEG or PNG of up to 1 MB that stands for a video until it is played, your logo for "
            "instance. Without one, videos go as links.",
            pattern=r"https://[^\s]{1,1990}",
        ),
        SettingField(
            name="api_base",
            label="API address",
            help="Where LINE's Messaging API is.",
            default_value=DEFAULT_API_BASE,
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
        SettingField(
            name="data_base",
            label="Media address",
            help="Where LINE keeps what contacts send.",
            default_value=DEFAULT_DATA_BASE,
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
    )

    def __init__(self) -> None:
        self._api = LineApi()

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part by one push."""
        push = spell(part, preview_url=channel.settings.get("preview_url", ""))
        headers = {"X-Line-Retry-Key": push.retry_key}
        answer = await self._api.call(
            Account.of(channel.settings), "POST", "v2/bot/message/push", body=push.body, headers=headers
        )
        return read_push(answer, push.notes)

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook."""
        return read_webhook(request, channel_secret=channel.settings.get("channel_secret", ""))

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token, tell LINE the webhook's address, and let it call there."""
        details: dict[str, str] = {}
        try:
            problem = await self._connect(channel, details)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            problem = Note(code=refused.failure.kind.value, text=refused.failure.text)
        return CheckResult(problems=(problem,) if problem else (), details=details)

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        """Open what a contact sent, by the id of the message."""
        if not MEDIA_ID_PATTERN.fullmatch(media_id):
            raise MediaNotFound("This is not the id of a message on LINE.")
        return await self._api.download(Account.of(channel.settings), media_id)

    async def _connect(self, channel: ChannelContext, details: dict[str, str]) -> Note | None:
        account, webhook_url = Account.of(channel.settings), channel.webhook_url
        # https://developers.line.biz/en/reference/messaging-api/#get-bot-info
        bot = read_object(await self._api.call(account, "GET", "v2/bot/info"))
        details |= {"account_name": bot.text("displayName"), "basic_id": bot.text("basicId")}
        if problem := checks.address_problem(webhook_url):
            return problem
        webhook = await self._webhook(account)
        if webhook.text("endpoint") != webhook_url:
            read_object(await self._api.call(account, "PUT", _WEBHOOK, body={"endpoint": webhook_url}))
            webhook = await self._webhook(account)
        details["webhook"] = "registered"
        return checks.webhook_problem(webhook, await self._test(account, webhook_url))

    async def _webhook(self, account: Account) -> Fields:
        """https://developers.line.biz/en/reference/messaging-api/#get-webhook-endpoint-information."""
        answer = await self._api.call(account, "GET", _WEBHOOK)
        return Fields(None) if answer.status == HTTPStatus.NOT_FOUND else read_object(answer)

    async def _test(self, account: Account, webhook_url: str) -> Fields | None:
        """None when LINE would not test: it does so 60 times an hour."""
        answer = await self._api.call(account, "POST", "v2/bot/channel/webhook/test", body={"endpoint": webhook_url})
        return read_object(answer) if answer.status == HTTPStatus.OK else None
