"""The settings of a channel, and where in Meta's consoles their values are found."""

from typing import Final

from anychannel import SettingField
from providers.whatsapp.api import DEFAULT_API_BASE, DEFAULT_VERSION, ID_PATTERN, VERSION_PATTERN
from providers.whatsapp.outbound import DEFAULT_LIST_LABEL, MAX_LIST_LABEL

SETTING_FIELDS: Final = (
    SettingField(
        name="phone_number_id",
        label="Phone number ID",
        help="App Dashboard > WhatsApp > API Setup, or WhatsApp Manager > Phone numbers. Not the phone number itself.",
        required=True,
        pattern=ID_PATTERN,
    ),
    SettingField(
        name="access_token",
        label="Access token",
        help="A permanent token of a system user (business settings > System users) with the permissions "
        "whatsapp_business_messaging and whatsapp_business_management.",
        secret=True,
        required=True,
        pattern="[!-~]+",
    ),
    SettingField(
        name="app_secret",
        label="App secret",
        help="App Dashboard > App settings > Basic > App secret: by it Meta's webhooks prove themselves.",
        secret=True,
        required=True,
        pattern="[!-~]+",
    ),
    SettingField(
        name="verify_token",
        label="Verify token",
        help="A random text of your own, by which Meta verifies the webhook. Enter the same one in the App Dashboard "
        "(WhatsApp > Configuration) if you enter the webhook there by hand.",
        secret=True,
        required=True,
        pattern="[!-~]{8,200}",
    ),
    SettingField(
        name="waba_id",
        label="WhatsApp Business account ID",
        help="App Dashboard > WhatsApp > API Setup. With it a check subscribes the app to the account's webhooks.",
        pattern=ID_PATTERN,
    ),
    SettingField(
        name="register_webhook",
        label="Register the webhook",
        help="yes: a check sends this number's webhooks here, whatever address the app has. no: you enter it by hand.",
        default_value="yes",
        choices=("yes", "no"),
    ),
    SettingField(
        name="link_previews",
        label="Link previews",
        help="Whether WhatsApp shows a preview of the first link in a text.",
        default_value="no",
        choices=("no", "yes"),
    ),
    SettingField(
        name="list_label",
        label="Label of lists",
        help="On the button that opens a list of more than three quick replies, in your contacts' language.",
        default_value=DEFAULT_LIST_LABEL,
        pattern=f".{{1,{MAX_LIST_LABEL}}}",
    ),
    SettingField(
        name="graph_version",
        label="Graph API version",
        help="Change it when Meta retires a version: developers.facebook.com/docs/graph-api/changelog.",
        default_value=DEFAULT_VERSION,
        pattern=VERSION_PATTERN,
    ),
    SettingField(
        name="api_base",
        label="Graph API server",
        help="Only for a server that stands in for Meta's: its address.",
        default_value=DEFAULT_API_BASE,
        pattern=r"https?://[^\s/?#]+(/[^\s?#]*)?",
    ),
)
