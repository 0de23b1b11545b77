"""Waiting for something to become true: a look every moment, until a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 10.0
_LOOK_SECONDS = 0.02


async def until(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], object], *, seconds: float = DEADLINE_SECONDS
) -> T:
    """What `look` sees once it `holds`. Raises `AssertionError` with what was seen last."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {seconds:g} s; seen last: {seen!r}")
        await asyncio.sleep(_LOOK_SECONDS)
