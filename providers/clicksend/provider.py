"""Wires ClickSend to anychannel: what it can do, and which function does it."""

from typing import assert_never

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    HttpRequest,
    Note,
    Part,
    Provider,
    Received,
    Sent,
    SettingField,
    Status,
    TextUnit,
)
from providers.clicksend import checks, inbound, outbound
from providers.clicksend.api import ClicksendApi


class ClicksendProvider(Provider):
    """SMS through ClickSend."""

    platform = "clicksend"
    display_name = "SMS (ClickSend)"
    # Media go as links. ClickSend delivers no links for new customers until its support has approved them:
    # https://developers.clicksend.com/docs/messaging/sms.
    capabilities = Capabilities(
        max_text_length=checks.MAX_SEGMENTS,
        text_unit=TextUnit.SMS_SEGMENTS,
        reports=frozenset({Status.DELIVERED}),
    )
    setting_fields = (
        SettingField(
            name="username",
            label="User name",
            help="In ClickSend's dashboard under Developers, API credentials.",
            required=True,
            pattern="[^:]+",  # HTTP's basic authentication ends the name at the first colon
        ),
        SettingField(
            name="api_key",
            label="API key",
            help="Beside the user name.",
            secret=True,
            required=True,
            pattern=r"\S+",
        ),
        SettingField(
            name="sender",
            label="Sender",
            help="A number of the account in the form +61411111111, or a registered name of up to 11 characters. "
            "Empty: the account's default, on which ClickSend decides for each country.",
            pattern=r"\S*",
        ),
        SettingField(
            name="webhook_token",
            label="Webhook token",
            help="If set, webhooks must carry it as the parameter `key`. Check the channel again after changing it.",
            secret=True,
        ),
        SettingField(
            name="api_base",
            label="API address",
            help="Where ClickSend's REST API is.",
            default_value="https://rest.clicksend.com/v3",
            pattern=r"https?://\S+",
        ),
    )

    async def start(self) -> None:
        """Open the HTTP session that all channels share."""
        self._api = ClicksendApi()

    async def stop(self) -> None:
        """Close it."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part."""
        answer = await self._api.send(channel.settings, outbound.send_request(part, channel.settings.get("sender", "")))
        return Sent(platform_message_id=outbound.read_message_id(answer))

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook."""
        return inbound.read_webhook(request, channel.settings.get("webhook_token", ""))

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Look at the account, and make the rules by which ClickSend calls us."""
        try:
            account = await self._api.account(channel.settings)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            return CheckResult(problems=(Note(code=refused.failure.kind, text=refused.failure.text),))
        problems = list(checks.account_problems(account))
        details = checks.account_details(account)
        # ClickSend calls nobody without a valid certificate:
        # https://help.clicksend.com/article/p4c49va5b6-what-dlr-format-will-the-api-send.
        if not channel.webhook_url.startswith("https://"):
            return CheckResult(problems=(*problems, _NO_PUBLIC_ADDRESS), details=details)
        for rule in checks.needed_rules(channel):
            try:
                details[f"{rule.kind}_rule"] = await self._establish(channel, rule)
            except DeliveryFailed as refused:
                if refused.failure.kind.is_retryable:
                    raise
                problems.append(checks.rule_refused(rule, refused.failure.text))
        return CheckResult(problems=tuple(problems), details=details)

    async def _establish(self, channel: ChannelContext, rule: checks.Rule) -> str:
        match checks.decide(rule, await self._api.rules(channel.settings, rule.kind)):
            case checks.Keep():
                return "in place"
            case checks.Create():
                await self._api.create_rule(channel.settings, rule)
                return "created"
            case checks.Update(rule_id=rule_id):
                await self._api.update_rule(channel.settings, rule_id, rule)
                return "updated"
            case never:
                assert_never(never)


_NO_PUBLIC_ADDRESS = Note(
    code="no_public_address",
    text="ClickSend calls public https addresses only: set the gateway's public address, then check the channel again.",
)
