"""`python -m core`: serves until SIGTERM or SIGINT. `python -m core --help` lists the settings."""

import asyncio
import signal
import sys

import uvloop

from anychannel._logging import configure
from anychannel._settings_help import describe
from core.first_start import SettingsRefused, load_settings
from core.server import running
from core.settings import Settings
from core.storage.database import DatabaseAway
from core.storage.embedded import EmbeddedDatabaseFailed
from core.storage.migrate import MigrationRefused


def main(arguments: list[str]) -> int:
    """Serve; the exit code."""
    if arguments in (["--help"], ["-h"]):
        print(describe(Settings))  # noqa: T201  # what was asked for
        return 0
    if arguments:
        print("core takes no arguments; see python -m core --help", file=sys.stderr)  # noqa: T201  # to a person at a shell
        return 2
    try:
        settings = load_settings()
    except SettingsRefused as error:
        print(error, file=sys.stderr)  # noqa: T201  # to a person at a shell
        return 2
    configure("core")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve_until_signal(settings))
        except (DatabaseAway, EmbeddedDatabaseFailed, MigrationRefused) as error:
            print(error, file=sys.stderr)  # noqa: T201  # to a person at a shell
            return 1
    return 0


async def _serve_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings):
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
