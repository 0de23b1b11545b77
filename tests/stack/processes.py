"""Real processes for tests: each in a group of its own, killed and started again by name, and none left behind."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.stack.waiting import until

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
READY_SECONDS = 30.0
_END_SECONDS = 10.0
_LEASH = Path(__file__).with_name("leash.py")
_LOG_TAIL_CHARACTERS = 4000
# Below the range of ports that systems give to outgoing connections (32768 and up on Linux): one of those could take the port of a
# server that is being restarted, or, when it dials that very port, be connected to itself.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and how to see that it serves."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], Awaitable[bool]]
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables; some are secrets."""
    user: str = ""
    """Who runs it, where that is not who runs the tests."""
    last_signal: signal.Signals = signal.SIGKILL
    """What ends it at the end of a test."""


class Processes:
    """The processes of one test. Leaving the context ends them all, with all that they started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._programs: dict[str, Program] = {}
        self._ended: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        died = [name for name, it in self._running.items() if it.returncode is not None and name not in self._ended]
        said = "\n".join(f"{name} ended by itself:\n{self.log_tail(name)}" for name in died)
        await self._end_all()
        if died and error is None:
            raise AssertionError(said)
        if error is not None:
            tails = [f"{name} said last:\n{self.log_tail(name)}" for name in self._running if name not in died]
            error.add_note("\n".join([said, *tails]))

    async def _end_all(self) -> None:
        for name in reversed(self._running):
            program, process = self._programs[name], self._running[name]
            offspring = _offspring(process)
            _signal(process, program.last_signal)
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            await _end(process, offspring)

    async def start(self, program: Program) -> None:
        """Start a program; returns once it serves."""
        await self.spawn(program)
        await self.until_ready(program.name)

    async def spawn(self, program: Program) -> None:
        """Start a program without waiting for it."""
        assert not self.is_running(program.name), f"{program.name} runs already"
        with self.log_path(program.name).open("ab") as log:
            self._running[program.name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", str(_LEASH), str(os.getpid()), program.user, *program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **program.settings},
                start_new_session=True,
            )
        self._programs[program.name] = program
        self._ended.discard(program.name)

    async def until_ready(self, name: str) -> None:
        """Wait until it serves; a program that ends instead fails the test with what it said last."""
        program, process = self._programs[name], self._running[name]

        async def look() -> bool:
            if process.returncode is not None:
                raise AssertionError(f"{name} ended with {process.returncode}:\n{self.log_tail(name)}")
            return await program.is_ready()

        try:
            await until(look, within=READY_SECONDS, what=f"{name} serves")
        except AssertionError as error:
            error.add_note(self.log_tail(name))
            raise

    def pids(self, name: str) -> list[int]:
        """The processes of a program: its own and what it started."""
        process = self._running[name]
        return [process.pid, *(child.pid for child in _offspring(process))]

    async def kill(self, name: str) -> None:
        """`kill -9`, of all that it started too: what a machine that dies does to them."""
        process = self._running[name]
        assert process.returncode is None, f"{name} ended by itself with {process.returncode}:\n{self.log_tail(name)}"
        self._ended.add(name)
        await _end(process, _offspring(process))

    async def stop(self, name: str, *, within: float, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and wait for that; its exit code."""
        process = self._running[name]
        self._ended.add(name)
        _signal(process, how)
        async with asyncio.timeout(within):
            return await process.wait()

    async def restart(self, name: str) -> None:
        """Start what was killed or stopped, as it was started; returns once it serves."""
        await self.start(self._programs[name])

    def is_running(self, name: str) -> bool:
        """Whether a process of this name runs."""
        return name in self._running and self._running[name].returncode is None

    def cpu_seconds(self, name: str) -> float:
        """Processor time it has used."""
        times = psutil.Process(self._running[name].pid).cpu_times()
        return float(times.user + times.system)

    def log_path(self, name: str) -> Path:
        """Where what it says is kept, of all its lives."""
        return self._folder / f"{name}.log"

    def log_tail(self, name: str) -> str:
        """What it said last."""
        return self.log_path(name).read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL_CHARACTERS:]


def free_port() -> int:
    """A port of this machine that nobody listens on, and that nobody is given by chance."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return port


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Not by the process itself, which looks whether it has ended, and so may take its exit code from asyncio, who waits for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _offspring(process: asyncio.subprocess.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


async def _end(process: asyncio.subprocess.Process, offspring: list[psutil.Process]) -> None:
    _signal(process, signal.SIGKILL)
    for child in offspring:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    await process.wait()
    await asyncio.to_thread(psutil.wait_procs, offspring, _END_SECONDS)
