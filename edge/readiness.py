"""Whether this edge should be sent requests: core serves, and nobody asked edge to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

# a probe by every balancer costs core one health check a second
_REMEMBERED_SECONDS: Final = 1.0


class Readiness:
    """Remembers core's last answer for a second.

    Args:
        ask: whether core serves.
        now: a monotonic clock, seconds.
    """

    def __init__(self, ask: Callable[[], Awaitable[bool]], *, now: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._now = now
        self._asking = asyncio.Lock()
        self._answer = False
        self._good_until = float("-inf")
        self.is_draining = False
        """Set once edge is asked to stop."""

    async def is_ready(self) -> bool:
        """Whether edge should be sent requests."""
        if self.is_draining:
            return False
        async with self._asking:
            if self._now() >= self._good_until:
                self._answer = await self._ask()
                self._good_until = self._now() + _REMEMBERED_SECONDS
        return self._answer and not self.is_draining
