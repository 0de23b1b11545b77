"""`python -m tests.benchmarks.throughput`: messages through the whole product, everything durable, on this machine.

inbox → edge → core → provider → platform, and each message's status back to the inbox; both outer ends are one process as cheap as it
can be (`outer_world`). Load is closed (so many connections, each sends the next message when the last was answered) or, with --rate,
open. Prints a table, writes JSON with --json. All processes share this machine's processors with the load: read the processor time a
message, and the ratio between two runs, before the rate.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from anychannel.channel import Channel, DeliveryPolicy, IdType, InboxBinding
from anychannel.client import GatewayClient
from tests.benchmarks.cost import cpu_seconds
from tests.stack.postgres import postgres, postgres_url
from tests.stack.processes import HOST, Processes, Program, free_port
from tests.stack.stack import Secrets, answers, core_program, edge_program, provider_program
from tests.stack.waiting import until

PROGRAMS = ("postgres", "core", "edge", "provider", "world")
CONTACTS = 5_000
SETTLE_SECONDS = 60.0
_LANE_RATE = 2_000.0  # nothing here is held up by a pace


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The product between two cheap outer ends."""

    processes: Processes
    http: aiohttp.ClientSession
    edge: str
    outer: str
    channels: int


@dataclass(slots=True)
class Load:
    """What was sent, and how it was answered."""

    accepted: dict[str, float] = field(default_factory=dict)
    """When each message was answered 200, by its id."""
    waits: list[float] = field(default_factory=list)
    refused: int = 0


async def main(options: argparse.Namespace) -> None:
    """Run the load once."""
    async with _world(options.channels, options.connections) as world:
        await world.http.post(f"{world.outer}/set-up", json={"statuses": options.statuses, "times": True})
        pids = {name: world.processes.pids(name) for name in PROGRAMS}
        before, start = cpu_seconds(pids), time.time()
        load = await _load(world, options)
        sent_time = time.time()
        await _all_out(world, load, "read" if options.statuses else "sent")
        end = time.time()
        after = cpu_seconds({name: world.processes.pids(name) for name in PROGRAMS})
        taken = await _json(world, "times")
    count = len(load.accepted)
    added = [taken[message_id] - answered for message_id, answered in load.accepted.items() if message_id in taken]
    figures = {
        "messages": count,
        "refused": load.refused,
        "accepted_per_second": count / (sent_time - start),
        "delivered_per_second": count / (end - start),
        "accept_ms": _percentiles(load.waits),
        "accepted_to_platform_ms": _percentiles(added),
        "cpu_us_per_message": {name: (after[name] - before[name]) / count * 1e6 for name in PROGRAMS},
    }
    _print(figures)
    if options.json:
        await asyncio.to_thread(Path(options.json).write_text, json.dumps(figures, indent=2))


@asynccontextmanager
async def _world(channels: int, connections: int) -> AsyncIterator[World]:
    database_port, core_port, edge_port, provider_port, outer_port = (free_port() for _ in range(5))
    known, cores = Secrets(), f"ipv4:{HOST}:{core_port}"
    edge, outer = f"http://{HOST}:{edge_port}", f"http://{HOST}:{outer_port}"
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anychannel-bench-")))
        processes = await stack.enter_async_context(Processes(folder))
        await processes.start(postgres(folder, database_port))
        await processes.start(core_program("core", core_port, edge_port, postgres_url(database_port), known))
        command = (sys.executable, "-m", "tests.benchmarks.outer_world", str(outer_port))
        program = Program(name="world", command=command, settings={}, is_ready=lambda: answers(f"{outer}/counts"))
        await processes.start(program)
        await processes.start(provider_program(provider_port, cores, known))
        await processes.start(edge_program(edge_port, cores))
        gateway = await stack.enter_async_context(GatewayClient(cores, known.admin_key))
        await _set_up(gateway, outer, channels)
        connector = aiohttp.TCPConnector(limit=connections)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield World(processes=processes, http=http, edge=edge, outer=outer, channels=channels)


async def _set_up(gateway: GatewayClient, outer: str, channels: int) -> None:
    async def is_known() -> bool:
        return any(provider.ready for provider in await gateway.providers())

    await until(is_known, within=20, what="core knows the provider")
    for number in range(channels):
        await gateway.channels.create(
            Channel(
                channel_id=f"c{number}",
                platform="sandbox",
                settings={
                    "api_base": outer,
                    "access_token": f"platform-token-{number}",
                    "webhook_secret": "sandbox-webhook-secret",
                },
                inbox=InboxBinding(
                    webhook_url=f"{outer}/custom/channel/webhook/",
                    inbox_channel_id=f"i{number}",
                    token=f"inbox-token-{number}",
                    id_type=IdType.PHONE,
                ),
                policy=DeliveryPolicy(platform_rate=_LANE_RATE, inbox_rate=_LANE_RATE),
            )
        )
        await gateway.channels.check(f"c{number}")


async def _load(world: World, options: argparse.Namespace) -> Load:
    load, stop, numbers = Load(), time.time() + options.seconds, iter(range(10**9))

    async def keep_sending() -> None:
        while time.time() < stop:
            await _send(world, load, next(numbers))

    if not options.rate:
        await asyncio.gather(*(keep_sending() for _ in range(options.connections)))
        return load
    start = time.time()
    async with asyncio.TaskGroup() as tasks:
        while time.time() < stop:
            number = next(numbers)
            await asyncio.sleep(max(0.0, start + number / options.rate - time.time()))
            tasks.create_task(_send(world, load, number))
    return load


async def _send(world: World, load: Load, number: int) -> None:
    channel, contact = number % world.channels, 49_151_000_000 + number // world.channels % CONTACTS
    body = {"channelId": f"i{channel}", "contactId": f"+{contact}", "message": {"type": "text", "text": "On its way."}}
    headers = {"authorization": f"Bearer inbox-token-{channel}"}
    start = time.time()
    async with world.http.post(f"{world.edge}/message", json=body, headers=headers) as answer:
        said = await answer.json()
    if answer.status == 200:
        load.accepted[said["mId"]] = time.time()
        load.waits.append(time.time() - start)
    else:
        load.refused += 1


async def _all_out(world: World, load: Load, last_status: str) -> None:
    async def is_out() -> bool:
        counts = await _json(world, "counts")
        return bool(min(counts.get("platform", 0), counts.get(f"status {last_status}", 0)) >= len(load.accepted))

    await until(is_out, within=SETTLE_SECONDS, what="everything accepted is out, and told")


async def _json(world: World, what: str) -> Any:
    async with world.http.get(f"{world.outer}/{what}") as answer:
        return await answer.json()


def _percentiles(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {}
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": cuts[49] * 1e3, "p99": cuts[98] * 1e3}


def _print(figures: dict[str, Any]) -> None:
    for name, figure in figures.items():
        figures_of_it = figure if isinstance(figure, dict) else {"": figure}
        print(f"{name:28} {'  '.join(f'{key} {value:.1f}' for key, value in figures_of_it.items())}")
    print(f"{'processors':28} {os.cpu_count()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0, help="messages a second; 0 = as many as are answered")
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--statuses", action="store_true", help="the platform reports delivered and read, too")
    parser.add_argument("--json", default="", help="file to write the figures to")
    asyncio.run(main(parser.parse_args()))
