"""What Meta's error codes mean, in an answer of the Graph API or in a webhook's `errors`.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes recommends to decide by
`code`; those below 1,000 are codes of every Graph API: https://developers.facebook.com/docs/graph-api/guides/error-handling
and https://developers.facebook.com/docs/graph-api/overview/rate-limiting.
"""

from dataclasses import dataclass
from typing import Final

from anychannel import FailureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A kind of failure, and a sentence for people."""

    kind: FailureKind
    text: str


def _meaning(kind: FailureKind, text: str) -> Meaning:
    return Meaning(kind=kind, text=text)


TOKEN: Final = _meaning(
    FailureKind.UNAUTHORIZED,
    "WhatsApp refuses the access token: it is wrong, has expired or was revoked. Create a new one for the system user.",
)
_PERMISSION: Final = _meaning(
    FailureKind.UNAUTHORIZED,
    "The access token lacks a permission: it needs whatsapp_business_messaging, whatsapp_business_management and the number.",
)
NO_NUMBER: Final = _meaning(
    FailureKind.CHANNEL_MISCONFIGURED,
    "WhatsApp knows no such phone number ID, or the access token may not use it. Copy it again from WhatsApp Manager.",
)
_NOT_REGISTERED: Final = _meaning(
    FailureKind.CHANNEL_MISCONFIGURED, "The business phone number is not registered for the WhatsApp Cloud API."
)
_LOCKED: Final = _meaning(
    FailureKind.CHANNEL_MISCONFIGURED,
    "Meta has restricted or locked this WhatsApp Business account: see Account quality in the Business Support Home.",
)
DOWN: Final = _meaning(FailureKind.PLATFORM_UNAVAILABLE, "WhatsApp is not able to take this at the moment.")
TOO_FAST: Final = _meaning(FailureKind.THROTTLED, "WhatsApp asks to send more slowly.")
REJECTED: Final = _meaning(FailureKind.CONTENT_REJECTED, "WhatsApp refuses this message.")
_TEMPLATE: Final = _meaning(FailureKind.CONTENT_REJECTED, "WhatsApp refuses this template message.")
_HELD_BACK: Final = _meaning(
    FailureKind.CONTACT_UNREACHABLE,
    "WhatsApp did not deliver this marketing message, to keep the contact from getting too many: wait a day at least.",
)

UNDELIVERED: Final = _meaning(FailureKind.PLATFORM_UNAVAILABLE, "WhatsApp did not deliver this message.")

_MEANINGS: Final = {
    0: TOKEN,
    102: TOKEN,
    104: TOKEN,
    190: TOKEN,
    3: _PERMISSION,
    10: _PERMISSION,
    131005: _PERMISSION,
    1: DOWN,
    2: DOWN,
    131000: DOWN,
    131016: DOWN,
    131057: DOWN,
    133004: DOWN,
    4: TOO_FAST,
    17: TOO_FAST,
    32: TOO_FAST,
    341: TOO_FAST,
    613: TOO_FAST,
    80007: TOO_FAST,
    130429: TOO_FAST,
    131056: _meaning(FailureKind.THROTTLED, "Too many messages went to this contact in a short time."),
    131048: _meaning(
        FailureKind.THROTTLED, "WhatsApp limits this phone number, because people blocked or reported its messages."
    ),
    33: NO_NUMBER,
    368: _LOCKED,
    131031: _LOCKED,
    131037: _meaning(
        FailureKind.CHANNEL_MISCONFIGURED, "WhatsApp has not approved the display name of this phone number yet."
    ),
    131042: _meaning(
        FailureKind.CHANNEL_MISCONFIGURED,
        "WhatsApp cannot charge for the message: check the payment method of the WhatsApp Business account.",
    ),
    131045: _NOT_REGISTERED,
    133010: _NOT_REGISTERED,
    131064: _meaning(
        FailureKind.CHANNEL_MISCONFIGURED,
        "WhatsApp limits this account for a while, because templates are in the wrong category: correct the categories.",
    ),
    134011: _meaning(
        FailureKind.CHANNEL_MISCONFIGURED, "The terms of service of WhatsApp Payments have to be accepted first."
    ),
    2200: _meaning(
        FailureKind.CHANNEL_MISCONFIGURED,
        "Meta could not verify the webhook: the gateway's public address did not answer it as expected.",
    ),
    130403: _meaning(FailureKind.CONTACT_UNREACHABLE, "The business has blocked this contact on WhatsApp."),
    130472: _HELD_BACK,
    131049: _HELD_BACK,
    130497: _meaning(
        FailureKind.CONTACT_UNREACHABLE,
        "This WhatsApp Business account may not write to people in the contact's country.",
    ),
    131021: _meaning(FailureKind.CONTACT_UNREACHABLE, "The contact's number is the business's own number."),
    131026: _meaning(
        FailureKind.CONTACT_UNREACHABLE,
        "WhatsApp cannot deliver to this contact: the number is not on WhatsApp, or its app or terms are out of date.",
    ),
    131030: _meaning(
        FailureKind.CONTACT_UNREACHABLE,
        "A test number writes only to the recipients on its list in the App Dashboard, and the contact is not on it.",
    ),
    131062: _meaning(
        FailureKind.CONTACT_UNREACHABLE, "This message needs the contact's phone number, which WhatsApp does not tell."
    ),
    131047: _meaning(
        FailureKind.WINDOW_CLOSED,
        "More than 24 hours have passed since the contact last wrote: only a template message can be sent now.",
    ),
    131050: _meaning(
        FailureKind.CONTACT_OPTED_OUT, "The contact has stopped marketing messages from this business on WhatsApp."
    ),
    131051: _meaning(FailureKind.CONTENT_UNSUPPORTED, "WhatsApp does not support this kind of message."),
    131053: _meaning(
        FailureKind.CONTENT_REJECTED, "WhatsApp could not fetch the attachment, or does not take its type."
    ),
}


def meaning_of(code: int) -> Meaning | None:
    """What `code` means; None when it is not known here."""
    if code in _MEANINGS:
        return _MEANINGS[code]
    if 200 <= code <= 299:
        return _PERMISSION
    return {132: _TEMPLATE, 133: _NOT_REGISTERED}.get(code // 1000)
