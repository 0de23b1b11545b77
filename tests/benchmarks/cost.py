"""What processes cost: their own accounting, so that a busy machine changes little of it."""

from collections.abc import Iterable, Mapping

import psutil


def cpu_seconds(pids: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Processor time, user and system, that each program has used so far."""
    return {name: sum(map(_cpu_seconds, of)) for name, of in pids.items()}


def _cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # A PostgreSQL backend that ended is accounted to its parent.
    return float(times.user + times.system + times.children_user + times.children_system)
