"""A live tail of what happens."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from anychannel.channel import Event, Scope, StatusChange
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from anychannel.wire.gateway import watched_event_to_proto
from core.rpc.auth import Gatekeeper
from core.rpc.errors import Context
from core.storage.database import Pool
from core.storage.events import EventRow, events_after, position_now
from core.storage.messages import get_messages

LOOK_SECONDS = 0.25
MAX_EVENTS = 200


class EventService(gateway_pb2_grpc.EventServiceServicer):
    """Tells what happens."""

    def __init__(self, pool: Pool, gatekeeper: Gatekeeper) -> None:
        self._pool = pool
        self._gatekeeper = gatekeeper

    async def WatchEvents(
        self, request: gateway_pb2.WatchEventsRequest, context: Context
    ) -> AsyncIterator[gateway_pb2.WatchEventsResponse]:
        """Stream events from now on, until the caller hangs up."""
        caller = await self._gatekeeper.admit(context, Scope.READ, request.channel_id or None)
        position = await position_now(self._pool)
        await context.send_initial_metadata(())  # the caller may rely on seeing what happens from here on
        while True:
            rows = await events_after(self._pool, position, MAX_EVENTS)
            if rows:
                position = rows[-1].position
            wanted = [
                row for row in rows if caller.may_see(row.channel_id) and request.channel_id in ("", row.channel_id)
            ]
            if events := await self._events(wanted):
                yield gateway_pb2.WatchEventsResponse(events=[watched_event_to_proto(event) for event in events])
            if len(rows) < MAX_EVENTS:
                await asyncio.sleep(LOOK_SECONDS)

    async def _events(self, rows: Sequence[EventRow]) -> list[Event]:
        stored = await get_messages(self._pool, [(row.channel_id, row.message_id) for row in rows if row.is_new])
        events = []
        for row in rows:
            kind = stored.get((row.channel_id, row.message_id)) if row.is_new else _change(row)
            if kind is not None:  # not deleted meanwhile
                event_id = str(row.position.event_id)
                events.append(
                    Event(event_id=event_id, channel_id=row.channel_id, create_time=row.create_time, kind=kind)
                )
        return events


def _change(row: EventRow) -> StatusChange | None:
    if row.status is None:
        return None
    return StatusChange(message_id=row.message_id, status=row.status, failure=row.failure)
