"""Whatever a platform calls a person, the agent's answer reaches that person."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from anychannel.channel import IdType
from anychannel.testing import Answer, ScriptedPlatform
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.shop import Json, Shop, event
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOM = {"sandbox": {"id_type": "custom"}, "inbox": {"id_type": IdType.CUSTOM}}


@pytest_asyncio.fixture(loop_scope="session")
async def phones() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform(lambda request: Answer(json={"id": request.json["idempotency_key"]})) as phones:
        yield phones


@pytest.mark.parametrize(
    ("address", "contact_id", "differences"),
    [
        pytest.param("491713920042", "+491713920042", {}, id="a number without its plus"),
        pytest.param("+491713920042", "+491713920042", {}, id="a number with its plus"),
        pytest.param("@ada_1", "@ada_1", CUSTOM, id="a name"),
        pytest.param("-100123", "=2D100123", CUSTOM, id="a group"),
        pytest.param("Zoë =2D", "Zo=C3=AB=20=3D2D", CUSTOM, id="letters that no inbox takes"),
        pytest.param("someone@" + "x" * 150 + ".example", None, CUSTOM, id="more than an inbox takes"),
    ],
)
async def test_an_answer_goes_back_to_where_the_message_came_from(
    shops: OpenShop, phones: ScriptedPlatform, address: str, contact_id: str | None, differences: dict[str, object]
) -> None:
    async with shops(api_base=phones.url, **differences) as shop:
        await shop.tell(event("message", "ph_1", "Hi", number=address))
        (known,) = [it["contactId"] for it in await _conversations(shop)]

        bubble = await shop.send("Hello", known)

        await shop.reached(bubble["mId"], "sent", known)
        (request,) = phones.requests
        assert request.json["to"] == address
        assert contact_id in {known, None}
        assert len(known) <= 50
        assert await shop.mishaps() == {}


async def _conversations(shop: Shop) -> list[Json]:
    async def look() -> list[Json]:
        conversations: list[Json] = (await shop.inbox())["conversations"]
        return conversations

    return await until(look, len)
