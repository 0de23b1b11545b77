import asyncio
from typing import Any

import pytest

from tests.sandbox.world import PLATFORM, ManualClock, Sandbox, StartSandbox, soon

ADA = "/phones/+491713920042"


async def test_a_message_is_accepted_delivered_and_read(sandbox: Sandbox, clock: ManualClock) -> None:
    status, answer = await sandbox.platform("k1", type="text", text="Hi")
    assert status == 200
    assert answer["id"].startswith("ph_")
    assert [it["status"] for it in await sandbox.screen()] == ["accepted"]
    await clock.advance(0.3)
    await clock.advance(0.7)
    [shown] = await sandbox.screen()
    assert [it["status"] for it in shown["statuses"]] == ["delivered", "read"]
    [entry] = await sandbox.json("GET", "/phones/ledger")
    assert (entry["idempotency_key"], entry["text"], entry["number"]) == ("k1", "Hi", "+491713920042")
    assert (entry["message_id"], entry["status"], entry["arrived_monotonic"]) == (answer["id"], "read", 1000.0)


async def test_an_idempotency_key_is_shown_once(sandbox: Sandbox) -> None:
    first, second, other = [await sandbox.platform(key) for key in ("k1", "k1", "k2")]
    assert first == second != other
    assert len(await sandbox.screen()) == 2
    assert (await sandbox.json("GET", "/phones"))["counters"]["replays"] == 1


GOOD_MESSAGES: list[dict[str, Any]] = [
    {"type": "text", "text": "x" * 1000},
    {"type": "text", "text": "😀" * 500},
    {"type": "media", "kind": "file", "url": "https://x.example/a?sig=%2B", "mime_type": "a/b", "caption": "c" * 500},
    {"type": "location", "latitude": 90, "longitude": -180.0},
    {"type": "buttons", "text": "Well?", "buttons": ["b" * 20, "No", "Later"]},
]


@pytest.mark.parametrize("message", GOOD_MESSAGES, ids=lambda it: f"{it['type']}")
async def test_every_message_type_is_shown_as_it_was_sent(sandbox: Sandbox, message: dict[str, Any]) -> None:
    assert (await sandbox.platform(**message))[0] == 200
    assert (await sandbox.screen())[0]["message"] == message


BAD_MESSAGES: list[tuple[Any, str]] = [
    ({"type": "text", "text": "x" * 1001}, "message.text"),
    ({"type": "text", "text": "😀" * 501}, "message.text"),
    ({"type": "text", "text": ""}, "message.text"),
    ({"type": "text"}, "message.text"),
    ({"type": "text", "text": "x", "bold": True}, "message.bold"),
    ({"type": "voice"}, "message.type"),
    ({"type": ["text"]}, "message.type"),
    ({"type": "media", "kind": "gif", "url": "https://x.example"}, "message.kind"),
    ({"type": "media", "kind": "image", "url": "ftp://x.example"}, "message.url"),
    ({"type": "media", "kind": "image", "url": "https://x.example", "caption": "c" * 501}, "message.caption"),
    ({"type": "location", "latitude": 91, "longitude": 0}, "message.latitude"),
    ({"type": "location", "latitude": 1, "longitude": "2"}, "message.longitude"),
    ({"type": "buttons", "text": "t", "buttons": []}, "message.buttons"),
    ({"type": "buttons", "text": "t", "buttons": ["a"] * 4}, "message.buttons"),
    ({"type": "buttons", "text": "t", "buttons": ["b" * 21]}, "message.buttons.0"),
]


@pytest.mark.parametrize(
    ("message", "field"), BAD_MESSAGES, ids=[f"{it[1]}-{index}" for index, it in enumerate(BAD_MESSAGES)]
)
async def test_a_bad_message_names_its_field(sandbox: Sandbox, message: dict[str, Any], field: str) -> None:
    status, answer = await sandbox.platform(**message)
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert answer["error"]["message"].startswith(f"{field} ")
    assert await sandbox.screen() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "to"),
        ({"to": "491713920042", "idempotency_key": "k", "message": {}}, "to"),
        ({"to": "+491713920042", "message": {}}, "idempotency_key"),
        ({"to": "+491713920042", "idempotency_key": "", "message": {}}, "idempotency_key"),
        ({"to": "+491713920042", "idempotency_key": "k", "message": "Hi"}, "message"),
        ([], "body"),
    ],
)
async def test_a_bad_request_names_its_field(sandbox: Sandbox, body: Any, field: str) -> None:
    async with sandbox.http.post("/platform/v1/messages", json=body, headers=PLATFORM) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["message"].startswith(f"{field} ")


@pytest.mark.parametrize(
    ("behaviour", "status", "code", "retry_after"),
    [
        ({"unregistered": True}, 404, "no_such_phone", None),
        ({"blocked": True}, 403, "blocked", None),
        ({"opted_out": True}, 410, "opted_out", None),
        ({"answer": 429, "retry_after": 2.5}, 429, "too_fast", "2.5"),
        ({"answer": 429}, 429, "too_fast", "1"),
        ({"answer": 503}, 503, "network_down", None),
        ({"answer": 500}, 500, "internal", None),
    ],
    ids=str,
)
async def test_how_the_network_says_no(
    sandbox: Sandbox, behaviour: dict[str, Any], status: int, code: str, retry_after: str | None
) -> None:
    await sandbox.json("PUT", ADA, behaviour)
    body = {"to": "+491713920042", "idempotency_key": "k", "message": {"type": "text", "text": "Hi"}}
    async with sandbox.http.post("/platform/v1/messages", json=body, headers=PLATFORM) as answer:
        assert (answer.status, answer.headers.get("Retry-After")) == (status, retry_after)
        assert (await answer.json())["error"]["code"] == code
    assert await sandbox.json("GET", "/phones/ledger") == []
    assert (await sandbox.json("GET", "/phones"))["counters"]["refused"] == {code: 1}


@pytest.mark.parametrize(("method", "path"), [("POST", "messages"), ("PUT", "webhook"), ("GET", "webhook")])
async def test_only_the_accounts_token_opens_the_platform(sandbox: Sandbox, method: str, path: str) -> None:
    headers = {"Authorization": "Bearer wrong"}
    async with sandbox.http.request(method, f"/platform/v1/{path}", json={}, headers=headers) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["code"] == "bad_token"


async def test_an_answer_on_demand_is_given_as_often_as_told(sandbox: Sandbox) -> None:
    await sandbox.json("PUT", ADA, {"answer": 503, "count": 2})
    assert [(await sandbox.platform())[0] for _ in range(3)] == [503, 503, 200]


async def test_the_accounts_own_rate(start: StartSandbox, clock: ManualClock) -> None:
    sandbox = await start(platform_rate=2)
    answers = [(await sandbox.platform(f"k{number}"))[0] for number in range(3)]
    assert answers == [200, 200, 429]
    clock.move(1)
    assert (await sandbox.platform("k9"))[0] == 200


async def test_a_phone_that_is_off_receives_when_it_is_on_again(sandbox: Sandbox, clock: ManualClock) -> None:
    await sandbox.json("PUT", ADA, {"online": False})
    await sandbox.platform("k1")
    await sandbox.platform("k2")
    await clock.advance(0.3, sleepers=2)
    assert [it["status"] for it in await sandbox.screen()] == ["accepted", "accepted"]
    await sandbox.json("PUT", ADA, {"online": True})
    await clock.advance(0.7, sleepers=2)
    assert [it["status"] for it in await sandbox.screen()] == ["read", "read"]


async def test_a_person_who_blocks_before_delivery_fails_it(sandbox: Sandbox, clock: ManualClock) -> None:
    await sandbox.platform()
    await sandbox.json("PUT", ADA, {"blocked": True})
    clock.move(0.3)
    [shown] = await sandbox.screen()
    assert (shown["status"], shown["reason"]) == ("failed", "The recipient blocked this sender.")


async def test_the_network_can_give_up(sandbox: Sandbox) -> None:
    await sandbox.json("PUT", ADA, {"online": False})
    await sandbox.platform()
    assert await sandbox.json("POST", f"{ADA}/fail", {"reason": "No route."}) == {"failed": 1}
    [shown] = await sandbox.screen()
    assert (shown["status"], shown["reason"]) == ("failed", "No route.")


@pytest.mark.parametrize(("receipts", "status"), [(True, "read"), (False, "delivered")])
async def test_reading_when_told(start: StartSandbox, *, receipts: bool, status: str) -> None:
    sandbox = await start(delivered_after=0, read_after=0)
    await sandbox.json("PUT", ADA, {"read_receipts": receipts})
    await sandbox.platform()
    assert await sandbox.json("POST", f"{ADA}/read") == {"read": 1}
    assert [it["status"] for it in await sandbox.screen()] == [status]


async def test_a_slow_answer_comes_after_the_message_was_taken(sandbox: Sandbox, clock: ManualClock) -> None:
    await sandbox.json("PUT", ADA, {"slow_seconds": 20})
    sending = asyncio.ensure_future(sandbox.platform())
    await clock.advance(19, sleepers=2)
    assert len(await sandbox.json("GET", "/phones/ledger")) == 1
    assert not sending.done()
    clock.move(1)
    assert (await soon(sending))[0] == 200


async def test_numbers_never_seen_get_a_phone(sandbox: Sandbox) -> None:
    assert (await sandbox.platform(to="+12025550143", key="k", type="text", text="Hi"))[0] == 200
    await sandbox.json("POST", "/phones/+12025550144/messages", {"message": {"type": "text", "text": "Hi"}})
    numbers = [it["number"] for it in (await sandbox.json("GET", "/phones"))["phones"]]
    assert numbers[-2:] == ["+12025550143", "+12025550144"]


async def test_only_buttons_on_the_screen_can_be_tapped(sandbox: Sandbox) -> None:
    _, answer = await sandbox.platform(type="buttons", text="Well?", buttons=["Yes", "No"])
    tap = {"type": "button", "text": "Yes", "button_of": answer["id"]}
    await sandbox.json("POST", f"{ADA}/messages", {"message": tap})
    async with sandbox.http.post(f"{ADA}/messages", json={"message": {**tap, "text": "Maybe"}}) as refused:
        assert refused.status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"{ADA}/messages", {"message": {"type": "buttons", "text": "t", "buttons": ["a"]}}, 400),
        ("POST", f"{ADA}/echo", {"message": {"type": "button", "text": "t", "button_of": "x"}}, 400),
        ("POST", "/phones/123/messages", {"message": {"type": "text", "text": "Hi"}}, 400),
        ("PUT", ADA, {"answer": 418}, 400),
        ("PUT", ADA, {"onlin": True}, 400),
        ("PUT", ADA, {"name": ""}, 400),
        ("PUT", "/phones/x", {}, 400),
        ("POST", f"{ADA}/fail", {"reason": ""}, 400),
        ("GET", "/phones/ledger?after=-1", None, 400),
    ],
)
async def test_what_testers_get_wrong_is_refused(
    sandbox: Sandbox, method: str, path: str, body: Any, status: int
) -> None:
    async with sandbox.http.request(method, path, json=body) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]["message"]


async def test_a_phone_that_is_off_writes_nothing(sandbox: Sandbox) -> None:
    await sandbox.json("PUT", ADA, {"online": False})
    async with sandbox.http.post(f"{ADA}/messages", json={"message": {"type": "text", "text": "Hi"}}) as answer:
        assert answer.status == 409
