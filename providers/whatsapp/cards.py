"""Reads one contact card of a message.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/contacts
"""

import re

from anychannel import ContactCard
from providers.whatsapp.fields import Fields


def read_card(contact: Fields) -> ContactCard:
    """The name and all numbers; a card that people share may have no name."""
    name = contact.object("name")
    numbers = tuple(filter(None, map(_phone_number, contact.objects("phones"))))
    full_name = name.text("formatted_name") or f"{name.text('first_name')} {name.text('last_name')}".strip()
    return ContactCard(name=full_name or next(iter(numbers), ""), phone_numbers=tuple(dict.fromkeys(numbers)))


def _phone_number(phone: Fields) -> str:
    """E.164 when WhatsApp knows the number, else as it was typed."""
    typed, wa_id = phone.text("phone").strip(), phone.text("wa_id")
    if wa_id.isascii() and wa_id.isdigit():
        return f"+{wa_id}"
    digits = re.sub(r"[\s().-]", "", typed)
    return digits if re.fullmatch(r"\+[0-9]{4,15}", digits, re.ASCII) else typed
