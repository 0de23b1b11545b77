"""What a check of a channel looks at in its Twilio account, what is wrong there, and how inbound messages get to us.

Who receives for a sender is the phone number, the Messaging Service or the WhatsApp sender: each is a resource that
knows one address to send inbound messages to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from anychannel import Note
from providers.twilio.call import ApiCall, Host
from providers.twilio.sender import Sender, SenderKind

# Twilio tells of a message once, and forgets it when nobody answers, unless its address asks for more attempts. The
# fragment is neither sent nor signed: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
_RETRIES: Final = "#rc=2&rp=all"
_MAX_PAGE: Final = "1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What receives for a sender."""

    update_path: str
    webhook_url: str
    """Where it sends inbound messages now."""
    details: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Note, ...] = ()
    webhook: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Everything a WhatsApp sender is told about webhooks, for what is left out of an update may be forgotten."""


def account_call(account_sid: str) -> ApiCall:
    """Asks for the account. API keys may not, unless they are main keys: https://www.twilio.com/docs/iam/api-keys."""
    return ApiCall(method="GET", host=Host.ACCOUNTS, path=f"{_account_path(account_sid)}.json", as_account=True)


def account_problems(account: Any) -> tuple[Note, ...]:
    """https://www.twilio.com/docs/iam/api/account#account-properties."""
    match account:
        case {"status": str(status)} if status != "active":
            text = f"The Twilio account is {status}: see Twilio's Console for the reason."
            return (Note(code="account_not_active", text=text),)
        case _:
            return ()


def account_details(account: Any) -> dict[str, str]:
    """What people may know of an account. Never more than these: the answer holds the auth token as well."""
    return _texts(account, account="friendly_name", account_status="status", account_type="type")


def receiver_call(account_sid: str, sender: Sender) -> ApiCall | None:
    """Asks for what receives for the sender; None when there is nothing to ask."""
    match sender.kind:
        case SenderKind.NUMBER:
            # https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
            return ApiCall(
                method="GET",
                host=Host.ACCOUNTS,
                path=f"{_account_path(account_sid)}/IncomingPhoneNumbers.json",
                query=(("PhoneNumber", sender.identity),),
            )
        case SenderKind.SERVICE:
            # https://www.twilio.com/docs/messaging/api/service-resource
            return ApiCall(method="GET", host=Host.MESSAGING, path=f"/v1/Services/{sender.identity}")
        case SenderKind.WHATSAPP:
            # https://www.twilio.com/docs/whatsapp/api/senders
            return ApiCall(
                method="GET",
                host=Host.MESSAGING,
                path="/v2/Channels/Senders",
                query=(("Channel", "whatsapp"), ("PageSize", _MAX_PAGE)),
            )
        case SenderKind.OTHER:
            return None


def read_receiver(account_sid: str, sender: Sender, answer: Any, *, sends_links: bool) -> Receiver | None:
    """What receives for the sender; None when the account has no such sender."""
    match sender.kind, answer:
        case SenderKind.NUMBER, {"incoming_phone_numbers": [*numbers]}:
            return _number(account_sid, sender, numbers, sends_links=sends_links)
        case SenderKind.SERVICE, {"sid": str(sid)}:
            return _service(sid, answer)
        case SenderKind.WHATSAPP, {"senders": [*senders]}:
            return _whatsapp_sender(sender, senders)
        case _:
            return None


def update_call(receiver: Receiver, sender: Sender, webhook_url: str) -> ApiCall | None:
    """Makes the receiver send inbound messages to `webhook_url`; None when it does."""
    if receiver.webhook_url.partition("#")[0] == webhook_url:
        return None
    url = webhook_url + _RETRIES
    match sender.kind:
        case SenderKind.SERVICE:
            form = (("InboundRequestUrl", url), ("InboundMethod", "POST"))
            return ApiCall(method="POST", host=Host.MESSAGING, path=receiver.update_path, form=form)
        case SenderKind.WHATSAPP:
            webhook = {**receiver.webhook, "callback_url": url, "callback_method": "POST"}
            return ApiCall(method="POST", host=Host.MESSAGING, path=receiver.update_path, json={"webhook": webhook})
        case _:
            form = (("SmsUrl", url), ("SmsMethod", "POST"))
            return ApiCall(method="POST", host=Host.ACCOUNTS, path=receiver.update_path, form=form)


def address_problem(webhook_url: str) -> Note | None:
    """Why Twilio cannot call us there: https://www.twilio.com/docs/api/errors/21609 and .../usage/webhooks/webhooks-security."""
    url = urlsplit(webhook_url)
    if url.scheme != "https":
        return Note(
            code="no_public_address",
            text="Twilio calls public https addresses: set the gateway's public address, then check the channel again.",
        )
    if "_" in (url.hostname or ""):
        return Note(
            code="public_address_refused",
            text="Twilio calls no host with an underscore in its name: give the gateway another public address.",
        )
    return None


def sender_unknown(sender: Sender) -> Note:
    """The account has no such sender."""
    text = "The Twilio account has no such sender: check the setting sender, and that it belongs to this account."
    if sender.kind is SenderKind.WHATSAPP:
        text += " If it is Twilio's WhatsApp sandbox, enter the channel's webhook address in the sandbox's settings."
    return Note(code="sender_unknown", text=text)


def webhook_not_set(reason: str) -> Note:
    """Somebody has to do it by hand. The address carries a token, so it is not in the text."""
    return Note(
        code="webhook_not_set",
        text=f"{reason} Enter the channel's webhook address for inbound messages in Twilio's Console, at the sender.",
    )


def _account_path(account_sid: str) -> str:
    return f"/2010-04-01/Accounts/{account_sid}"


def _number(account_sid: str, sender: Sender, numbers: Iterable[Any], *, sends_links: bool) -> Receiver | None:
    for number in numbers:
        match number:
            case {"sid": str(sid), "phone_number": str(phone_number)} if phone_number == sender.identity:
                return Receiver(
                    update_path=f"{_account_path(account_sid)}/IncomingPhoneNumbers/{sid}.json",
                    webhook_url=_text(number, "sms_url"),
                    details=_texts(number, sender="friendly_name"),
                    problems=tuple(_number_problems(number, sends_links=sends_links)),
                )
            case _:
                pass
    return None


def _number_problems(number: Mapping[str, Any], *, sends_links: bool) -> Iterable[Note]:
    match number.get("capabilities"):
        case {"sms": False}:
            yield Note(code="sender_without_sms", text="The phone number has no SMS: choose another one.")
        case {"mms": False} if not sends_links:
            text = "The phone number has no MMS: set attachments to linked, so that they go as links."
            yield Note(code="sender_without_mms", text=text)
        case _:
            pass
    if _text(number, "sms_application_sid"):
        # "If an sms_application_sid is present, we ignore all of the sms_*_url urls and use those set on the application."
        yield Note(
            code="sender_has_application",
            text="A TwiML app receives the number's messages: remove it from the number in Twilio's Console.",
        )


def _service(sid: str, service: Mapping[str, Any]) -> Receiver:
    problem = Note(
        code="service_defers_to_numbers",
        text="The Messaging Service lets each of its senders have a webhook of its own: "
        "switch that off under Integration, or enter the channel's webhook address at each of them.",
    )
    return Receiver(
        update_path=f"/v1/Services/{sid}",
        webhook_url=_text(service, "inbound_request_url"),
        details=_texts(service, sender="friendly_name"),
        problems=(problem,) if service.get("use_inbound_webhook_on_number") is True else (),
    )


def _whatsapp_sender(sender: Sender, senders: Iterable[Any]) -> Receiver | None:
    sender_id = sender.spell(sender.identity)
    for it in senders:
        match it:
            case {"sid": str(sid), "sender_id": str(told), "status": str(status)} if told == sender_id:
                offline = Note(code="sender_offline", text=f"The WhatsApp sender is not online but {status}.")
                webhook = it.get("webhook")
                return Receiver(
                    update_path=f"/v2/Channels/Senders/{sid}",
                    webhook_url=_text(webhook, "callback_url"),
                    details=_texts(it.get("profile"), sender="name") | {"sender_status": status},
                    problems=() if status.startswith("ONLINE") else (offline,),
                    webhook={name: value for name, value in webhook.items() if value}
                    if isinstance(webhook, dict)
                    else {},
                )
            case _:
                pass
    return None


def _text(answer: Any, key: str) -> str:
    value = answer.get(key) if isinstance(answer, dict) else None
    return value if isinstance(value, str) else ""


def _texts(answer: Any, **keys: str) -> dict[str, str]:
    return {name: text for name, key in keys.items() if (text := _text(answer, key))}
