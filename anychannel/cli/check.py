"""`anychannel check HOST:PORT`: a provider in any language against the contract."""

import asyncio
from pathlib import Path
from typing import Annotated

import grpc
import typer
import yaml

from anychannel.cli.output import examples, fail, say, say_json, table
from anychannel.cli.values import read_file, read_settings
from anychannel.conformance import Account, Examination, Verdict, examine

EXAMPLES = examples(
    "anychannel check 127.0.0.1:50051",
    "anychannel check 127.0.0.1:50051 --set bot_token=env:BOT_TOKEN --to 123456789",
)


def check_provider(
    address: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where the provider listens.")],
    *,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="Settings of an account, as YAML or JSON: names and values."),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One setting; the value can be @FILE, env:NAME or -."),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="ADDRESS", help="A contact who may get texts; with settings, up to three are sent."
        ),
    ] = "",
    pid: Annotated[
        int | None,
        typer.Option("--pid", metavar="PID", help="The provider's process: stop it at the end, and look how."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold a provider against the contract. Exit code 1 when a check fails.

    Without settings nothing reaches a platform: placeholders stand for them, and the setting api_base leads nowhere.
    With settings the account is looked at (CheckChannel, FetchMedia, Listen); no webhook is registered.
    """
    settings = {**_of_file(settings_file), **read_settings(pairs or [])}
    try:
        examination = asyncio.run(examine(address, Account(settings=settings, to=to, pid=pid or 0)))
    except grpc.aio.AioRpcError as failed:
        # Not the details: they quote the address in many ways, and a refused version is told below by no check.
        fail(f"{address} does not describe itself: {failed.code().name}. Is a provider served there?")
    if as_json:
        say_json({"has_passed": examination.has_passed, **_jsonable(examination)})
    else:
        _say(examination)
    if not examination.has_passed:
        raise typer.Exit(1)


def _say(examination: Examination) -> None:
    say(f"{examination.platform} {examination.version}\n")
    results = examination.results
    say(table(("CHECK", "VERDICT", "REASON"), ((each.name, each.verdict, each.reason) for each in results)))
    say()
    say(table(("QUALITY", ""), ((quality.rule, quality.answer) for quality in examination.quality)))
    counts = {verdict: sum(each.verdict is verdict for each in results) for verdict in Verdict}
    for broken in (each for each in results if each.verdict is Verdict.FAIL):
        say(f"\n{broken.name} - what is promised: {broken.promise}")
    say(f"\n{counts[Verdict.PASS]} passed, {counts[Verdict.FAIL]} failed, {counts[Verdict.SKIP]} skipped")


def _jsonable(examination: Examination) -> dict[str, object]:
    return {
        "platform": examination.platform,
        "version": examination.version,
        "results": examination.results,
        "quality": examination.quality,
    }


def _of_file(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        read = yaml.safe_load(read_file(path, name="--settings"))
    except yaml.YAMLError:
        # Without the cause, which quotes the line: it may hold a secret.
        raise typer.BadParameter(f"{path} is no YAML", param_hint="--settings") from None
    if not isinstance(read, dict):
        raise typer.BadParameter(f"{path} holds no names and values", param_hint="--settings")
    return {str(name): str(value) for name, value in read.items()}
