"""What the sandbox must not forget: an append-only table of facts, each durable before it is answered.

State in memory is a fold of these facts. Callers that wait at the same time share one commit.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

FILE_NAME = "sandbox.sqlite3"
BUSY_SECONDS = 2.0  # how long a sandbox that starts waits for the one that is ending
_SCHEMA = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS facts (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, fact BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened. Subclasses hold plain JSON values only, so that they read back as they were written."""


class Journal:
    """One writer thread in front of SQLite; without a folder the facts live in a temporary database."""

    def __init__(self, folder: Path | None, kinds: Iterable[type[Fact]]) -> None:
        self._folder = folder
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[str, bytes]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._writing: asyncio.Future[None] | None = None
        self._database: sqlite3.Connection | None = None

    async def open(self) -> list[Fact]:
        """Open the file and return every fact in it, oldest first."""
        rows = await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        return [self._kinds[kind](**orjson.loads(fact)) for kind, fact in rows]

    async def append(self, *facts: Fact) -> None:
        """Return when these facts, and all noted before them, are on disk."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.note(*facts)
        await waiter

    def note(self, *facts: Fact) -> None:
        """Write these facts with the next commit, without waiting for it."""
        self._waiting.extend((type(fact).__name__, orjson.dumps(fact)) for fact in facts)
        if self._writing is None:
            self._commit()

    async def close(self) -> None:
        """Write what waits, then close the file."""
        if self._waiting and self._writing is None:
            self._commit()
        while self._writing is not None:
            await asyncio.wait([self._writing])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _commit(self) -> None:
        rows, waiters = self._waiting, self._waiters
        self._waiting, self._waiters = [], []
        self._writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows)
        self._writing.add_done_callback(lambda done: self._committed(done, rows, waiters))

    def _committed(
        self, done: asyncio.Future[None], rows: list[tuple[str, bytes]], waiters: list[asyncio.Future[None]]
    ) -> None:
        self._writing = None
        error = done.exception()
        for waiter in waiters:
            if waiter.done():  # its request was cancelled
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
        if error is not None:
            # Memory already holds these facts: they go before whatever is written next, or a restart would lose them.
            self._waiting[:0] = rows
        elif self._waiting:
            self._commit()

    def _open(self) -> list[tuple[str, bytes]]:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        # An empty name is SQLite's own temporary database, gone when it is closed.
        path = self._folder / FILE_NAME if self._folder is not None else ""
        self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._database.executescript(_SCHEMA)
        return self._database.execute("SELECT kind, fact FROM facts ORDER BY position").fetchall()

    def _write(self, rows: list[tuple[str, bytes]]) -> None:
        if self._database is None:
            raise RuntimeError("the journal is not open")
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT INTO facts (kind, fact) VALUES (?, ?)", rows)
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
