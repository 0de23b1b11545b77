"""`make run`: core, edge, the sandbox and its provider as processes of their own, under one supervisor, on fixed ports of this machine."""

import os
import secrets
import signal
import socket
import sys
from pathlib import Path

from honcho.manager import Manager

DATA_FOLDER = Path(".anychannel")
CORE_PORT = 50050
PROVIDER_PORT = 50051
EDGE_PORT = 8080
SANDBOX_PORT = 8090
_HOST = "127.0.0.1"
_STOPPED_BY_A_PERSON = frozenset({128 + signal.SIGINT, 128 + signal.SIGTERM})


def main() -> int:
    """Run everything until Ctrl-C, or until a part of it ends; the exit code."""
    taken = [port for port in (CORE_PORT, PROVIDER_PORT, EDGE_PORT, SANDBOX_PORT) if _is_taken(port)]
    if taken:
        ports = ", ".join(map(str, taken))
        print(f"Port {ports} of this machine is in use: stop what uses it (another `make run`?), then try again.")  # noqa: T201
        return 1
    DATA_FOLDER.mkdir(exist_ok=True)
    manager = Manager()
    for name, (command, settings) in _processes(secrets.token_urlsafe(32)).items():
        manager.add_process(name, command, env={**os.environ, **settings}, quiet=False)
    manager.loop()
    return 0 if manager.returncode in _STOPPED_BY_A_PERSON else int(manager.returncode or 0)


def _processes(registration_token: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Each process: its command, and what it is set to."""
    python = sys.executable
    return {
        "core": (
            f"exec {python} -m core",
            {
                "ANYCHANNEL_CORE_LISTEN": f"{_HOST}:{CORE_PORT}",
                "ANYCHANNEL_CORE_DATA_FOLDER": str(DATA_FOLDER),
                "ANYCHANNEL_CORE_PUBLIC_URL": f"http://{_HOST}:{EDGE_PORT}",
                "ANYCHANNEL_CORE_REGISTRATION_TOKEN": registration_token,
            },
        ),
        "edge": (
            f"exec {python} -m edge",
            {
                "ANYCHANNEL_EDGE_HOST": _HOST,
                "ANYCHANNEL_EDGE_PORT": str(EDGE_PORT),
                "ANYCHANNEL_EDGE_CORE_ADDRESS": f"{_HOST}:{CORE_PORT}",
                "ANYCHANNEL_EDGE_DRAIN_SECONDS": "0",
            },
        ),
        "provider": (
            f"exec {python} -m anychannel serve providers.sandbox:SandboxProvider",
            {
                "ANYCHANNEL_PROVIDER_LISTEN": f"{_HOST}:{PROVIDER_PORT}",
                "ANYCHANNEL_PROVIDER_REGISTER": f"{_HOST}:{CORE_PORT}",
                "ANYCHANNEL_PROVIDER_ADVERTISE": f"{_HOST}:{PROVIDER_PORT}",
                "ANYCHANNEL_PROVIDER_DRAIN_SECONDS": "0",
                "ANYCHANNEL_REGISTRATION_TOKEN": registration_token,
            },
        ),
        "sandbox": (
            f"exec {python} -m sandbox",
            {
                "ANYCHANNEL_SANDBOX_HOST": _HOST,
                "ANYCHANNEL_SANDBOX_PORT": str(SANDBOX_PORT),
                "ANYCHANNEL_SANDBOX_GATEWAY_URL": f"http://{_HOST}:{EDGE_PORT}",
                "ANYCHANNEL_SANDBOX_DATA_FOLDER": str(DATA_FOLDER / "sandbox"),
            },
        ),
        "demo": (
            f"exec {python} -m sandbox.demo",
            {
                "ANYCHANNEL_CORE_ADDRESS": f"{_HOST}:{CORE_PORT}",
                "ANYCHANNEL_API_KEY_FILE": str(DATA_FOLDER / "admin.key"),
                "ANYCHANNEL_SANDBOX_PORT": str(SANDBOX_PORT),
            },
        ),
    }


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
