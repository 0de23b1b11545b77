"""How much edge takes on at once: requests, and bytes of their bodies."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from aiohttp import web

from edge.replies import Refused, unavailable

_KIB: Final = 1024


class Admission:
    """Counts the requests being worked on and the bytes held for them.

    Args:
        max_requests: more are refused.
        max_bytes: bodies that would exceed it, all together, are refused.
    """

    def __init__(self, *, max_requests: int, max_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self.requests = 0
        self.held_bytes = 0

    @contextmanager
    def enter(self) -> Iterator["Admitted"]:
        """Take on one request until the block ends.

        Raises:
            Refused: there are too many.
        """
        if self.requests >= self._max_requests:
            raise unavailable("The gateway is busy. Please try again.")
        self.requests += 1
        admitted = Admitted(self)
        try:
            yield admitted
        finally:
            self.requests -= 1
            self.held_bytes -= admitted.held_bytes

    def has_room_for(self, more_bytes: int) -> bool:
        """Whether so many more bytes may be held."""
        return self.held_bytes + more_bytes <= self._max_bytes


class Admitted:
    """One request taken on."""

    __slots__ = ("_admission", "held_bytes")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.held_bytes = 0

    def _hold(self, more_bytes: int) -> None:
        if not self._admission.has_room_for(more_bytes):
            raise unavailable("The gateway is busy. Please try again.")
        self._admission.held_bytes += more_bytes
        self.held_bytes += more_bytes

    async def read_body(self, request: web.Request, *, max_bytes: int, seconds: float) -> bytes:
        """The raw body, compressed if it came so.

        Raises:
            Refused: it is larger than `max_bytes`, did not arrive within `seconds`, is malformed, or finds no room.
        """
        if (request.content_length or 0) > max_bytes:
            raise _too_large(max_bytes)
        body = bytearray()
        try:
            async with asyncio.timeout(seconds):
                async for piece in request.content.iter_any():
                    if len(body) + len(piece) > max_bytes:
                        raise _too_large(max_bytes)
                    self._hold(len(piece))
                    body += piece
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.", close=True) from None
        except web.RequestPayloadError:
            raise Refused(HTTPStatus.BAD_REQUEST, "The request's body is malformed.", close=True) from None
        return bytes(body)


def _too_large(max_bytes: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The request is too large: at most {max_bytes // _KIB} KiB are taken.",
        close=True,
    )
