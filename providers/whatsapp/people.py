"""Who wrote: a phone number as WhatsApp spells it, or the id of a person who hides theirs behind a username.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

import re
from dataclasses import dataclass
from typing import Final

from anychannel import Contact
from providers.whatsapp.fields import Fields

_DIGITS: Final = re.compile(r"[0-9]{4,20}", re.ASCII)
# "Prefixed with the user's ISO 3166 alpha-2 two-letter country code and a period"
_USER_ID: Final = re.compile(r"([A-Z]{2})\.[A-Za-z0-9.]{1,140}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The `contacts` of one change."""

    people: tuple[Fields, ...]

    @classmethod
    def of(cls, value: Fields) -> "People":
        """The people that a change describes."""
        return cls(people=value.objects("contacts"))

    def sender_of(self, message: Fields) -> Contact | None:
        """Who wrote `message`; None when it does not say."""
        number, user_id = message.text("from").removeprefix("+"), message.text("from_user_id")
        person = self._find(number, user_id)
        profile = person.object("profile")
        return contact_at(
            # "A WhatsApp user's ID and phone number may not always match": the ID is what stays.
            person.text("wa_id") or number,
            user_id=user_id or person.text("user_id"),
            name=profile.text("name") or profile.text("username"),
        )

    def _find(self, number: str, user_id: str) -> Fields:
        for person in self.people:
            if (user_id and person.text("user_id") == user_id) or (number and person.text("wa_id") == number):
                return person
        # A change with one person is about that person, even where ID and number differ.
        return self.people[0] if len(self.people) == 1 else Fields(None)


def contact_at(number: str, *, user_id: str = "", name: str = "") -> Contact | None:
    """The contact with this number, or else with this user id; None when neither is one."""
    digits = number.removeprefix("+")
    known = _USER_ID.fullmatch(user_id)
    address = digits if _DIGITS.fullmatch(digits) else user_id if known else ""
    if not address:
        return None
    first_name, _, last_name = name.strip().partition(" ")
    return Contact(
        address=address,
        first_name=first_name,
        last_name=last_name.strip(),
        phone=f"+{digits}" if address == digits else "",
        country_code=known[1] if known else "",
    )
