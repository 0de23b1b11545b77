from typing import Any

import grpc
import pytest

from anychannel.failures import Failure, FailureKind
from anychannel.message import Lane
from anychannel.v1 import gateway_pb2, message_pb2
from anychannel.wire import failure_to_proto
from core.channels import ChannelConfig
from core.lanes.records import LaneKey
from core.secrets import Keyring
from core.storage.channels import insert_channel

Plane = Any  # the fixture's class lives in a conftest, which nothing can import
ConfigOf = Any

REFUSED = Failure(kind=FailureKind.CONTENT_REJECTED, text="The inbox refused it.")
INBOX_LANE = message_pb2.LANE_INBOX


@pytest.fixture(autouse=True)
async def _three_letters(plane: Plane, keyring: Keyring, config_of: ConfigOf) -> ChannelConfig:
    """Three messages from a contact that the inbox refused."""
    for number in range(3):
        await plane.pool.execute(
            "INSERT INTO messages (channel_id, message_id, direction, origin, address, contact_id, content, status, "
            "status_time, told, event_time) VALUES ('shop', $1, 1, 1, '+49', '+49', '', 0, now(), 1, now())",
            f"msg_{number}",
        )
        await plane.pool.execute(
            "INSERT INTO dead_letters (channel_id, dead_letter_id, lane, priority, address, message_id, kind, item_index, "
            "failure, failure_kind, attempt_count) VALUES ('shop', $1, 2, 0, '+49', $2, 1, 0, $3, 7, 4)",
            f"dead_{number}",
            f"msg_{number}",
            failure_to_proto(REFUSED).SerializeToString(),
        )
    return await insert_channel(plane.pool, keyring, config_of("shop"))


def _filter(**values: Any) -> gateway_pb2.DeadLetterFilter:
    return gateway_pb2.DeadLetterFilter(**{"channel_id": "shop"} | values)


async def test_dead_letters_come_in_pages_newest_first(plane: Plane) -> None:
    request = gateway_pb2.ListDeadLettersRequest(filter=_filter(), page_size=2)
    first = await plane.dead_letters.ListDeadLetters(request, metadata=plane.key())
    request.page_token = first.next_page_token
    second = await plane.dead_letters.ListDeadLetters(request, metadata=plane.key())

    letters = [*first.dead_letters, *second.dead_letters]
    assert [letter.dead_letter_id for letter in letters] == ["dead_2", "dead_1", "dead_0"]
    assert second.next_page_token == ""
    assert (letters[0].subject, letters[0].lane, letters[0].attempt_count) == ("message", INBOX_LANE, 4)
    assert letters[0].failure == failure_to_proto(REFUSED)


async def test_a_replay_puts_them_back_and_tells_the_dispatcher(plane: Plane) -> None:
    request = gateway_pb2.ReplayDeadLettersRequest(filter=_filter(dead_letter_ids=["dead_0", "dead_2"]))
    answered = await plane.dead_letters.ReplayDeadLetters(request, metadata=plane.key())

    assert answered.count == 2
    assert [replayed.work for replayed in plane.replays] == [{LaneKey("shop", Lane.INBOX)}]
    waiting = await plane.pool.fetch("SELECT message_id FROM deliveries ORDER BY delivery_id")
    assert [row["message_id"] for row in waiting] == ["msg_0", "msg_2"]
    assert await plane.pool.fetchval("SELECT dead_letter_id FROM dead_letters") == "dead_1"


async def test_a_discard_forgets_what_the_filter_names(plane: Plane) -> None:
    async def discard(**values: Any) -> int:
        request = gateway_pb2.DiscardDeadLettersRequest(filter=_filter(**values))
        count: int = (await plane.dead_letters.DiscardDeadLetters(request, metadata=plane.key())).count
        return count

    assert await discard(failure_kind=message_pb2.FAILURE_KIND_EXPIRED) == 0
    assert await discard(lane=message_pb2.LANE_PLATFORM) == 0
    assert await discard(dead_letter_ids=["dead_1"]) == 1
    assert await discard(failure_kind=message_pb2.FAILURE_KIND_CONTENT_REJECTED) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        pytest.param({"channel_id": ""}, "filter.channel_id", id="no-channel"),
        pytest.param({"dead_letter_ids": ["x"] * 501}, "filter.dead_letter_ids", id="many-ids"),
        pytest.param({"lane": 9}, "filter.lane", id="unknown-lane"),
        pytest.param({"failure_kind": 99}, "filter.failure_kind", id="unknown-failure"),
    ],
)
async def test_a_filter_that_cannot_be_followed_discards_nothing(plane: Plane, values: Any, field: str) -> None:
    request = gateway_pb2.DiscardDeadLettersRequest(filter=_filter(**values))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.dead_letters.DiscardDeadLetters(request, metadata=plane.key())
    assert list(plane.refusal(caught.value)[2]) == [field]
    assert await plane.pool.fetchval("SELECT count(*) FROM dead_letters") == 3
