"""The options that `channel add` and `channel update` share, and the records they make."""

from datetime import timedelta
from typing import Annotated

import typer

from anychannel.channel import DeliveryPolicy, IdType, InboxBinding, ReplyMode, StatusShape
from anychannel.cli.values import read_value, span_option

_SECRET_HELP = "@FILE reads a file, env:NAME the environment, - asks (or reads a line of stdin)"  # noqa: S105 - a help text

ChannelId = Annotated[str, typer.Argument(metavar="ID", help="The channel's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
DisplayName = Annotated[str | None, typer.Option("--display-name", help="A name for people.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help=f"A setting of the platform; may be repeated. VALUE: {_SECRET_HELP}. See: anychannel provider show PLATFORM.",
    ),
]
WebhookUrl = Annotated[str | None, typer.Option("--inbox-webhook-url", help="The inbox's address for events.")]
InboxChannelId = Annotated[str | None, typer.Option("--inbox-channel-id", help="The inbox's Channel ID.")]
Token = Annotated[
    str | None, typer.Option("--inbox-token", metavar="VALUE", help=f"The inbox's API Token. {_SECRET_HELP}.")
]
PreviousToken = Annotated[
    str | None,
    typer.Option("--inbox-previous-token", metavar="VALUE", help="The token before, accepted while you switch."),
]
InboxIdType = Annotated[IdType | None, typer.Option("--id-type", help="Which ids the inbox uses for contacts.")]
InboxStatusShape = Annotated[StatusShape | None, typer.Option("--status-shape", help="How it takes statuses.")]
InboxReply = Annotated[ReplyMode | None, typer.Option("--reply", help="When a send of the inbox is answered.")]
ReplyTimeout = Annotated[
    timedelta | None,
    typer.Option(
        "--reply-timeout", parser=span_option, metavar="SPAN", help="How long --reply outcome waits, e.g. 8s."
    ),
]
PlatformRate = Annotated[
    float | None, typer.Option("--platform-rate", min=0, help="Deliveries a second to the platform; 0 = default.")
]
InboxRate = Annotated[
    float | None, typer.Option("--inbox-rate", min=0, help="Requests a second to the inbox; 0 = default.")
]
ExpireAfter = Annotated[
    timedelta | None,
    typer.Option(
        "--expire-after", parser=span_option, metavar="SPAN", help="A message not sent by then fails, e.g. 24h."
    ),
]


def inbox_of(
    *,
    webhook_url: str | None,
    inbox_channel_id: str | None,
    token: str | None,
    previous_token: str | None,
    id_type: IdType | None,
    status_shape: StatusShape | None,
    reply: ReplyMode | None,
    reply_timeout: timedelta | None,
) -> InboxBinding:
    """The inbox side that the options give; what is not given takes the default."""
    unset = InboxBinding()
    return InboxBinding(
        webhook_url=webhook_url or "",
        inbox_channel_id=inbox_channel_id or "",
        token=read_value(token, name="inbox token") if token else "",
        previous_token=read_value(previous_token, name="previous inbox token") if previous_token else "",
        id_type=id_type or unset.id_type,
        status_shape=status_shape or unset.status_shape,
        reply=reply or unset.reply,
        reply_timeout=reply_timeout,
    )


def policy_of(platform_rate: float | None, inbox_rate: float | None, expire_after: timedelta | None) -> DeliveryPolicy:
    """The pace and patience that the options give."""
    return DeliveryPolicy(platform_rate=platform_rate or 0, inbox_rate=inbox_rate or 0, expire_after=expire_after)
