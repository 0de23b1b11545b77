"""Shows, replays and discards what was given up."""

from collections.abc import Callable
from datetime import UTC, datetime

from anychannel import wire
from anychannel.channel import Scope
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc, message_pb2
from anychannel.wire.gateway import dead_letter_to_proto
from core.rpc.auth import Gatekeeper
from core.rpc.errors import Context, invalid
from core.rpc.paging import id_before, page_size_of, token_after
from core.storage.database import Pool
from core.storage.dead_letters import (
    Filter,
    Replayed,
    discard_dead_letters,
    list_dead_letters,
    replay_dead_letters,
)

DEFAULT_PAGE_SIZE = 50
MAX_IDS = 500


class DeadLetterService(gateway_pb2_grpc.DeadLetterServiceServicer):
    """Keeps what was given up.

    `on_replay` is told what a replay changed, so that this core delivers it and tells watchers at once; others find it by themselves.
    """

    def __init__(
        self,
        pool: Pool,
        gatekeeper: Gatekeeper,
        *,
        on_replay: Callable[[Replayed], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._gatekeeper = gatekeeper
        self._on_replay = on_replay
        self._clock = clock

    async def ListDeadLetters(
        self, request: gateway_pb2.ListDeadLettersRequest, context: Context
    ) -> gateway_pb2.ListDeadLettersResponse:
        """Dead letters of a channel, newest first."""
        which = await self._admit(request.filter, context, Scope.READ)
        size = page_size_of(request.page_size, DEFAULT_PAGE_SIZE)
        letters = await list_dead_letters(self._pool, which, before=id_before(request.page_token), limit=size + 1)
        page = letters[:size]
        return gateway_pb2.ListDeadLettersResponse(
            dead_letters=[dead_letter_to_proto(letter) for letter in page],
            next_page_token=token_after(page[-1].dead_letter_id) if len(letters) > size else "",
        )

    async def ReplayDeadLetters(
        self, request: gateway_pb2.ReplayDeadLettersRequest, context: Context
    ) -> gateway_pb2.ReplayDeadLettersResponse:
        """Put dead letters back on their lane."""
        which = await self._admit(request.filter, context, Scope.ADMIN)
        replayed = await replay_dead_letters(self._pool, which, self._clock())
        self._on_replay(replayed)
        return gateway_pb2.ReplayDeadLettersResponse(count=replayed.count)

    async def DiscardDeadLetters(
        self, request: gateway_pb2.DiscardDeadLettersRequest, context: Context
    ) -> gateway_pb2.DiscardDeadLettersResponse:
        """Forget dead letters."""
        which = await self._admit(request.filter, context, Scope.ADMIN)
        return gateway_pb2.DiscardDeadLettersResponse(count=await discard_dead_letters(self._pool, which))

    async def _admit(self, proto: gateway_pb2.DeadLetterFilter, context: Context, scope: Scope) -> Filter:
        if not proto.channel_id:
            await self._gatekeeper.admit(context, scope)
            raise invalid("filter.channel_id", "channel_id is missing: name the channel")
        await self._gatekeeper.admit(context, scope, proto.channel_id)
        return _filter(proto)


def _filter(proto: gateway_pb2.DeadLetterFilter) -> Filter:
    if len(proto.dead_letter_ids) > MAX_IDS:
        raise invalid("filter.dead_letter_ids", f"at most {MAX_IDS} ids at once")
    # A filter this version does not know would mean everything: a discard must never take that.
    if proto.lane not in message_pb2.Lane.values():
        raise invalid("filter.lane", "this lane is not known")
    if proto.failure_kind not in message_pb2.FailureKind.values():
        raise invalid("filter.failure_kind", "this kind of failure is not known")
    return Filter(
        channel_id=proto.channel_id,
        dead_letter_ids=tuple(proto.dead_letter_ids),
        lane=wire.lane_from_proto(proto.lane),
        failure_kind=wire.failure_kind_from_proto(proto.failure_kind) if proto.failure_kind else None,
    )
