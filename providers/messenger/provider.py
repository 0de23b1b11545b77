"""Wires Messenger to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

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
from providers.messenger import checks
from providers.messenger.api import (
    DEFAULT_API_BASE,
    DEFAULT_GRAPH_VERSION,
    GRAPH_VERSION_PATTERN,
    ID_PATTERN,
    TOKEN_PATTERN,
    GraphApi,
    Page,
)
from providers.messenger.ids import message_id
from providers.messenger.inbound import read_webhook
from providers.messenger.outbound import TAGGED, as_human_agent, spell

_MEGABYTE: Final = 1_000_000


class MessengerProvider(Provider):
    """Messenger, as a Facebook Page."""

    platform = "messenger"
    display_name = "Messenger"
    capabilities = Capabilities(
        # 2000 characters: https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/send-api.
        # What a character is there, Meta does not say; a text never has more of them than UTF-16 units.
        max_text_length=2000,
        text_unit=TextUnit.UTF16,
        # https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/saving-assets
        media=(
            MediaLimit(kind=MediaKind.IMAGE, max_bytes=8 * _MEGABYTE),
            MediaLimit(kind=MediaKind.VIDEO, max_bytes=25 * _MEGABYTE),
            MediaLimit(kind=MediaKind.AUDIO, max_bytes=25 * _MEGABYTE),
            MediaLimit(kind=MediaKind.FILE, max_bytes=25 * _MEGABYTE),
        ),
        # https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies
        max_buttons=13,
        max_button_length=20,
        templates=True,
        custom_payloads=True,
        # What was read is told by its time alone (see `inbound`), which is no report on a message.
        reports=frozenset({Status.DELIVERED}),
        echoes=True,
    )
    # 300 calls a second; but beyond 40 messages a second "the Page cannot send new messages until the volume decreases":
    # https://developers.facebook.com/docs/messenger-platform/overview/rate-limiting
    limits = Limits(rate=40)
    setting_fields = (
        SettingField(
            name="page_id",
            label="Page ID",
            help="On the page under About, Page transparency; or beside the page in the app's dashboard under Messenger.",
            required=True,
            pattern=ID_PATTERN,
        ),
        SettingField(
            name="page_access_token",
            label="Page access token",
            help="In the app's dashboard under Messenger, API setup: generate it for the page.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="app_id",
            label="App ID",
            help="In the app's dashboard under App settings, Basic.",
            required=True,
            pattern=ID_PATTERN,
        ),
        SettingField(
            name="app_secret",
            label="App secret",
            help="Beside the app ID. It proves that webhooks are Meta's.",
            secret=True,
            required=True,
            pattern=TOKEN_PATTERN,
        ),
        SettingField(
            name="verify_token",
            label="Verify token",
            help="A random text of your own, by which Meta and the gateway recognise each other when the webhook is set.",
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
            help="Where Meta's Graph API is.",
            default_value=DEFAULT_API_BASE,
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
        page, body = Page.of(channel.settings), spell(part)
        try:
            return Sent(platform_message_id=message_id(await self._api.send(page, body)))
        except DeliveryFailed as refused:
            is_late = refused.failure.kind is FailureKind.WINDOW_CLOSED and channel.settings.get("human_agent") == "yes"
            tagged = as_human_agent(body) if is_late else None
            if tagged is None:
                raise
        return Sent(platform_message_id=message_id(await self._api.send(page, tagged)), notes=(TAGGED,))

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook."""
        return read_webhook(
            request,
            page_id=channel.settings.get("page_id", ""),
            app_secret=channel.settings.get("app_secret", ""),
            verify_token=channel.settings.get("verify_token", ""),
        )

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Try the tokens, let the page tell the app its events, and set the app's webhook where it has none yet."""
        details: dict[str, str] = {}
        try:
            problem = await self._connect(channel, details)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            problem = Note(code=refused.failure.kind.value, text=refused.failure.text)
        return CheckResult(problems=(problem,) if problem else (), details=details)

    async def _connect(self, channel: ChannelContext, details: dict[str, str]) -> Note | None:
        page = Page.of(channel.settings)
        account = await self._api.account(page)
        details["page_name"] = account.text("name")
        if problem := checks.page_problem(account, page_id=page.page_id):
            return problem
        if fields := checks.fields_to_subscribe(await self._api.subscribed_apps(page), app_id=page.app_id):
            await self._api.subscribe(page, fields)
        details["page"] = "subscribed"
        if problem := checks.address_problem(channel.webhook_url):
            return problem
        subscriptions = await self._api.subscriptions(page)
        if problem := checks.webhook_problem(subscriptions, webhook_url=channel.webhook_url):
            return problem
        if fields := checks.fields_to_register(subscriptions):
            verify_token = channel.settings.get("verify_token", "")
            await self._api.register(page, fields, webhook_url=channel.webhook_url, verify_token=verify_token)
        details["webhook"] = "registered"
        return None
