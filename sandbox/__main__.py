"""`python -m sandbox`: serve both worlds until SIGTERM or SIGINT."""

import asyncio
import signal

import structlog
from aiohttp import web

from sandbox.app import create_app
from sandbox.settings import Settings

# aiohttp waits this long for requests under way, and as long again once it has cancelled them: in all, under two seconds.
SHUTDOWN_SECONDS = 0.5


async def serve(settings: Settings) -> None:
    """Serve until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = structlog.get_logger()
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        host, port = runner.addresses[0][:2]
        log.info("sandbox.started", url=f"http://{host}:{port}", settings=settings.model_dump(mode="json"))
        await stop.wait()
    finally:
        await runner.cleanup()
    log.info("sandbox.stopped")


def main() -> None:
    """Read the settings and serve."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    asyncio.run(serve(Settings()))


if __name__ == "__main__":
    main()
