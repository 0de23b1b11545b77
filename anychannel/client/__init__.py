"""The client for services that send: one connection to the gateway, records in and out, errors that say what to do."""

from anychannel.client._calls import Timing
from anychannel.client._gateway import GatewayClient
from anychannel.client._messages import OutboundMessage
from anychannel.client.errors import (
    AlreadyExists,
    DeadlineExceeded,
    FieldViolation,
    GatewayError,
    InvalidRequest,
    KeyRefused,
    NotAllowed,
    NotFound,
    NotPossible,
    Unavailable,
)

__all__ = [
    "AlreadyExists",
    "DeadlineExceeded",
    "FieldViolation",
    "GatewayClient",
    "GatewayError",
    "InvalidRequest",
    "KeyRefused",
    "NotAllowed",
    "NotFound",
    "NotPossible",
    "OutboundMessage",
    "Timing",
    "Unavailable",
]
