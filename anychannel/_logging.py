"""Logs as JSON lines on stderr, one for each event, in UTC, without secrets. Every service calls `configure` first."""

import logging
import os
import re
import sys
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import structlog
from google.protobuf.message import Message
from structlog.typing import EventDict, Processor, WrappedLogger

from anychannel._redact import REDACTED, proto_text

LEVEL_VARIABLE = "ANYCHANNEL_LOG_LEVEL"

_LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARNING": logging.WARNING, "ERROR": logging.ERROR}
_SECRET_NAME = re.compile(
    r"authorization|token|secret|passw|api[_-]?key|private[_-]?key|credential|cookie|signature|settings$", re.IGNORECASE
)
_SECRET_IN_TEXT = (
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(?<=://)[^/@\s:]+:[^/@\s]+(?=@)"), REDACTED),
)
_MAX_DEPTH = 6
# The entries by which structlog carries a record of the standard library through its processors.
_CARRIED_BY_STRUCTLOG = frozenset({"_record", "_from_structlog"})


def configure(service: str) -> None:
    """Set up structlog and the standard library's logging for a service, once, before anything is logged.

    The level is `ANYCHANNEL_LOG_LEVEL`: DEBUG, INFO (when unset), WARNING or ERROR. Raises `ValueError` for any other.
    """
    name = os.environ.get(LEVEL_VARIABLE, "INFO").upper()
    if name not in _LEVELS:
        raise ValueError(f"{LEVEL_VARIABLE} is {name!r}: use one of {', '.join(_LEVELS)}")
    shared = _processors(service)
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[name]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=_LEVELS[name], handlers=[handler], force=True)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide what is secret by its name or its look; protobufs are printed by their contract's own marks."""
    return {
        name: value if name in _CARRIED_BY_STRUCTLOG else _clean(name, value, _MAX_DEPTH)
        for name, value in event.items()
    }


def _clean(name: str, value: Any, depth: int) -> Any:
    if type(value) is str:  # nearly all are
        return REDACTED if _is_secret(name) else _clean_text(value)
    if value is None or isinstance(value, bool):
        return value
    if _is_secret(name):
        return REDACTED
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_items(value, depth - 1) if depth else "…"
    return _clean_text(proto_text(value) if isinstance(value, Message) else str(value))


def _clean_items(value: Mapping[Any, Any] | Collection[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), item, depth) for key, item in value.items()}
    return [_clean("", item, depth) for item in value]


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _clean_text(text: str) -> str:
    if text.isascii() and text.isidentifier():
        return text  # an id: neither pattern can match in it
    for pattern, replacement in _SECRET_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _processors(service: str) -> list[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        add_service,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        redact,
    ]
