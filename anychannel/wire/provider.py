"""What core and a provider tell each other ↔ protobuf."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from anychannel.events import ProviderEvent
from anychannel.failures import Failure
from anychannel.message import Part
from anychannel.provider import (
    ChannelContext,
    ChannelSettings,
    CheckResult,
    Heard,
    HttpReply,
    HttpRequest,
    Received,
    Sent,
)
from anychannel.v1 import event_pb2, provider_pb2
from anychannel.wire.content import notes_from_proto, notes_to_proto
from anychannel.wire.events import event_from_proto, event_to_proto
from anychannel.wire.failures import failure_from_proto, failure_to_proto
from anychannel.wire.message import part_to_proto
from anychannel.wire.sayable import sayable
from anychannel.wire.times import time_from_proto, time_to_proto


def channel_context_to_proto(channel: ChannelContext) -> provider_pb2.ChannelContext:
    """The channel a call is about."""
    return provider_pb2.ChannelContext(
        channel_id=channel.channel_id, settings=channel.settings, webhook_url=channel.webhook_url
    )


def channel_context_from_proto(proto: provider_pb2.ChannelContext) -> ChannelContext:
    """The channel a call is about."""
    return ChannelContext(
        channel_id=proto.channel_id, settings=ChannelSettings(proto.settings), webhook_url=proto.webhook_url
    )


def deliver_request_to_proto(deliveries: Iterable[tuple[ChannelContext, Part]]) -> provider_pb2.DeliverRequest:
    """A batch of parts; a context used several times (the same object) goes once."""
    channels = _Channels()
    return provider_pb2.DeliverRequest(
        deliveries=[
            provider_pb2.DeliverRequest.Delivery(channel_index=channels.index(channel), part=part_to_proto(part))
            for channel, part in deliveries
        ],
        channels=channels.protos,
    )


def outcome_to_proto(index: int, outcome: Sent | Failure) -> provider_pb2.DeliverResponse.Outcome:
    """What became of the delivery at that index."""
    match outcome:
        case Sent():
            return provider_pb2.DeliverResponse.Outcome(index=index, sent=sent_to_proto(outcome))
        case Failure():
            return provider_pb2.DeliverResponse.Outcome(index=index, failure=failure_to_proto(outcome))
        case _:
            assert_never(outcome)


def outcome_from_proto(proto: provider_pb2.DeliverResponse.Outcome) -> tuple[int, Sent | Failure]:
    """The index of a delivery and what became of it. Raises `ValueError` when that is not said."""
    match proto.WhichOneof("outcome"):
        case "sent":
            return proto.index, sent_from_proto(proto.sent)
        case "failure":
            return proto.index, failure_from_proto(proto.failure)
        case _:
            raise ValueError("outcome: neither sent nor failure is set")


def sent_to_proto(sent: Sent) -> provider_pb2.Sent:
    """The platform took a part."""
    return provider_pb2.Sent(platform_message_id=sent.platform_message_id, notes=notes_to_proto(sent.notes))


def sent_from_proto(proto: provider_pb2.Sent) -> Sent:
    """The platform took a part."""
    return Sent(platform_message_id=proto.platform_message_id, notes=notes_from_proto(proto.notes))


def http_request_to_proto(request: HttpRequest) -> provider_pb2.HttpRequest:
    """A raw HTTP request."""
    return provider_pb2.HttpRequest(
        method=request.method,
        url=request.url,
        path=request.path,
        query=request.query,
        headers=_headers_to_proto(request.headers),
        body=request.body,
        receive_time=time_to_proto(request.receive_time),
    )


def http_request_from_proto(proto: provider_pb2.HttpRequest) -> HttpRequest:
    """A raw HTTP request. Raises `ValueError` when receive_time is unset: signatures are judged by it."""
    if not proto.HasField("receive_time"):
        raise ValueError("receive_time: not set")
    return HttpRequest(
        method=proto.method,
        url=proto.url,
        path=proto.path,
        query=proto.query,
        headers=_headers_from_proto(proto.headers),
        body=proto.body,
        receive_time=time_from_proto(proto.receive_time),
    )


def http_reply_to_proto(reply: HttpReply) -> provider_pb2.HttpReply:
    """A raw HTTP reply."""
    return provider_pb2.HttpReply(
        status_code=reply.status_code, headers=_headers_to_proto(reply.headers), body=reply.body
    )


def http_reply_from_proto(proto: provider_pb2.HttpReply) -> HttpReply:
    """A raw HTTP reply."""
    return HttpReply(status_code=proto.status_code, headers=_headers_from_proto(proto.headers), body=proto.body)


def receive_request_to_proto(
    webhooks: Iterable[tuple[ChannelContext, HttpRequest]],
) -> provider_pb2.ReceiveWebhooksRequest:
    """A batch of webhooks; a context used several times (the same object) goes once."""
    channels = _Channels()
    return provider_pb2.ReceiveWebhooksRequest(
        webhooks=[
            provider_pb2.ReceiveWebhooksRequest.Webhook(
                channel_index=channels.index(channel), request=http_request_to_proto(request)
            )
            for channel, request in webhooks
        ],
        channels=channels.protos,
    )


def received_to_proto(received: Received) -> provider_pb2.ReceiveWebhooksResponse.Received:
    """What one webhook said; half surrogate pairs in its texts become question marks."""
    try:
        return _received_to_proto(received)
    except UnicodeEncodeError:
        return _received_to_proto(sayable(received))


def _received_to_proto(received: Received) -> provider_pb2.ReceiveWebhooksResponse.Received:
    return provider_pb2.ReceiveWebhooksResponse.Received(
        events=[event_to_proto(event) for event in received.events],
        reply=http_reply_to_proto(received.reply),
        notes=notes_to_proto(received.notes),
    )


def received_from_proto(proto: provider_pb2.ReceiveWebhooksResponse.Received) -> Received:
    """What one webhook said; facts of a kind unknown here are left out. Raises as `event_from_proto` does."""
    return Received(
        events=_events_from_proto(proto.events),
        reply=http_reply_from_proto(proto.reply),
        notes=notes_from_proto(proto.notes),
    )


def heard_to_proto(heard: Heard) -> provider_pb2.ListenResponse:
    """One batch of what was heard; half surrogate pairs in its texts become question marks."""
    try:
        return _heard_to_proto(heard)
    except UnicodeEncodeError:
        return _heard_to_proto(sayable(heard))


def _heard_to_proto(heard: Heard) -> provider_pb2.ListenResponse:
    return provider_pb2.ListenResponse(
        events=[event_to_proto(event) for event in heard.events],
        cursor=heard.cursor,
        notes=notes_to_proto(heard.notes),
    )


def heard_from_proto(proto: provider_pb2.ListenResponse) -> Heard:
    """One batch of what was heard; facts of a kind unknown here are left out. Raises as `event_from_proto` does."""
    return Heard(events=_events_from_proto(proto.events), cursor=proto.cursor, notes=notes_from_proto(proto.notes))


def check_result_to_proto(result: CheckResult) -> provider_pb2.CheckChannelResponse:
    """What a check found."""
    return provider_pb2.CheckChannelResponse(problems=notes_to_proto(result.problems), details=result.details)


def check_result_from_proto(proto: provider_pb2.CheckChannelResponse) -> CheckResult:
    """What a check found."""
    return CheckResult(problems=notes_from_proto(proto.problems), details=dict(proto.details))


class _Channels:
    """The contexts of a batch, each once."""

    def __init__(self) -> None:
        self.protos: list[provider_pb2.ChannelContext] = []
        self._indexes: dict[int, int] = {}
        self._kept: list[ChannelContext] = []  # an id is only good while its object lives

    def index(self, channel: ChannelContext) -> int:
        """Position of the context, added when it is new."""
        index = self._indexes.get(id(channel))
        if index is None:
            index = self._indexes[id(channel)] = len(self.protos)
            self._kept.append(channel)
            self.protos.append(channel_context_to_proto(channel))
        return index


def _events_from_proto(protos: Iterable[event_pb2.ProviderEvent]) -> tuple[ProviderEvent, ...]:
    events = [event_from_proto(proto) for proto in protos]
    return tuple([event for event in events if event is not None])


def _headers_to_proto(headers: Sequence[tuple[str, str]]) -> list[provider_pb2.HttpHeader]:
    return [provider_pb2.HttpHeader(name=name, value=value) for name, value in headers]


def _headers_from_proto(headers: Iterable[provider_pb2.HttpHeader]) -> tuple[tuple[str, str], ...]:
    return tuple([(header.name, header.value) for header in headers])
