"""Whom a channel sends as, on which network, and how contacts are addressed there.

Twilio writes a number alone for SMS, and `whatsapp:` before it for WhatsApp: https://www.twilio.com/docs/messaging/channels.
The setting `sender` says once for all which of them a channel is, so its contacts are known by the number alone, and an
inbox whose ids are phone numbers can name them. Only whoever writes over another network, as may happen in a Messaging
Service with senders of several, keeps the prefix, and is answered there.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

SENDER_PATTERN = r"(whatsapp:)?(\+[1-9][0-9]{1,14}|MG[0-9a-fA-F]{32})|[A-Za-z0-9 ]{1,11}"

_WHATSAPP = "whatsapp:"
_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)


class SenderKind(StrEnum):
    """What sends."""

    NUMBER = "number"
    """One of the account's phone numbers."""
    WHATSAPP = "whatsapp"
    """One of the account's WhatsApp senders."""
    SERVICE = "service"
    """A Messaging Service, which chooses among its senders."""
    OTHER = "other"
    """A short code or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends."""

    prefix: str
    """Of addresses on the sender's network: `whatsapp:` or empty."""
    identity: str
    """Without the prefix."""

    @classmethod
    def of(cls, setting: str) -> "Sender":
        """The sender that the setting names."""
        prefix = _WHATSAPP if setting.startswith(_WHATSAPP) else ""
        return cls(prefix=prefix, identity=setting.removeprefix(_WHATSAPP))

    @property
    def kind(self) -> SenderKind:
        """What it is."""
        if _SERVICE.fullmatch(self.identity):
            return SenderKind.SERVICE
        if self.is_whatsapp:
            return SenderKind.WHATSAPP
        return SenderKind.NUMBER if is_e164(self.identity) else SenderKind.OTHER

    @property
    def is_whatsapp(self) -> bool:
        """Whether it sends over WhatsApp; otherwise by SMS and MMS."""
        return bool(self.prefix)

    def fields(self) -> tuple[tuple[str, str], ...]:
        """How a request names the sender: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource."""
        if self.kind is SenderKind.SERVICE:
            return (("MessagingServiceSid", self.identity),)
        return (("From", f"{self.prefix}{self.identity}"),)

    def spell(self, address: str) -> str:
        """A contact's address as Twilio writes it."""
        return address if ":" in address else f"{self.prefix}{address}"

    def read(self, spelled: str) -> str:
        """The address of a contact whom Twilio writes so."""
        return spelled.removeprefix(self.prefix)

    def is_reached_by(self, spelled: str) -> bool:
        """Whether a contact whom Twilio writes so is on the sender's network."""
        return spelled.startswith(self.prefix) and ":" not in self.read(spelled)


def is_e164(text: str) -> bool:
    """Whether this is a phone number in international form."""
    return _E164.fullmatch(text) is not None


def phone_number(spelled: str) -> str:
    """The phone number in what Twilio writes; empty when there is none, as for a WhatsApp user who hides it."""
    number = spelled.rpartition(":")[2]
    return number if is_e164(number) else ""
