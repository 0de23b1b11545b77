"""How the lanes of channels stand, for people to see."""

from collections.abc import Sequence
from typing import Any

from anychannel import wire
from anychannel.message import Lane
from core.channel_views import LaneState
from core.lanes.records import LaneKey
from core.storage.database import Pool

_STATES = """
SELECT l.channel_id, l.lane, l.paused_until > now() AS is_waiting, l.probes, l.pause_reason,
  (SELECT count(*) FROM deliveries d WHERE d.channel_id = l.channel_id AND d.lane = l.lane) AS waiting
FROM lanes l WHERE l.channel_id = ANY($1)
"""


async def lane_states(pool: Pool, channel_ids: Sequence[str]) -> dict[LaneKey, LaneState]:
    """How the lanes of these channels stand."""
    return {_key(row): _state(row) for row in await pool.fetch(_STATES, channel_ids)}


def _key(row: Any) -> LaneKey:
    return LaneKey(row["channel_id"], wire.lane_from_proto(row["lane"]) or Lane.PLATFORM)


def _state(row: Any) -> LaneState:
    return LaneState(
        is_waiting=row["is_waiting"], probes=row["probes"], pause_reason=row["pause_reason"], waiting=row["waiting"]
    )
