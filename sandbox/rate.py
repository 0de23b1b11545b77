"""A limit on requests in any one second."""

from collections import deque

WINDOW_SECONDS = 1.0


class SlidingWindow:
    """Admits at most `limit` requests in any second; 0 admits all. What was refused does not count."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted: deque[float] = deque(maxlen=limit or 1)

    def admit(self, now: float) -> bool:
        """Whether a request arriving at `now` (monotonic seconds) is within the limit."""
        full = len(self._admitted) == self._limit
        if self._limit and full and now - self._admitted[0] < WINDOW_SECONDS:
            return False
        self._admitted.append(now)
        return True
