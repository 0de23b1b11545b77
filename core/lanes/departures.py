"""When the last attempts of each lane really began. Pure: the time is an argument.

Slots are exact, but what waits for one may leave late, and what comes a second later may not: then one second holds more than the
rate. So no attempt begins sooner than a second after as many as the rate allows.
"""

import math
from collections import deque

from core.lanes.records import LaneKey

WINDOW_SECONDS = 1.0


class Departures:
    """The last departures of each lane, as many as its rate."""

    def __init__(self) -> None:
        self._times: dict[LaneKey, deque[float]] = {}

    def leave(self, key: LaneKey, rate: float, now: float) -> float:
        """Leave `now`, if that is not too many in a second; otherwise tells how many seconds later to ask again."""
        if math.isinf(rate):
            return 0.0
        most = math.ceil(rate)
        times = self._times.get(key)
        if times is None or times.maxlen != most:
            times = self._times[key] = deque(times or (), maxlen=most)
        if len(times) == most and now < times[0] + WINDOW_SECONDS:
            return times[0] + WINDOW_SECONDS - now
        times.append(now)
        return 0.0
