"""`anychannel channel`: add, look at, change and remove channels."""

from collections.abc import Sequence
from typing import Annotated

import typer

from anychannel.channel import Channel
from anychannel.cli.channel_options import (
    AsJson,
    ChannelId,
    DisplayName,
    ExpireAfter,
    InboxChannelId,
    InboxIdType,
    InboxRate,
    InboxReply,
    InboxStatusShape,
    PlatformRate,
    PreviousToken,
    ReplyTimeout,
    Settings,
    Token,
    WebhookUrl,
    inbox_of,
    policy_of,
)
from anychannel.cli.connection import run
from anychannel.cli.output import MASK, examples, fail, local, number, say, say_json, span, table
from anychannel.cli.values import read_settings
from anychannel.client import GatewayClient
from anychannel.provider import CheckResult

app = typer.Typer(help="Add, look at, change, check and remove channels.", no_args_is_help=True, rich_markup_mode=None)


@app.command(
    "add",
    epilog=examples(
        "anychannel channel add shop --platform telegram --set bot_token=@token.txt \\",
        "    --inbox-webhook-url https://inbox.example/hook/1 --inbox-channel-id 1 --inbox-token env:INBOX_TOKEN",
    ),
)
def add_channel(
    ctx: typer.Context,
    channel_id: ChannelId,
    *,
    platform: Annotated[str, typer.Option("--platform", help="See: anychannel provider list.")],
    webhook_url: Annotated[str, typer.Option("--inbox-webhook-url", help="The inbox's address for events.")],
    inbox_channel_id: Annotated[str, typer.Option("--inbox-channel-id", help="The inbox's Channel ID.")],
    token: Token = "-",  # noqa: S107 - the sign that asks for it
    previous_token: PreviousToken = None,
    settings: Settings = None,
    display_name: DisplayName = None,
    id_type: InboxIdType = None,
    status_shape: InboxStatusShape = None,
    reply: InboxReply = None,
    reply_timeout: ReplyTimeout = None,
    platform_rate: PlatformRate = None,
    inbox_rate: InboxRate = None,
    expire_after: ExpireAfter = None,
    paused: Annotated[bool, typer.Option("--paused", help="Accept messages, deliver none yet.")] = False,
) -> None:
    """Add a channel."""
    channel = Channel(
        channel_id=channel_id,
        platform=platform,
        display_name=display_name or "",
        settings=read_settings(settings or ()),
        inbox=inbox_of(
            webhook_url=webhook_url,
            inbox_channel_id=inbox_channel_id,
            token=token,
            previous_token=previous_token,
            id_type=id_type,
            status_shape=status_shape,
            reply=reply,
            reply_timeout=reply_timeout,
        ),
        policy=policy_of(platform_rate, inbox_rate, expire_after),
        paused=paused,
    )

    async def work(gateway: GatewayClient) -> Channel:
        return await gateway.channels.create(channel)

    added = run(ctx, work)
    say(f"added {added.channel_id}. See whether it works: anychannel channel check {added.channel_id}")


@app.command(
    "update",
    epilog=examples(
        "anychannel channel update shop --set bot_token=-",
        "anychannel channel update shop --pause",
        "anychannel channel update shop --inbox-token @new.txt --inbox-previous-token @old.txt",
    ),
)
def update_channel(
    ctx: typer.Context,
    channel_id: ChannelId,
    *,
    settings: Settings = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="NAME", help="Remove a setting.")] = None,
    display_name: DisplayName = None,
    webhook_url: WebhookUrl = None,
    inbox_channel_id: InboxChannelId = None,
    token: Token = None,
    previous_token: PreviousToken = None,
    id_type: InboxIdType = None,
    status_shape: InboxStatusShape = None,
    reply: InboxReply = None,
    reply_timeout: ReplyTimeout = None,
    platform_rate: PlatformRate = None,
    inbox_rate: InboxRate = None,
    expire_after: ExpireAfter = None,
    paused: Annotated[bool | None, typer.Option("--pause/--resume", help="Stop or go on delivering.")] = None,
) -> None:
    """Change what is given; everything else stays."""
    values = read_settings(settings or ())
    given = {
        "display_name": display_name,
        "inbox.webhook_url": webhook_url,
        "inbox.inbox_channel_id": inbox_channel_id,
        "inbox.token": token,
        "inbox.previous_token": previous_token,
        "inbox.id_type": id_type,
        "inbox.status_shape": status_shape,
        "inbox.reply": reply,
        "inbox.reply_timeout": reply_timeout,
        "policy.platform_rate": platform_rate,
        "policy.inbox_rate": inbox_rate,
        "policy.expire_after": expire_after,
        "paused": paused,
    }
    fields = [path for path, value in given.items() if value is not None]
    fields += [f"settings.{name}" for name in (*values, *(unset or ()))]
    if not fields:
        raise typer.BadParameter("nothing to change is given; see --help")
    channel = Channel(
        channel_id=channel_id,
        display_name=display_name or "",
        settings=values,
        inbox=inbox_of(
            webhook_url=webhook_url,
            inbox_channel_id=inbox_channel_id,
            token=token,
            previous_token=previous_token,
            id_type=id_type,
            status_shape=status_shape,
            reply=reply,
            reply_timeout=reply_timeout,
        ),
        policy=policy_of(platform_rate, inbox_rate, expire_after),
        paused=bool(paused),
    )

    async def work(gateway: GatewayClient) -> Channel:
        return await gateway.channels.update(channel, fields)

    run(ctx, work)
    say(f"changed {channel_id}: {', '.join(fields)}")


@app.command("list", epilog=examples("anychannel channel list", "anychannel channel list --json"))
def list_channels(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """All channels and how well they work."""

    async def work(gateway: GatewayClient) -> list[Channel]:
        return [channel async for channel in gateway.channels.list()]

    found = run(ctx, work)
    if as_json:
        say_json(found)
    elif not found:
        say("no channels yet. Add one: anychannel channel add --help")
    else:
        say(table(("CHANNEL", "PLATFORM", "HEALTH", "WAITING", "NAME", "REASON"), [_row(each) for each in found]))


@app.command(
    "show", epilog=examples("anychannel channel show shop", "anychannel channel show shop --webhook-url | pbcopy")
)
def show_channel(
    ctx: typer.Context,
    channel_id: ChannelId,
    *,
    webhook_url: Annotated[
        bool, typer.Option("--webhook-url", help="Only the address for the platform's webhooks; it is a secret.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """One channel, without its secrets."""

    async def work(gateway: GatewayClient) -> Channel:
        return await gateway.channels.get(channel_id)

    channel = run(ctx, work)
    if webhook_url:
        if not channel.webhook_url:
            fail("core knows no public address, so that the channel has no webhook address")
        typer.echo(channel.webhook_url)
    elif as_json:
        say_json(channel)
    else:
        say("\n".join(f"{name:<18}{value}".rstrip() for name, value in _lines(channel)))


@app.command("check", epilog=examples("anychannel channel check shop"))
def check_channel(ctx: typer.Context, channel_id: ChannelId, *, as_json: AsJson = False) -> None:
    """Ask the platform whether a channel works.

    Registers its webhook where the platform lets us. Exit code 1 when something is wrong.
    """

    async def work(gateway: GatewayClient) -> CheckResult:
        return await gateway.channels.check(channel_id)

    result = run(ctx, work)
    if as_json:
        say_json(result)
    else:
        for name, value in result.details.items():
            say(f"{name:<18}{value}")
        for problem in result.problems:
            say(f"wrong: {problem.text} ({problem.code})")
        if not result.problems:
            say(f"{channel_id} works")
    if result.problems:
        raise typer.Exit(1)


@app.command(
    "remove", epilog=examples("anychannel channel remove shop", "anychannel channel remove shop --force --yes")
)
def remove_channel(
    ctx: typer.Context,
    channel_id: ChannelId,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also when deliveries wait; they are lost.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a channel with everything stored for it."""
    if not yes:
        typer.confirm(f"Remove {channel_id} with all its messages?", abort=True, err=True)

    async def work(gateway: GatewayClient) -> None:
        await gateway.channels.delete(channel_id, force=force)

    run(ctx, work)
    say(f"removed {channel_id}")


def _row(channel: Channel) -> Sequence[str]:
    health = channel.health
    return (
        channel.channel_id,
        channel.platform,
        "paused" if channel.paused else health.level,
        str(health.platform_waiting + health.inbox_waiting),
        channel.display_name,
        health.reason,
    )


def _lines(channel: Channel) -> list[tuple[str, str]]:
    inbox, policy, health = channel.inbox, channel.policy, channel.health
    return [
        ("channel", channel.channel_id),
        ("name", channel.display_name),
        ("platform", channel.platform),
        ("health", "paused" if channel.paused else ": ".join(filter(None, (health.level, health.reason)))),
        ("waiting", f"{health.platform_waiting} for the platform, {health.inbox_waiting} for the inbox"),
        *((f"  {name}", value) for name, value in sorted(channel.settings.items())),
        *((f"  {name}", MASK) for name in sorted(channel.secrets_set)),
        ("inbox", f"channel {inbox.inbox_channel_id}, {inbox.webhook_url}"),
        ("  contact ids", inbox.id_type),
        ("  statuses", inbox.status_shape),
        ("  reply", f"{inbox.reply}{f' within {span(inbox.reply_timeout)}' if inbox.reply_timeout else ''}"),
        (
            "rates",
            f"{_rate(policy.platform_rate)} to the platform, {_rate(policy.inbox_rate)} to the inbox",
        ),
        ("expires after", span(policy.expire_after) if policy.expire_after else "default"),
        ("webhook address", f"{MASK} (see --webhook-url)" if channel.webhook_url else "none"),
        ("added", local(channel.create_time)),
        ("changed", local(channel.update_time)),
    ]


def _rate(rate: float) -> str:
    return f"{number(rate)} a second" if rate else "default"
