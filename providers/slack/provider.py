"""Wires Slack to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

chat.postMessage has no idempotency for apps: an attempt of unknown outcome that is repeated may arrive twice. Its
`client_msg_id` is not for apps: https://github.com/slackapi/java-slack-sdk/issues/852.

A person of the business who writes in Slack itself is not told from the contact, so nothing is reported as an echo.
"""

import asyncio
from datetime import timedelta

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    FailureKind,
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
    SettingField,
    Throttled,
)
from providers.slack import checks
from providers.slack.api import BOT_TOKEN_PATTERN, DEFAULT_API_BASE, Bot, SlackApi
from providers.slack.inbound import read_webhook
from providers.slack.media import download_url
from providers.slack.message import FILE_ID_PATTERN
from providers.slack.outbound import spell
from providers.slack.pace import SPACING_SECONDS, Pace

# A conversation with more waiting than that is core's to wait for.
_LONGEST_WAIT_SECONDS = 5.0
# https://docs.slack.dev/reference/methods/files.info#errors
_NO_FILE_CODES = frozenset({"file_not_found", "file_deleted", "channel_canvas_deleted", "not_visible", "access_denied"})


class SlackProvider(Provider):
    """Slack, through an app with a bot."""

    platform = "slack"
    display_name = "Slack"
    capabilities = Capabilities(
        # What Slack recommends: https://docs.slack.dev/reference/methods/chat.postMessage#truncating. Longer texts it may
        # break up, and truncates: https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages
        max_text_length=4000,
        # Pictures go by their address, which Slack fetches: https://docs.slack.dev/reference/block-kit/blocks/image-block.
        # Other files would have to be uploaded, so core sends them as links.
        media=(MediaLimit(kind=MediaKind.IMAGE, mime_types=("image/png", "image/jpeg", "image/gif")),),
        max_caption_length=3000,  # https://docs.slack.dev/reference/block-kit/blocks/section-block
        max_buttons=25,  # https://docs.slack.dev/reference/block-kit/blocks/actions-block
        max_button_length=75,  # https://docs.slack.dev/reference/block-kit/block-elements/button-element
    )
    # One message a second and conversation, which `pace` keeps, and a limit of the whole workspace, for which Slack gives no
    # number: https://docs.slack.dev/apis/web-api/rate-limits
    limits = Limits(rate=5)
    setting_fields = (
        SettingField(
            name="bot_token",
            label="Bot token",
            help="The Bot User OAuth Token, which begins with xoxb-: api.slack.com/apps, your app, OAuth & Permissions.",
            secret=True,
            required=True,
            pattern=BOT_TOKEN_PATTERN,
        ),
        SettingField(
            name="signing_secret",
            label="Signing secret",
            help="By which Slack's webhooks prove themselves: api.slack.com/apps, your app, Basic Information.",
            secret=True,
            required=True,
        ),
        SettingField(
            name="api_base",
            label="Web API",
            help="The address of the Web API; changed only for tests, or for Slack's other clouds.",
            default_value=DEFAULT_API_BASE,
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
    )

    def __init__(self, *, spacing_seconds: float = SPACING_SECONDS) -> None:
        self._api = SlackApi()
        self._pace = Pace(spacing_seconds=spacing_seconds)

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part by one call of chat.postMessage."""
        bot, parameters = Bot.of(channel.settings), spell(part)
        await self._wait_for_turn(part.address.partition(":")[0])
        answer = (await self._api.call(bot, "chat.postMessage", parameters)).fields
        ts = answer.text("ts")
        if not ts:
            raise PlatformUnavailable("Slack's answer could not be read.")
        return Sent(platform_message_id=f"{answer.text('channel') or part.address.partition(':')[0]}:{ts}")

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Answer Slack's verification, or read one event or tap."""
        return read_webhook(request, signing_secret=channel.settings.get("signing_secret", ""))

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token, and see what it may do."""
        try:
            answer = await self._api.call(Bot.of(channel.settings), "auth.test", {})
        except DeliveryFailed as failed:
            if failed.failure.kind.is_retryable:
                raise
            return CheckResult(problems=(Note(code=failed.failure.kind.value, text=failed.failure.text),))
        problems = checks.problems(
            answer.fields,
            scopes=answer.scopes,
            signing_secret=channel.settings.get("signing_secret", ""),
            webhook_url=channel.webhook_url,
        )
        return CheckResult(problems=problems, details=checks.describe(answer.fields))

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        """Ask where the file is, and open it there: https://docs.slack.dev/reference/methods/files.info."""
        bot = Bot.of(channel.settings)
        if not FILE_ID_PATTERN.fullmatch(media_id):
            raise MediaNotFound("This is not the id of a file on Slack.")
        try:
            file = (await self._api.read(bot, "files.info", {"file": media_id})).fields.object("file")
        except DeliveryFailed as failed:
            if failed.failure.platform_code in _NO_FILE_CODES:
                raise MediaNotFound("Slack no longer has this file.") from None
            if failed.failure.kind is FailureKind.CONTENT_REJECTED:
                raise PlatformUnavailable("Slack does not say where this file is.") from None
            raise
        said = file.text("url_private_download") or file.text("url_private")
        if not said:
            raise MediaNotFound("Slack does not let this file be downloaded.")
        url = download_url(said, api_base=bot.api_base)
        if url is None:
            raise PlatformUnavailable("Slack named an address for this file that is not Slack's.")
        mime_type = file.text("mimetype") or "application/octet-stream"
        chunks = await self._api.download(bot, url, mime_type=mime_type)
        return Media(
            chunks=chunks, mime_type=mime_type, size_bytes=max(0, file.number("size")), file_name=file.text("name")
        )

    async def _wait_for_turn(self, conversation_id: str) -> None:
        now = asyncio.get_running_loop().time()
        seconds = self._pace.reserve(conversation_id, now=now, longest=_LONGEST_WAIT_SECONDS)
        if seconds > _LONGEST_WAIT_SECONDS:
            raise Throttled(
                "Slack takes one message a second in a conversation.", retry_after=timedelta(seconds=seconds)
            )
        if seconds > 0:
            await asyncio.sleep(seconds)
