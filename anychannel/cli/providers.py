"""`anychannel provider`: which platforms there are, and what their channels need."""

from typing import Annotated

import typer

from anychannel.capabilities import SettingField
from anychannel.channel import RegisteredProvider
from anychannel.cli.connection import run
from anychannel.cli.output import examples, fail, local, say, say_json, table
from anychannel.client import GatewayClient

app = typer.Typer(help="Which platforms there are, and what they need.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list", epilog=examples("anychannel provider list"))
def list_providers(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """All providers that core knows."""

    async def work(gateway: GatewayClient) -> list[RegisteredProvider]:
        return await gateway.providers()

    providers = run(ctx, work)
    if as_json:
        say_json(providers)
    elif not providers:
        say("no providers yet. Start one: anychannel serve --help")
    else:
        rows = [
            (
                provider.platform,
                "ready" if provider.ready else "not ready",
                provider.description.version if provider.description else "",
                provider.address,
                local(provider.describe_time),
                provider.reason,
            )
            for provider in providers
        ]
        say(table(("PLATFORM", "READY", "VERSION", "ADDRESS", "DESCRIBED", "REASON"), rows))


@app.command("show", epilog=examples("anychannel provider show telegram"))
def show_provider(
    ctx: typer.Context, platform: Annotated[str, typer.Argument(metavar="PLATFORM")], *, as_json: AsJson = False
) -> None:
    """One provider, with the settings that a channel of its platform has."""

    async def work(gateway: GatewayClient) -> RegisteredProvider | None:
        return next((each for each in await gateway.providers() if each.platform == platform), None)

    provider = run(ctx, work)
    if provider is None:
        fail(f"no provider of the platform {platform} is registered. See: anychannel provider list")
    if as_json:
        say_json(provider)
        return
    description = provider.description
    say(f"{description.display_name if description else platform}, {provider.address}")
    say("ready" if provider.ready else f"not ready: {provider.reason}")
    if description:
        rows = [
            (field.name, field.label, "required" if field.required else "", _kind(field), field.help)
            for field in description.setting_fields
        ]
        say()
        say(table(("SETTING", "LABEL", "", "VALUE", "HELP"), rows))


def _kind(field: SettingField) -> str:
    if field.secret:
        return "secret"
    values = " | ".join(field.choices) or "text"
    return f"{values}, default {field.default_value}" if field.default_value else values
