"""A call of Twilio's API, as data: the pure modules decide on it, `api` makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from providers.twilio.wire import FormFields


class Host(StrEnum):
    """The setting that holds the address of an API."""

    ACCOUNTS = "api_base"
    MESSAGING = "messaging_api_base"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """One call."""

    method: str
    host: Host
    path: str
    query: FormFields = ()
    form: FormFields = ()
    json: Mapping[str, Any] | None = None
    """Sent instead of the form."""
    as_account: bool = False
    """With the auth token, even if the channel has an API key."""
