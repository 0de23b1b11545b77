"""A database that can go away."""

from typing import Any

from core.storage.database import Pool

_QUERIES = frozenset({"acquire", "execute", "fetch", "fetchrow", "fetchval"})


class Flaky:
    """A pool; while `is_away`, nothing answers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        if name in _QUERIES and self.is_away:
            raise ConnectionRefusedError
        return getattr(self._pool, name)
