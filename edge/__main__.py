"""`python -m edge`: serves until SIGTERM or SIGINT. `python -m edge --help` lists the settings."""

import asyncio
import signal
import sys
from collections.abc import Callable

from pydantic import ValidationError

from anychannel._logging import configure
from anychannel._settings_help import describe
from edge.serve import serve
from edge.settings import PREFIX, Settings


def main(arguments: list[str]) -> int:
    """Serve; the exit code."""
    if arguments in (["--help"], ["-h"]):
        print(describe(Settings))  # noqa: T201  # what was asked for
        return 0
    if arguments:
        print("edge takes no arguments; see python -m edge --help", file=sys.stderr)  # noqa: T201  # to a person at a shell
        return 2
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(place) for place in problem["loc"]).upper()
            print(f"{PREFIX}{name}: {problem['msg']}", file=sys.stderr)  # noqa: T201  # to a person at a shell
        return 2
    configure("edge")
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve_until_signal(settings))
    return 0


async def _serve_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's where it is installed: 15 % more requests."""
    try:
        import uvloop  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
