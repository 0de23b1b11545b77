"""Why a call to the gateway did not work: each error says what to do about it.

GatewayError
├── KeyRefused         no key, or an unknown or revoked one
├── NotAllowed         the key lacks the scope or the channel
├── InvalidRequest     a field is missing or wrong; `violations` names it
├── NotFound           the named thing does not exist
├── AlreadyExists      the name is taken
├── NotPossible        not in the present state
├── Unavailable        the gateway is away or full; try again after `retry_after`
└── DeadlineExceeded   no answer in time; whether it was done is not known
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

STATUS_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One field that is missing or wrong."""

    field: str
    """Its path in the request."""
    text: str


class GatewayError(Exception):
    """The gateway did not do what was asked.

    Attributes:
        code: the gRPC status.
        text: what the gateway said.
        reason: upper case with underscores, for programs; empty when the gateway gave none.
        violations: the fields at fault.
        retry_after: not before this long from now; None when the gateway did not say.
    """

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN
    action: ClassVar[str] = "This is a fault of the gateway: see its log."

    def __init__(
        self,
        text: str,
        *,
        reason: str = "",
        violations: Iterable[FieldViolation] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        self.text = text
        self.reason = reason
        self.violations = tuple(violations)
        self.retry_after = retry_after
        super().__init__(text)

    def __str__(self) -> str:
        """What happened and what to do, in one line."""
        faults = "; ".join(f"{violation.field}: {violation.text}" for violation in self.violations)
        said = ": ".join(filter(None, (self.text.strip().rstrip("."), faults)))
        return f"{said}. {self._advice()}".strip()

    def _advice(self) -> str:
        return self.action


class KeyRefused(GatewayError):
    """No key, or an unknown or revoked one."""

    code = grpc.StatusCode.UNAUTHENTICATED
    action = "Use another API key."


class NotAllowed(GatewayError):
    """The key lacks the scope or the channel."""

    code = grpc.StatusCode.PERMISSION_DENIED
    action = "Ask the operator for a key with that scope and channel."


class InvalidRequest(GatewayError):
    """A field is missing or wrong."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    action = ""


class NotFound(GatewayError):
    """The named thing does not exist."""

    code = grpc.StatusCode.NOT_FOUND
    action = ""


class AlreadyExists(GatewayError):
    """The name is taken."""

    code = grpc.StatusCode.ALREADY_EXISTS
    action = ""


class NotPossible(GatewayError):
    """Not in the present state of things."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    action = ""


class Unavailable(GatewayError):
    """The gateway is away or full."""

    code = grpc.StatusCode.UNAVAILABLE

    def _advice(self) -> str:
        if self.retry_after is None:
            return "See that it runs, or try again in a moment."
        return f"Try again in {self.retry_after.total_seconds():g} s."


class DeadlineExceeded(GatewayError):
    """No answer in time; whether it was done is not known."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    action = "Whether it was done is not known: look before you do it again."


_KINDS: tuple[type[GatewayError], ...] = (
    KeyRefused,
    NotAllowed,
    InvalidRequest,
    NotFound,
    AlreadyExists,
    NotPossible,
    Unavailable,
    DeadlineExceeded,
)
_BY_CODE = {kind.code: kind for kind in _KINDS} | {grpc.StatusCode.RESOURCE_EXHAUSTED: Unavailable}
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


def error_of_call(error: grpc.aio.AioRpcError, *, address: str) -> GatewayError:
    """The error that a broken call means; `address` is whom we called."""
    status = _rich_status(error)
    if status is not None:
        return error_of_status(status)
    code = error.code()
    if code is grpc.StatusCode.UNAVAILABLE:
        # gRPC's own text names sockets and errnos; whoever reads this needs the address.
        return Unavailable(f"the gateway does not answer at {address}")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"the gateway at {address} did not answer in time")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return GatewayError(f"what answers at {address} does not offer this: it is no gateway, or an older one")
    return _BY_CODE.get(code, GatewayError)(error.details() or f"the gateway answered {code.name}")


def error_of_status(status: status_pb2.Status) -> GatewayError:
    """The error that a google.rpc.Status means."""
    info, violations, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), None
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            detail.Unpack(violations)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(retry)
    return _BY_CODE.get(_BY_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN), GatewayError)(
        status.message or f"the gateway answered {code_pb2.Code.Name(status.code)}",
        reason=info.reason,
        violations=[FieldViolation(field=each.field, text=each.description) for each in violations.field_violations],
        retry_after=None if retry is None else retry.retry_delay.ToTimedelta(),
    )


def error_of_refusal(code: int, text: str, field: str) -> GatewayError:
    """The error that one refused message of many means."""
    kind = _BY_CODE.get(_BY_NUMBER.get(code, grpc.StatusCode.UNKNOWN), GatewayError)
    return kind(f"{field}: {text}" if field and field not in text else text)


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status()
            try:
                status.ParseFromString(value)
            except DecodeError:
                return None
            return status
    return None
