"""What a provider's exception means to core, and what of it may be written down."""

import asyncio
import traceback
from typing import Any

import grpc
import structlog
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from anychannel._redact import scrub, secrets_of
from anychannel.capabilities import SettingField
from anychannel.failures import DeliveryFailed, Failure, FailureKind
from anychannel.provider import ChannelContext
from anychannel.wire import duration_to_proto

_log = structlog.get_logger(__name__)

ERROR_DOMAIN = "anychannel"
_UNAVAILABLE_KINDS = frozenset({FailureKind.THROTTLED, FailureKind.PLATFORM_UNAVAILABLE})

NO_ANSWER = Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text="The platform did not answer in time.")
INTERNAL = Failure(kind=FailureKind.INTERNAL, text="The provider failed; its log says why.")


def failure_of(raised: BaseException) -> Failure | None:
    """The failure that an exception stands for; None when it is a mistake in the provider."""
    if isinstance(raised, DeliveryFailed):
        return raised.failure if _is_whole(getattr(raised, "failure", None)) else None
    if isinstance(raised, TimeoutError | asyncio.CancelledError):
        return NO_ANSWER
    return None


def _is_whole(failure: Any) -> bool:
    """Whether an author's failure is one: records do not check their fields' types when they are made."""
    kind, text = getattr(failure, "kind", None), getattr(failure, "text", None)
    return isinstance(failure, Failure) and isinstance(kind, FailureKind) and isinstance(text, str)


def status_of(failure: Failure, text: str) -> Any:
    """UNAVAILABLE for what passes by itself, FAILED_PRECONDITION for what somebody must mend; the kind as ErrorInfo."""
    is_passing = failure.kind in _UNAVAILABLE_KINDS
    code = grpc.StatusCode.UNAVAILABLE if is_passing else grpc.StatusCode.FAILED_PRECONDITION
    status = Status(code=code.value[0], message=text)
    status.details.add().Pack(ErrorInfo(reason=failure.kind.name, domain=ERROR_DOMAIN))
    if failure.retry_after is not None:
        status.details.add().Pack(RetryInfo(retry_delay=duration_to_proto(failure.retry_after)))
    return rpc_status.to_status(status)


def is_cancelled() -> bool:
    """Whether the running task itself is cancelled; if not, a CancelledError is one that the provider's code let out."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Secrets:
    """Knows which texts of a channel are never written down: values of settings not declared public, webhook tokens."""

    def __init__(self, setting_fields: tuple[SettingField, ...]) -> None:
        self._public_names = frozenset(field.name for field in setting_fields if not field.secret)

    def scrub(self, text: str, channel: ChannelContext) -> str:
        """The text without the channel's secrets."""
        webhook_url = channel.webhook_url
        return scrub(
            text,
            (*secrets_of(channel.settings, self._public_names), webhook_url, webhook_url.rsplit("/", 1)[-1]),
        )

    def log_mistake(self, raised: BaseException, channel: ChannelContext, *, rpc: str, **ids: Any) -> None:
        """Log a mistake of the provider, with its traceback, without the channel's secrets."""
        text = "".join(traceback.format_exception(raised))
        _log.error(
            "provider failed",
            rpc=rpc,
            channel_id=channel.channel_id,
            error=type(raised).__name__,
            traceback=self.scrub(text, channel),
            **ids,
        )
