"""`anychannel send`, `message` and `tail`: send, and see what became of it."""

import asyncio
import json
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from anychannel.channel import Event
from anychannel.cli.connection import run
from anychannel.cli.output import (
    content_text,
    examples,
    failure_text,
    local,
    say,
    say_json,
    say_json_line,
    shortened,
    table,
)
from anychannel.cli.story import direction_sign, story_text
from anychannel.cli.values import span_option
from anychannel.client import GatewayClient
from anychannel.content import Attachment, Content, CustomPayload, Location, MediaKind, QuickReplies, Template, Text
from anychannel.message import Message, MessageStory, Status, StatusRecord

app = typer.Typer(help="Look at messages, or cancel one.", no_args_is_help=True, rich_markup_mode=None)

SEND_EXAMPLES = examples(
    'anychannel send --channel shop --to 15551234567 --text "Hello" --wait',
    "anychannel send --channel shop --to 15551234567 --attachment https://example.com/a.png --kind image --caption New",
    "anychannel send --channel shop --to 15551234567 --location 52.52,13.405",
    'anychannel send --channel shop --to 15551234567 --quick-reply "Coming?" --reply Yes --reply No',
    "anychannel send --channel shop --to 15551234567 --template order_sent --language en_US --parameter 4711",
)
TAIL_EXAMPLES = examples("anychannel tail", "anychannel tail --channel shop --json")

MessageId = Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id, msg_…")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def send_message(
    ctx: typer.Context,
    *,
    channel_id: Annotated[str, typer.Option("--channel", metavar="ID", help="On which channel.")],
    address: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="The contact's id on the platform.")],
    text: Annotated[str | None, typer.Option("--text", help="A text.")] = None,
    attachment: Annotated[str | None, typer.Option("--attachment", metavar="URL", help="Media, by link.")] = None,
    kind: Annotated[MediaKind, typer.Option("--kind", help="What the media is.")] = MediaKind.FILE,
    caption: Annotated[str, typer.Option("--caption", help="Text that belongs to the media.")] = "",
    location: Annotated[str | None, typer.Option("--location", metavar="LAT,LON", help="A point, in degrees.")] = None,
    quick_reply: Annotated[str | None, typer.Option("--quick-reply", metavar="TEXT", help="A question.")] = None,
    replies: Annotated[list[str] | None, typer.Option("--reply", help="An answer to tap; may be repeated.")] = None,
    template: Annotated[str | None, typer.Option("--template", metavar="NAME", help="An approved template.")] = None,
    language: Annotated[str, typer.Option("--language", help="The template's language.")] = "en",
    parameters: Annotated[list[str] | None, typer.Option("--parameter", help="The template's next value.")] = None,
    custom: Annotated[str | None, typer.Option("--custom", metavar="JSON", help="What the provider documents.")] = None,
    request_id: Annotated[
        str, typer.Option("--request-id", help="Your own key of this send: sending it again changes nothing.")
    ] = "",
    expire_after: Annotated[
        timedelta | None,
        typer.Option("--expire-after", parser=span_option, metavar="SPAN", help="Give up after, e.g. 1h."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Tell its statuses; exit code 1 when it is not sent.")] = False,
    wait_for: Annotated[
        timedelta, typer.Option("--wait-for", parser=span_option, metavar="SPAN", help="How long --wait waits.")
    ] = timedelta(seconds=30),
    as_json: AsJson = False,
) -> None:
    """Send one message."""
    given = [
        None if text is None else Text(text=text),
        None if attachment is None else Attachment(kind=kind, url=attachment, caption=caption),
        None if location is None else _location(location),
        None if quick_reply is None else QuickReplies(text=quick_reply, replies=tuple(replies or ())),
        None if template is None else Template(name=template, language=language, parameters=tuple(parameters or ())),
        None if custom is None else _custom(custom),
    ]
    content = _only(given)

    async def work(gateway: GatewayClient) -> tuple[str, Status | None]:
        message = await gateway.send(channel_id, address, content, request_id=request_id, expire_after=expire_after)
        if as_json:
            say_json_line(message)
        else:
            say(message.message_id)
        reached = await _follow(gateway, message, wait_for, as_json=as_json) if wait else message.status
        return message.message_id, reached

    message_id, reached = run(ctx, work)
    if wait and reached in {None, Status.ACCEPTED}:
        say(f"not sent yet; see later: anychannel message show {message_id}", err=True)
    if wait and reached in {None, Status.ACCEPTED, Status.FAILED}:
        raise typer.Exit(1)


@app.command("show", epilog=examples("anychannel message show msg_01J8"))
def show_message(ctx: typer.Context, message_id: MessageId, *, as_json: AsJson = False) -> None:
    """A message with its whole story.

    What it says, its parts, every try and every status, in the order it happened.
    """

    async def work(gateway: GatewayClient) -> MessageStory:
        return await gateway.message(message_id)

    story = run(ctx, work)
    if as_json:
        say_json(story)
    else:
        say(story_text(story))


@app.command(
    "list",
    epilog=examples(
        "anychannel message list --channel shop", "anychannel message list --channel shop --to 15551234567"
    ),
)
def list_messages(
    ctx: typer.Context,
    *,
    channel_id: Annotated[str, typer.Option("--channel", metavar="ID", help="Of which channel.")],
    address: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Only those with this contact.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Messages of a channel, newest first."""

    async def work(gateway: GatewayClient) -> list[Message]:
        return [message async for message in gateway.messages(channel_id, address=address, limit=limit)]

    messages = run(ctx, work)
    if as_json:
        say_json(messages)
    elif not messages:
        say("no messages")
    else:
        rows = [
            (
                local(message.create_time),
                message.message_id,
                direction_sign(message.direction),
                message.address,
                _status(message),
                shortened(content_text(message.content)),
            )
            for message in messages
        ]
        say(table(("STORED", "MESSAGE", "", "CONTACT", "STATUS", "CONTENT"), rows))


@app.command("cancel", epilog=examples("anychannel message cancel msg_01J8"))
def cancel_message(ctx: typer.Context, message_id: MessageId) -> None:
    """Cancel a message of which no part was sent or is under way."""

    async def work(gateway: GatewayClient) -> Message:
        return await gateway.cancel(message_id)

    run(ctx, work)
    say(f"cancelled {message_id}")


def tail_events(
    ctx: typer.Context,
    *,
    channel_id: Annotated[str, typer.Option("--channel", metavar="ID", help="Only this channel.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON object a line.")] = False,
) -> None:
    """Messages and statuses as they happen, until Ctrl-C."""

    async def work(gateway: GatewayClient) -> None:
        async for event in gateway.events(channel_id):
            if as_json:
                say_json_line(_event_json(event))
            else:
                say(_event_line(event))

    run(ctx, work)


async def _follow(gateway: GatewayClient, message: Message, wait_for: timedelta, *, as_json: bool) -> Status | None:
    reached = message.status
    try:
        async with asyncio.timeout(wait_for.total_seconds()):
            async for record in gateway.watch(message.message_id):
                reached = record.status
                if as_json:
                    say_json_line(record)
                else:
                    say(_step(record))
    except TimeoutError:
        pass  # what was reached until now is the answer
    return reached


def _step(record: StatusRecord) -> str:
    why = f": {failure_text(record.failure)}" if record.failure else ""
    return f"{local(record.event_time)}  {record.status}{why}"


def _status(message: Message) -> str:
    if message.failure:
        return f"{message.status}: {message.failure.kind}"
    return message.status or ""


def _event_line(event: Event) -> str:
    match event.kind:
        case Message() as message:
            what = f"{direction_sign(message.direction)} {message.address}  {shortened(content_text(message.content))}"
        case change:
            why = f": {failure_text(change.failure)}" if change.failure else ""
            what = f"{change.status}{why}"
    return f"{local(event.create_time)}  {event.channel_id}  {event.kind.message_id}  {what}"


def _event_json(event: Event) -> dict[str, object]:
    kind = "message" if isinstance(event.kind, Message) else "status"
    return {
        "event_id": event.event_id,
        "channel_id": event.channel_id,
        "create_time": event.create_time,
        kind: event.kind,
    }


def _only(given: Sequence[Content | None]) -> Content:
    contents = [content for content in given if content is not None]
    if len(contents) != 1:
        raise typer.BadParameter(
            "give exactly one of --text, --attachment, --location, --quick-reply, --template and --custom"
        )
    return contents[0]


def _location(text: str) -> Location:
    try:
        latitude, longitude = (float(number) for number in text.split(","))
    except ValueError:
        latitude = longitude = math.inf
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise typer.BadParameter("--location takes LAT,LON in degrees, for instance 52.52,13.405")
    return Location(latitude=latitude, longitude=longitude)


def _custom(text: str) -> CustomPayload:
    try:
        value = json.loads(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"--custom is no JSON: {wrong}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("--custom takes a JSON object")
    return CustomPayload(json=text)
