"""`anychannel key`: make, list and revoke API keys."""

import os
from pathlib import Path
from typing import Annotated

import typer

from anychannel.channel import Key, Scope
from anychannel.cli.connection import run
from anychannel.cli.output import examples, fail, local, say, say_json, table
from anychannel.client import GatewayClient

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.command(
    "create",
    epilog=examples(
        "anychannel key create orders --scope send --scope read --channel shop --out orders.key",
        "anychannel key create operator --scope admin",
    ),
)
def create_key(
    ctx: typer.Context,
    display_name: Annotated[str, typer.Argument(metavar="NAME", help="Who uses it, for people.")],
    *,
    scopes: Annotated[list[Scope], typer.Option("--scope", help="What it may do; may be repeated.")],
    channel_ids: Annotated[
        list[str] | None, typer.Option("--channel", metavar="ID", help="Only this channel; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it to this new file, readable by you alone.")
    ] = None,
) -> None:
    """Make a key. It is shown this once: on stdout, or written to --out."""
    descriptor = None if out is None else _new_file(out)

    async def work(gateway: GatewayClient) -> tuple[Key, str]:
        return await gateway.keys.create(display_name, scopes, channel_ids=channel_ids or ())

    try:
        key, secret = run(ctx, work)
    except typer.Exit:
        if out is not None and descriptor is not None:
            os.close(descriptor)
            out.unlink()
        raise
    if descriptor is None:
        say(f"made {key.key_id}; this is the key, shown this once:", err=True)
        typer.echo(secret)
    else:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secret}\n")
        say(f"made {key.key_id}, written to {out}")


@app.command("list", epilog=examples("anychannel key list"))
def list_keys(
    ctx: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """All keys, revoked ones included."""

    async def work(gateway: GatewayClient) -> list[Key]:
        return list(await gateway.keys.list())

    keys = run(ctx, work)
    if as_json:
        say_json(keys)
        return
    rows = [
        (
            key.key_id,
            key.display_name,
            ",".join(key.scopes),
            ",".join(key.channel_ids) or "all",
            local(key.create_time),
            local(key.revoke_time) or "-",
        )
        for key in keys
    ]
    say(table(("KEY", "NAME", "SCOPES", "CHANNELS", "MADE", "REVOKED"), rows))


@app.command("revoke", epilog=examples("anychannel key revoke key_01J8"))
def revoke_key(ctx: typer.Context, key_id: Annotated[str, typer.Argument(metavar="KEY")]) -> None:
    """Revoke a key, at once."""

    async def work(gateway: GatewayClient) -> Key:
        return await gateway.keys.revoke(key_id)

    key = run(ctx, work)
    say(f"revoked {key.key_id} ({key.display_name})")


def _new_file(path: Path) -> int:
    # Opened before the key is made: a key that cannot be written down would be lost.
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{path} exists already")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
