"""`anychannel dead-letters`: look at what was given up, try it again, or forget it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from anychannel.channel import DeadLetter
from anychannel.cli.connection import run
from anychannel.cli.output import examples, failure_text, local, say, say_json, table
from anychannel.client import GatewayClient
from anychannel.failures import FailureKind
from anychannel.message import Lane

app = typer.Typer(
    help="Look at what was given up, try it again, or forget it.", no_args_is_help=True, rich_markup_mode=None
)

MAX_IDS_A_CALL = 500
"""What a filter takes."""

InChannel = Annotated[str, typer.Option("--channel", metavar="ID", help="The channel.")]
OnLane = Annotated[Lane | None, typer.Option("--lane", help="Only what was to go there.")]
FailedSo = Annotated[FailureKind | None, typer.Option("--failure", help="Only what failed so.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="DEAD_LETTER", help="Only these.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter of the channel.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which dead letters a command is about."""

    channel_id: str
    dead_letter_ids: Sequence[str]
    lane: Lane | None
    failure_kind: FailureKind | None


@app.command(
    "list",
    epilog=examples(
        "anychannel dead-letters list", "anychannel dead-letters list --channel shop --failure unauthorized"
    ),
)
def list_dead_letters(
    ctx: typer.Context,
    *,
    channel_id: Annotated[str | None, typer.Option("--channel", metavar="ID", help="Only this channel.")] = None,
    lane: OnLane = None,
    failure_kind: FailedSo = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many of a channel.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Dead letters, newest first."""

    async def work(gateway: GatewayClient) -> list[DeadLetter]:
        channel_ids = [channel_id] if channel_id else [each.channel_id async for each in gateway.channels.list()]
        return [
            letter
            for each in channel_ids
            async for letter in gateway.dead_letters.list(each, lane=lane, failure_kind=failure_kind, limit=limit)
        ]

    letters = run(ctx, work)
    if as_json:
        say_json(letters)
    elif not letters:
        say("no dead letters")
    else:
        rows = [
            (
                letter.dead_letter_id,
                local(letter.create_time),
                letter.channel_id,
                f"{letter.subject} to the {letter.lane}",
                str(letter.attempt_count),
                letter.message_id,
                failure_text(letter.failure),
            )
            for letter in letters
        ]
        say(table(("DEAD LETTER", "GIVEN UP", "CHANNEL", "WHAT", "TRIES", "MESSAGE", "WHY"), rows))


@app.command(
    "replay",
    epilog=examples(
        "anychannel dead-letters replay --channel shop dl_01J8 dl_01J9",
        "anychannel dead-letters replay --channel shop --failure unauthorized",
        "anychannel dead-letters replay --channel shop --all --yes",
    ),
)
def replay_dead_letters(
    ctx: typer.Context,
    dead_letter_ids: Ids = None,
    *,
    channel_id: InChannel,
    lane: OnLane = None,
    failure_kind: FailedSo = None,
    everything: All = False,
    yes: Yes = False,
) -> None:
    """Try dead letters again.

    They go back on their lane, with fresh attempts and a fresh deadline.
    """
    chosen = _choose(channel_id, dead_letter_ids, lane, failure_kind, everything=everything)
    if everything and not yes:
        typer.confirm(f"Replay every dead letter of {channel_id}?", abort=True, err=True)

    async def work(gateway: GatewayClient) -> int:
        async def replay(ids: Sequence[str]) -> int:
            return await gateway.dead_letters.replay(
                channel_id, dead_letter_ids=ids, lane=chosen.lane, failure_kind=chosen.failure_kind
            )

        return await _in_calls(chosen.dead_letter_ids, replay)

    say(f"replayed {run(ctx, work)}")


@app.command(
    "discard",
    epilog=examples(
        "anychannel dead-letters discard --channel shop dl_01J8",
        "anychannel dead-letters discard --channel shop --failure expired --yes",
    ),
)
def discard_dead_letters(
    ctx: typer.Context,
    dead_letter_ids: Ids = None,
    *,
    channel_id: InChannel,
    lane: OnLane = None,
    failure_kind: FailedSo = None,
    everything: All = False,
    yes: Yes = False,
) -> None:
    """Forget dead letters. What is chosen by a filter or --all is asked about first."""
    chosen = _choose(channel_id, dead_letter_ids, lane, failure_kind, everything=everything)
    if not chosen.dead_letter_ids and not yes:
        which = " ".join(filter(None, (failure_kind, f"to the {lane}" if lane else "")))
        typer.confirm(f"Forget every {which} dead letter of {channel_id}?".replace("  ", " "), abort=True, err=True)

    async def work(gateway: GatewayClient) -> int:
        async def discard(ids: Sequence[str]) -> int:
            return await gateway.dead_letters.discard(
                channel_id, dead_letter_ids=ids, lane=chosen.lane, failure_kind=chosen.failure_kind
            )

        return await _in_calls(chosen.dead_letter_ids, discard)

    say(f"discarded {run(ctx, work)}")


def _choose(
    channel_id: str,
    dead_letter_ids: Sequence[str] | None,
    lane: Lane | None,
    failure_kind: FailureKind | None,
    *,
    everything: bool,
) -> Chosen:
    is_narrowed = bool(dead_letter_ids or lane or failure_kind)
    if everything and is_narrowed:
        raise typer.BadParameter("--all and a choice exclude each other")
    if not everything and not is_narrowed:
        raise typer.BadParameter("say which: ids, --lane, --failure, or --all")
    return Chosen(channel_id=channel_id, dead_letter_ids=dead_letter_ids or (), lane=lane, failure_kind=failure_kind)


async def _in_calls(ids: Sequence[str], call: Callable[[Sequence[str]], Awaitable[int]]) -> int:
    # No ids at all is one call too: its filter says which.
    starts = range(0, max(len(ids), 1), MAX_IDS_A_CALL)
    return sum([await call(ids[start : start + MAX_IDS_A_CALL]) for start in starts])
