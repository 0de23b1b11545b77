"""The storage half of the engine in a test's hands: messages with everything filled in, claims at any time, and what must always hold."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from anychannel.content import Text
from anychannel.failures import Failure, FailureKind
from anychannel.message import Direction, Lane, Origin, Status
from core.identifiers import new_message_id
from core.lanes.records import Claim, LaneKey, NewMessage, Outcome, Settlement
from core.storage.accept import Accepted, accept
from core.storage.claim import Claimed, claim
from core.storage.database import Pool
from core.storage.settle import Settled, settle

NOW = datetime.now(UTC) + timedelta(hours=1)
"""Where a test's time begins: after everything that the database itself calls now, so that this is due."""
LEASE = timedelta(seconds=10)
HORIZON = timedelta(milliseconds=75)
PLATFORM = LaneKey("shop", Lane.PLATFORM)
INBOX = LaneKey("shop", Lane.INBOX)
BLOCKED = Failure(kind=FailureKind.CONTACT_OPTED_OUT, text="They blocked us.")
DOWN = Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="It is down.")

_INVARIANTS = {
    "a delivery without a turn, or more than one": """
        SELECT d.channel_id, d.lane, d.priority, d.address FROM deliveries d
        LEFT JOIN turns t USING (channel_id, lane, priority, address)
        GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT t.delivery_id) <> 1""",
    "a turn that does not point at the first delivery": """
        SELECT t.* FROM turns t
        LEFT JOIN (SELECT channel_id, lane, priority, address, min(delivery_id) AS first FROM deliveries GROUP BY 1, 2, 3, 4) d
          USING (channel_id, lane, priority, address)
        WHERE t.delivery_id IS DISTINCT FROM d.first""",
    "a delivery of no message": """
        SELECT d.* FROM deliveries d LEFT JOIN messages m USING (channel_id, message_id) WHERE m.message_id IS NULL""",
    "two statuses of a message waiting": """
        SELECT channel_id, message_id FROM deliveries WHERE kind = 3 GROUP BY 1, 2 HAVING count(*) > 1""",
    "a status that moved back": """
        SELECT * FROM (
          SELECT channel_id, message_id, status, lag(status) OVER (PARTITION BY channel_id, message_id ORDER BY event_id) AS before
          FROM events
        ) e WHERE status < before""",
}


def outbound(address: str = "+49", *texts: str, parts: int = 1, **changes: Any) -> NewMessage:
    """A message to a contact, from the inbox; its parts say `texts`, or are so many."""
    values: dict[str, Any] = {
        "channel_id": "shop",
        "message_id": new_message_id(NOW),
        "direction": Direction.OUTBOUND,
        "origin": Origin.INBOX,
        "address": address,
        "contact_id": address,
        "content": Text(text="hello"),
        "create_time": NOW,
        "event_time": NOW,
        "parts": tuple(Text(text=text) for text in texts or [f"part {index}" for index in range(parts)]),
        "expire_time": NOW + timedelta(hours=1),
    }
    return NewMessage(**values | changes)


def inbound(address: str = "+49", **changes: Any) -> NewMessage:
    """A message from a contact."""
    values: dict[str, Any] = {"direction": Direction.INBOUND, "origin": Origin.CONTACT, "expire_time": None}
    return outbound(address, parts=0, **values | changes)


async def accept_one(pool: Pool, message: NewMessage) -> Accepted:
    (accepted,) = await accept(pool, [message])
    return accepted


async def claim_at(
    pool: Pool,
    now: datetime = NOW,
    *,
    hints: Iterable[LaneKey] = (PLATFORM, INBOX),
    full: Iterable[LaneKey] = (),
    max_lanes: int = 64,
    max_per_lane: int = 50,
    horizon: timedelta = HORIZON,
) -> Claimed:
    """Claim as the dispatcher does, at a time of the test's choice."""
    values: dict[str, Any] = {
        "hints": hints,
        "full": full,
        "max_lanes": max_lanes,
        "max_per_lane": max_per_lane,
        "horizon": horizon,
        "lease": LEASE,
        "now": now,
    }
    async with pool.acquire() as connection:
        return await claim(connection, **values)


async def claims_at(pool: Pool, now: datetime = NOW, **changes: Any) -> list[Claim]:
    """Only the claims, with a horizon that takes all that is due on lanes fast enough."""
    return list((await claim_at(pool, now, **{"horizon": timedelta(seconds=1)} | changes)).claims)


def ended(claim: Claim, settlement: Settlement = Settlement.DONE, now: datetime = NOW, **changes: Any) -> Outcome:
    """What became of a claim; done parts get a platform message id."""
    values: dict[str, Any] = {"claim": claim, "settlement": settlement, "end_time": now}
    if settlement is Settlement.DONE and claim.lane is Lane.PLATFORM:
        values["platform_message_id"] = f"id of {claim.message_id}.{claim.item_index}"
    if settlement in {Settlement.GIVE_UP, Settlement.DROP}:
        values["failure"] = BLOCKED
    return Outcome(**values | changes)


async def settle_one(
    pool: Pool, claim: Claim, settlement: Settlement = Settlement.DONE, now: datetime = NOW, **changes: Any
) -> Settled:
    return await settle(pool, [ended(claim, settlement, now, **changes)], now)


async def send_and_settle(pool: Pool, message: NewMessage, now: datetime = NOW) -> Accepted:
    """A message of which every part has been sent."""
    accepted = await accept_one(pool, message)
    for _ in message.parts:
        (found,) = await claims_at(pool, now, hints=[PLATFORM])
        await settle_one(pool, found, now=now)
    return accepted


async def status_of(pool: Pool, message_id: str) -> Status:
    number: int = await pool.fetchval("SELECT status FROM messages WHERE message_id = $1", message_id)
    return list(Status)[number - 1]


async def wake_in(pool: Pool, key: LaneKey, now: datetime = NOW) -> float | None:
    """Seconds from `now` until the lane wakes; None when it sleeps."""
    lane = list(Lane).index(key.lane) + 1
    wake = await pool.fetchval(
        "SELECT nullif(wake_time, 'infinity') FROM lanes WHERE (channel_id, lane) = ($1, $2)", key.channel_id, lane
    )
    return None if wake is None else float((wake - now).total_seconds())


async def assert_sound(pool: Pool) -> None:
    """What holds after every transaction."""
    for what, query in _INVARIANTS.items():
        assert [tuple(row) for row in await pool.fetch(query)] == [], what
