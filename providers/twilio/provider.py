"""Wires Twilio to anychannel: what is declared, and which call does what. Every decision is in the modules beside it.

Sends carry no idempotency key, because Twilio documents none: an attempt of unknown outcome that is repeated may arrive
twice.
"""

import re
from typing import Final

from anychannel import (
    Capabilities,
    ChannelContext,
    CheckResult,
    DeliveryFailed,
    HttpRequest,
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
    Status,
    TextUnit,
)
from providers.twilio import checks, inbound, outbound
from providers.twilio.api import TwilioApi
from providers.twilio.call import ApiCall, Host
from providers.twilio.sender import SENDER_PATTERN, Sender

_MAX_MEDIA_BYTES: Final = 5_000_000
_MEDIA_ID: Final = re.compile(r"(AC[0-9a-fA-F]{32})/([SM]M[0-9a-fA-F]{32})/(ME[0-9a-fA-F]{32})", re.ASCII)
_BASE_URL: Final = r"https?://[^\s/?#]+(/[^\s?#]*)?"


class TwilioProvider(Provider):
    """SMS, MMS and WhatsApp through Twilio."""

    platform = "twilio"
    display_name = "Twilio"
    # Declared once for SMS and WhatsApp senders alike, so this is what both can do, or what can be said on both.
    capabilities = Capabilities(
        # https://www.twilio.com/docs/api/errors/21617: 1600, and "emojis ... will be counted as multiple characters".
        max_text_length=1600,
        text_unit=TextUnit.UTF16,
        # https://www.twilio.com/docs/messaging/guides/accepted-mime-types: 5 MB for MMS, 16 MB for WhatsApp but 5 MB for
        # its images; the types are those that both take.
        media=(
            MediaLimit(
                kind=MediaKind.IMAGE, max_bytes=_MAX_MEDIA_BYTES, mime_types=("image/jpeg", "image/png", "image/gif")
            ),
            MediaLimit(kind=MediaKind.VIDEO, max_bytes=_MAX_MEDIA_BYTES, mime_types=("video/mp4",)),
            MediaLimit(
                kind=MediaKind.AUDIO,
                max_bytes=_MAX_MEDIA_BYTES,
                mime_types=("audio/mpeg", "audio/ogg", "audio/amr", "audio/3gpp"),
            ),
            MediaLimit(
                kind=MediaKind.FILE,
                max_bytes=_MAX_MEDIA_BYTES,
                mime_types=("application/pdf", "text/vcard", "text/x-vcard"),
            ),
        ),
        # WhatsApp shows a text under images and videos only: https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages.
        max_caption_length=0,
        # Buttons need a template made beforehand: https://www.twilio.com/docs/content/twilio-quick-reply.
        max_buttons=0,
        locations=True,
        templates=True,
        # Read is reported too, but by WhatsApp alone: nobody should wait for it.
        reports=frozenset({Status.DELIVERED}),
    )
    setting_fields = (
        SettingField(
            name="account_sid",
            label="Account SID",
            help="On the first page of Twilio's Console.",
            required=True,
            pattern="AC[0-9a-fA-F]{32}",
        ),
        SettingField(
            name="auth_token",
            label="Auth token",
            help="Beside the account SID: the primary one, with which Twilio signs its webhooks.",
            secret=True,
            required=True,
            pattern=r"\S+",
        ),
        SettingField(
            name="secondary_auth_token",
            label="Secondary auth token",
            help="Only while you change the auth token: webhooks signed with this one are accepted as well.",
            secret=True,
            pattern=r"\S+",
        ),
        SettingField(
            name="sender",
            label="Sender",
            help="A phone number of the account (+14155550100) or a Messaging Service (MG and 32 digits) for SMS and MMS; "
            "for WhatsApp either of them with whatsapp: before it.",
            required=True,
            pattern=SENDER_PATTERN,
        ),
        SettingField(
            name="attachments",
            label="Attachments",
            help="attached: as MMS or in WhatsApp. linked: as links in a text, for numbers or countries without MMS.",
            default_value="attached",
            choices=("attached", "linked"),
        ),
        SettingField(
            name="api_key_sid",
            label="API key SID",
            help="If set, with its secret, the API is called with this key: in Twilio's Console under API keys.",
            pattern="SK[0-9a-fA-F]{32}",
        ),
        SettingField(
            name="api_key_secret",
            label="API key secret",
            help="Shown once, when the key is made.",
            secret=True,
            pattern=r"\S+",
        ),
        SettingField(
            name="api_base",
            label="API address",
            help="Only for a Twilio Region other than the USA.",
            default_value="https://api.twilio.com",
            pattern=_BASE_URL,
        ),
        SettingField(
            name="messaging_api_base",
            label="Messaging API address",
            help="Only for a Twilio Region other than the USA: where Messaging Services and WhatsApp senders are.",
            default_value="https://messaging.twilio.com",
            pattern=_BASE_URL,
        ),
    )

    async def start(self) -> None:
        """Open the HTTP session that all channels share."""
        self._api = TwilioApi()

    async def stop(self) -> None:
        """Close it."""
        await self._api.close()

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        """Send one part by one request."""
        form = outbound.message_form(
            part,
            sender=_sender(channel),
            status_callback=channel.webhook_url and channel.webhook_url + inbound.STATUS_PATH,
            sends_links=_sends_links(channel),
        )
        path = f"/2010-04-01/Accounts/{channel.settings['account_sid']}/Messages.json"
        answer = await self._api.call(
            channel.settings, ApiCall(method="POST", host=Host.ACCOUNTS, path=path, form=form.fields)
        )
        return Sent(platform_message_id=outbound.read_message_id(answer), notes=form.notes)

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        """Verify and read one webhook."""
        tokens = (channel.settings.get(name, "") for name in ("auth_token", "secondary_auth_token"))
        return inbound.read_webhook(
            request, sender=_sender(channel), webhook_url=channel.webhook_url, auth_tokens=tuple(tokens)
        )

    async def check(self, channel: ChannelContext) -> CheckResult:
        """Look at the account and the sender, and make inbound messages come to us."""
        settings, sender = channel.settings, _sender(channel)
        account_sid = settings["account_sid"]
        details: dict[str, str] = {}
        problems: list[Note] = []
        try:
            account = await self._api.call(settings, checks.account_call(account_sid))
            details |= checks.account_details(account)
            problems += checks.account_problems(account)
            lookup = checks.receiver_call(account_sid, sender)
            if lookup is None:
                details["inbound_webhook"] = "to be entered in Twilio's Console, if this sender can receive"
                return CheckResult(problems=tuple(problems), details=details)
            answer = await self._api.call(settings, lookup)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            problem = Note(code=refused.failure.kind, text=refused.failure.text)
            return CheckResult(problems=(*problems, problem), details=details)
        receiver = checks.read_receiver(account_sid, sender, answer, sends_links=_sends_links(channel))
        if receiver is None:
            return CheckResult(problems=(*problems, checks.sender_unknown(sender)), details=details)
        details |= receiver.details
        problems += receiver.problems
        problem_before = checks.address_problem(channel.webhook_url)
        if problem_before is not None:
            return CheckResult(problems=(*problems, problem_before), details=details)
        try:
            details["inbound_webhook"] = await self._establish(channel, receiver)
        except DeliveryFailed as refused:
            if refused.failure.kind.is_retryable:
                raise
            problems.append(checks.webhook_not_set(refused.failure.text))
        return CheckResult(problems=tuple(problems), details=details)

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        """Open inbound media: https://www.twilio.com/docs/messaging/api/media-resource#fetch-a-media-resource."""
        match = _MEDIA_ID.fullmatch(media_id)
        if match is None:
            raise MediaNotFound("This is not the id of media at Twilio.")
        account_sid, message_sid, media_sid = match.groups()
        path = f"/2010-04-01/Accounts/{account_sid}/Messages/{message_sid}/Media/{media_sid}"
        return await self._api.download(channel.settings, path)

    async def _establish(self, channel: ChannelContext, receiver: checks.Receiver) -> str:
        update = checks.update_call(receiver, _sender(channel), channel.webhook_url)
        if update is None:
            return "in place"
        await self._api.call(channel.settings, update)
        return "set"


def _sender(channel: ChannelContext) -> Sender:
    return Sender.of(channel.settings["sender"])


def _sends_links(channel: ChannelContext) -> bool:
    return channel.settings.get("attachments", "") == "linked"
