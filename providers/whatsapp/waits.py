"""How long Meta asks to wait, by the headers of an answer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from providers.whatsapp.fields import Fields, objects_in

# Longer than Meta ever asked for; keeps the arithmetic of dates within its range.
_LONGEST: Final = timedelta(days=366)


def asked_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The longest wait that the headers (names in lower case) ask for; None when they ask for none."""
    waits = [
        wait
        for wait in (_retry_after(headers.get("retry-after", ""), now), _regain(headers))
        if wait is not None and wait > timedelta()
    ]
    return min(max(waits), _LONGEST) if waits else None


def _retry_after(value: str, now: datetime) -> timedelta | None:
    """Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after."""
    try:
        if value.isdecimal():
            return timedelta(seconds=int(value))
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None


def _regain(headers: Mapping[str, str]) -> timedelta | None:
    """`estimated_time_to_regain_access`, in minutes.

    https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2
    """
    usage = Fields.parse(headers.get("x-business-use-case-usage", ""))
    if usage is None:
        return None
    minutes = [each.number("estimated_time_to_regain_access") for of_id in usage.values() for each in objects_in(of_id)]
    try:
        return timedelta(minutes=max(minutes, default=0))
    except OverflowError:
        return None
