"""`anychannel apply`: make the gateway's channels what a file says."""

import os
from pathlib import Path
from typing import Annotated, assert_never

import typer

from anychannel.cli.connection import run
from anychannel.cli.manifest import Problem, Wanted, read_manifest
from anychannel.cli.output import examples, fail, say
from anychannel.cli.plan import Creation, Deletion, Plan, SettingFields, Step, Update, make_plan, plan_text
from anychannel.client import GatewayClient, GatewayError

EXAMPLES = examples(
    "anychannel apply -f channels.yaml --dry-run",
    "anychannel apply -f channels.yaml",
    "anychannel apply -f channels.yaml --update-secrets",
    "anychannel apply -f channels.yaml --check",
)


def apply_manifest(
    ctx: typer.Context,
    *,
    manifest: Annotated[Path, typer.Option("-f", "--file", metavar="FILE", help="The channels, in YAML.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="As --dry-run; exit code 1 when something would change.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove channels that the file does not name.")] = False,
    update_secrets: Annotated[
        bool, typer.Option("--update-secrets", help="Send secrets that are set already, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before channels are removed.")] = False,
) -> None:
    """Make the channels what a file says.

    A second time there is nothing to change. Secrets cannot be read back, so that they cannot be compared: one that is
    set already is sent only with --update-secrets. Fields that the file does not name are left as they are; a setting
    that it does not name is removed, a secret one kept.
    """
    wanted = _read(manifest)

    async def make(gateway: GatewayClient) -> Plan:
        fields: SettingFields = {
            provider.platform: (
                {field.name: field for field in provider.description.setting_fields} if provider.description else None
            )
            for provider in await gateway.providers()
        }
        existing = {channel.channel_id: channel async for channel in gateway.channels.list()}
        return make_plan(wanted, existing, fields, prune=prune, update_secrets=update_secrets)

    plan = run(ctx, make)
    _refuse(manifest, plan.problems)
    if plan.steps:
        say(plan_text(plan))
    if plan.secrets_kept:
        say(f"{plan.secrets_kept} secrets are set already and were not compared; --update-secrets sends them", err=True)
    if not plan.steps:
        say("nothing to change")
    elif check:
        raise typer.Exit(1)
    elif not dry_run:
        removed = sum(isinstance(step, Deletion) for step in plan.steps)
        if removed and not yes:
            typer.confirm(f"Remove {removed} channels with everything stored for them?", abort=True, err=True)
        failed = run(ctx, lambda gateway: _take(gateway, plan.steps))
        say(f"applied {len(plan.steps) - len(failed)} of {len(plan.steps)} changes")
        for text in failed:
            say(f"error: {text}", err=True)
        if failed:
            raise typer.Exit(1)


def _read(path: Path) -> tuple[Wanted, ...]:
    def read_file(name: str) -> str:
        try:
            value = (path.parent / name).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"file {name} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"file {name} is no text") from None
        if not value:
            raise ValueError(f"file {name} is empty")
        return value

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{path} is no text")
    wanted, problems = read_manifest(text, os.environ, read_file)
    _refuse(path, problems)
    return wanted


def _refuse(path: Path, problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        say(f"{path}:{problem}", err=True)
    if problems:
        fail(f"{path} has {len(problems)} faults; nothing was changed" if len(problems) > 1 else "nothing was changed")


async def _take(gateway: GatewayClient, steps: tuple[Step, ...]) -> list[str]:
    """Take each step; what went wrong, by channel. One that fails does not stop the others."""
    failed = []
    for step in steps:
        try:
            match step:
                case Creation(channel=channel):
                    channel_id = channel.channel_id
                    await gateway.channels.create(channel)
                case Update(channel=channel):
                    channel_id = channel.channel_id
                    await gateway.channels.update(channel, step.fields)
                case Deletion(channel_id=channel_id):
                    await gateway.channels.delete(channel_id)
                case _:
                    assert_never(step)
        except GatewayError as error:
            failed.append(f"{channel_id}: {error}")
    return failed
