"""A gateway that remembers what it was asked and answers as told: real gRPC on port 0, no rules, no database.

It runs on threads of its own, so that a command line which calls `asyncio.run` can be tested in the same process.
"""

import itertools
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2, message_factory
from google.protobuf.message import Message as Proto
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status

from anychannel import Capabilities, SettingField, Text
from anychannel.capabilities import ProviderDescription
from anychannel.channel import Channel, RegisteredProvider
from anychannel.message import Direction, Message, Origin, Status
from anychannel.provider import ChannelSettings
from anychannel.v1 import channel_pb2, event_pb2, gateway_pb2, message_pb2
from anychannel.wire import content_from_proto, message_to_proto
from anychannel.wire.channel import channel_to_proto
from anychannel.wire.gateway import registered_provider_to_proto

ADMIN_KEY = "key_admin_0123456789"
READ_KEY = "key_read_0123456789"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TELEGRAM = RegisteredProvider(
    platform="telegram",
    address="telegram:50051",
    ready=True,
    description=ProviderDescription(
        protocol_versions=(1,),
        platform="telegram",
        display_name="Telegram",
        version="1.2.3",
        capabilities=Capabilities(max_text_length=4096),
        setting_fields=(
            SettingField(name="bot_token", label="Bot token", help="From @BotFather.", secret=True, required=True),
            SettingField(
                name="mode", label="Mode", help="How.", default_value="webhook", choices=("webhook", "polling")
            ),
            SettingField(name="greeting", label="Greeting", help="Said first."),
        ),
        receives_webhooks=True,
    ),
    describe_time=NOON,
    reason="",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Exception):
    """What an RPC answers instead of its response."""

    code: grpc.StatusCode
    text: str = "refused"
    reason: str = "REFUSED"
    violations: tuple[tuple[str, str], ...] = ()
    retry_after: timedelta | None = None
    rich: bool = True


@dataclass(slots=True, kw_only=True)
class ScriptedGateway:
    """The state of it all; tests read and write it."""

    port: int = 0
    scopes: dict[str, set[str]] = field(default_factory=lambda: {ADMIN_KEY: {"admin"}, READ_KEY: {"read"}})
    channels: dict[str, channel_pb2.Channel] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    providers: list[gateway_pb2.RegisteredProvider] = field(
        default_factory=lambda: [registered_provider_to_proto(TELEGRAM)]
    )
    stories: dict[str, gateway_pb2.GetMessageResponse] = field(default_factory=dict)
    by_request_id: dict[str, message_pb2.Message] = field(default_factory=dict)
    dead_letters: list[gateway_pb2.DeadLetter] = field(default_factory=list)
    keys: list[gateway_pb2.Key] = field(default_factory=list)
    problems: list[message_pb2.Note] = field(default_factory=list)
    events: list[event_pb2.Event] = field(default_factory=list)
    statuses: list[message_pb2.StatusRecord] = field(default_factory=list)
    refusals: dict[str, deque[Refused]] = field(default_factory=lambda: defaultdict(deque))
    breaks_after: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    """How many answers of a stream come before it breaks, for each time it is opened."""
    ends: dict[str, deque[Refused]] = field(default_factory=lambda: defaultdict(deque))
    """What a stream that has told everything ends with, for each time it is opened."""
    watch_holds: bool = False
    """A watch, too, stays open while `hold` is clear."""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    """While it is clear, the tail stays open when it has told everything."""
    serving: bool = True
    hangs: bool = False
    """Health checks are answered when `hold` is set."""
    version: str = ""
    max_page_size: int = 500

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def refuse(self, method: str, *refusals: Refused) -> None:
        self.refusals[method].extend(refusals)

    def requests(self, method: str) -> list[Any]:
        return [request for name, request in self.calls if name == method]

    def add_channel(self, channel: Channel) -> None:
        self.channels[channel.channel_id] = channel_to_proto(channel)

    # MessageService

    def send_messages(self, request: gateway_pb2.SendMessagesRequest) -> gateway_pb2.SendMessagesResponse:
        return gateway_pb2.SendMessagesResponse(results=[self._sent(each) for each in request.requests])

    def _sent(self, request: gateway_pb2.SendMessageRequest) -> gateway_pb2.SendMessagesResponse.Result:
        if request.channel_id == "unknown":
            refusal = gateway_pb2.SendMessagesResponse.Refusal(
                code=code_pb2.NOT_FOUND, message="there is no channel unknown", field="channel_id"
            )
            return gateway_pb2.SendMessagesResponse.Result(refusal=refusal)
        stored = self.by_request_id.get(request.request_id)
        if stored is None:
            stored = message_to_proto(
                a_message(
                    f"msg_{len(self.by_request_id) + 1}",
                    channel_id=request.channel_id,
                    address=request.address,
                    content=content_from_proto(request.content),
                    request_id=request.request_id,
                )
            )
            self.by_request_id[request.request_id] = stored
        return gateway_pb2.SendMessagesResponse.Result(message=stored)

    def get_message(self, request: gateway_pb2.GetMessageRequest) -> gateway_pb2.GetMessageResponse:
        story: gateway_pb2.GetMessageResponse = found(self.stories, request.message_id, "message")
        return story

    def list_messages(self, request: gateway_pb2.ListMessagesRequest) -> gateway_pb2.ListMessagesResponse:
        matching = [
            story.message
            for story in self.stories.values()
            if story.message.channel_id == request.channel_id and request.address in {"", story.message.address}
        ]
        page, token = self._page(matching, request)
        return gateway_pb2.ListMessagesResponse(messages=page, next_page_token=token)

    def cancel_message(self, request: gateway_pb2.CancelMessageRequest) -> gateway_pb2.CancelMessageResponse:
        if not request.message_id:
            raise Refused(code=grpc.StatusCode.INVALID_ARGUMENT, violations=(("message_id", "must be given"),))
        return gateway_pb2.CancelMessageResponse(message=self.get_message(request).message)  # type: ignore[arg-type]  # same field

    def watch_message(self, _: gateway_pb2.WatchMessageRequest) -> Iterator[gateway_pb2.WatchMessageResponse]:
        for status in self.statuses:
            yield gateway_pb2.WatchMessageResponse(status=status)
        if self.watch_holds:
            self.hold.wait()

    # EventService

    def watch_events(self, request: gateway_pb2.WatchEventsRequest) -> Iterator[gateway_pb2.WatchEventsResponse]:
        for event in self.events:
            if request.channel_id in {"", event.channel_id}:
                yield gateway_pb2.WatchEventsResponse(events=[event])
        if self.ends["WatchEvents"]:
            raise self.ends["WatchEvents"].popleft()
        self.hold.wait()

    # ChannelService

    def create_channel(self, request: gateway_pb2.CreateChannelRequest) -> gateway_pb2.CreateChannelResponse:
        channel = channel_pb2.Channel()
        channel.CopyFrom(request.channel)
        if channel.channel_id in self.channels:
            raise Refused(code=grpc.StatusCode.ALREADY_EXISTS, text=f"there is a channel {channel.channel_id} already")
        self.channels[channel.channel_id] = self._without_secrets(channel)
        return gateway_pb2.CreateChannelResponse(channel=self.channels[channel.channel_id])

    def update_channel(self, request: gateway_pb2.UpdateChannelRequest) -> gateway_pb2.UpdateChannelResponse:
        channel = found(self.channels, request.channel.channel_id, "channel")
        for path in request.update_mask.paths:
            top, _, name = path.partition(".")
            if top == "settings":
                channel.settings.pop(name, None)
                if name in request.channel.settings:
                    channel.settings[name] = request.channel.settings[name]
            elif name:
                part, given = getattr(channel, top), getattr(request.channel, top)
                part.ClearField(name)
                part.MergeFrom(type(part)(**{name: getattr(given, name)}))
            else:
                setattr(channel, path, getattr(request.channel, path))
        self._without_secrets(channel)
        return gateway_pb2.UpdateChannelResponse(channel=channel)

    def get_channel(self, request: gateway_pb2.GetChannelRequest) -> gateway_pb2.GetChannelResponse:
        return gateway_pb2.GetChannelResponse(channel=found(self.channels, request.channel_id, "channel"))

    def list_channels(self, request: gateway_pb2.ListChannelsRequest) -> gateway_pb2.ListChannelsResponse:
        page, token = self._page([self.channels[name] for name in sorted(self.channels)], request)
        return gateway_pb2.ListChannelsResponse(channels=page, next_page_token=token)

    def delete_channel(self, request: gateway_pb2.DeleteChannelRequest) -> gateway_pb2.DeleteChannelResponse:
        found(self.channels, request.channel_id, "channel")
        del self.channels[request.channel_id]
        return gateway_pb2.DeleteChannelResponse()

    def check_channel(
        self, request: gateway_pb2.ChannelServiceCheckChannelRequest
    ) -> gateway_pb2.ChannelServiceCheckChannelResponse:
        found(self.channels, request.channel_id, "channel")
        return gateway_pb2.ChannelServiceCheckChannelResponse(problems=self.problems, details={"account": "@shop_bot"})

    # ProviderRegistryService, DeadLetterService, KeyService

    def list_providers(self, _: gateway_pb2.ListProvidersRequest) -> gateway_pb2.ListProvidersResponse:
        return gateway_pb2.ListProvidersResponse(providers=self.providers)

    def list_dead_letters(self, request: gateway_pb2.ListDeadLettersRequest) -> gateway_pb2.ListDeadLettersResponse:
        page, token = self._page([letter for letter in self.dead_letters if meant(letter, request.filter)], request)
        return gateway_pb2.ListDeadLettersResponse(dead_letters=page, next_page_token=token)

    def replay_dead_letters(
        self, request: gateway_pb2.ReplayDeadLettersRequest
    ) -> gateway_pb2.ReplayDeadLettersResponse:
        return gateway_pb2.ReplayDeadLettersResponse(count=self._take_away(request.filter))

    def discard_dead_letters(
        self, request: gateway_pb2.DiscardDeadLettersRequest
    ) -> gateway_pb2.DiscardDeadLettersResponse:
        return gateway_pb2.DiscardDeadLettersResponse(count=self._take_away(request.filter))

    def create_key(self, request: gateway_pb2.CreateKeyRequest) -> gateway_pb2.CreateKeyResponse:
        key = gateway_pb2.Key()
        key.CopyFrom(request.key)
        key.key_id = f"k{len(self.keys) + 1}"
        self.keys.append(key)
        return gateway_pb2.CreateKeyResponse(key=key, secret=f"key_secret_of_{key.key_id}")

    def list_keys(self, _: gateway_pb2.ListKeysRequest) -> gateway_pb2.ListKeysResponse:
        return gateway_pb2.ListKeysResponse(keys=self.keys)

    def revoke_key(self, request: gateway_pb2.RevokeKeyRequest) -> gateway_pb2.RevokeKeyResponse:
        return gateway_pb2.RevokeKeyResponse(key=found({key.key_id: key for key in self.keys}, request.key_id, "key"))

    # grpc.health.v1

    def check(self, _: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        if self.hangs:
            self.hold.wait()
        answers = health_pb2.HealthCheckResponse
        return answers(status=answers.SERVING if self.serving else answers.NOT_SERVING)

    def _without_secrets(self, channel: channel_pb2.Channel) -> channel_pb2.Channel:
        secrets = self.secrets[channel.channel_id]
        if token := channel.settings.pop("bot_token", None):
            secrets["bot_token"] = token
            if "bot_token" not in channel.secrets_set:
                channel.secrets_set.append("bot_token")
        if channel.inbox.token:
            secrets["inbox.token"] = channel.inbox.token
        channel.inbox.ClearField("token")
        return channel

    def _take_away(self, which: gateway_pb2.DeadLetterFilter) -> int:
        kept = [letter for letter in self.dead_letters if not meant(letter, which)]
        count = len(self.dead_letters) - len(kept)
        self.dead_letters[:] = kept
        return count

    def _page(self, items: list[Any], request: Any) -> tuple[list[Any], str]:
        first = int(request.page_token or 0)
        last = first + min(request.page_size or 50, self.max_page_size)
        return items[first:last], str(last) if last < len(items) else ""


NEEDED_SCOPES = {
    "SendMessages": "send",
    "CancelMessage": "send",
    "GetMessage": "read",
    "ListMessages": "read",
    "WatchMessage": "read",
    "GetChannel": "read",
    "ListChannels": "read",
    "ListProviders": "read",
    "ListDeadLetters": "read",
    "WatchEvents": "read",
}


def a_message(message_id: str, **values: Any) -> Message:
    """An outbound message that was just accepted."""
    defaults: dict[str, Any] = {
        "message_id": message_id,
        "channel_id": "shop",
        "direction": Direction.OUTBOUND,
        "origin": Origin.CLIENT,
        "address": "4711",
        "contact_id": "4711",
        "content": Text(text="Hello"),
        "status": Status.ACCEPTED,
        "failure": None,
        "notes": (),
        "create_time": NOON,
        "event_time": NOON,
        "expire_time": None,
        "request_id": "",
    }
    return Message(**(defaults | values))


def a_channel(channel_id: str = "shop", **values: Any) -> Channel:
    """A channel as the gateway answers it: without its secrets."""
    defaults: dict[str, Any] = {
        "channel_id": channel_id,
        "platform": "telegram",
        "settings": ChannelSettings({"mode": "webhook"}),
        "secrets_set": ("bot_token",),
        "webhook_url": "https://gateway.example.com/webhooks/shop/wh_unguessable",
    }
    return Channel(**(defaults | values))


def found(things: dict[str, Any], name: str, noun: str) -> Any:
    if name not in things:
        raise Refused(code=grpc.StatusCode.NOT_FOUND, text=f"there is no {noun} {name}")
    return things[name]


def meant(letter: gateway_pb2.DeadLetter, which: gateway_pb2.DeadLetterFilter) -> bool:
    return (
        letter.channel_id == which.channel_id
        and (not which.dead_letter_ids or letter.dead_letter_id in which.dead_letter_ids)
        and which.lane in {message_pb2.LANE_UNSPECIFIED, letter.lane}
        and which.failure_kind in {message_pb2.FAILURE_KIND_UNSPECIFIED, letter.failure.kind}
    )


@contextmanager
def serve_scripted_gateway(*, port: int = 0) -> Iterator[ScriptedGateway]:
    """A scripted gateway on a free port of 127.0.0.1."""
    gateway = ScriptedGateway()
    with ThreadPoolExecutor(max_workers=16) as pool:
        server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((_Handlers(gateway),))
        gateway.port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield gateway
        finally:
            gateway.hold.set()
            server.stop(grace=None).wait()


class _Handlers(grpc.GenericRpcHandler):
    """Finds the method of the gateway whose name an RPC has."""

    def __init__(self, gateway: ScriptedGateway) -> None:
        services = [*gateway_pb2.DESCRIPTOR.services_by_name.values(), *health_pb2.DESCRIPTOR.services_by_name.values()]
        self._handlers = {
            f"/{service.full_name}/{method.name}": _handler(gateway, method)
            for service in services
            for method in service.methods
            if hasattr(gateway, _snake(method.name))
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._handlers.get(handler_call_details.method)


def _handler(gateway: ScriptedGateway, method: Any) -> Any:
    answer: Callable[[Any], Any] = getattr(gateway, _snake(method.name))

    def unary(request: Proto, context: grpc.ServicerContext) -> Any:
        try:
            _begin(gateway, method.name, request, context)
            return answer(request)
        except Refused as refused:
            _abort(context, refused)

    def stream(request: Proto, context: grpc.ServicerContext) -> Iterator[Any]:
        breaks = gateway.breaks_after[method.name]
        try:
            _begin(gateway, method.name, request, context)
            if not breaks:
                yield from answer(request)
                return
            yield from itertools.islice(answer(request), breaks.popleft())
        except Refused as refused:
            _abort(context, refused)
        context.abort(grpc.StatusCode.UNAVAILABLE, "GOAWAY")

    make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
    return make(
        stream if method.server_streaming else unary,
        request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )


def _begin(gateway: ScriptedGateway, method: str, request: Proto, context: grpc.ServicerContext) -> None:
    metadata = dict(context.invocation_metadata())
    gateway.calls.append((method, request))
    gateway.metadata.append(metadata)
    if gateway.version:
        context.send_initial_metadata((("anychannel-version", gateway.version),))
    if method != "Check":
        _admit(gateway, method, str(metadata.get("authorization", "")))
    if gateway.refusals[method]:
        raise gateway.refusals[method].popleft()


def _admit(gateway: ScriptedGateway, method: str, authorization: str) -> None:
    scopes = gateway.scopes.get(authorization.removeprefix("Bearer "))
    if scopes is None:
        raise Refused(code=grpc.StatusCode.UNAUTHENTICATED, text="the key is unknown or revoked", reason="KEY_UNKNOWN")
    needed = NEEDED_SCOPES.get(method, "admin")
    if not scopes & {needed, "admin"}:
        raise Refused(
            code=grpc.StatusCode.PERMISSION_DENIED, text=f"the key lacks the scope {needed}", reason="SCOPE_MISSING"
        )


def _abort(context: grpc.ServicerContext, refused: Refused) -> None:
    if not refused.rich:
        context.abort(refused.code, refused.text)
    details: list[Proto] = [error_details_pb2.ErrorInfo(reason=refused.reason, domain="anychannel")]
    if refused.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=name, description=text)
            for name, text in refused.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if refused.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(refused.retry_after)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = [any_pb2.Any() for _ in details]
    for each, detail in zip(packed, details, strict=True):
        each.Pack(detail)
    status = status_pb2.Status(code=refused.code.value[0], message=refused.text, details=packed)
    context.abort_with_status(rpc_status.to_status(status))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
