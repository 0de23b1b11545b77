"""One connection to the gateway: the key in the metadata, a deadline on every call, retries, our own errors."""

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from anychannel._options import client_options
from anychannel._registration import target
from anychannel.client.errors import DeadlineExceeded, GatewayError, KeyRefused, Unavailable, error_of_call

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
T = TypeVar("T")

ATTEMPTS = 3
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
REOPENINGS = 12
"""0.2 + 0.4 + … + 3.2, then 5 s each: a stream that was open is sought again for about 40 s."""
STREAM_SECONDS = 600.0
"""A quiet stream is opened anew after that: a peer that vanished without a word is noticed."""
SETTLED_SECONDS = 2.0
"""A stream open that long had reached the gateway, also when nothing happened on it."""
VERSION_KEY = "anychannel-version"

# What may stand in a header value; anything else makes gRPC print the metadata, and the key with it, in its error.
_KEY = re.compile(r"[\x21-\x7e]{1,1000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How time passes for the calls; injected by tests."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    """0 to 1."""


def delay_before(attempt: int, error: GatewayError, *, remaining: float, jitter: float) -> float | None:
    """Seconds to wait before try number `attempt` (from 2), or None when there is to be none."""
    if attempt > ATTEMPTS or not isinstance(error, Unavailable):
        return None
    delay = FIRST_DELAY_SECONDS * 2 ** (attempt - 2) * (0.5 + jitter / 2)
    if error.retry_after is not None:
        delay = max(delay, error.retry_after.total_seconds())
    return delay if delay < remaining else None


class Calls:
    """Makes the calls of one client over one connection."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout: float,
        credentials: grpc.ChannelCredentials | None,
        timing: Timing,
    ) -> None:
        if not _KEY.fullmatch(key):
            raise KeyRefused("the API key is empty or holds a blank or another character that no key has")
        self.address = address
        self.timeout = timeout
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._timing = timing
        self.connection = (
            aio.insecure_channel(target(address), options=client_options())
            if credentials is None
            else aio.secure_channel(target(address), credentials, options=client_options())
        )

    async def close(self) -> None:
        """Close the connection; calls under way end."""
        await self.connection.close()

    async def unary(
        self,
        method: aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        read: Callable[[ResponseT], T],
        *,
        idempotent: bool,
    ) -> T:
        """Make one call, again when it is idempotent and the gateway is away; `timeout` holds for all tries together.

        Raises:
            GatewayError: what the gateway said.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + self.timeout
        attempt = 1
        while True:
            try:
                response = await method(request, metadata=self._metadata, timeout=max(deadline - now(), 0.001))
                return _read(read, response)
            except aio.AioRpcError as broken:
                error = error_of_call(broken, address=self.address)
            attempt += 1
            delay = (
                delay_before(attempt, error, remaining=deadline - now(), jitter=self._timing.jitter())
                if idempotent
                else None
            )
            if delay is None:
                raise error
            await self._timing.sleep(delay)

    async def stream(
        self,
        method: aio.UnaryStreamMultiCallable[RequestT, ResponseT],
        request: RequestT,
        read: Callable[[ResponseT], T],
        *,
        endless: bool,
    ) -> AsyncGenerator[T, None]:
        """What the gateway streams. A stream that was open and broke is opened again; an `endless` one also at its end.

        Raises:
            GatewayError: what the gateway said.
        """
        now = asyncio.get_running_loop().time
        reopenings = 0
        reached = False
        while True:
            opened = now()
            call: Any = method(request, metadata=self._metadata, timeout=STREAM_SECONDS)
            try:
                async for response in call:
                    reached, reopenings = True, 0
                    yield _read(read, response)
                if not endless:
                    return
                reached = True
            except aio.AioRpcError as broken:
                error = error_of_call(broken, address=self.address)
                reached = reached or isinstance(error, DeadlineExceeded) or now() - opened > SETTLED_SECONDS
                if not (reached and isinstance(error, Unavailable | DeadlineExceeded) and reopenings < REOPENINGS):
                    raise error from None
            finally:
                call.cancel()
            await self._timing.sleep(min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**reopenings))
            reopenings += 1

    async def ping(self) -> str:
        """Ask the gateway whether it serves; its version, empty when it does not say.

        Raises:
            GatewayError: it does not.
        """
        check = health_pb2_grpc.HealthStub(self.connection).Check(
            health_pb2.HealthCheckRequest(), metadata=self._metadata, timeout=self.timeout
        )
        try:
            answer = await check
            metadata = await check.initial_metadata()
        except aio.AioRpcError as broken:
            if broken.code() is grpc.StatusCode.UNIMPLEMENTED:
                return ""  # it answers, which is what was asked
            raise error_of_call(broken, address=self.address) from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(f"the gateway at {self.address} answers, but does not serve yet or any more")
        return next((str(value) for name, value in metadata if name == VERSION_KEY), "")


def _read(read: Callable[[ResponseT], T], response: ResponseT) -> T:
    try:
        return read(response)
    except ValueError as unknown:
        raise GatewayError(f"the gateway answered what this version of anychannel cannot read: {unknown}") from unknown
