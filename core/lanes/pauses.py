"""Lanes that were asked to wait while deliveries claimed from them were still waiting for their slots. Pure."""

import math

from core.lanes.records import LaneKey


class Pauses:
    """When each lane was last asked to wait, as long as anything claimed before may be under way.

    The database is what keeps a lane paused. This only holds back what was claimed before the database knew: what is claimed
    later may go, also when the pause was ended early.
    """

    def __init__(self) -> None:
        self._times: dict[LaneKey, float] = {}

    def begin(self, key: LaneKey) -> None:
        """The lane was asked to wait; the database does not know yet."""
        self._times[key] = math.inf

    def store(self, key: LaneKey, now: float) -> None:
        """The database knows."""
        self._times[key] = now

    def came_after(self, key: LaneKey, claim_time: float) -> bool:
        """Whether the lane was asked to wait after a claim that was made at `claim_time` could know of it."""
        return self._times.get(key, -math.inf) >= claim_time

    def forget(self, key: LaneKey) -> None:
        """Nothing of the lane is under way any more."""
        self._times.pop(key, None)
