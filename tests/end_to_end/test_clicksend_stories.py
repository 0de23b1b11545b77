"""SMS through ClickSend, out and in."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from anychannel.testing import Answer, RecordedRequest, ScriptedPlatform
from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import Product
from tests.end_to_end.shop import Shop, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "+61411111111"
KEY = "query-token-SECRET"


def clicksend(request: RecordedRequest) -> Answer:
    message = {"status": "SUCCESS", "message_id": f"id of {request.json['messages'][0]['body'][:20]}"}
    return Answer(json={"response_code": "SUCCESS", "data": {"messages": [message]}})


@pytest_asyncio.fixture(loop_scope="session")
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform(clicksend) as platform:
        yield platform


@pytest_asyncio.fixture(loop_scope="session")
async def shop(product: Product, platform: ScriptedPlatform) -> AsyncIterator[Shop]:
    settings = {
        "username": "acme",
        "api_key": "api-key-SECRET",
        "webhook_token": KEY,
        "api_base": f"{platform.url}/v3",
    }
    async with open_shop(product, platform="clicksend", settings=settings) as shop:
        yield shop
        assert await shop.mishaps() == {}


async def call(shop: Shop, path: str, fields: dict[str, str], *, key: str = KEY) -> int:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{shop.channel.webhook_url}{path}?{urlencode({'key': key})}"
    return (await shop.call("POST", url, data=urlencode(fields).encode(), headers=headers)).status


async def test_an_sms_goes_out_and_its_receipt_is_a_tick(shop: Shop, platform: ScriptedPlatform) -> None:
    bubble = await shop.send("Hello", NUMBER)
    await shop.reached(bubble["mId"], "sent", NUMBER)

    receipt = {"message_id": "id of Hello", "status": "Sent", "status_code": "201", "timestamp": "1775012927"}
    assert await call(shop, "/receipts", receipt) == 200

    delivered = await shop.reached(bubble["mId"], "delivered", NUMBER)
    assert [it["status"] for it in delivered["statuses"]] == ["sent", "delivered"]
    (request,) = platform.requests
    (message,) = request.json["messages"]
    assert (request.path, message["to"], message["body"]) == ("/v3/sms/send", NUMBER, "Hello")


async def test_a_receipt_that_says_failed_is_a_failure_with_its_reason(shop: Shop) -> None:
    bubble = await shop.send("Hello", NUMBER)
    await shop.reached(bubble["mId"], "sent", NUMBER)
    receipt = {
        "message_id": "id of Hello",
        "status": "Failed",
        "status_code": "301",
        "error_text": "Number is switched off",
    }

    assert await call(shop, "/receipts", receipt) == 200

    assert (await shop.reached(bubble["mId"], "failed", NUMBER))["reason"]


async def test_an_answer_by_sms_is_seen_by_the_agent(shop: Shop) -> None:
    sms = {"from": NUMBER, "body": "Thank you", "message_id": "1F12D781", "timestamp": "1775012927"}

    assert await call(shop, "/inbound", sms) == 200
    assert await call(shop, "/inbound", sms) == 200
    assert await call(shop, "/inbound", {**sms, "message_id": "2", "body": "Bye"}) == 200

    assert texts(await shop.said_by_contact(2, NUMBER)) == ["Thank you", "Bye"]
    assert await shop.contact(NUMBER) == {"phone": NUMBER}


async def test_without_the_key_of_the_webhook_nobody_is_believed(shop: Shop) -> None:
    assert await call(shop, "/inbound", {"from": NUMBER, "body": "forged"}, key="guessed") == 401
    assert await call(shop, "/elsewhere", {}) == 404


async def test_a_picture_goes_as_a_link_and_a_question_as_a_list(shop: Shop, platform: ScriptedPlatform) -> None:
    picture = {"type": "image", "url": "https://a.example/a.png", "description": "Our shop"}
    first = await shop.send({"type": "attachment", "attachment": picture}, NUMBER)
    second = await shop.send({"type": "quick_reply", "title": "Well?", "replies": ["Yes", "No"]}, NUMBER)

    for bubble in (first, second):
        await shop.reached(bubble["mId"], "sent", NUMBER)

    bodies = [request.json["messages"][0]["body"] for request in platform.requests]
    assert bodies == ["Our shop\nhttps://a.example/a.png", "Well?\n1. Yes\n2. No"]
