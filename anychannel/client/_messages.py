"""Sending: many concurrent sends share calls, and each send is safe to repeat."""

import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from anychannel._batcher import Batcher, Overloaded, Unanswered
from anychannel.client._calls import Calls
from anychannel.client.errors import GatewayError, Unavailable, error_of_refusal
from anychannel.content import Content
from anychannel.message import Message
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from anychannel.wire import content_to_proto, duration_to_proto, message_from_proto

MAX_MESSAGES_A_CALL = 500
"""What SendMessages takes."""
MAX_BYTES_A_CALL = 8 * 1024 * 1024
"""Half of what the gateway takes; the largest message alone is far below."""
CALLS_IN_FLIGHT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """A message to send."""

    channel_id: str
    address: str
    """The contact's id on the platform."""
    content: Content
    request_id: str = ""
    """Your own key of this send, up to 100 characters: sending it again changes nothing. Empty = one is made up."""
    expire_after: timedelta | None = None
    """Given up when not sent by then; None = the channel's policy."""


class Sender:
    """Sends together what is waiting."""

    def __init__(self, calls: Calls, stub: gateway_pb2_grpc.MessageServiceStub) -> None:
        self._calls = calls
        self._stub = stub
        self._batcher = Batcher[gateway_pb2.SendMessageRequest, Message | GatewayError](
            self._send_together, max_batch=MAX_MESSAGES_A_CALL, max_in_flight=CALLS_IN_FLIGHT
        )

    async def close(self) -> None:
        """Wait until everything handed over is answered."""
        await self._batcher.aclose()

    async def send(self, message: OutboundMessage) -> Message:
        """Send one message with whatever else is being sent."""
        request = _request_to_proto(message)
        if not request.request_id:
            # Made before the first try, so that every further try is answered with the same message.
            request.request_id = uuid.uuid4().hex
        try:
            outcome = await self._batcher(request)
        except Overloaded as overloaded:
            raise Unavailable(f"this client has too much to send: {overloaded}") from None
        except Unanswered:
            raise GatewayError("the gateway left this message out of its answer") from None
        if isinstance(outcome, GatewayError):
            raise outcome
        return outcome

    async def _send_together(
        self, requests: Sequence[gateway_pb2.SendMessageRequest]
    ) -> AsyncIterator[tuple[int, Message | GatewayError]]:
        first = 0
        for together in _within_bytes(requests, MAX_BYTES_A_CALL):
            request = gateway_pb2.SendMessagesRequest(requests=together)
            outcomes = await self._calls.unary(self._stub.SendMessages, request, _read_outcomes, idempotent=True)
            for index, outcome in enumerate(outcomes[: len(together)], first):
                yield index, outcome
            first += len(together)


def _within_bytes(
    requests: Sequence[gateway_pb2.SendMessageRequest], max_bytes: int
) -> Iterator[list[gateway_pb2.SendMessageRequest]]:
    together: list[gateway_pb2.SendMessageRequest] = []
    size = 0
    for request in requests:
        if together and size + request.ByteSize() > max_bytes:
            yield together
            together, size = [], 0
        together.append(request)
        size += request.ByteSize()
    yield together


def _request_to_proto(message: OutboundMessage) -> gateway_pb2.SendMessageRequest:
    return gateway_pb2.SendMessageRequest(
        channel_id=message.channel_id,
        address=message.address,
        content=content_to_proto(message.content),
        request_id=message.request_id,
        expire_after=None if message.expire_after is None else duration_to_proto(message.expire_after),
    )


def _read_outcomes(response: gateway_pb2.SendMessagesResponse) -> list[Message | GatewayError]:
    return [_outcome_from_proto(result) for result in response.results]


def _outcome_from_proto(result: gateway_pb2.SendMessagesResponse.Result) -> Message | GatewayError:
    if result.WhichOneof("outcome") == "message":
        return message_from_proto(result.message)
    refusal = result.refusal
    return error_of_refusal(refusal.code, refusal.message or "the gateway refused the message", refusal.field)
