"""Wires the phone network to anychannel: what it can do, and which function does it."""

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
from providers.sandbox import inbound, outbound
from providers.sandbox.api import PhonesApi


class SandboxProvider(Provider):
    """The sandbox's phone network."""

    platform = "sandbox"
    display_name = "Sandbox phones"
    capabilities = Capabilities(
        max_text_length=1000,
        text_unit=TextUnit.UTF16,
        media=tuple(MediaLimit(kind=kind) for kind in MediaKind),
        max_caption_length=500,
        locations=True,
        max_buttons=3,
        max_button_length=20,
        reports=frozenset({Status.DELIVERED, Status.READ}),
        echoes=True,
    )
    setting_fields = (
        SettingField(
            name="api_base",
            label="API address",
            help="Where the sandbox listens.",
            default_value="http://127.0.0.1:8090",
            pattern=r"https?://\S+",
        ),
        SettingField(
            name="access_token",
            label="Access token",
            help="The sandbox's ANYCHANNEL_SANDBOX_PLATFORM_TOKEN.",
            secret=True,
            required=True,
            pattern="[!-~]+",  # what a header can carry: no line end of a file, for instance
        ),
        SettingField(
            name="webhook_secret",
            label="Webhook secret",
            help="The sandbox's ANYCHANNEL_SANDBOX_WEBHOOK_SECRET.",
            secret=True,
            required=True,
        ),
    )

    async def start(self) -> None:
        """Open the HTTP session that all channels share."""
        self._api = PhonesApi()

    async def stop(self) -> None:
        """Close it."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part; the platform shows a part whose idempotency key it knows only once."""
        return Sent(platform_message_id=await self._api.send_message(channel.settings, outbound.message_request(part)))

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook."""
        return inbound.read_webhook(request, channel.settings["webhook_secret"])

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Register the webhook, which proves the access token too."""
        if not channel.webhook_url:
            return CheckResult(problems=(_NO_PUBLIC_ADDRESS,))
        try:
            await self._api.register_webhook(channel.settings, channel.webhook_url)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            return CheckResult(problems=(Note(code=refused.failure.kind, text=refused.failure.text),))
        return CheckResult(details={"webhook": "registered"})


_NO_PUBLIC_ADDRESS = Note(
    code="no_public_address",
    text="The phones cannot reach us: set the gateway's public address, then check the channel again.",
)
