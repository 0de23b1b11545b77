from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from anychannel.content import Text
from anychannel.failures import Failure, FailureKind
from anychannel.message import Direction, Lane, Origin, Status
from core.channels import ChannelConfig
from core.identifiers import new_message_id
from core.lanes.records import Claim, LaneKey, NewMessage, Outcome, Settlement
from core.secrets import Keyring
from core.storage.accept import accept
from core.storage.channels import insert_channel
from core.storage.claim import claim
from core.storage.database import Pool
from core.storage.dead_letters import Filter, discard_dead_letters, list_dead_letters, replay_dead_letters
from core.storage.settle import settle

ConfigOf = Callable[..., ChannelConfig]

NOW = datetime.now(UTC)
BLOCKED = Failure(kind=FailureKind.CONTACT_OPTED_OUT, text="They blocked us.")
BAD = Failure(kind=FailureKind.CONTENT_REJECTED, text="Too rude.")
PLATFORM = LaneKey("shop", Lane.PLATFORM)


@pytest.fixture(autouse=True)
async def _shop(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> None:
    # A slow lane would make the tests wait for slots.
    await insert_channel(pool, keyring, config_of("shop", platform_rate=10_000, expire_after=timedelta(hours=2)))


def _message(address: str = "+49", parts: int = 1, **changes: Any) -> NewMessage:
    values: dict[str, Any] = {
        "channel_id": "shop",
        "message_id": new_message_id(NOW),
        "direction": Direction.OUTBOUND,
        "origin": Origin.INBOX,
        "address": address,
        "contact_id": address,
        "content": Text(text="hello"),
        "create_time": NOW,
        "event_time": NOW,
        "parts": tuple(Text(text=f"part {index}") for index in range(parts)),
        "expire_time": NOW + timedelta(minutes=1),
    }
    return NewMessage(**values | changes)


async def _claim(pool: Pool, lane: Lane = Lane.PLATFORM) -> tuple[Claim, ...]:
    async with pool.acquire() as connection:
        claimed = await claim(
            connection,
            hints=[LaneKey("shop", lane)],
            full=[],
            max_lanes=10,
            max_per_lane=100,
            horizon=timedelta(seconds=1),
            lease=timedelta(seconds=10),
        )
    return claimed.claims


async def _settle(
    pool: Pool, settlement: Settlement, failure: Failure | None = None, lane: Lane = Lane.PLATFORM
) -> list[Claim]:
    """Settle so everything that is due; parts behind one that was given up are dropped, as the engine does."""
    settled: list[Claim] = []
    while claims := await _claim(pool, lane):
        outcomes = [
            Outcome(
                claim=claim,
                settlement=Settlement.DROP if claim.status is Status.FAILED else settlement,
                end_time=NOW,
                failure=failure,
            )
            for claim in claims
        ]
        await settle(pool, outcomes, NOW)
        settled += claims
    return settled


async def _give_up(pool: Pool, message: NewMessage, failure: Failure = BLOCKED) -> None:
    await accept(pool, [message])
    await _settle(pool, Settlement.GIVE_UP, failure, Lane.PLATFORM if message.parts else Lane.INBOX)


async def _status(pool: Pool, message: NewMessage) -> int:
    status: int = await pool.fetchval("SELECT status FROM messages WHERE message_id = $1", message.message_id)
    return status


async def test_what_was_given_up_is_listed_newest_first(pool: Pool) -> None:
    first, second = _message("+1"), _message("+2")
    await _give_up(pool, first)
    await _give_up(pool, second, BAD)

    letters = await list_dead_letters(pool, Filter(channel_id="shop"), before="", limit=10)

    assert [letter.message_id for letter in letters] == [second.message_id, first.message_id]
    assert (letters[1].failure, letters[1].subject, letters[1].lane) == (BLOCKED, "part 0", Lane.PLATFORM)
    assert (letters[1].address, letters[1].attempt_count) == ("+1", 1)
    older = await list_dead_letters(pool, Filter(channel_id="shop"), before=letters[0].dead_letter_id, limit=10)
    assert older == letters[1:]


@pytest.mark.parametrize(
    ("which", "count"),
    [
        pytest.param(Filter(channel_id="shop"), 2, id="all"),
        pytest.param(Filter(channel_id="other"), 0, id="another-channel"),
        pytest.param(Filter(channel_id="shop", lane=Lane.PLATFORM), 2, id="lane"),
        pytest.param(Filter(channel_id="shop", lane=Lane.INBOX), 0, id="other-lane"),
        pytest.param(Filter(channel_id="shop", failure_kind=FailureKind.CONTENT_REJECTED), 1, id="failure"),
        pytest.param(Filter(channel_id="shop", dead_letter_ids=["gone"]), 0, id="ids"),
    ],
)
async def test_a_filter_says_which_are_meant(pool: Pool, which: Filter, count: int) -> None:
    await _give_up(pool, _message("+1"))
    await _give_up(pool, _message("+2"), BAD)

    assert len(await list_dead_letters(pool, which, before="", limit=10)) == count
    assert await discard_dead_letters(pool, which) == count
    assert len(await list_dead_letters(pool, Filter(channel_id="shop"), before="", limit=10)) == 2 - count


async def test_a_replay_gives_a_message_a_new_life(pool: Pool) -> None:
    message = _message()
    await _give_up(pool, message)
    assert await _status(pool, message) == 5
    await pool.execute("UPDATE lanes SET wake_time = 'infinity'")

    replayed = await replay_dead_letters(pool, Filter(channel_id="shop"), NOW)

    assert (replayed.count, replayed.work) == (1, frozenset({PLATFORM}))
    assert [(reached.message_id, reached.status) for reached in replayed.reached] == [
        (message.message_id, Status.ACCEPTED)
    ]
    row = await pool.fetchrow("SELECT status, failure, expire_time FROM messages")
    assert row is not None
    assert tuple(row) == (1, None, NOW + timedelta(hours=2))
    assert await pool.fetchval("SELECT status FROM parts") == 1
    assert await pool.fetchval("SELECT wake_time <= now() FROM lanes WHERE lane = 1")
    assert [row["status"] for row in await pool.fetch("SELECT status FROM events ORDER BY event_id")] == [1, 5, 1]
    (again,) = await _settle(pool, Settlement.DONE)
    assert (again.attempt, again.expire_time) == (1, NOW + timedelta(hours=2))
    assert await _status(pool, message) == 2
    assert await list_dead_letters(pool, Filter(channel_id="shop"), before="", limit=10) == ()


async def test_a_replay_sends_what_was_not_sent_and_nothing_twice(pool: Pool) -> None:
    message = _message(parts=4)
    await accept(pool, [message])
    (first,) = await _claim(pool)
    await settle(pool, [Outcome(claim=first, settlement=Settlement.DONE, end_time=NOW)], NOW)
    await _settle(pool, Settlement.GIVE_UP, BAD)  # the second; those behind it are dropped
    assert await pool.fetchval("SELECT count(*) FROM dead_letters") == 1

    replayed = await replay_dead_letters(pool, Filter(channel_id="shop"), NOW)

    assert [reached.status for reached in replayed.reached] == [Status.ACCEPTED]
    assert [sent.item_index for sent in await _settle(pool, Settlement.DONE)] == [1, 2, 3]
    assert await _status(pool, message) == 2


async def test_a_contacts_messages_go_again_in_their_order(pool: Pool) -> None:
    messages = [_message() for _ in range(5)]
    for message in messages:
        await _give_up(pool, message)

    assert (await replay_dead_letters(pool, Filter(channel_id="shop"), NOW)).count == 5

    sent = await _settle(pool, Settlement.DONE)
    assert [claim.message_id for claim in sent] == [message.message_id for message in messages]


async def test_an_event_for_the_inbox_is_told_again(pool: Pool) -> None:
    message = _message(direction=Direction.INBOUND, origin=Origin.CONTACT, parts=0, platform_event_id="e1")
    await _give_up(pool, message, BAD)

    replayed = await replay_dead_letters(pool, Filter(channel_id="shop", lane=Lane.INBOX), NOW)

    assert (replayed.count, replayed.reached) == (1, ())
    assert replayed.work == frozenset({LaneKey("shop", Lane.INBOX)})
    assert [claim.message_id for claim in await _settle(pool, Settlement.DONE, lane=Lane.INBOX)] == [message.message_id]


async def test_many_are_replayed_in_batches(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.storage.dead_letters.REPLAY_BATCH", 2)
    for number in range(5):
        await _give_up(pool, _message(f"+{number}"))

    assert (await replay_dead_letters(pool, Filter(channel_id="shop"), NOW)).count == 5
    assert len(await _settle(pool, Settlement.DONE)) == 5


async def test_a_replay_does_not_wake_a_paused_lane(pool: Pool) -> None:
    await _give_up(pool, _message())
    await pool.execute("UPDATE lanes SET wake_time = 'infinity', paused_until = 'infinity'")

    await replay_dead_letters(pool, Filter(channel_id="shop"), NOW)

    assert await pool.fetchval("SELECT wake_time = 'infinity' FROM lanes WHERE lane = 1")


async def test_what_is_left_of_a_removed_message_is_forgotten(pool: Pool) -> None:
    await _give_up(pool, _message())
    await pool.execute("DELETE FROM messages")

    assert (await replay_dead_letters(pool, Filter(channel_id="shop"), NOW)).count == 0
    assert await pool.fetchval("SELECT count(*) FROM dead_letters") == 0
