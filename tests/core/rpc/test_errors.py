from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status

from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from core.rpc.errors import Guard, RpcError
from core.secrets import SecretsUnreadable
from core.storage.database import DatabaseAway

HEADROOM_SECONDS = 5


class Broken(gateway_pb2_grpc.EventServiceServicer):
    """Raises what it is told to, after one event."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def WatchEvents(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ARG002, N802  # the proto's
        yield gateway_pb2.WatchEventsResponse()
        raise self.error


class BrokenKeys(gateway_pb2_grpc.KeyServiceServicer):
    """Raises what it is told to."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def ListKeys(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802  # the proto's
        raise self.error

    CreateKey = RevokeKey = ListKeys


ERRORS = [
    pytest.param(
        RpcError(
            grpc.StatusCode.RESOURCE_EXHAUSTED, "FULL", "too much", field="a.b", retry_after=timedelta(seconds=2.5)
        ),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too much", "FULL", {"a.b": "too much"}, 2.5),
        id="ours",
    ),
    pytest.param(
        DatabaseAway(),
        (grpc.StatusCode.UNAVAILABLE, "the database does not answer now: try again", "DATABASE_AWAY", {}, 1),
        id="away",
    ),
    pytest.param(
        asyncpg.DeadlockDetectedError("hunter2"),
        (grpc.StatusCode.UNAVAILABLE, "the database does not answer now: try again", "DATABASE_AWAY", {}, 1),
        id="deadlock",
    ),
    pytest.param(
        SecretsUnreadable("put that key back"),
        (grpc.StatusCode.FAILED_PRECONDITION, "put that key back", "SECRETS_UNREADABLE", {}, None),
        id="sealed",
    ),
    pytest.param(
        ValueError("hunter2"),
        (grpc.StatusCode.INTERNAL, "core made a mistake; its log says which", "INTERNAL", {}, None),
        id="bug",
    ),
]


def _read(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str | None, str, dict[str, str], float | None]:
    status = rpc_status.from_call(error)
    reason, fields, wait = "", {}, None
    for detail in status.details if status else ():
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        if detail.Unpack(bad):
            fields = {violation.field: violation.description for violation in bad.field_violations}
        if detail.Unpack(retry):
            wait = retry.retry_delay.ToTimedelta().total_seconds()
    return error.code(), error.details(), reason, fields, wait


@pytest.mark.parametrize(("error", "answer"), ERRORS)
async def test_whatever_is_raised_becomes_an_answer(error: Exception, answer: Any) -> None:
    server = grpc.aio.server(interceptors=[Guard()])
    gateway_pb2_grpc.add_KeyServiceServicer_to_server(BrokenKeys(error), server)
    gateway_pb2_grpc.add_EventServiceServicer_to_server(Broken(error), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as connection:
        with pytest.raises(grpc.aio.AioRpcError) as unary:
            await gateway_pb2_grpc.KeyServiceStub(connection).ListKeys(
                gateway_pb2.ListKeysRequest(), timeout=HEADROOM_SECONDS
            )
        events = gateway_pb2_grpc.EventServiceStub(connection).WatchEvents(
            gateway_pb2.WatchEventsRequest(), timeout=HEADROOM_SECONDS
        )
        received = await events.read()
        with pytest.raises(grpc.aio.AioRpcError) as streamed:
            await events.read()
    await server.stop(None)

    assert received == gateway_pb2.WatchEventsResponse()
    assert _read(unary.value) == answer
    assert _read(streamed.value) == answer
    assert "hunter2" not in str(unary.value)
