"""Waiting for a condition, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_AGAIN_SECONDS = 0.03


async def until(look: Callable[[], Awaitable[T]], *, within: float, what: str, every: float = _LOOK_AGAIN_SECONDS) -> T:
    """Look until there is something true, and answer it. Raises `AssertionError` naming `what` after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        found = await look()
        if found:
            return found
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        await asyncio.sleep(every)
