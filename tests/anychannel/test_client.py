import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import timedelta

import grpc
import pytest

from anychannel import Text
from anychannel.channel import Event, HealthLevel, Scope, StatusChange
from anychannel.client import (
    AlreadyExists,
    DeadlineExceeded,
    FieldViolation,
    GatewayClient,
    GatewayError,
    InvalidRequest,
    KeyRefused,
    NotAllowed,
    NotFound,
    NotPossible,
    OutboundMessage,
    Timing,
    Unavailable,
)
from anychannel.client import _messages as messages_module
from anychannel.client._calls import ATTEMPTS, delay_before
from anychannel.failures import FailureKind
from anychannel.message import Message, MessageStory, Status, StatusRecord
from anychannel.provider import ChannelSettings
from anychannel.v1 import gateway_pb2, message_pb2
from anychannel.wire import message_story_to_proto, status_record_to_proto
from anychannel.wire.gateway import watched_event_to_proto
from tests.anychannel.scripted_gateway import (
    ADMIN_KEY,
    NOON,
    READ_KEY,
    Refused,
    ScriptedGateway,
    a_channel,
    a_message,
    serve_scripted_gateway,
)

UNAVAILABLE = Refused(code=grpc.StatusCode.UNAVAILABLE, text="the database is away")


class Naps:
    """Sleeps that pass at once and are remembered."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    with serve_scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def client(gateway: ScriptedGateway, naps: Naps) -> AsyncIterator[GatewayClient]:
    async with a_client(gateway, naps) as client:
        yield client


def a_client(gateway: ScriptedGateway, naps: Naps | None = None, *, key: str = ADMIN_KEY) -> GatewayClient:
    timing = Timing(sleep=naps.sleep, jitter=lambda: 1.0) if naps else None
    return GatewayClient(gateway.address, key, timing=timing)


async def test_a_text_is_sent_with_the_key_and_a_made_up_request_id(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    message = await client.send("shop", "4711", "Hello")

    assert (message.channel_id, message.address, message.content) == ("shop", "4711", Text(text="Hello"))
    assert message.status is Status.ACCEPTED
    assert len(gateway.requests("SendMessages")[0].requests[0].request_id) == 32
    assert gateway.metadata[0]["authorization"] == f"Bearer {ADMIN_KEY}"


async def test_concurrent_sends_share_calls(gateway: ScriptedGateway, client: GatewayClient) -> None:
    sent = await asyncio.gather(*(client.send("shop", str(number), "Hello") for number in range(100)))

    assert [message.address for message in sent] == [str(number) for number in range(100)]
    assert len(gateway.requests("SendMessages")) <= 4


async def test_a_refused_message_does_not_stop_the_others(client: GatewayClient) -> None:
    outcomes = await client.send_many(
        OutboundMessage(channel_id=channel_id, address="1", content=Text(text="Hi"), request_id=channel_id)
        for channel_id in ("shop", "unknown", "bakery")
    )

    assert [isinstance(outcome, Message) for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1], NotFound)
    assert str(outcomes[1]) == "channel_id: there is no channel unknown."


async def test_more_messages_than_may_wait_go_in_windows(
    gateway: ScriptedGateway, client: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anychannel.client._gateway.SEND_WINDOW", 2)

    outcomes = await client.send_many(
        OutboundMessage(channel_id="shop", address=str(number), content=Text(text="Hi")) for number in range(5)
    )

    assert [outcome.address for outcome in outcomes if isinstance(outcome, Message)] == list("01234")
    assert [len(request.requests) for request in gateway.requests("SendMessages")] == [2, 2, 1]


async def test_messages_too_large_for_one_call_go_in_several(
    gateway: ScriptedGateway, client: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages_module, "MAX_BYTES_A_CALL", 1_000)

    outcomes = await client.send_many(
        OutboundMessage(channel_id="shop", address=str(number), content=Text(text="x" * 400)) for number in range(5)
    )

    assert [outcome.address for outcome in outcomes if isinstance(outcome, Message)] == list("01234")
    assert [len(request.requests) for request in gateway.requests("SendMessages")] == [2, 2, 1]


async def test_a_message_that_cannot_be_spelled_fails_alone(client: GatewayClient) -> None:
    good, bad = await asyncio.gather(
        client.send("shop", "1", "Hello"), client.send("shop", "2", Text(text="\ud800")), return_exceptions=True
    )

    assert isinstance(good, Message)
    assert isinstance(bad, ValueError)


async def test_a_message_left_out_of_the_answer_is_an_error(
    gateway: ScriptedGateway, client: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anychannel.client._messages._read_outcomes", lambda _: [])

    with pytest.raises(GatewayError, match="left this message out"):
        await client.send("shop", "1", "Hello")
    assert len(gateway.requests("SendMessages")) == 1


async def test_a_send_is_repeated_with_the_same_request_id(
    gateway: ScriptedGateway, client: GatewayClient, naps: Naps
) -> None:
    gateway.refuse("SendMessages", UNAVAILABLE, UNAVAILABLE)

    await client.send("shop", "1", "Hello")

    ids = [request.requests[0].request_id for request in gateway.requests("SendMessages")]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert naps.seconds == [pytest.approx(0.2), pytest.approx(0.4)]


async def test_what_is_not_idempotent_is_never_repeated(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.refuse("CancelMessage", UNAVAILABLE)
    gateway.refuse("CreateChannel", UNAVAILABLE)
    gateway.refuse("ReplayDeadLetters", UNAVAILABLE)

    for call in (client.cancel("msg_1"), client.channels.create(a_channel()), client.dead_letters.replay("shop")):
        with pytest.raises(Unavailable):
            await call
    assert [name for name, _ in gateway.calls] == ["CancelMessage", "CreateChannel", "ReplayDeadLetters"]


async def test_what_stays_away_is_given_up(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.refuse("ListProviders", *[UNAVAILABLE] * 10)

    with pytest.raises(Unavailable, match="the database is away"):
        await client.providers()
    assert len(gateway.calls) == ATTEMPTS


@pytest.mark.parametrize(
    ("attempt", "error", "remaining", "delay"),
    [
        pytest.param(2, Unavailable("away"), 10, 0.2, id="first retry after 0.2 s"),
        pytest.param(3, Unavailable("away"), 10, 0.4, id="the next after twice that"),
        pytest.param(4, Unavailable("away"), 10, None, id="three tries at most"),
        pytest.param(2, Unavailable("full", retry_after=timedelta(seconds=3)), 10, 3, id="not before the gateway said"),
        pytest.param(2, Unavailable("full", retry_after=timedelta(seconds=30)), 10, None, id="not beyond the deadline"),
        pytest.param(2, NotFound("no"), 10, None, id="only what is away"),
        pytest.param(2, DeadlineExceeded("late"), 10, None, id="not what ran out of time"),
    ],
)
def test_retry_decision(attempt: int, error: GatewayError, remaining: float, delay: float | None) -> None:
    assert delay_before(attempt, error, remaining=remaining, jitter=1.0) == (delay and pytest.approx(delay))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, KeyRefused),
        (grpc.StatusCode.PERMISSION_DENIED, NotAllowed),
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidRequest),
        (grpc.StatusCode.NOT_FOUND, NotFound),
        (grpc.StatusCode.ALREADY_EXISTS, AlreadyExists),
        (grpc.StatusCode.FAILED_PRECONDITION, NotPossible),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
        (grpc.StatusCode.DATA_LOSS, GatewayError),
    ],
)
@pytest.mark.parametrize("rich", [True, False], ids=["with details", "bare"])
async def test_each_code_is_an_error_of_its_own(
    gateway: ScriptedGateway, client: GatewayClient, code: grpc.StatusCode, kind: type[GatewayError], *, rich: bool
) -> None:
    gateway.refuse("CancelMessage", Refused(code=code, text="no", reason="SAID_SO", rich=rich))

    with pytest.raises(GatewayError) as raised:
        await client.cancel("msg_1")

    assert type(raised.value) is kind
    assert raised.value.reason == ("SAID_SO" if rich else "")


async def test_details_of_an_error_are_carried(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.refuse(
        "CreateChannel",
        Refused(
            code=grpc.StatusCode.INVALID_ARGUMENT,
            text="the channel is wrong",
            reason="CHANNEL_INVALID",
            violations=(("channel.settings.bot_token", "must be given"),),
            retry_after=timedelta(seconds=2),
        ),
    )

    with pytest.raises(InvalidRequest) as raised:
        await client.channels.create(a_channel())

    error = raised.value
    assert error.violations == (FieldViolation(field="channel.settings.bot_token", text="must be given"),)
    assert error.reason == "CHANNEL_INVALID"
    assert error.retry_after == timedelta(seconds=2)
    assert str(error) == "the channel is wrong: channel.settings.bot_token: must be given."


async def test_a_gateway_that_is_away_is_said_with_its_address() -> None:
    with serve_scripted_gateway() as gone:
        address = gone.address
    async with GatewayClient(address, ADMIN_KEY, timing=Timing(sleep=Naps().sleep)) as client:
        with pytest.raises(Unavailable, match=rf"does not answer at {address}\. See that it runs"):
            await client.providers()


async def test_a_gateway_that_hangs_is_left_at_the_deadline(gateway: ScriptedGateway) -> None:
    gateway.hangs = True

    async with GatewayClient(gateway.address, ADMIN_KEY, timeout=timedelta(milliseconds=100)) as client:
        with pytest.raises(DeadlineExceeded, match=r"did not answer in time\. Whether it was done is not known"):
            await client.ping()


@pytest.mark.parametrize("key", ["", "key with blanks", "key\nbroken", "schlüssel"])
def test_a_key_that_would_break_the_metadata_is_refused_unseen(key: str) -> None:
    with pytest.raises(KeyRefused) as raised:
        GatewayClient("127.0.0.1:1", key)
    assert not key or key not in str(raised.value)


async def test_the_key_is_in_no_repr_and_no_error(gateway: ScriptedGateway) -> None:
    async with a_client(gateway, key="key_wrong_0123456789") as client:
        with pytest.raises(KeyRefused) as raised:
            await client.providers()
        shown = f"{client!r} {client.channels!r} {raised.value!r} {raised.value}"
    assert "key_wrong" not in shown
    assert "Use another API key" in shown


async def test_a_key_without_the_scope_is_told_so(gateway: ScriptedGateway) -> None:
    async with a_client(gateway, key=READ_KEY) as client:
        with pytest.raises(NotAllowed, match=r"the key lacks the scope admin\. Ask the operator"):
            await client.keys.list()


def test_a_channel_shows_no_setting_token_or_webhook_address() -> None:
    channel = a_channel(settings=ChannelSettings({"bot_token": "s3cret"}))
    assert "s3cret" not in repr(channel)
    assert "wh_unguessable" not in repr(channel)


async def test_pages_are_read_until_the_last(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.max_page_size = 2
    for number in range(5):
        gateway.add_channel(a_channel(f"shop-{number}"))

    everything = [channel.channel_id async for channel in client.channels.list()]
    some = [channel.channel_id async for channel in client.channels.list(limit=3)]

    assert everything == [f"shop-{number}" for number in range(5)]
    assert some == everything[:3]


async def test_a_channel_lives(gateway: ScriptedGateway, client: GatewayClient) -> None:
    settings = ChannelSettings({"bot_token": "s3cret", "mode": "webhook"})
    created = await client.channels.create(a_channel(settings=settings, secrets_set=()))
    assert dict(created.settings) == {"mode": "webhook"}
    assert created.secrets_set == ("bot_token",)
    assert gateway.secrets["shop"] == {"bot_token": "s3cret"}

    changed = await client.channels.update(
        a_channel(display_name="Shop", paused=True, platform="ignored"), ["display_name", "paused"]
    )
    assert (changed.display_name, changed.paused, changed.platform) == ("Shop", True, "telegram")
    assert await client.channels.get("shop") == changed
    assert changed.health.level is HealthLevel.UNKNOWN

    gateway.problems.append(message_pb2.Note(code="token_refused", text="The bot token is refused."))
    result = await client.channels.check("shop")
    assert [note.code for note in result.problems] == ["token_refused"]
    assert result.details == {"account": "@shop_bot"}

    await client.channels.delete("shop", force=True)
    assert gateway.requests("DeleteChannel")[0].force
    with pytest.raises(NotFound):
        await client.channels.get("shop")


async def test_a_story_is_read(gateway: ScriptedGateway, client: GatewayClient) -> None:
    record = StatusRecord(status=Status.ACCEPTED, event_time=NOON, failure=None)
    story = MessageStory(message=a_message("msg_1"), parts=(), attempts=(), statuses=(record,))
    gateway.stories["msg_1"] = message_story_to_proto(story)

    assert await client.message("msg_1") == story
    assert [message.message_id async for message in client.messages("shop", address="4711")] == ["msg_1"]
    assert [message async for message in client.messages("shop", address="0000")] == []


async def test_content_of_a_newer_version_is_an_error_that_says_so(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.stories["msg_1"] = gateway_pb2.GetMessageResponse(message=message_pb2.Message(message_id="msg_1"))

    with pytest.raises(GatewayError, match="this version of anychannel cannot read"):
        await client.message("msg_1")


async def test_a_watch_that_breaks_goes_on_and_tells_nothing_twice(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.statuses = [
        status_record_to_proto(StatusRecord(status=status, event_time=NOON, failure=None))
        for status in (Status.ACCEPTED, Status.SENT, Status.DELIVERED)
    ]
    gateway.breaks_after["WatchMessage"].extend([2, 0])

    statuses = [record.status async for record in client.watch("msg_1")]

    assert statuses == [Status.ACCEPTED, Status.SENT, Status.DELIVERED]
    assert len(gateway.requests("WatchMessage")) == 3


async def test_a_watch_of_nothing_ends_at_once(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.refuse("WatchMessage", Refused(code=grpc.StatusCode.NOT_FOUND, text="there is no message"))

    with pytest.raises(NotFound):
        await anext(client.watch("msg_1"))


async def test_a_stream_that_never_opened_is_not_sought_for_ever(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.refuse("WatchEvents", UNAVAILABLE)

    with pytest.raises(Unavailable):
        await anext(client.events())


async def test_the_tail_goes_on_after_a_break(gateway: ScriptedGateway, client: GatewayClient) -> None:
    change = StatusChange(message_id="msg_1", status=Status.SENT, failure=None)
    told = Event(event_id="1", channel_id="shop", create_time=NOON, kind=change)
    stored = Event(event_id="1", channel_id="bakery", create_time=NOON, kind=a_message("msg_2"))
    gateway.events = [watched_event_to_proto(told), watched_event_to_proto(stored)]
    gateway.breaks_after["WatchEvents"].append(2)

    async with asyncio.timeout(10), aclosing(client.events()) as events:
        heard = [await anext(events) for _ in range(4)]

    assert heard == [told, stored, told, stored]


async def test_dead_letters_are_listed_replayed_and_discarded(gateway: ScriptedGateway, client: GatewayClient) -> None:
    gateway.dead_letters = [
        gateway_pb2.DeadLetter(
            dead_letter_id=f"dl_{number}",
            channel_id="shop",
            failure=message_pb2.Failure(kind=kind, text="Refused."),
        )
        for number, kind in enumerate([message_pb2.FAILURE_KIND_UNAUTHORIZED] * 3 + [message_pb2.FAILURE_KIND_EXPIRED])
    ]

    listed = [letter.dead_letter_id async for letter in client.dead_letters.list("shop")]
    assert listed == ["dl_0", "dl_1", "dl_2", "dl_3"]
    assert await client.dead_letters.replay("shop", dead_letter_ids=["dl_0"]) == 1
    assert await client.dead_letters.replay("shop", failure_kind=FailureKind.UNAUTHORIZED) == 2
    assert await client.dead_letters.discard("shop") == 1


async def test_keys_are_made_listed_and_revoked(client: GatewayClient) -> None:
    key, secret = await client.keys.create("orders", [Scope.SEND, Scope.READ], channel_ids=["shop"])

    assert (key.display_name, key.scopes, key.channel_ids) == ("orders", (Scope.SEND, Scope.READ), ("shop",))
    assert secret == "key_secret_of_k1"
    assert list(await client.keys.list()) == [key]
    assert (await client.keys.revoke("k1")).key_id == "k1"


async def test_a_gateway_that_drains_is_told_from_one_that_serves(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    gateway.version = "0.1.0"
    assert await client.ping() == "0.1.0"
    gateway.serving = False
    with pytest.raises(Unavailable, match="does not serve"):
        await client.ping()
