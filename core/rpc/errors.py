"""The one way a call is refused: an `RpcError` raised anywhere below, turned here into a google.rpc.Status."""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, NoReturn, TypeAlias

import asyncpg
import grpc
import structlog
from google.rpc import (
    code_pb2,
    error_details_pb2,
    status_pb2,
)
from grpc_status import rpc_status

from anychannel._batcher import Overloaded
from anychannel.wire import duration_to_proto
from core.intake import NoProvider, NotSendable
from core.providers.connection import ProviderAway, ProviderRefused
from core.secrets import SecretsUnreadable
from core.storage.database import is_away

DOMAIN = "anychannel"
_KINDS = ("unary_unary", "stream_unary", "unary_stream", "stream_stream")
RETRY_AFTER = timedelta(seconds=1)
"""When to try again while the database or a provider is away."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_log = structlog.get_logger(__name__)


class RpcError(Exception):
    """A call is refused.

    Args:
        code: what the caller's library sees.
        reason: what the caller's program branches on, UPPER_SNAKE.
        message: what the caller's people read; one sentence, without secrets.
        field: the field of the request at fault.
        violations: fields at fault, each with what is wrong.
        retry_after: when to try again.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        field: str = "",
        violations: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = dict(violations or ({field: message} if field else {}))
        self.retry_after = retry_after

    def to_status(self) -> status_pb2.Status:
        """The status with its details: one ErrorInfo, and BadRequest and RetryInfo where they help."""
        status = status_pb2.Status(code=code_pb2.Code.Value(self.code.name), message=self.message)
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN))
        if self.violations:
            violation = error_details_pb2.BadRequest.FieldViolation
            bad_request = error_details_pb2.BadRequest(
                field_violations=[violation(field=field, description=text) for field, text in self.violations.items()]
            )
            status.details.add().Pack(bad_request)
        if self.retry_after is not None:
            retry_info = error_details_pb2.RetryInfo(retry_delay=duration_to_proto(self.retry_after))
            status.details.add().Pack(retry_info)
        return status


def invalid(field: str, message: str) -> RpcError:
    """A field is missing or wrong."""
    return RpcError(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", message, field=field)


def not_found(what: str, name: str) -> RpcError:
    """The named thing does not exist."""
    return RpcError(grpc.StatusCode.NOT_FOUND, f"{what.upper().replace(' ', '_')}_NOT_FOUND", f"no {what} {name}")


def refusal_of(error: Exception) -> RpcError | None:  # noqa: PLR0911  # one for each kind  # noqa: PLR0911  # one return for each kind
    """What the caller is told of the error; None when it is a bug of ours."""
    match error:
        case RpcError():
            return error
        case ProviderAway():
            return _away("PROVIDER_AWAY", f"the provider does not answer core: {error}")
        case ProviderRefused():
            return RpcError(grpc.StatusCode.FAILED_PRECONDITION, "PROVIDER_REFUSED", str(error))
        case NotSendable():
            return RpcError(grpc.StatusCode.INVALID_ARGUMENT, "NOT_SENDABLE", str(error), field=error.field)
        case NoProvider():
            return _away("PROVIDER_AWAY", str(error))
        case Overloaded():
            return _away("OVERLOADED", "core has too much to do now: try again")
        case SecretsUnreadable():
            return RpcError(grpc.StatusCode.FAILED_PRECONDITION, "SECRETS_UNREADABLE", str(error))
        case _ if is_away(error) or isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
            return _away("DATABASE_AWAY", "the database does not answer now: try again")
    return None


def _away(reason: str, message: str) -> RpcError:
    return RpcError(grpc.StatusCode.UNAVAILABLE, reason, message, retry_after=RETRY_AFTER)


class Guard(grpc.aio.ServerInterceptor):
    """Stands before every RPC of a server, so that no servicer can forget it: whatever is raised below becomes a proper answer."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        calls = {kind: call for kind in _KINDS if (call := getattr(handler, kind)) is not None}
        return handler._replace(**{kind: _wrapped(call, method) for kind, call in calls.items()})


def _wrapped(call: Any, method: str) -> Any:
    if inspect.isasyncgenfunction(call):
        return _guarded_stream(call, method)
    return _guarded(call, method) if inspect.iscoroutinefunction(call) else call


def _guarded(call: Callable[[Any, Context], Awaitable[Any]], method: str) -> Callable[[Any, Context], Awaitable[Any]]:
    @functools.wraps(call)
    async def guarded(request: Any, context: Context) -> Any:
        try:
            return await call(request, context)
        except Exception as error:  # noqa: BLE001  # every one becomes an answer
            await _abort(context, error, method)

    return guarded


def _guarded_stream(
    call: Callable[[Any, Context], AsyncIterator[Any]], method: str
) -> Callable[[Any, Context], AsyncIterator[Any]]:
    @functools.wraps(call)
    async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async for response in call(request, context):
                yield response
        except Exception as error:  # noqa: BLE001  # every one becomes an answer
            await _abort(context, error, method)

    return guarded


async def _abort(context: Context, error: Exception, method: str) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):  # a servicer, the health service for instance, has answered itself
        raise error
    refusal = refusal_of(error)
    if refusal is None:
        _log.error("call failed", method=method, exc_info=error)
        refusal = RpcError(grpc.StatusCode.INTERNAL, "INTERNAL", "core made a mistake; its log says which")
    await context.abort_with_status(rpc_status.to_status(refusal.to_status()))
    raise AssertionError("abort_with_status raises")
