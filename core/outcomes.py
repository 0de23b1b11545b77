"""Waiting for the outcome of a message's first attempt, whichever replica makes it."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from anychannel.failures import Failure, FailureKind
from anychannel.message import Status
from core.storage.database import Pool, is_away
from core.storage.statuses import Reached

TOPIC = "outcomes"
MAX_EARLY = 1000
"""Outcomes kept for who may ask for them in a moment."""
_PENDING = frozenset({Status.ACCEPTED})
_MAX_TEXT_CHARACTERS = 1000
_MAX_CODE_CHARACTERS = 100
"""PostgreSQL takes less than 8,000 bytes; a character is 4 at most, or 6 when JSON has to escape it."""


class Outcomes:
    """Those who wait for outcomes, and how they learn of them."""

    def __init__(self, pool: Pool, *, is_awaited_elsewhere: Callable[[str], bool]) -> None:
        self._pool = pool
        self._is_awaited_elsewhere = is_awaited_elsewhere
        self._waiting: dict[str, asyncio.Future[Reached]] = {}
        self._early: OrderedDict[str, Reached] = OrderedDict()
        self._telling: set[asyncio.Task[None]] = set()

    def expect(self, message_id: str) -> "asyncio.Future[Reached]":
        """A future of the message's outcome, which may be known already; `forget` it in the end."""
        waiting = self._waiting.setdefault(message_id, asyncio.get_running_loop().create_future())
        early = self._early.pop(message_id, None)
        if early is not None and not waiting.done():
            waiting.set_result(early)
        return waiting

    def forget(self, message_id: str) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(message_id, None)

    def publish(self, reached: Sequence[Reached]) -> None:
        """Tell those who wait, here or at another replica."""
        elsewhere = [r for r in reached if r.status not in _PENDING and not self._resolve(r)]
        elsewhere = [r for r in elsewhere if self._is_awaited_elsewhere(r.channel_id)]
        self._keep(elsewhere)
        if elsewhere:
            task = asyncio.get_running_loop().create_task(self._tell(elsewhere))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def hear(self, payload: str) -> None:
        """What another replica tells."""
        told = json.loads(payload)
        failure = None
        if "kind" in told:
            failure = Failure(kind=FailureKind(told["kind"]), text=told["text"], platform_code=told["platform_code"])
        reached = Reached(
            channel_id=told["channel_id"],
            message_id=told["message_id"],
            status=Status(told["status"]),
            event_time=datetime.fromisoformat(told["event_time"]),
            failure=failure,
        )
        if not self._resolve(reached):
            self._keep([reached])

    def _keep(self, reached: Iterable[Reached]) -> None:
        """An outcome may be here before the answer of the commit that let the attempt be made."""
        for one in reached:
            self._early.setdefault(one.message_id, one)
            if len(self._early) > MAX_EARLY:
                self._early.popitem(last=False)

    def _resolve(self, reached: Reached) -> bool:
        waiting = self._waiting.get(reached.message_id)
        if waiting is None:
            return False
        if not waiting.done():
            waiting.set_result(reached)
        return True

    async def _tell(self, reached: Iterable[Reached]) -> None:
        try:
            for one in reached:
                await self._pool.execute("SELECT pg_notify($1, $2)", TOPIC, _payload(one))
        except Exception as error:
            if not is_away(error):
                raise


def _payload(reached: Reached) -> str:
    told = {
        "channel_id": reached.channel_id,
        "message_id": reached.message_id,
        "status": reached.status.value,
        "event_time": reached.event_time.isoformat(),
    }
    if reached.failure is not None:
        failure = reached.failure
        code, text = failure.platform_code[:_MAX_CODE_CHARACTERS], failure.text[:_MAX_TEXT_CHARACTERS]
        told |= {"kind": failure.kind.value, "text": text, "platform_code": code}
    return json.dumps(told, ensure_ascii=False)
