"""Time as a dependency: the sandbox asks a clock, never the system, so that tests own its time."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the sandbox needs of time. All values are seconds."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, comparable between processes of one boot."""

    def wall(self) -> float:
        """Seconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return once this many seconds have passed."""


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def wall(self) -> float:
        """See `Clock`."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(seconds)


def rfc3339(wall: float) -> str:
    """A wall time as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
