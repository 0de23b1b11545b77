"""Wires Instagram to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

Sends carry no idempotency key, because the Send API has none: an attempt of unknown outcome that is repeated may arrive
twice.
"""

from typing import Final

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    FailureKind,
    HttpRequest,
    Limits,
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
from providers.instagram import checks
from providers.instagram.api import (
    DEFAULT_GRAPH_VERSION,
    GRAPH_VERSION_PATTERN,
    ID_PATTERN,
    TOKEN_PATTERN,
    Account,
    GraphApi,
)
from providers.instagram.ids import message_id
from providers.instagram.inbound import read_webhook
from providers.instagram.outbound import TAGGED, as_human_agent, spell

_MEGABYTE: Final = 1_000_000


class InstagramProvider(Provider):
    """Instagram messages, as a professional account."""

    platform = "instagram"
    display_name = "Instagram"
    capabilities = Capabilities(
        # "Message text must be UTF-8 and be a 1000 bytes or less":
        # https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/send-message
        max_text_length=1000,
        text_unit=TextUnit.BYTES,
        # https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/send-message
        media=(
            MediaLimit(kind=MediaKind.IMAGE, max_bytes=8 * _MEGABYTE, mime_types=("image/png", "image/jpeg")),
            MediaLimit(
                kind=MediaKind.VIDEO,
                max_bytes=25 * _MEGABYTE,
                mime_types=("video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm"),
            ),
            MediaLimit(
                kind=MediaKind.AUDIO,
                max_bytes=25 * _MEGABYTE,
                mime_types=("audio/aac", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/wav", "audio/x-wav"),
            ),
            MediaLimit(kind=MediaKind.FILE, max_bytes=25 * _MEGABYTE, mime_types=("application/pdf",)),
        ),
        # https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/quick-replies
        max_buttons=13,
        max_button_length=20,
        custom_payloads=True,
        # Deliveries are told only of Messenger:
        # https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
        reports=frozenset({Status.READ}),
        echoes=True,
    )
    # 10 calls a second with audio or video, and many more with text; but an account that sends and receives more than
    # 72,000 messages cannot send until that becomes less:
    # https://developers.facebook.com/docs/messenger-platform/overview/rate-limiting
    limits = Limits(rate=10)
    setting_fields = (
        SettingField(
            name="login",
            label="Login",
            help="instagram: the access token was made by Instagram Login. facebook: it is the token of the Facebook Page "
            "that the account is linked to.",
            default_value="instagram",
            choices=("instagram", "facebook"),
        ),
        SettingField(
            name="account_id",
            label="Account ID",
            help="The number of the professional account, mostly 17 digits that begin with 1784: in the app's dashboard "
            "under Instagram, API setup, beside the account.",
            required=True,
            pattern=ID_PATTERN,
        ),
        SettingField(
            name="access_token",
            label="Access token",
            # https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-instagram-login/get-started
            help="In the app's dashboard under Instagram, API setup: generate it for the account. It lasts 60 days, so "
            "replace it in time. With the login facebook: the page's token; a system user's lasts.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="app_secret",
            label="App secret",
            help="In the app's dashboard under App settings, Basic. It proves that webhooks are Meta's.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="instagram_app_secret",
            label="Instagram app secret",
            help="In the app's dashboard under Instagram, API setup, where Instagram Login is used. Webhooks signed with it "
            "are Meta's as well.",
            secret=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="verify_token",
            label="Verify token",
            help="A random text of your own. In the app's dashboard, set the webhook of Instagram to the channel's webhook "
            "address and to this text, and choose messages, messaging_postbacks, messaging_seen and message_reactions.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="human_agent",
            label="Late answers of people",
            help="yes: what comes later than 24 hours after the contact wrote goes with the tag HUMAN_AGENT, for up to seven "
            "days. The app needs Meta's approval for it, and only people may write on the channel, no automation.",
            default_value="no",
            choices=("no", "yes"),
        ),
        SettingField(
            name="graph_version",
            label="Graph API version",
            help="Only to stay on an older version of Meta's API.",
            default_value=DEFAULT_GRAPH_VERSION,
            pattern=GRAPH_VERSION_PATTERN,
        ),
        SettingField(
            name="api_base",
            label="API address",
            help="Where Meta's API is. Empty: https://graph.instagram.com or https://graph.facebook.com, as the login asks.",
            pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
        ),
    )

    def __init__(self) -> None:
        self._api = GraphApi()

    async def start(self) -> None:
        """Open the HTTP session."""
        await self._api.open()

    async def stop(self) -> None:
        """Close the HTTP session."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part; once more with the tag when only the window was closed and the channel answers by hand."""
        account, body = Account.of(channel.settings), spell(part)
        try:
            return Sent(platform_message_id=message_id(await self._api.send(account, body)))
        except DeliveryFailed as refused:
            is_late = refused.failure.kind is FailureKind.WINDOW_CLOSED
            if not (is_late and channel.settings.get("human_agent") == "yes"):
                raise
        mid = await self._api.send(account, as_human_agent(body))
        return Sent(platform_message_id=message_id(mid), notes=(TAGGED,))

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook."""
        settings = channel.settings
        return read_webhook(
            request,
            account_id=settings.get("account_id", ""),
            app_secrets=(settings.get("app_secret", ""), settings.get("instagram_app_secret", "")),
            verify_token=settings.get("verify_token", ""),
        )

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the token, and let the account tell the app its events. The webhook itself no API can set."""
        details: dict[str, str] = {}
        try:
            problem = await self._connect(channel, details)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            problem = Note(code=refused.failure.kind.value, text=refused.failure.text)
        return CheckResult(problems=(problem,) if problem else (), details=details)

    async def _connect(self, channel: ChannelContext, details: dict[str, str]) -> Note | None:
        account = Account.of(channel.settings)
        owner = await self._api.owner(account)
        details["username"] = owner.text("username")
        if problem := checks.account_problem(owner, account_id=account.account_id):
            return problem
        apps = await self._api.subscribed_apps(account)
        if fields := checks.fields_to_subscribe(apps, is_of_page=account.is_of_page):
            await self._api.subscribe(account, fields)
        details["account"] = "subscribed"
        details["webhook"] = "not known: Instagram lets it be set only in the app's dashboard"
        return checks.address_problem(channel.webhook_url)
