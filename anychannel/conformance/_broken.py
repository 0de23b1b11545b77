"""How a check ends when it does not pass, and the one way to demand something."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Never

import grpc


class Broken(Exception):
    """The provider does not keep the promise; the text says how."""


class Skipped(Exception):
    """The check says nothing about this provider, or not in this run; the text says why."""


def demand(kept: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise `Broken` with that text unless the promise is kept."""
    if not kept:
        raise Broken(otherwise)


@asynccontextmanager
async def answered_with(call: str, *codes: grpc.StatusCode) -> AsyncIterator[None]:
    """Demand that what is called inside is answered with one of these statuses."""
    try:
        yield
    except grpc.aio.AioRpcError as failed:
        if failed.code() not in codes:
            refuse_status(call, failed, codes)
        return
    demand(grpc.StatusCode.OK in codes, f"{call} was answered, not refused with {names(codes)}")


def refuse_status(call: str, failed: grpc.aio.AioRpcError, codes: Iterable[grpc.StatusCode]) -> Never:
    """Raise `Broken` for a status that the contract does not know there."""
    raise Broken(f"{call} was answered {failed.code().name}, not {names(codes)}") from None


def names(codes: Iterable[grpc.StatusCode]) -> str:
    """The statuses by name."""
    return " or ".join(code.name for code in codes)
