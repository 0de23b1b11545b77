"""Writes what a respond.io inbox is told: one envelope, one contact, one event, and no field that is not known."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, assert_never

from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    QuickReplies,
    Template,
    Text,
)
from anychannel.events import Contact
from anychannel.failures import Failure
from anychannel.message import Status
from core.inboxes import web_links
from core.inboxes.binding import InboxBinding, StatusShape
from core.shaping import wording

MAX_EVENT_ID_LENGTH = 50
SUSPECTED_MAX_TEXT_LENGTH = 7_000
"""What one bridge enforces. The vendor documents no limit for incoming text, so nothing is cut; look here first if long
texts are refused."""

Envelope: TypeAlias = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUSES = frozenset({Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED})
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_HTTPS = frozenset({"https"})


def count_envelopes(content: Content) -> int:
    """How many envelopes it takes to tell `content`, known before an attachment has its link."""
    return 2 if isinstance(content, Attachment) and content.caption.strip() else 1


def message_envelopes(
    *,
    binding: InboxBinding,
    contact_id: str,
    contact: Contact | None,
    message_id: str,
    event_time: datetime,
    content: Content,
) -> tuple[Envelope, ...]:
    """What the contact wrote. More than one only for an attachment with a caption, to be posted in this order.

    Raises:
        ValueError: an attachment without a link (a media id has to be made one before), or an id over 50 characters.
    """
    about = _About(binding=binding, contact_id=contact_id, contact=contact)
    return _envelopes("message", about, message_id, event_time, content)


def echo_envelopes(
    *,
    binding: InboxBinding,
    contact_id: str,
    contact: Contact | None,
    message_id: str,
    event_time: datetime,
    content: Content,
) -> tuple[Envelope, ...]:
    """What the business wrote to the contact elsewhere; otherwise like `message_envelopes`."""
    about = _About(binding=binding, contact_id=contact_id, contact=contact)
    return _envelopes("message_echo", about, message_id, event_time, content)


def status_envelope(
    *,
    binding: InboxBinding,
    contact_id: str,
    message_id: str,
    event_time: datetime,
    status: Status,
    failure: Failure | None = None,
) -> Envelope:
    """Where a message stands that the inbox knows by `message_id`. `failure` counts with failed only.

    Raises:
        ValueError: accepted, which inboxes do not know, or an id over 50 characters.
    """
    if status not in _STATUSES:
        raise ValueError(f"an inbox is not told {status}")
    reason = failure.text if failure and status is Status.FAILED else ""
    match binding.status_shape:
        case StatusShape.NESTED:
            said: dict[str, Any] = {"status": _known(value=status.value, message=reason)}
        case StatusShape.FLAT:
            said = _known(status=status.value, error=reason)
    about = _About(binding=binding, contact_id=contact_id, contact=None)
    return _envelope(about, _event("message_status", message_id, event_time, said))


def contact_object(contact: Contact | None) -> dict[str, str]:
    """What the inbox may be told about a contact: only what passes its rules, never null and never empty."""
    if contact is None:
        return {}
    country_code = contact.country_code.strip().upper()
    language = re.split("[-_]", contact.language.strip().lower())[0]
    return _known(
        firstName=contact.first_name.strip(),
        lastName=contact.last_name.strip(),
        profilePic="" if web_links.objection(contact.picture_url, _HTTPS) else contact.picture_url,
        countryCode=_matching(_COUNTRY, country_code),
        email=_matching(_EMAIL, contact.email.strip()),
        phone=_matching(_PHONE, contact.phone.strip()),
        language=_matching(_LANGUAGE, language),
    )


def encode(envelope: Envelope) -> bytes:
    """The same bytes for the same envelope, at every attempt.

    Raises:
        ValueError: a location that is not finite.
    """
    return _json(envelope)


def accepted_body(message_id: str) -> bytes:
    """The answer to a send that is stored."""
    return _json({"mId": message_id})


def error_body(text: str) -> bytes:
    """The answer to a send that is refused, in words for the agent."""
    return _json({"error": {"message": text}})


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """Whom an event is about, and where it is told."""

    binding: InboxBinding
    contact_id: str
    contact: Contact | None


def _envelopes(
    event_type: str, about: _About, message_id: str, event_time: datetime, content: Content
) -> tuple[Envelope, ...]:
    event_ids = (message_id, f"{message_id}-2")
    return tuple(
        _envelope(about, _event(event_type, event_id, event_time, {"message": message}))
        for event_id, message in zip(event_ids, _messages(content), strict=False)
    )


def _envelope(about: _About, event: Mapping[str, Any]) -> Envelope:
    contact = contact_object(about.contact)
    return {
        "channelId": about.binding.inbox_channel_id,
        "contactId": about.contact_id,
        "events": [event],
        **({"contact": contact} if contact else {}),
    }


def _event(event_type: str, event_id: str, event_time: datetime, said: Mapping[str, Any]) -> dict[str, Any]:
    if len(event_id) > MAX_EVENT_ID_LENGTH:
        raise ValueError(f"an inbox takes no event id over {MAX_EVENT_ID_LENGTH} characters")
    milliseconds = (event_time - _EPOCH) // timedelta(milliseconds=1)
    return {"type": event_type, "mId": event_id, "timestamp": milliseconds, **said}


def _messages(content: Content) -> tuple[dict[str, Any], ...]:  # noqa: PLR0911 - one return for each kind
    match content:
        case Text():
            return (_text(content.text),)
        case Attachment():
            return _attachment(content)
        case Location():
            return (_location(content),)
        case QuickReplies():
            return (_text(wording.numbered_list(content)),)
        case ContactCard():
            return (_text(wording.address_book_entry(content)),)
        case Template():
            return (_text(wording.template(content)),)
        case CustomPayload():
            return (_text(content.json),)
        case _:
            assert_never(content)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _attachment(attachment: Attachment) -> tuple[dict[str, Any], ...]:
    if web_links.objection(attachment.url):
        raise ValueError("an inbox takes an attachment only with an http or https link")
    media = _known(
        type=attachment.kind.value,
        url=attachment.url,
        mimeType=attachment.mime_type,
        fileName=attachment.file_name,
    )
    message = {"type": "attachment", "attachment": media}
    # Whether an inbox shows `description` on incoming media is not known, so the words are a message of their own.
    return (message, _text(attachment.caption)) if count_envelopes(attachment) > 1 else (message,)


def _location(location: Location) -> dict[str, Any]:
    # Platforms often repeat the name at the beginning of the address.
    name = "" if location.address.startswith(location.name) else location.name
    address = ", ".join(line for line in (name, location.address) if line)
    point = {"type": "location", "latitude": location.latitude, "longitude": location.longitude}
    return point | _known(address=address)


def _known(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _matching(pattern: re.Pattern[str], value: str) -> str:
    return value if pattern.fullmatch(value) else ""


def _json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
