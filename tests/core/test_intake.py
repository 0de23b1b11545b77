import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from anychannel._batcher import Overloaded
from anychannel.content import CustomPayload, Text
from anychannel.events import Contact, EchoReceived, MessageReceived, ReportReceived
from anychannel.message import Lane, Origin, Status
from anychannel.testing import A_TIME
from core.channels import ChannelConfig
from core.inboxes.binding import IdType, InboxBinding
from core.intake import NoProvider, NotSendable, Send
from core.lanes.records import LaneKey
from core.secrets import Keyring
from core.storage.database import Pool
from tests.core.gateway import Gateway, gateway

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture
def pool(emptied: Pool) -> Pool:
    return emptied


@pytest.fixture
async def core(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> AsyncIterator[Gateway]:
    """Channels `shop` with ids of its own and `phone` with phone numbers."""
    binding = InboxBinding(webhook_url="https://inbox.example/", inbox_channel_id="9", id_type=IdType.PHONE)
    async with gateway(pool, keyring, config_of("shop"), config_of("phone", inbox=binding)) as made:
        yield made


def config(core: Gateway, channel_id: str = "shop") -> ChannelConfig:
    found = core.directory.get(channel_id)
    assert found is not None
    return found


def a_text(text: str = "Hello", **changes: object) -> Send:
    values: dict[str, object] = {"origin": Origin.CLIENT, "content": Text(text=text), "address": "ada"}
    return Send(**values | changes)  # type: ignore[arg-type]  # each of its field's type


def received(event_id: str = "e1", address: str = "ada") -> MessageReceived:
    return MessageReceived(
        platform_event_id=event_id,
        event_time=A_TIME,
        contact=Contact(address=address, first_name="Ada"),
        platform_message_id=f"p {event_id}",
        content=Text(text="Hi"),
    )


async def test_a_long_text_is_stored_in_parts_and_the_engine_told(core: Gateway) -> None:
    message, accepted = await core.intake.send(config(core), a_text("x " * 1200))

    assert accepted.is_new
    assert len(message.parts) == 3
    assert core.work == [LaneKey("shop", Lane.PLATFORM)]
    assert await core.pool.fetchval("SELECT count(*) FROM parts") == 3


async def test_sends_that_come_together_are_stored_together_in_their_order(core: Gateway) -> None:
    sends = [core.intake.send(config(core), a_text(f"{n}")) for n in range(30)]
    answers = await asyncio.gather(*sends)
    ids = [accepted.message_id for _, accepted in answers]
    rows = await core.pool.fetch("SELECT message_id FROM deliveries ORDER BY delivery_id")
    assert [row["message_id"] for row in rows] == ids
    assert len({row[0] for row in await core.pool.fetch("SELECT DISTINCT xmin::text FROM messages")}) <= 3


async def test_one_that_cannot_be_stored_takes_no_other_with_it(core: Gateway) -> None:
    sends = [core.intake.send(config(core), a_text(request_id=f"request {n}" + "\0" * (n == 3))) for n in range(8)]

    answers = await asyncio.gather(*sends, return_exceptions=True)

    assert [n for n, answer in enumerate(answers) if isinstance(answer, Exception)] == [3]
    assert await core.pool.fetchval("SELECT count(*) FROM messages") == 7


async def test_events_are_stored_in_the_order_in_which_they_came(core: Gateway) -> None:
    await core.intake.take(config(core), [received(f"e{n}") for n in range(5)])
    rows = await core.pool.fetch("SELECT platform_event_id FROM messages ORDER BY message_id")
    assert [row[0] for row in rows] == [f"e{n}" for n in range(5)]


async def test_an_echo_is_stored_as_what_the_business_wrote(core: Gateway) -> None:
    told = received()
    echo = EchoReceived(
        platform_event_id="e1",
        event_time=A_TIME,
        contact=told.contact,
        platform_message_id="p1",
        content=told.content,
    )
    await core.intake.take(config(core), [echo])
    row = await core.pool.fetchrow("SELECT direction, origin, status FROM messages")
    assert row is not None
    assert row["status"] == list(Status).index(Status.SENT) + 1


async def test_a_report_moves_its_message(core: Gateway) -> None:
    report = ReportReceived(platform_event_id="r1", event_time=A_TIME, platform_message_id="p1", status=Status.READ)
    await core.intake.take(config(core), [report])
    assert await core.pool.fetchval("SELECT status FROM early_reports") == list(Status).index(Status.READ) + 1


@pytest.mark.parametrize(
    ("said", "is_kept"),
    [
        pytest.param(datetime.min.replace(tzinfo=UTC), False, id="the beginning of time"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), False, id="no time"),
        pytest.param(datetime(2001, 1, 1, tzinfo=UTC), True, id="old"),
        pytest.param(datetime.now(UTC) + timedelta(hours=1), True, id="a clock that is ahead"),
        pytest.param(datetime.max.replace(tzinfo=UTC), False, id="the end of time"),
    ],
)
async def test_a_time_no_platform_can_mean_is_now(core: Gateway, said: datetime, is_kept: bool) -> None:  # noqa: FBT001  # a column of the table
    await core.intake.take(config(core), [replace(received(), event_time=said)])
    kept = await core.pool.fetchval("SELECT event_time FROM messages")
    assert (kept == said) is is_kept
    assert is_kept or abs(kept - datetime.now(UTC)) < timedelta(minutes=1)


async def test_an_address_that_is_no_phone_number_is_still_told_to_the_inbox(core: Gateway) -> None:
    await core.intake.take(config(core, "phone"), [received(address="no number")])
    assert await core.pool.fetchval("SELECT contact_id FROM messages") == "no=20number"


async def test_what_the_inbox_calls_a_contact_leads_to_its_address(core: Gateway) -> None:
    await core.intake.take(config(core, "phone"), [received(address="49151")])
    message, _ = await core.intake.send(config(core, "phone"), a_text(address="", contact_id="+49151"))
    assert message.address == "49151"

    unknown, _ = await core.intake.send(config(core, "phone"), a_text(address="", contact_id="+49152"))
    assert unknown.address == "+49152"


async def test_a_number_first_written_with_its_plus_and_then_without_is_taken(core: Gateway) -> None:
    await core.intake.send(config(core, "phone"), a_text(address="", contact_id="+49151"))
    await core.intake.take(config(core, "phone"), [received(address="49151")])
    assert await core.pool.fetchval("SELECT count(*) FROM contacts") == 1


@pytest.mark.parametrize(
    ("channel_id", "send", "field"),
    [
        pytest.param("shop", a_text(content=CustomPayload(json="{}")), "content", id="not expressible"),
        pytest.param("phone", a_text(address="ada"), "address", id="no phone number"),
        pytest.param("shop", a_text(address="", contact_id="=h" + "0" * 40), "contactId", id="a hash of nobody"),
    ],
)
async def test_what_cannot_be_sent_says_which_field(core: Gateway, channel_id: str, send: Send, field: str) -> None:
    with pytest.raises(NotSendable) as refused:
        await core.intake.send(config(core, channel_id), send)
    assert refused.value.field == field


async def test_without_a_provider_nobody_knows_what_can_be_sent(core: Gateway, config_of: ConfigOf) -> None:
    with pytest.raises(NoProvider, match="later"):
        await core.intake.send(config_of("shop", platform="later"), a_text())


async def test_a_send_expires_when_it_says_or_when_its_channel_does(core: Gateway) -> None:
    hurried, _ = await core.intake.send(config(core), a_text(expire_after=timedelta(seconds=5)))
    patient, _ = await core.intake.send(config(core), a_text())
    assert hurried.expire_time == hurried.create_time + timedelta(seconds=5)
    assert patient.expire_time == patient.create_time + config(core).expire_after


async def test_too_many_at_once_are_told_to_come_again(core: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.intake._accept, "_max_waiting", 3)
    answers = await asyncio.gather(
        *(core.intake.send(config(core), a_text()) for _ in range(9)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {tuple, Overloaded}


async def test_while_the_database_is_away_nothing_is_promised(core: Gateway) -> None:
    core.flaky.is_away = True
    with pytest.raises(ConnectionRefusedError):
        await core.intake.send(config(core), a_text())
    core.flaky.is_away = False
    assert await core.pool.fetchval("SELECT count(*) FROM messages") == 0
