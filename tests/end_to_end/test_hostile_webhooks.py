"""Whatever a platform writes, it is answered, and what comes with it or after it arrives."""

from typing import Any

import pytest

from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.shop import BEN, Json, Shop, event, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = "strange"


def strange(**fields: Any) -> Json:
    return {**event("message", "ph_strange", TEXT), **fields}


def from_(**fields: Any) -> Json:
    return strange(**{"from": {"number": "+491713920042", "name": "Ada", **fields}})


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(strange(message={"type": "text", "text": "a\0b"}), id="NUL in the text"),
        pytest.param(strange(message={"type": "text", "text": "a\ud800b"}), id="half a surrogate in the text"),
        pytest.param(strange(message={"type": "text", "text": "x" * 300_000}), id="300,000 characters"),
        pytest.param(strange(message={"type": "text", "text": 7}), id="a number for a text"),
        pytest.param(strange(message={"type": "media", "kind": "image", "url": "javascript:alert(1)"}), id="a script"),
        pytest.param(strange(message={"type": "media", "kind": "image", "url": "/etc/passwd"}), id="a path"),
        pytest.param(strange(message={"type": "media", "kind": "smell", "url": "https://a/"}), id="another kind"),
        pytest.param(
            strange(message={"type": "media", "kind": "file", "url": "https://a/", "file_name": "\ud800\0"}),
            id="a strange file name",
        ),
        pytest.param(strange(message={"type": "location", "latitude": 1e308, "longitude": 0}), id="nowhere"),
        pytest.param(strange(message_id="\0"), id="NUL in an id"),
        pytest.param(strange(message_id="\ud800"), id="half a surrogate in an id"),
        pytest.param(strange(message_id="x" * 5_000), id="a long id"),
        pytest.param(strange(id="\ud800"), id="half a surrogate in the event's id"),
        pytest.param(from_(name="\0 \ud800"), id="a strange name"),
        pytest.param(from_(name="x" * 100_000), id="a long name"),
        pytest.param(from_(number="\ud800"), id="half a surrogate in a number"),
        pytest.param(from_(number="Ada"), id="no number"),
        pytest.param(from_(number="+" + "1" * 5_000), id="a long number"),
        pytest.param(strange(time="0001-02-03T00:00:00+00:00"), id="the year 1"),
        pytest.param(strange(time="0001-01-01T00:00:00+14:00"), id="before the year 1"),
        pytest.param(strange(time="9999-12-31T23:59:59-14:00"), id="after the year 9999"),
        pytest.param(strange(time="yesterday"), id="no time"),
        pytest.param({"id": "ev_1", "type": "status", "message_id": "ph_0", "status": "read"}, id="no such message"),
        pytest.param({"id": "ev_1", "type": "status", "message_id": "\0", "status": "sideways"}, id="no such status"),
        pytest.param({"type": {"type": []}}, id="another shape"),
    ],
)
async def test_what_a_platform_tells_beside_something_strange_arrives(shop: Shop, told: Json) -> None:
    # What the inbox refuses is a dead letter, which is told elsewhere; an id that cannot be stored is logged.
    shop.tolerated |= {"refused_contract", "the provider gave an event an id that cannot be stored"}

    answer = await shop.tell(told, event("message", "ph_good", "good", number=BEN))

    assert answer.status == 200
    assert texts(await shop.said_by_contact(1, BEN)) == ["good"]
    await shop.settled()


@pytest.mark.parametrize("year", ["0001-01-01", "1950-06-01", "2999-12-31"])
async def test_a_message_of_an_impossible_time_is_told_all_the_same(shops: OpenShop, year: str) -> None:
    async with shops() as shop:
        await shop.tell(strange(time=f"{year}T00:00:00+00:00"), event("message", "ph_good", "good"))

        assert texts(await shop.said_by_contact(1)) == [TEXT]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"\xff\xfe", 400, id="not UTF-8"),
        pytest.param(b'{"events": [}', 400, id="not JSON"),
        pytest.param(b'{"events": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400, id="200,000 levels"),
        pytest.param(b'{"events": [NaN, 1e999, -0]}', 200, id="numbers"),
        pytest.param(b'{"events": ' + b"9" * 10_000 + b"}", 400, id="a long number"),
        pytest.param(b"x" * 4_300_000, 413, id="over 4 MiB"),
    ],
)
async def test_what_is_no_webhook_is_said_to_be_none_and_the_next_one_is_taken(
    shop: Shop, body: bytes, status: int
) -> None:
    answer = await shop.tell_raw(body)

    assert answer.status == status
    await shop.tell(event("message", "ph_1", "good"))
    assert texts(await shop.said_by_contact(1)) == ["good"]
