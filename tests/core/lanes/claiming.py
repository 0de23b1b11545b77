"""Claims without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from anychannel.content import Text
from anychannel.message import Lane, Origin, Status
from core.lanes.records import Claim, DeliveryKind

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_claim(lane: Lane, kind: DeliveryKind, **changes: Any) -> Claim:
    """A claim on the channel `shop` with everything filled in but what a test is about."""
    values: dict[str, Any] = {
        "channel_id": "shop",
        "lane": lane,
        "priority": 0,
        "address": "ada",
        "delivery_id": 1,
        "fence": 1,
        "revision": 0,
        "attempt": 1,
        "kind": kind,
        "item_index": 0,
        "message_id": "msg_1",
        "wait": 0.0,
        "expire_time": NOW + timedelta(hours=1),
        "origin": Origin.INBOX,
        "contact_id": "ada",
        "content": Text(text="Hello"),
        "event_time": NOW,
        "status": Status.ACCEPTED,
    }
    return Claim(**values | changes)
