"""From a command to the gateway: where it is, with which key, and what an error looks like."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import typer

from anychannel.cli.output import fail
from anychannel.client import GatewayClient, GatewayError, KeyRefused

T = TypeVar("T")

DEFAULT_CORE_ADDRESS = "127.0.0.1:50050"
LOCAL_KEY_FILE = Path(".anychannel/admin.key")
"""Where a gateway started from this folder leaves its first key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which gateway the commands speak to."""

    core_address: str
    ca_file: Path | None


class NoKey(KeyRefused):
    """This environment has no API key."""

    action = "Set ANYCHANNEL_API_KEY or ANYCHANNEL_API_KEY_FILE."


def run(ctx: typer.Context, work: Callable[[GatewayClient], Coroutine[Any, Any, T]]) -> T:
    """Do `work` with a client; a `GatewayError` becomes one line on stderr and exit code 1."""

    async def whole() -> T:
        async with open_client(ctx.obj) as gateway:
            return await work(gateway)

    try:
        return asyncio.run(whole())
    except GatewayError as error:
        fail(str(error))
    except UnicodeEncodeError:
        # Bytes on the command line that are no UTF-8 arrive as lone surrogates, which nothing can send.
        fail("what was given holds characters that are no text in UTF-8")
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def open_client(target: Target) -> GatewayClient:
    """A client of the gateway, with the key of this environment."""
    return GatewayClient(
        target.core_address, read_key(os.environ), credentials=None if target.ca_file is None else _tls(target.ca_file)
    )


def read_key(environ: Mapping[str, str]) -> str:
    """The API key: never an option, for everyone on the machine can read the options of a process. Raises `NoKey`."""
    if key := environ.get("ANYCHANNEL_API_KEY", "").strip():
        return key
    if named := environ.get("ANYCHANNEL_API_KEY_FILE"):
        return _read_key_file(Path(named))
    if LOCAL_KEY_FILE.is_file():
        return _read_key_file(LOCAL_KEY_FILE)
    raise NoKey("no API key is set")


def _read_key_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoKey(f"the API key file {path} cannot be read: {_why(error)}") from None


def _tls(ca_file: Path) -> grpc.ChannelCredentials:
    try:
        return grpc.ssl_channel_credentials(root_certificates=ca_file.read_bytes())
    except OSError as error:
        fail(f"the CA file {ca_file} cannot be read: {_why(error)}")


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is no text"
