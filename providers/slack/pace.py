"""Spaces what goes to one conversation: faster than one a second, and Slack promises to store or show none of it.

https://docs.slack.dev/apis/web-api/rate-limits#posting-messages
"""

from typing import Final

SPACING_SECONDS: Final = 1.0


class Pace:
    """Hands out the times at which conversations take their next message. Bounded: what has passed is forgotten."""

    def __init__(self, *, spacing_seconds: float) -> None:
        self._spacing_seconds = spacing_seconds
        self._free_times: dict[str, float] = {}

    def reserve(self, conversation_id: str, *, now: float, longest: float) -> float:
        """How long the next message waits; its time is taken with that, unless the wait is longer than `longest`.

        `now` and what is kept are times of one clock, in seconds.
        """
        self._free_times = {each: time for each, time in self._free_times.items() if time > now}
        slot = max(now, self._free_times.get(conversation_id, now))
        if slot - now <= longest:
            self._free_times[conversation_id] = slot + self._spacing_seconds
        return slot - now
