"""Puts the commands together."""

from pathlib import Path
from typing import Annotated

import typer

from anychannel.cli import apply, channels, check, dead_letters, doctor, keys, messages, new, providers, serve
from anychannel.cli.connection import DEFAULT_CORE_ADDRESS, Target
from anychannel.cli.output import examples, say
from anychannel.cli.version import own_version

# Plain help and plain errors: they read the same in a terminal, in a pipe and in a log, and a traceback never shows local
# variables, which hold keys and settings.
app = typer.Typer(
    name="anychannel",
    help="Joins messaging platforms to inboxes: configure channels, send, see what became of it, serve a provider.",
    epilog=examples(
        "anychannel doctor",
        "anychannel apply -f channels.yaml",
        'anychannel send --channel shop --to 15551234567 --text "Your order is on its way" --wait',
    )
    + "\n\nThe API key comes from ANYCHANNEL_API_KEY, from the file ANYCHANNEL_API_KEY_FILE, or from .anychannel/admin.key.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve_provider)
app.command("new", epilog=new.EXAMPLES)(new.new_project)
app.command("check", epilog=check.EXAMPLES)(check.check_provider)
app.command("apply", epilog=apply.EXAMPLES)(apply.apply_manifest)
app.command("send", epilog=messages.SEND_EXAMPLES)(messages.send_message)
app.command("tail", epilog=messages.TAIL_EXAMPLES)(messages.tail_events)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.examine)
app.add_typer(channels.app, name="channel")
app.add_typer(messages.app, name="message")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(keys.app, name="key")
app.add_typer(providers.app, name="provider")


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        say(f"anychannel {own_version() or '(not installed)'}")
        raise typer.Exit


@app.callback()
def choose_gateway(
    ctx: typer.Context,
    *,
    core: Annotated[
        str,
        typer.Option("--core", envvar="ANYCHANNEL_CORE_ADDRESS", metavar="HOST:PORT", help="Where core listens."),
    ] = DEFAULT_CORE_ADDRESS,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            "--ca-file",
            envvar="ANYCHANNEL_CORE_CA_FILE",
            metavar="FILE",
            help="Speak TLS to core, and trust the authorities in this PEM file.",
        ),
    ] = None,
    show_version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Remember which gateway the command is about."""
    ctx.obj = Target(core_address=core, ca_file=ca_file)
