"""`python protos/generate.py [FOLDER]`: generates anychannel/v1 below FOLDER, this repository when none is given.

The gRPC half is generated only for files that declare services; elsewhere it would be an empty module.
"""

import subprocess
import sys
from pathlib import Path

PROTOS = Path(__file__).parent
WITH_SERVICES = ("gateway", "ingress", "provider")


def generate(target: Path) -> None:
    """Generate everything below `target`. Raises `subprocess.CalledProcessError` with protoc's words printed."""
    sources = sorted(PROTOS.glob("anychannel/v1/*.proto"))
    _protoc(sources, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    services = [source for source in sources if source.stem in WITH_SERVICES]
    _protoc(services, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet,only_async:{target}")


def _protoc(sources: list[Path], *outputs: str) -> None:
    plugins = [
        f"--plugin={name}={Path(sys.executable).parent / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTOS}", *plugins, *outputs]
    subprocess.run([*command, *map(str, sources)], check=True)  # noqa: S603  # our own command


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS.parent)
