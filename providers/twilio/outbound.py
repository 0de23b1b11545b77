"""How a part is said to Twilio: a part in, the form of the request out.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource

Core has shaped the part to what `provider` declares for all senders. What is left to decide is what this sender's network
cannot show: that goes as a text, with a note.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from anychannel import (
    Attachment,
    ContactCard,
    ContentRejected,
    ContentUnsupported,
    CustomPayload,
    DeliveryFailed,
    Location,
    Note,
    Part,
    QuickReplies,
    Template,
    Text,
)
from providers.twilio.failures import undelivered, unreadable
from providers.twilio.sender import Sender
from providers.twilio.wire import FormFields

_CONTENT_SID: Final = re.compile(r"HX[0-9a-fA-F]{32}", re.ASCII)
_MAP_URL: Final = "https://www.google.com/maps?q="
# Beyond a millionth of a degree, a decimetre, Python would write an exponent.
_DEGREE_DECIMALS: Final = 6
_NOT_TAKEN: Final = frozenset({"failed", "undelivered", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    """The form of one request."""

    fields: FormFields
    notes: tuple[Note, ...] = ()


def message_form(part: Part, *, sender: Sender, status_callback: str, sends_links: bool) -> MessageForm:
    """The form that sends `part`. Raises ContentUnsupported or ContentRejected for what cannot be said.

    Args:
        part: the part.
        sender: who sends it.
        status_callback: where Twilio is to report; empty = nowhere.
        sends_links: attachments go as links in a text.
    """
    content, notes = _content(part, sender, sends_links=sends_links)
    reporting = (("StatusCallback", status_callback),) if status_callback else ()
    return MessageForm(
        fields=(("To", sender.spell(part.address)), *sender.fields(), *content, *reporting),
        notes=notes,
    )


def read_message_id(answer: Any) -> str:
    """Twilio's id of the message we sent. Raises DeliveryFailed when it was given up at once."""
    match answer:
        case {"status": str(status), "error_code": code} if status in _NOT_TAKEN:
            raise DeliveryFailed(undelivered(str(code) if isinstance(code, int | str) else ""))
        case {"sid": str(message_id)} if message_id:
            return message_id
        case _:
            raise DeliveryFailed(unreadable())


def _content(part: Part, sender: Sender, *, sends_links: bool) -> tuple[FormFields, tuple[Note, ...]]:
    match part.content:
        case Text(text=text):
            return (("Body", text),), ()
        case Attachment() as attachment if sends_links:
            return (("Body", _lines(attachment.caption, attachment.url)),), (_MEDIA_AS_LINK,)
        case Attachment() as attachment:
            return tuple(_attachment(attachment)), ()
        case Location() as location if sender.is_whatsapp:
            return _location(location), ()
        case Location() as location:
            link = f"{_MAP_URL}{_point(location)}"
            return (("Body", _lines(location.name, location.address, link)),), (_LOCATION_AS_LINK,)
        case Template() as template:
            return tuple(_template(template)), ()
        case QuickReplies() | ContactCard() | CustomPayload():
            raise ContentUnsupported(f"Twilio cannot send a {type(part.content).__name__}.")


def _attachment(attachment: Attachment) -> Iterator[tuple[str, str]]:
    yield "MediaUrl", attachment.url
    if attachment.caption:
        yield "Body", attachment.caption


def _location(location: Location) -> FormFields:
    """https://www.twilio.com/docs/whatsapp/message-features#location-messages-with-whatsapp, where the name is required."""
    point = f"geo:{_point(location)}"
    label = location.address if location.name else ""
    return (
        ("Body", location.name or location.address or _point(location)),
        ("PersistentAction", f"{point}|{label}" if label else point),
    )


def _template(template: Template) -> Iterator[tuple[str, str]]:
    """https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder.

    A template of Twilio's has one language of its own.
    """
    if not _CONTENT_SID.fullmatch(template.name):
        raise ContentRejected("Twilio knows templates by their Content SID, HX and 32 digits: give it as the name.")
    yield "ContentSid", template.name
    if template.parameters:
        # https://www.twilio.com/docs/content/using-variables-with-content-api
        variables = {str(number): value for number, value in enumerate(template.parameters, start=1)}
        yield "ContentVariables", json.dumps(variables, ensure_ascii=False)


def _point(location: Location) -> str:
    return f"{location.latitude:.{_DEGREE_DECIMALS}f},{location.longitude:.{_DEGREE_DECIMALS}f}"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


_MEDIA_AS_LINK: Final = Note(code="media_as_link", text="The attachment went as a link, as the channel's settings ask.")
_LOCATION_AS_LINK: Final = Note(code="location_as_link", text="An SMS has no locations, so it went as a link to a map.")
