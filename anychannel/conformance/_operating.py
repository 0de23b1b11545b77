"""Checks of how a provider lives in production: health, discretion, and a graceful end."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from anychannel.conformance._broken import Broken, Skipped, demand
from anychannel.conformance._subject import CALL_SECONDS, Subject, now
from anychannel.conformance._verdict import Check
from anychannel.v1 import provider_pb2

_SERVICE = provider_pb2.DESCRIPTOR.services_by_name["ProviderService"].full_name
_SHORTEST_SECRET = 8
_POLL_SECONDS = 0.05
_NOTICE_SECONDS = 5.0
# Kubernetes kills what still runs after 30 s.
_STOP_SECONDS = 30.0


async def is_healthy(subject: Subject) -> None:
    """grpc.health.v1 answers SERVING for anychannel.v1.ProviderService."""
    status = await _health(subject)
    demand(status == health_pb2.HealthCheckResponse.SERVING, f"health is {status}, not SERVING")


async def keeps_secrets(subject: Subject) -> None:
    """No answer, and no status's text, holds a value of a secret setting."""
    secrets = [secret.encode() for secret in subject.secrets if len(secret) >= _SHORTEST_SECRET]
    if not secrets:
        raise Skipped("no setting is secret")
    calls: list[Callable[[], Awaitable[Any]]] = [lambda: _delivered(subject)]
    if subject.description.receives_webhooks:
        calls.append(lambda: _received(subject))
    if subject.description.checks_channels and subject.can_be_led_astray:
        calls.append(lambda: _checked(subject))
    for call in calls:
        answer = await _answer(call())
        demand(not any(secret in answer for secret in secrets), "an answer holds the value of a secret setting")


async def stops_gracefully(subject: Subject) -> None:
    """After SIGTERM the provider says NOT_SERVING while it still answers, and then ends by itself."""
    if not subject.account.pid:
        raise Skipped("it stops the provider: needs --pid")
    try:
        os.kill(subject.account.pid, signal.SIGTERM)
    except OSError as error:
        raise Broken(f"process {subject.account.pid} cannot be stopped: {error.strerror}") from None
    try:
        async with asyncio.timeout(_NOTICE_SECONDS):
            while await _health(subject) == health_pb2.HealthCheckResponse.SERVING:  # noqa: ASYNC110 - another process has no events
                await asyncio.sleep(_POLL_SECONDS)
    except grpc.aio.AioRpcError:
        raise Broken("it ended without saying NOT_SERVING first: calls under way were cut off") from None
    except TimeoutError:
        raise Broken(f"it still says SERVING {_NOTICE_SECONDS:.0f} s after SIGTERM") from None
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            while _is_running(subject.account.pid):  # noqa: ASYNC110 - as above
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise Broken(f"it still runs {_STOP_SECONDS:.0f} s after SIGTERM") from None


FIRST_CHECKS = (Check.of(is_healthy),)
LAST_CHECKS = tuple(map(Check.of, (keeps_secrets, stops_gracefully)))


async def _health(subject: Subject) -> int:
    answer = await subject.health.Check(health_pb2.HealthCheckRequest(service=_SERVICE), timeout=CALL_SECONDS)
    return int(answer.status)


async def _delivered(subject: Subject) -> provider_pb2.DeliverResponse:
    known = await subject.outcomes(subject.harmless(1))
    return provider_pb2.DeliverResponse(outcomes=known.values())


async def _received(subject: Subject) -> provider_pb2.ReceiveWebhooksResponse:
    webhook = provider_pb2.HttpRequest(method="POST", body=b"{}", url="https://gateway.example/", receive_time=now())
    return provider_pb2.ReceiveWebhooksResponse(results=await subject.receive(webhook))


async def _checked(subject: Subject) -> provider_pb2.CheckChannelResponse:
    request = provider_pb2.CheckChannelRequest(channel=subject.astray_channel())
    return await subject.stub.CheckChannel(request, timeout=CALL_SECONDS)


async def _answer(call: Awaitable[Any]) -> bytes:
    """What a call says, in bytes: its answer, or the text of the status that it was refused with."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as failed:
        return (failed.details() or "").encode()
    said: bytes = answer.SerializeToString()
    return said


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # A child that nobody has waited for still has its number.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True
