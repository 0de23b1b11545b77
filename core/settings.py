"""What an operator can set: environment variables beginning with ANYCHANNEL_CORE_, read once at start."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "ANYCHANNEL_CORE_"
SECRETS: Final = ("admin_key", "registration_token", "encryption_keys")
MIN_SECRET_CHARACTERS: Final = 32

_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")


def _read_span(value: object) -> object:
    """Seconds, as the environment has them."""
    if not isinstance(value, str | int | float):
        return value
    try:
        return timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        raise ValueError("must be a number of seconds") from None


def _check_span(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be more than 0 seconds")
    return value


def _check_public_url(value: str) -> str:
    """The address without a slash at its end, so that paths can be appended."""
    if not value:
        return value
    url = urlsplit(value)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment or url.username:
        raise ValueError("must be an http or https address without a query, a fragment or a user")
    return value.rstrip("/")


def _read_providers(value: object) -> object:
    """`platform=host:port,…` as a mapping."""
    if not isinstance(value, str):
        return value
    addresses: dict[str, str] = {}
    for entry in filter(None, map(str.strip, value.split(","))):
        platform, _, address = entry.partition("=")
        host, _, port = address.rpartition(":")
        if not _PLATFORM.fullmatch(platform) or not host or not port.isdigit():
            raise ValueError(f"{entry!r} is not platform=host:port")
        if platform in addresses:
            raise ValueError(f"platform {platform} is given twice")
        addresses[platform] = address
    return addresses


Span = Annotated[timedelta, BeforeValidator(_read_span), AfterValidator(_check_span)]
Providers = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_read_providers)]


class Settings(BaseSettings):
    """Settings of core. Spans of time are in seconds; a secret is given itself or as the file that holds it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    listen: str = Field(default="127.0.0.1:50050", pattern=r"^.+:\d{1,5}$")
    """Address of the gRPC server; port 0 takes a free one."""
    database_url: SecretStr = SecretStr("")
    """PostgreSQL, as postgresql://user:password@host:5432/database.
    Empty: one of our own is run under the data folder (development)."""
    database_url_file: Path | None = None
    """The file that holds the database's address."""
    database_pool: int = Field(default=10, ge=3)
    """Most connections to the database; two of them listen for what other cores announce."""
    data_folder: Path = Path(".anychannel")
    """Where the embedded database and the secrets made for it are kept. Not used with a database of yours."""
    public_url: Annotated[str, AfterValidator(_check_public_url)] = ""
    """Where edge is reached from outside, for the addresses of webhooks and media. Empty: platforms cannot call us."""
    providers: Providers = Field(default_factory=dict)
    """Providers that do not register themselves, as platform=host:port, separated by commas."""
    registration_token: SecretStr = SecretStr("")
    """What a provider shows to register itself; at least 32 characters."""
    registration_token_file: Path | None = None
    """The file that holds the registration token."""
    admin_key: SecretStr = SecretStr("")
    """The first API key, which may do everything; at least 32 characters."""
    admin_key_file: Path | None = None
    """The file that holds the first API key."""
    encryption_keys: SecretStr = SecretStr("")
    """Keys of the secrets at rest, as id:base64 of 32 bytes, separated by commas.
    The first encrypts, all decrypt: put a new one in front."""
    encryption_keys_file: Path | None = None
    """The file that holds the encryption keys."""
    lease: Span = timedelta(seconds=10)
    """How long a claimed delivery is ours before another core may claim it."""
    attempt_timeout: Span = timedelta(seconds=30)
    """How long one attempt may take."""
    max_in_flight: PositiveInt = 2000
    """Most attempts under way at once."""
    retry_first: Span = timedelta(seconds=1)
    """Longest wait before the second attempt; doubles with each further one."""
    retry_max: Span = timedelta(minutes=5)
    """Longest wait between two attempts."""
    media_link_lifetime: Span = timedelta(days=7)
    """How long a link to inbound media works."""

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: Any) -> Any:
        values = dict(values)
        for name in (*SECRETS, "database_url"):
            path = values.get(f"{name}_file")
            if not path:
                values.pop(f"{name}_file", None)
            elif values.get(name):
                raise ValueError(f"{PREFIX}{name.upper()} and {PREFIX}{name.upper()}_FILE are both given: keep one")
            else:
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError) as error:
                    raise ValueError(
                        f"{PREFIX}{name.upper()}_FILE: {path} cannot be read ({type(error).__name__})"
                    ) from None
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("admin_key", "registration_token"):
            secret = getattr(self, name).get_secret_value()
            if secret and len(secret) < MIN_SECRET_CHARACTERS:
                raise ValueError(f"{PREFIX}{name.upper()} has fewer than {MIN_SECRET_CHARACTERS} characters")
        if self.retry_max < self.retry_first:
            raise ValueError(f"{PREFIX}RETRY_MAX is less than {PREFIX}RETRY_FIRST")
        return self

    @property
    def is_embedded(self) -> bool:
        """Whether we run the database ourselves."""
        return not self.database_url.get_secret_value()

    @property
    def missing_secrets(self) -> tuple[str, ...]:
        """The names of secrets that were not given."""
        return tuple(name for name in SECRETS if not getattr(self, name).get_secret_value())
