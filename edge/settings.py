"""What an operator can set: environment variables beginning with ANYCHANNEL_EDGE_, read once at start."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict
from yarl import URL

PREFIX: Final = "ANYCHANNEL_EDGE_"
MIB: Final = 1024 * 1024


def _public_url(value: str) -> str:
    """The address without a slash at its end, so that paths can be appended."""
    if not value:
        return value
    url = URL(value)
    if url.scheme not in {"http", "https"} or not url.host or url.query_string or url.fragment or url.user:
        raise ValueError("must be an http or https address without a query, a fragment or a user")
    return value.rstrip("/")


class Settings(BaseSettings):
    """Where edge listens, where core is, and what is too much."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104  # its purpose is to be reached
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    core_address: str = Field(default="127.0.0.1:50050", min_length=1, description="Where core's gRPC server is.")
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        default="",
        description="What the outside calls us, for signatures over addresses. Empty: taken from each request's Host.",
    )
    trust_forwarded: bool = Field(
        default=False,
        description="Believe X-Forwarded-Proto and X-Forwarded-Host. Only behind a proxy that overwrites them.",
    )
    max_body_bytes: int = Field(default=MIB, gt=0, le=8 * MIB, description="Largest body of a message from the inbox.")
    max_webhook_body_bytes: int = Field(
        default=4 * MIB, gt=0, le=8 * MIB, description="Largest body of a platform's webhook."
    )
    max_buffered_bytes: PositiveInt = Field(
        default=256 * MIB, description="Most bytes of bodies held at once; beyond, requests are answered 503."
    )
    max_in_flight: PositiveInt = Field(
        default=2000, description="Most requests forwarded at once; beyond, they are answered 503 with Retry-After."
    )
    max_media_streams: PositiveInt = Field(
        default=200, description="Most media streamed at once; beyond, requests are answered 503 with Retry-After."
    )
    body_read_timeout: PositiveFloat = Field(default=10.0, description="Seconds a request's body may take to arrive.")
    # core waits up to 30 s for the outcome of a message's first attempt; 5 s more for the way there and back
    request_timeout: PositiveFloat = Field(default=35.0, description="Seconds core may take for an answer.")
    media_timeout: PositiveFloat = Field(default=300.0, description="Seconds the whole of a media stream may take.")
    drain_seconds: NonNegativeFloat = Field(
        default=5.0, description="Seconds between the signal to stop and the end of accepting, for balancers to notice."
    )
