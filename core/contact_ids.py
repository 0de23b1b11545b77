"""The codec between a contact's address on a platform and their id in an inbox.

Phone inboxes take E.164 and nothing else. Custom ids have an alphabet: what is in it stays as it is, every other
character becomes `=` and two hexadecimal digits for each byte of its UTF-8, and what is too long then becomes a hash.
"""

import hashlib
import re
from dataclasses import dataclass

from core.inboxes.binding import IdType

MAX_CONTACT_ID_LENGTH = 50

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_CUSTOM = re.compile(r"[A-Za-z0-9_=+/@]{1,50}")
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9_+/@]")
_ESCAPED = re.compile(r"((?:=[0-9A-F]{2})+)")
_HASH_SIGN = "=h"
"""h is no hexadecimal digit, so no escaped address looks like a hash."""
_HASH_BYTES = 20


class NotAPhoneNumber(ValueError):
    """An inbox channel whose ids are phone numbers cannot name this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactId:
    """A contact's id in an inbox."""

    value: str
    is_reversible: bool
    """Whether `address_of` finds the address; otherwise the pair has to be stored."""


def contact_id_of(address: str, id_type: IdType) -> ContactId:
    """Name the contact at `address`. Two addresses never share an id, except a phone number with and without its plus.

    Raises:
        NotAPhoneNumber: with `IdType.PHONE`.
        ValueError: the address is empty.
    """
    if not address:
        raise ValueError("an address is never empty")
    match id_type:
        case IdType.PHONE:
            return _phone_id(address)
        case IdType.CUSTOM:
            return _custom_id(address)


def address_of(contact_id: str, id_type: IdType) -> str | None:
    """The one address that `contact_id_of` turns into this id reversibly; None if there is none."""
    if not is_contact_id(contact_id, id_type):
        return None
    match id_type:
        case IdType.PHONE:
            return contact_id
        case IdType.CUSTOM:
            address = _unescaped(contact_id)
            return address if address and _custom_id(address).value == contact_id else None


def is_contact_id(contact_id: str, id_type: IdType) -> bool:
    """Whether an inbox channel of this id type can have such an id."""
    pattern = _E164 if id_type is IdType.PHONE else _CUSTOM
    return pattern.fullmatch(contact_id) is not None


def _phone_id(address: str) -> ContactId:
    has_plus = address.startswith("+")
    value = address if has_plus else f"+{address}"
    if not _E164.fullmatch(value):
        raise NotAPhoneNumber("The address is not a phone number, and the inbox channel takes nothing else.")
    # Reversed, the number would have a plus, which a platform that writes it without may not know.
    return ContactId(value=value, is_reversible=has_plus)


def _custom_id(address: str) -> ContactId:
    escaped = _TO_ESCAPE.sub(lambda match: "".join(f"={byte:02X}" for byte in match.group().encode()), address)
    if len(escaped) <= MAX_CONTACT_ID_LENGTH:
        return ContactId(value=escaped, is_reversible=True)
    # In lower case digits, so that an inbox which compares ids without case still tells two hashes apart.
    digest = hashlib.sha256(address.encode()).hexdigest()[: 2 * _HASH_BYTES]
    return ContactId(value=_HASH_SIGN + digest, is_reversible=False)


def _unescaped(contact_id: str) -> str | None:
    pieces = _ESCAPED.split(contact_id)
    try:
        pieces[1::2] = [bytes.fromhex(escapes.replace("=", "")).decode() for escapes in pieces[1::2]]
    except UnicodeDecodeError:
        return None
    plain = pieces[0::2]
    return None if any("=" in piece for piece in plain) else "".join(pieces)
