"""How long Discord asks to wait: https://docs.discord.com/developers/topics/rate-limits."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from providers.discord.fields import Fields

# Longer than Discord ever asked for; keeps the arithmetic of dates within its range.
_LONGEST_SECONDS: Final = 24 * 3600.0


def asked_wait(headers: Mapping[str, str], body: Fields) -> timedelta | None:
    """The wait that a refusal asks for, by its body or its headers (names in lower case); None when it asks for none."""
    seconds = body.seconds("retry_after") or _seconds(headers.get("retry-after", ""))
    return timedelta(seconds=min(seconds, _LONGEST_SECONDS)) if seconds else None


def exhausted_seconds(headers: Mapping[str, str]) -> float:
    """How long a conversation takes nothing more, by the headers of an answer that succeeded; 0 when it does."""
    if headers.get("x-ratelimit-remaining", "") != "0":
        return 0.0
    return min(_seconds(headers.get("x-ratelimit-reset-after", "")), _LONGEST_SECONDS)


class Pauses:
    """Until when conversations take nothing more. Bounded: what has passed is forgotten."""

    def __init__(self) -> None:
        self._free_times: dict[str, float] = {}

    def learn(self, address: str, *, seconds: float, now: float) -> None:
        """Nothing more goes to `address` for so long; `now` and the times are those of one clock."""
        if seconds > 0:
            self._free_times = {each: time for each, time in self._free_times.items() if time > now}
            self._free_times[address] = now + seconds

    def seconds(self, address: str, *, now: float) -> float:
        """How long to wait before something goes to `address`."""
        return max(0.0, self._free_times.get(address, 0.0) - now)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
