"""Accepting: what was promised to be delivered is stored in one committed transaction before anybody is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from anychannel import wire
from anychannel.message import Direction, Lane, Origin, Status
from core.lanes.records import DeliveryKind, LaneKey, NewDelivery, NewMessage, Told
from core.storage.contacts import upsert_contacts
from core.storage.database import Connection, Pool
from core.storage.encoding import content_bytes, notes_json
from core.storage.enqueue import enqueue
from core.storage.statuses import EVENT_PATIENCE

ECHO_PATIENCE = timedelta(seconds=3)
"""An echo waits this long when a send to the same contact is under way: it may be the echo of that send, come early."""

# Sorted by identity: two transactions that bring the same ones wait for each other in one direction only.
_INSERT_MESSAGES = """
INSERT INTO messages (channel_id, message_id, direction, origin, address, contact_id, content, notes, envelopes, status, status_time, told,
  request_id, platform_event_id, platform_message_id, create_time, event_time, expire_time)
SELECT channel_id, message_id, direction, origin, address, contact_id, content, notes::jsonb, envelopes, status, event_time, told,
  request_id, platform_event_id, platform_message_id, create_time, event_time, expire_time
FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::smallint[],
  $10::smallint[], $11::smallint[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[])
  AS m(channel_id, message_id, direction, origin, address, contact_id, content, notes, envelopes,
    status, told, request_id, platform_event_id, platform_message_id, create_time, event_time, expire_time)
ORDER BY channel_id, request_id, platform_event_id, message_id
ON CONFLICT DO NOTHING
RETURNING message_id
"""

_FIND_BY_REQUEST = """
SELECT m.channel_id, m.request_id AS identity, m.message_id FROM messages m
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, request_id) USING (channel_id, request_id)
"""

_FIND_BY_PLATFORM_EVENT = """
SELECT m.channel_id, m.platform_event_id AS identity, m.message_id FROM messages m
JOIN unnest($1::text[], $2::text[]) AS k(channel_id, platform_event_id) USING (channel_id, platform_event_id)
"""

_INSERT_PARTS = """
INSERT INTO parts (channel_id, message_id, part_index, part_count, content, status)
SELECT *, 1 FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::bytea[])
"""

_INSERT_EVENTS = """
INSERT INTO events (channel_id, message_id, status, event_time, is_new)
SELECT *, true FROM unnest($1::text[], $2::text[], $3::smallint[], $4::timestamptz[])
"""

# Echoes of what we sent, and contacts to whom something is being sent just now.
_OWN_ECHOES = """
SELECT k.n, EXISTS (
    SELECT 1 FROM parts p WHERE (p.channel_id, p.platform_message_id) = (k.channel_id, k.platform_message_id)
  ) AS is_own, EXISTS (
    SELECT 1 FROM turns t WHERE t.channel_id = k.channel_id AND t.lane = 1 AND t.priority IN (0, 1) AND t.address = k.address AND t.leased
  ) AS is_sending
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(channel_id, platform_message_id, address, n)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message is stored."""

    message_id: str
    is_new: bool
    """False: it was stored before, under the same identity."""
    work: frozenset[LaneKey] = frozenset()
    """Lanes that have new work."""


async def accept(pool: Pool, messages: Sequence[NewMessage]) -> list[Accepted]:
    """Store `messages`, in the order given; one transaction for all of them."""
    async with pool.acquire() as connection, connection.transaction():
        kept = await _without_own_echoes(connection, messages)
        inserted = await _insert(connection, [m for m in kept if m is not None])
        fresh = [m for m in kept if m is not None and m.message_id in inserted]
        known = await _find_known(connection, [m for m in kept if m is not None and m.message_id not in inserted])
        await upsert_contacts(connection, fresh)
        await _insert_parts(connection, fresh)
        await _insert_events(connection, fresh)
        await enqueue(connection, [delivery for message in fresh for delivery in _deliveries(message)])
    return [_accepted(given, message, inserted, known) for given, message in zip(messages, kept, strict=True)]


def _accepted(
    given: NewMessage, kept: NewMessage | None, inserted: set[str], known: dict[tuple[str, str], str]
) -> Accepted:
    if kept is None:
        return Accepted(message_id=given.message_id, is_new=False)
    if kept.message_id in inserted:
        lane = Lane.PLATFORM if kept.parts else Lane.INBOX
        return Accepted(message_id=kept.message_id, is_new=True, work=frozenset({LaneKey(kept.channel_id, lane)}))
    return Accepted(message_id=known[kept.channel_id, kept.request_id or kept.platform_event_id or ""], is_new=False)


async def _without_own_echoes(connection: Connection, messages: Sequence[NewMessage]) -> list[NewMessage | None]:
    """Echoes of our own sends are dropped; one that may be ours, come before its send was recorded, is held."""
    kept: list[NewMessage | None] = list(messages)
    echoes = [(i, m) for i, m in enumerate(messages) if m.origin is Origin.PLATFORM]
    if not echoes:
        return kept
    keys = [(m.channel_id, m.platform_message_id, m.address) for _, m in echoes]
    rows = await connection.fetch(_OWN_ECHOES, *zip(*keys, strict=True))
    for row in rows:
        index, message = echoes[row["n"] - 1]
        if row["is_own"]:
            kept[index] = None
        elif row["is_sending"]:
            kept[index] = replace(message, hold_until=message.create_time + ECHO_PATIENCE)
    return kept


async def _insert(connection: Connection, messages: Sequence[NewMessage]) -> set[str]:
    if not messages:
        return set()
    rows = [_row(message) for message in messages]
    return {row["message_id"] for row in await connection.fetch(_INSERT_MESSAGES, *zip(*rows, strict=True))}


def _row(message: NewMessage) -> tuple[Any, ...]:
    return (
        message.channel_id,
        message.message_id,
        wire.direction_to_proto(message.direction),
        wire.origin_to_proto(message.origin),
        message.address,
        message.contact_id,
        content_bytes(message.content),
        notes_json(message.notes),
        message.envelopes,
        wire.status_to_proto(_first_status(message)),
        Told.NOT_YET if message.origin is Origin.INBOX else Told.TOLD,
        message.request_id,
        message.platform_event_id,
        message.platform_message_id,
        message.create_time,
        message.event_time,
        message.expire_time,
    )


def _first_status(message: NewMessage) -> Status | None:
    if message.direction is Direction.INBOUND:
        return None
    return Status.SENT if message.origin is Origin.PLATFORM else Status.ACCEPTED


async def _find_known(connection: Connection, messages: Sequence[NewMessage]) -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    for statement, keys in (
        (_FIND_BY_REQUEST, [(m.channel_id, m.request_id) for m in messages if m.request_id]),
        (_FIND_BY_PLATFORM_EVENT, [(m.channel_id, m.platform_event_id) for m in messages if m.platform_event_id]),
    ):
        if keys:
            rows = await connection.fetch(statement, *zip(*keys, strict=True))
            known |= {(row["channel_id"], row["identity"]): row["message_id"] for row in rows}
    return known


async def _insert_parts(connection: Connection, messages: Sequence[NewMessage]) -> None:
    rows = [
        (message.channel_id, message.message_id, index, len(message.parts), content_bytes(content))
        for message in messages
        for index, content in enumerate(message.parts)
    ]
    if rows:
        await connection.execute(_INSERT_PARTS, *zip(*rows, strict=True))


async def _insert_events(connection: Connection, messages: Sequence[NewMessage]) -> None:
    rows = [(m.channel_id, m.message_id, wire.status_to_proto(_first_status(m)), m.event_time) for m in messages]
    if rows:
        await connection.execute(_INSERT_EVENTS, *zip(*rows, strict=True))


def _deliveries(message: NewMessage) -> list[NewDelivery]:
    to_platform = bool(message.parts)
    kind = (
        DeliveryKind.PART
        if to_platform
        else DeliveryKind.MESSAGE
        if message.direction is Direction.INBOUND
        else DeliveryKind.ECHO
    )
    return [
        NewDelivery(
            channel_id=message.channel_id,
            lane=Lane.PLATFORM if to_platform else Lane.INBOX,
            priority=message.priority,
            address=message.address,
            message_id=message.message_id,
            kind=kind,
            item_index=index,
            not_before=message.hold_until,
            expire_time=message.expire_time or message.create_time + EVENT_PATIENCE,
        )
        for index in range(len(message.parts) or message.envelopes)
    ]
