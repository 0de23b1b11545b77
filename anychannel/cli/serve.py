"""`anychannel serve MODULE:CLASS`: the one way to start a provider."""

import asyncio
import importlib
import os
import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from anychannel._logging import configure
from anychannel._server import DRAIN_SECONDS, serve
from anychannel.cli.output import examples, fail
from anychannel.provider import Provider

EXAMPLES = examples(
    "anychannel serve acme_provider:AcmeProvider",
    "anychannel serve acme_provider:AcmeProvider --listen 0.0.0.0:50051 --register core:50050",
)
_TOKEN = re.compile(r"[\x21-\x7e]*")


def serve_provider(
    what: Annotated[
        str, typer.Argument(metavar="MODULE:CLASS", help="The provider; the current folder is searched first.")
    ],
    *,
    listen: Annotated[
        str, typer.Option("--listen", envvar="ANYCHANNEL_PROVIDER_LISTEN", metavar="HOST:PORT", help="Where to listen.")
    ] = "0.0.0.0:50051",
    register: Annotated[
        str | None,
        typer.Option(
            "--register", envvar="ANYCHANNEL_PROVIDER_REGISTER", metavar="HOST:PORT", help="Announce it to core there."
        ),
    ] = None,
    advertise: Annotated[
        str | None,
        typer.Option(
            "--advertise",
            envvar="ANYCHANNEL_PROVIDER_ADVERTISE",
            metavar="HOST:PORT",
            help="Where core reaches it; found out when not given.",
        ),
    ] = None,
    drain: Annotated[
        float,
        typer.Option(
            "--drain",
            envvar="ANYCHANNEL_PROVIDER_DRAIN_SECONDS",
            metavar="SECONDS",
            min=0,
            help="How long calls are still taken after SIGTERM, for core to notice.",
        ),
    ] = DRAIN_SECONDS,
) -> None:
    """Serve a provider until SIGTERM or Ctrl-C.

    The registration token comes from ANYCHANNEL_REGISTRATION_TOKEN or the file ANYCHANNEL_REGISTRATION_TOKEN_FILE.
    """
    provider_class = load_provider(what)
    token = registration_token(os.environ)
    try:
        configure("provider")
        asyncio.run(
            serve(
                provider_class(),
                listen=_host_and_port(listen, "--listen"),
                # An empty variable of the environment is as good as none: charts set them so.
                register=_host_and_port(register, "--register") if register else None,
                registration_token=token,
                advertise=_host_and_port(advertise, "--advertise") if advertise else None,
                drain_seconds=drain,
            )
        )
    except (TypeError, ValueError, OSError) as error:
        # The declaration of the class, or the addresses, are at fault: the text says which, a traceback would hide it.
        fail(f"{what}: {error}")


def load_provider(what: str) -> type[Provider]:
    """The class that MODULE:CLASS names."""
    module_name, colon, class_name = what.partition(":")
    if not module_name or not colon or not class_name:
        raise typer.BadParameter(f"{what!r} is not MODULE:CLASS, for instance acme_provider:AcmeProvider")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if f"{module_name}.".startswith(f"{missing}."):
            fail(f"there is no module {module_name} in {folder} or among the installed ones")
        fail(f"{module_name} needs the module {missing}, which is not installed")
    except Exception as error:  # noqa: BLE001 - the author's module may raise anything
        # Where it broke, so that the author finds it; the rest of the traceback is ours.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        fail(f"{module_name} cannot be imported: {type(error).__name__} in {frame.filename}:{frame.lineno}: {error}")
    provider_class = getattr(module, class_name, None)
    if provider_class is None:
        classes = [name for name, value in vars(module).items() if _is_provider(value)]
        fail(f"{module_name} has no {class_name}" + (f"; it has {', '.join(classes)}" if classes else ""))
    if not _is_provider(provider_class):
        fail(f"{what} is no subclass of anychannel.Provider")
    loaded: type[Provider] = provider_class
    return loaded


def registration_token(environ: Mapping[str, str]) -> str:
    """What core asks of those who announce themselves; empty when none is set."""
    token = environ.get("ANYCHANNEL_REGISTRATION_TOKEN", "")
    if not token and (path := environ.get("ANYCHANNEL_REGISTRATION_TOKEN_FILE")):
        try:
            token = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            fail(f"the registration token file {path} cannot be read")
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        fail("the registration token holds a blank or another character that no token has")
    return token


def _is_provider(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Provider) and value is not Provider


def _host_and_port(text: str, option: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT", param_hint=option)
    return text
