"""The sandbox's settings: environment only, parsed once."""

from enum import StrEnum
from pathlib import Path

from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class IdType(StrEnum):
    """What the inbox channel takes as a contact's id; fixed when a channel is created."""

    PHONE = "phone"
    CUSTOM = "custom"


class Settings(BaseSettings):
    """Each field is read from ANYCHANNEL_SANDBOX_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="ANYCHANNEL_SANDBOX_", frozen=True, use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen on. The sandbox trusts whoever reaches it: keep it on loopback."""
    port: int = Field(default=8090, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one and logs it."""
    public_url: str = ""
    """How others reach this sandbox, for links to its files; empty takes the host of each request."""
    gateway_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8080")
    """API Base URL as typed into the inbox; it posts to this, with /message appended."""
    inbox_channel_id: str = "sandbox-inbox"
    """Channel ID that the inbox issued."""
    inbox_token: SecretStr = SecretStr("sandbox-inbox-token")
    """API token of the inbox channel, for both directions."""
    id_type: IdType = IdType.PHONE
    """Which contact ids the inbox channel takes."""
    inbox_rate: int = Field(default=20, ge=0)
    """Requests the inbox's webhook takes in any one second; 0 takes all."""
    platform_token: SecretStr = SecretStr("sandbox-platform-token")
    """Bearer token of the phone network's API."""
    webhook_secret: SecretStr = SecretStr("sandbox-webhook-secret")
    """Key of the signature on the phone network's webhooks."""
    platform_rate: int = Field(default=0, ge=0)
    """Messages the phone network's API takes in any one second; 0 takes all."""
    delivered_after: float = Field(default=0.3, ge=0)
    """Seconds from accepting a message until the phone has it."""
    read_after: float = Field(default=0.7, ge=0)
    """Seconds from delivery until the person has read it; 0 reads only when told."""
    data_folder: Path | None = None
    """Folder that keeps everything answered 200 through a restart or a crash; empty forgets it all at the end."""

    @property
    def message_url(self) -> str:
        """Where the inbox posts what an agent sends."""
        return f"{str(self.gateway_url).rstrip('/')}/message"
