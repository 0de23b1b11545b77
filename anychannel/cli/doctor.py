"""`anychannel doctor`: what is wrong with this installation, and what to do about it."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import typer

from anychannel.channel import Channel
from anychannel.cli.connection import Target, open_client
from anychannel.cli.diagnosis import COUNTED_DEAD_LETTERS, Edge, Facts, Finding, Level, diagnose, diagnose_edge
from anychannel.cli.output import examples, say, say_json
from anychannel.cli.version import own_version
from anychannel.client import GatewayClient, GatewayError, KeyRefused, NotAllowed

EXAMPLES = examples(
    "anychannel doctor",
    "anychannel doctor --edge https://gateway.example.com",
    "anychannel doctor --edge '' --json",
)
EDGE_TIMEOUT_SECONDS = 5.0
_SIGNS = {Level.OK: "ok   ", Level.NOTE: "note ", Level.WRONG: "WRONG"}


def examine(
    ctx: typer.Context,
    *,
    edge: Annotated[
        str,
        typer.Option(
            "--edge", envvar="ANYCHANNEL_EDGE_URL", metavar="URL", help="Where edge listens; '' leaves it out."
        ),
    ] = "http://127.0.0.1:8080",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is wrong, and what to do about it.

    Exit code 1 when something is wrong.
    """
    findings = asyncio.run(_examine(ctx.obj, edge))
    if as_json:
        say_json(findings)
    else:
        for finding in findings:
            say(f"{_SIGNS[finding.level]}  {finding.subject}: {finding.text}")
            if finding.action:
                say(f"       {finding.action}")
    if any(finding.level is Level.WRONG for finding in findings):
        raise typer.Exit(1)


async def _examine(target: Target, edge_url: str) -> list[Finding]:
    async with AsyncExitStack() as stack:
        try:
            gateway = await stack.enter_async_context(open_client(target))
        except KeyRefused as error:
            findings = [_wrong("key", error)]
        else:
            findings = await _examine_gateway(gateway, target)
    if edge_url:
        findings.append(diagnose_edge(await _ask_edge(edge_url)))
    return findings


async def _examine_gateway(gateway: GatewayClient, target: Target) -> list[Finding]:
    try:
        core_version = await gateway.ping()
    except GatewayError as error:
        return [_wrong("core", error, "Start core, or name its address with --core or ANYCHANNEL_CORE_ADDRESS.")]
    try:
        providers = await gateway.providers()
        channels = [channel async for channel in gateway.channels.list()]
        dead_letters = {channel.channel_id: await _count_dead_letters(gateway, channel) for channel in channels}
        scopes = await _scopes(gateway)
    except KeyRefused as error:
        return [_wrong("key", error, "Set ANYCHANNEL_API_KEY or ANYCHANNEL_API_KEY_FILE to a key that works.")]
    except NotAllowed as error:
        return [_wrong("key", error, "The doctor needs a key with the scope read.")]
    except GatewayError as error:
        return [_wrong("core", error, "See core's log.")]
    return diagnose(
        Facts(
            core_address=target.core_address,
            core_version=core_version,
            own_version=own_version(),
            scopes=scopes,
            providers=tuple(providers),
            channels=tuple(channels),
            dead_letters=dead_letters,
        )
    )


async def _count_dead_letters(gateway: GatewayClient, channel: Channel) -> int:
    return len([letter async for letter in gateway.dead_letters.list(channel.channel_id, limit=COUNTED_DEAD_LETTERS)])


async def _scopes(gateway: GatewayClient) -> frozenset[str]:
    """What the key may do, found by asking for what changes nothing; it could read, or this would not be reached."""
    if await _is_allowed(gateway.keys.list()):
        return frozenset({"admin"})
    # Cancels no message: there is none without an id.
    may_send = await _is_allowed(gateway.cancel(""))
    return frozenset({"read", "send"} if may_send else {"read"})


async def _is_allowed(call: Awaitable[object]) -> bool:
    try:
        await call
    except NotAllowed:
        return False
    except GatewayError:
        return True
    return True


async def _ask_edge(url: str) -> Edge:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise typer.BadParameter("--edge takes an address such as http://127.0.0.1:8080")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    timeout = aiohttp.ClientTimeout(total=EDGE_TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url.rstrip('/')}/readyz") as answer,
        ):
            return Edge(url=shown, problem="" if answer.ok else f"it answers {answer.status}: not ready")
    except (aiohttp.ClientError, OSError, TimeoutError):
        return Edge(url=shown, problem="nothing answers")


def _wrong(subject: str, error: GatewayError, action: str = "") -> Finding:
    return Finding(level=Level.WRONG, subject=subject, text=error.text, action=action or error.action)
