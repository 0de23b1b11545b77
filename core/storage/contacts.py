"""The people a channel knows."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from anychannel.events import Contact
from anychannel.message import Direction
from core.lanes.records import NewMessage
from core.storage.database import Connection, Pool
from core.storage.encoding import contact_bytes, contact_of

# A phone number with and without its plus is one contact, known by the address that came first.
_INSERT = """
INSERT INTO contacts (channel_id, contact_id, address)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING
"""

_LOCK = """
SELECT c.channel_id, c.contact_id, c.profile FROM contacts c
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, contact_id) USING (channel_id, contact_id)
ORDER BY c.channel_id, c.contact_id
FOR NO KEY UPDATE OF c
"""

_UPDATE = """
UPDATE contacts c SET profile = k.profile, last_inbound_time = greatest(c.last_inbound_time, k.last_inbound_time)
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[]) AS k(channel_id, contact_id, profile, last_inbound_time)
WHERE (c.channel_id, c.contact_id) = (k.channel_id, k.contact_id)
"""

_ADDRESSES_OF = """
SELECT c.channel_id, c.contact_id, c.address FROM contacts c
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, contact_id) USING (channel_id, contact_id)
"""


class _Key(NamedTuple):
    channel_id: str
    contact_id: str


async def upsert_contacts(connection: Connection, messages: Sequence[NewMessage]) -> None:
    """Keep who these messages are with; what a platform did not say this time never erases what it said before."""
    if not messages:
        return
    keys = sorted({(m.channel_id, m.contact_id, m.address) for m in messages})
    await connection.execute(_INSERT, *zip(*keys, strict=True))
    told = [m for m in messages if m.contact is not None]
    if told:
        await _update(connection, told)


async def _update(connection: Connection, told: Sequence[NewMessage]) -> None:
    keys = sorted({_Key(m.channel_id, m.contact_id) for m in told})
    known = {
        _Key(row["channel_id"], row["contact_id"]): contact_of(row["profile"]) if row["profile"] else None
        for row in await connection.fetch(_LOCK, *zip(*keys, strict=True))
    }
    inbound: dict[_Key, datetime] = {}
    for message in told:
        key = _Key(message.channel_id, message.contact_id)
        known[key] = merged(known.get(key), message.contact)  # type: ignore[arg-type]  # only those with a contact are here
        if message.direction is Direction.INBOUND:
            inbound[key] = max(message.event_time, inbound.get(key, message.event_time))
    rows = [(*key, contact_bytes(contact), inbound.get(key)) for key in keys if (contact := known[key]) is not None]
    await connection.execute(_UPDATE, *zip(*rows, strict=True))


def merged(known: Contact | None, said: Contact) -> Contact:
    """What is known of a contact after the platform `said` more."""
    if known is None:
        return said
    return Contact(
        address=said.address,
        first_name=said.first_name or known.first_name,
        last_name=said.last_name or (known.last_name if not said.first_name else ""),
        phone=said.phone or known.phone,
        email=said.email or known.email,
        language=said.language or known.language,
        country_code=said.country_code or known.country_code,
        picture_url=said.picture_url or known.picture_url,
    )


async def addresses_of(pool: Pool, contacts: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The platform addresses behind an inbox's contacts, by (channel id, contact id); those that nobody has are left out."""
    rows = await pool.fetch(_ADDRESSES_OF, *zip(*contacts, strict=True))
    return {(row["channel_id"], row["contact_id"]): row["address"] for row in rows}
