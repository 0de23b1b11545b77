"""Decides what a check of a channel found: is the number fit to send, and where do its webhooks go.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
"""

from collections.abc import Mapping
from typing import Final

from yarl import URL

from anychannel import Note
from providers.whatsapp.fields import Fields

# https://developers.facebook.com/documentation/business-messaging/whatsapp/messaging-limits#via-api names the limit's.
NUMBER_FIELDS: Final = (
    "display_phone_number,verified_name,status,quality_rating,"
    "whatsapp_business_manager_messaging_limit,webhook_configuration"
)
_MAX_WEBHOOK_URL: Final = 200

ELSEWHERE: Final = Note(
    code="webhook_elsewhere",
    text="The number's webhooks do not come here: enter the channel's webhook address and verify token in the App "
    "Dashboard (WhatsApp > Configuration), or set register_webhook to yes.",
)


def describe_number(number: Fields) -> Mapping[str, str]:
    """What is known of the business number, for people. Not where its webhooks go: that address is a secret."""
    said = {
        "phone_number": number.text("display_phone_number"),
        "verified_name": number.text("verified_name"),
        "number_status": number.text("status"),
        "quality": number.text("quality_rating"),
        "messaging_limit": number.text("whatsapp_business_manager_messaging_limit"),
    }
    return {name: value for name, value in said.items() if value}


def number_problems(number: Fields) -> tuple[Note, ...]:
    """What keeps the number from sending, or soon will."""
    problems = []
    status = number.text("status") or "CONNECTED"
    if status != "CONNECTED":
        problems.append(
            Note(
                code="number_not_connected",
                text=f"The status of the phone number is {status[:40]}, not CONNECTED: see WhatsApp Manager for what to do.",
            )
        )
    if number.text("quality_rating") == "RED":
        problems.append(
            Note(
                code="quality_low",
                text="The quality of the phone number is low, because people block or report its messages: "
                "WhatsApp may limit it.",
            )
        )
    return tuple(problems)


def address_problems(webhook_url: str) -> tuple[Note, ...]:
    """Why Meta cannot deliver to `webhook_url`; nothing when it can."""
    if not webhook_url:
        text = "The gateway has no public address: give it one, then check again."
        return (Note(code="no_public_address", text=text),)
    if URL(webhook_url).scheme != "https":
        text = "Meta delivers only over https: give the gateway an https address."
        return (Note(code="webhook_not_https", text=text),)
    if len(webhook_url) > _MAX_WEBHOOK_URL:
        text = f"The channel's webhook address is longer than the {_MAX_WEBHOOK_URL} characters that Meta takes."
        return (Note(code="webhook_too_long", text=text),)
    return ()


def delivers_to(number: Fields, webhook_url: str) -> bool:
    """Whether the number's webhooks go there: its own address comes first, then the account's, then the app's."""
    configured = number.object("webhook_configuration")
    addresses = [configured.text(name) for name in ("phone_number", "whatsapp_business_account", "application")]
    return next(filter(None, addresses), "") == webhook_url


def registration(*, webhook_url: str, verify_token: str) -> Mapping[str, object]:
    """The body that gives the number an address of its own: .../webhooks/override#set-phone-number-alternate-callback."""
    return {"webhook_configuration": {"override_callback_uri": webhook_url, "verify_token": verify_token}}


def is_subscribed(subscriptions: Fields, app_id: str) -> bool:
    """Whether the app gets the account's webhooks; any app counts when it is not known which one is ours.

    https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/subscribed_apps/
    """
    apps = [each.object("whatsapp_business_api_data").text("id") for each in subscriptions.objects("data")]
    return app_id in apps if app_id else bool(apps)
