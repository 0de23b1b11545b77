"""What Twilio's codes mean: https://www.twilio.com/docs/api/errors, where each has a page.

The same codes refuse a request and explain in a report why a message did not arrive.
"""

from typing import Final

from anychannel import FailureKind

Meaning = tuple[FailureKind, str]
"""With the sentence for the agent."""

_NO_SUCH_NUMBER: Final = (FailureKind.CONTACT_UNREACHABLE, "This is not a number that can receive the message.")
_UNREACHABLE: Final = (FailureKind.CONTACT_UNREACHABLE, "The contact's phone cannot be reached.")
_OPTED_OUT: Final = (FailureKind.CONTACT_OPTED_OUT, "The contact does not want to receive messages.")
_NO_SUCH_WHATSAPP: Final = (FailureKind.CONTACT_UNREACHABLE, "WhatsApp does not deliver to this number.")
CREDENTIALS: Final = (FailureKind.UNAUTHORIZED, "Twilio refuses the channel's credentials.")
_SUSPENDED: Final = (FailureKind.CHANNEL_MISCONFIGURED, "The Twilio account is not active.")
_WRONG_SENDER: Final = (FailureKind.CHANNEL_MISCONFIGURED, "The Twilio account may not send as the channel's sender.")
_WRONG_SERVICE: Final = (FailureKind.CHANNEL_MISCONFIGURED, "The Messaging Service has nobody to send this as.")
_NOT_REGISTERED: Final = (FailureKind.CHANNEL_MISCONFIGURED, "The sender is not registered for this country.")
_NO_COUNTRY: Final = (FailureKind.CHANNEL_MISCONFIGURED, "The Twilio account may not send to this country.")
TOO_FAST: Final = (FailureKind.THROTTLED, "Twilio asks us to slow down.")
_DAILY_LIMIT: Final = (FailureKind.THROTTLED, "The sender has reached its limit of messages for now.")
BROKEN: Final = (FailureKind.PLATFORM_UNAVAILABLE, "Twilio is out of order.")
_CHANNEL_BROKEN: Final = (FailureKind.PLATFORM_UNAVAILABLE, "The network behind Twilio is out of order.")
_FILTERED: Final = (FailureKind.CONTENT_REJECTED, "Twilio or the carrier took the message for spam.")
_SUSPICIOUS: Final = (FailureKind.CONTENT_REJECTED, "Twilio suspects fraud and did not send the message.")
_BAD_TEXT: Final = (FailureKind.CONTENT_REJECTED, "The text is empty or longer than Twilio allows.")
_BAD_MEDIA: Final = (
    FailureKind.CONTENT_REJECTED,
    "Twilio cannot use the attachment: its address, type or size is wrong.",
)
_BAD_CONTENT: Final = (FailureKind.CONTENT_REJECTED, "The network does not accept this content.")
_BAD_TEMPLATE: Final = (FailureKind.CONTENT_REJECTED, "The template or its parameters are not accepted.")
_NO_MEDIA: Final = (FailureKind.CONTENT_UNSUPPORTED, "The sender or the contact cannot exchange attachments.")
_WINDOW: Final = (
    FailureKind.WINDOW_CLOSED,
    "WhatsApp allows only templates now: the contact last wrote over 24 hours ago.",
)

MEANINGS: Final[dict[str, Meaning]] = {
    # of the account
    "10001": _SUSPENDED,
    "10002": (FailureKind.CHANNEL_MISCONFIGURED, "Trial accounts of Twilio cannot do that."),
    "20003": CREDENTIALS,
    "20005": _SUSPENDED,
    "20008": (FailureKind.UNAUTHORIZED, "The channel has Twilio's test credentials, which send nothing."),
    "20403": CREDENTIALS,
    "20404": (FailureKind.CHANNEL_MISCONFIGURED, "Twilio does not know this account, or this of its resources."),
    "21608": (FailureKind.CHANNEL_MISCONFIGURED, "Trial accounts of Twilio send to verified numbers only."),
    "30002": _SUSPENDED,
    "63001": _WRONG_SENDER,
    "70051": CREDENTIALS,
    # of the sender
    "21212": _WRONG_SENDER,
    "21408": _NO_COUNTRY,
    "21601": _WRONG_SENDER,
    "21603": _WRONG_SENDER,
    "21606": _WRONG_SENDER,
    "21609": (FailureKind.CHANNEL_MISCONFIGURED, "Twilio cannot report to the gateway's public address."),
    "21659": _WRONG_SENDER,
    "21660": _WRONG_SENDER,
    "21661": _WRONG_SENDER,
    "21701": _WRONG_SERVICE,
    "21703": _WRONG_SERVICE,
    "21704": _WRONG_SERVICE,
    "21705": _WRONG_SERVICE,
    "21910": (FailureKind.CHANNEL_MISCONFIGURED, "The sender and the contact are not on the same network."),
    "30032": _NOT_REGISTERED,
    "30034": _NOT_REGISTERED,
    "30042": _WRONG_SENDER,
    "63002": _WRONG_SENDER,
    "63007": _WRONG_SENDER,
    "63008": _WRONG_SENDER,
    # of the contact
    "21211": _NO_SUCH_NUMBER,
    "21214": _UNREACHABLE,
    "21217": _NO_SUCH_NUMBER,
    "21265": _NO_SUCH_NUMBER,
    "21401": _NO_SUCH_NUMBER,
    "21604": _NO_SUCH_NUMBER,
    "21610": _OPTED_OUT,
    "21612": (FailureKind.CONTACT_UNREACHABLE, "The channel's sender cannot reach this number."),
    "21614": _NO_SUCH_NUMBER,
    "21635": _NO_SUCH_NUMBER,
    "30003": _UNREACHABLE,
    "30004": (FailureKind.CONTACT_UNREACHABLE, "The contact's phone or carrier blocks the message."),
    "30005": _NO_SUCH_NUMBER,
    "30006": _NO_SUCH_NUMBER,
    "30008": (FailureKind.CONTACT_UNREACHABLE, "The carrier did not deliver the message, and does not say why."),
    "63003": _NO_SUCH_WHATSAPP,
    "63014": _OPTED_OUT,
    "63015": (FailureKind.CONTACT_UNREACHABLE, "The contact has not joined Twilio's WhatsApp sandbox."),
    "63016": _WINDOW,
    "63024": _NO_SUCH_WHATSAPP,
    "63031": (FailureKind.CONTACT_UNREACHABLE, "The contact is the sender itself."),
    "63032": _NO_SUCH_WHATSAPP,
    "63033": _OPTED_OUT,
    # of the pace
    "14107": TOO_FAST,
    "20429": TOO_FAST,
    "21611": TOO_FAST,
    "30001": TOO_FAST,
    "30022": TOO_FAST,
    "63017": TOO_FAST,
    "63018": _DAILY_LIMIT,
    "63038": _DAILY_LIMIT,
    # of Twilio and the networks behind it
    "20500": BROKEN,
    "30017": _CHANNEL_BROKEN,
    "30036": (FailureKind.EXPIRED, "Twilio could not hand the message on in time."),
    "30410": _CHANNEL_BROKEN,
    "30500": BROKEN,
    "63009": _CHANNEL_BROKEN,
    "63010": BROKEN,
    "63012": _CHANNEL_BROKEN,
    # of the content
    "11200": _BAD_MEDIA,
    "11205": _BAD_MEDIA,
    "11210": _BAD_MEDIA,
    "11215": _BAD_MEDIA,
    "11220": _BAD_MEDIA,
    "11237": _BAD_MEDIA,
    "11751": _BAD_MEDIA,
    "12300": _BAD_MEDIA,
    "21602": _BAD_TEXT,
    "21617": _BAD_TEXT,
    "21619": _BAD_TEXT,
    "21620": _BAD_MEDIA,
    "21621": _NO_MEDIA,
    "21623": _BAD_MEDIA,
    "21654": _BAD_TEMPLATE,
    "21656": _BAD_TEMPLATE,
    "21658": _BAD_TEXT,
    "30007": _FILTERED,
    "30011": _NO_MEDIA,
    "30019": _BAD_MEDIA,
    "30450": _SUSPICIOUS,
    "30453": _SUSPICIOUS,
    "63005": _BAD_CONTENT,
    "63013": _BAD_CONTENT,
    "63019": _BAD_MEDIA,
    "63021": _BAD_CONTENT,
    "63027": _BAD_TEMPLATE,
    "63028": _BAD_TEMPLATE,
    "63030": _BAD_TEMPLATE,
    "63034": _BAD_MEDIA,
    "63040": _BAD_TEMPLATE,
    "63041": _BAD_TEMPLATE,
    "63042": _BAD_TEMPLATE,
}
