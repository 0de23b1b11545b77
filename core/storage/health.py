"""How the lanes of channels stand, for people to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anychannel import wire
from anychannel.message import Lane
from core.lanes.records import LaneKey
from core.storage.database import Pool

_STATES = """
SELECT l.channel_id, l.lane, l.paused_until > now() AS is_waiting, l.probes, l.pause_reason,
  (SELECT count(*) FROM deliveries d WHERE d.channel_id = l.channel_id AND d.lane = l.lane) AS waiting
FROM lanes l WHERE l.channel_id = ANY($1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """How one lane stands."""

    is_waiting: bool = False
    """Nothing is delivered before a certain time."""
    probes: int = 0
    """Failed tries to reach the other side since it was last up."""
    pause_reason: str = ""
    waiting: int = 0
    """Deliveries on it."""


async def lane_states(pool: Pool, channel_ids: Sequence[str]) -> dict[LaneKey, LaneState]:
    """How the lanes of these channels stand."""
    return {_key(row): _state(row) for row in await pool.fetch(_STATES, channel_ids)}


def _key(row: Any) -> LaneKey:
    return LaneKey(row["channel_id"], wire.lane_from_proto(row["lane"]) or Lane.PLATFORM)


def _state(row: Any) -> LaneState:
    return LaneState(
        is_waiting=row["is_waiting"], probes=row["probes"], pause_reason=row["pause_reason"], waiting=row["waiting"]
    )
