"""The people a channel knows."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from anychannel.events import Contact
from anychannel.message import Direction
from core.storage.database import Connection, Pool
from core.storage.encoding import contact_bytes, contact_of

if TYPE_CHECKING:
    from core.storage.accept import NewMessage

_LOCK_KNOWN = """
SELECT c.channel_id, c.address, c.profile FROM contacts c
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, address) USING (channel_id, address)
ORDER BY c.channel_id, c.address
FOR NO KEY UPDATE OF c
"""

_UPSERT = """
INSERT INTO contacts AS c (channel_id, address, contact_id, profile, last_inbound_time)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[])
ON CONFLICT (channel_id, address) DO UPDATE
SET profile = EXCLUDED.profile, last_inbound_time = greatest(c.last_inbound_time, EXCLUDED.last_inbound_time)
"""

_INSERT = """
INSERT INTO contacts (channel_id, address, contact_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING
"""

_ADDRESS_OF = "SELECT address FROM contacts WHERE channel_id = $1 AND contact_id = $2"


class _Key(NamedTuple):
    channel_id: str
    address: str


async def upsert_contacts(connection: Connection, messages: Sequence["NewMessage"]) -> None:
    """Keep who these messages are with; what a platform did not say this time never erases what it said before."""
    told = [m for m in messages if m.contact is not None]
    plain = sorted({(m.channel_id, m.address, m.contact_id) for m in messages if m.contact is None})
    if plain:
        await connection.execute(_INSERT, *zip(*plain, strict=True))
    if not told:
        return
    keys = sorted({_Key(m.channel_id, m.address) for m in told})
    known = {
        _Key(row["channel_id"], row["address"]): contact_of(row["profile"])
        for row in await connection.fetch(_LOCK_KNOWN, *zip(*keys, strict=True))
    }
    rows: dict[_Key, tuple[Any, ...]] = {}
    for message in told:
        key = _Key(message.channel_id, message.address)
        known[key] = merged(known.get(key), message.contact)  # type: ignore[arg-type]  # only those with a contact are here
        inbound_time: datetime | None = message.event_time if message.direction is Direction.INBOUND else None
        rows[key] = (*key, message.contact_id, contact_bytes(known[key]), inbound_time)
    await connection.execute(_UPSERT, *zip(*(rows[key] for key in keys), strict=True))


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


async def address_of_contact(pool: Pool, channel_id: str, contact_id: str) -> str | None:
    """The platform address behind an inbox's contact id; None when nobody has it."""
    address: str | None = await pool.fetchval(_ADDRESS_OF, channel_id, contact_id)
    return address
