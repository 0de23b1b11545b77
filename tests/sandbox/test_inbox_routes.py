import asyncio
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientError, web

from tests.sandbox.world import (
    INBOX,
    ManualClock,
    Sandbox,
    ScriptedGateway,
    StartSandbox,
    answering,
    message_event,
    soon,
    status_event,
)


async def test_a_contacts_message_opens_a_conversation(sandbox: Sandbox, clock: ManualClock) -> None:
    assert await sandbox.envelope(message_event(text="Where is my parcel?")) == 200
    [conversation] = (await sandbox.json("GET", "/inbox/state"))["conversations"]
    [bubble] = conversation["messages"]
    assert conversation["contactId"] == "+491713920042"
    assert (bubble["direction"], bubble["origin"], bubble["mId"]) == ("incoming", "contact", "in-1")
    [entry] = await sandbox.json("GET", "/inbox/ledger")
    assert (entry["kind"], entry["arrived_monotonic"], entry["arrived_time"]) == ("message", clock.now, clock.wall())


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "sandbox-inbox-token"}, {"Authorization": "Bearer é"}],
    ids=["none", "wrong", "no scheme", "not ascii"],
)
async def test_only_the_channels_token_opens_the_webhook(sandbox: Sandbox, headers: dict[str, str]) -> None:
    async with sandbox.http.post("/custom/channel/webhook/", json={}, headers=headers) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["message"]
    assert (await sandbox.counters())["refused_token"] == 1


async def test_a_violation_is_answered_with_the_field(sandbox: Sandbox) -> None:
    event = message_event(m_id="m" * 51)
    body = {"channelId": "sandbox-inbox", "contactId": "+491713920042", "events": [message_event(), event]}
    async with sandbox.http.post("/custom/channel/webhook/", json=body, headers=INBOX) as answer:
        assert answer.status == 400
        assert "events[1].mId" in (await answer.json())["error"]["message"]
    state = await sandbox.json("GET", "/inbox/state")
    assert state["conversations"] == []  # nothing of a bad envelope is taken
    assert "events[1].mId" in state["refusals"][0]["text"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 5000], ids=repr)
async def test_what_is_no_json_is_refused(sandbox: Sandbox, body: bytes) -> None:
    async with sandbox.http.post("/custom/channel/webhook/", data=body, headers=INBOX) as answer:
        assert answer.status == 400


async def test_a_body_over_a_mebibyte_is_refused(sandbox: Sandbox) -> None:
    async with sandbox.http.post(
        "/custom/channel/webhook/", data=BytesIO(b"x" * (1024 * 1024 + 1)), headers=INBOX
    ) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["message"]
    assert (await sandbox.counters())["refused_size"] == 1


async def test_the_twenty_first_in_a_second_is_too_fast(sandbox: Sandbox, clock: ManualClock) -> None:
    answers = [await sandbox.envelope(message_event(f"in-{number}")) for number in range(21)]
    assert answers == [200] * 20 + [429]
    async with sandbox.http.post("/custom/channel/webhook/", json={}, headers=INBOX) as answer:
        assert answer.headers["Retry-After"] == "1"
    clock.move(1)
    assert await sandbox.envelope(message_event("in-21")) == 200
    assert (await sandbox.counters())["refused_rate"] == 2


async def test_the_same_message_twice_is_shown_once_and_counted(sandbox: Sandbox) -> None:
    await sandbox.envelope(message_event())
    await sandbox.envelope(message_event())
    counters = await sandbox.counters()
    assert (counters["messages"], counters["duplicates"]) == (1, 1)
    assert [entry["duplicate"] for entry in await sandbox.json("GET", "/inbox/ledger")] == [False, True]


async def test_what_an_agent_sends_gets_its_ticks(sandbox: Sandbox, gateway: ScriptedGateway) -> None:
    bubble = await sandbox.send("Good morning")
    assert (bubble["status"], bubble["mId"]) == ("accepted", "m-1")
    headers, body = await soon(gateway.messages.get())
    assert headers["Authorization"] == "Bearer sandbox-inbox-token"
    assert body == {
        "channelId": "sandbox-inbox",
        "contactId": "+491713920042",
        "message": {"type": "text", "text": "Good morning"},
    }
    for status in ("sent", "delivered", "read"):
        assert await sandbox.envelope(status_event("m-1", status)) == 200
    [conversation] = (await sandbox.json("GET", "/inbox/state"))["conversations"]
    [bubble] = conversation["messages"]
    assert bubble["status"] == "read"
    assert [it["status"] for it in bubble["statuses"]] == ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answering(400, {"error": {"message": "No such number."}}), "No such number."),
        (answering(502), "The gateway answered 502 without saying why."),
        (answering(400, {"message": "no"}), "The gateway answered 400 without saying why."),
        (answering(200, {}), "without an mId"),
        (answering(200, {"mId": "m" * 51}), "without an mId"),
        (answering(201, {"mId": "m"}), "The gateway answered 201"),
    ],
    ids=["4xx in words", "5xx", "other shape", "no mId", "long mId", "not 200"],
)
async def test_a_refused_send_is_a_failed_bubble(
    sandbox: Sandbox, gateway: ScriptedGateway, answer: Any, reason: str
) -> None:
    gateway.answers = [answer]
    bubble = await sandbox.send()
    assert bubble["status"] == "failed"
    assert reason in bubble["reason"]
    assert gateway.messages.qsize() == 1  # the inbox tries once
    [entry] = await sandbox.json("GET", "/inbox/ledger")
    assert (entry["kind"], entry["mId"], entry["error"]) == ("send", None, bubble["reason"])


async def test_a_gateway_that_cannot_be_reached_is_a_failed_bubble(start: StartSandbox) -> None:
    sandbox = await start(gateway_url="http://127.0.0.1:1/base/")
    bubble = await sandbox.send()
    assert bubble["status"] == "failed"
    assert "could not be reached" in bubble["reason"]


async def test_a_gateway_that_does_not_answer_is_a_failed_bubble(
    sandbox: Sandbox, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.inbox.SEND_TIMEOUT_SECONDS", 0.05)
    done = asyncio.Event()

    async def silent(_request: web.Request) -> web.StreamResponse:
        await done.wait()
        return web.Response()

    gateway.answers = [silent]
    bubble = await sandbox.send()
    done.set()
    assert "no answer in" in bubble["reason"]


async def test_another_channels_id_can_be_sent(sandbox: Sandbox, gateway: ScriptedGateway) -> None:
    body = {"contactId": "+491713920042", "channelId": "other", "message": {"type": "nonsense"}}
    await sandbox.json("POST", "/inbox/send", body)
    assert (await soon(gateway.messages.get()))[1] == body


async def test_a_fault_strikes_as_often_as_told(sandbox: Sandbox) -> None:
    await sandbox.json("PUT", "/inbox/faults", {"status": 503, "retry_after": 7, "count": 2})
    for _ in range(2):
        async with sandbox.http.post("/custom/channel/webhook/", json={}, headers=INBOX) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert await sandbox.envelope(message_event()) == 200
    counters = await sandbox.counters()
    assert (counters["faults"], counters["messages"]) == (2, 1)


async def test_a_fault_stays_until_it_is_cleared(sandbox: Sandbox) -> None:
    await sandbox.json("PUT", "/inbox/faults", {"status": 401})
    assert [await sandbox.envelope(message_event()) for _ in range(3)] == [401] * 3
    await sandbox.json("DELETE", "/inbox/faults")
    assert await sandbox.envelope(message_event()) == 200


@pytest.mark.parametrize(("stored", "messages"), [(False, 0), (True, 1)])
async def test_a_reset_connection(sandbox: Sandbox, *, stored: bool, messages: int) -> None:
    await sandbox.json("PUT", "/inbox/faults", {"reset": True, "count": 1, "stored": stored})
    with pytest.raises(ClientError):
        await sandbox.envelope(message_event())
    assert (await sandbox.counters())["messages"] == messages


async def test_a_hanging_webhook_takes_the_envelope_and_answers_late(sandbox: Sandbox, clock: ManualClock) -> None:
    await sandbox.json("PUT", "/inbox/faults", {"hang_seconds": 30, "count": 1})
    posting = asyncio.ensure_future(sandbox.envelope(message_event()))
    await clock.advance(29.9)
    assert (await sandbox.counters())["messages"] == 1
    assert not posting.done()
    clock.move(0.1)
    assert await soon(posting) == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("PUT", "/inbox/faults", {"status": 42}, "status"),
        ("PUT", "/inbox/faults", {"stauts": 500}, "stauts"),
        ("POST", "/inbox/send", {"message": {}}, "contactId"),
        ("POST", "/inbox/send", {"contactId": "c"}, "message"),
        ("POST", "/inbox/send", {"contactId": "c", "channelId": 5, "message": {}}, "channelId"),
        ("GET", "/inbox/ledger?after=x", None, "after"),
    ],
)
async def test_what_testers_get_wrong_is_named(sandbox: Sandbox, method: str, path: str, body: Any, named: str) -> None:
    async with sandbox.http.request(method, path, json=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["message"].startswith(named)


async def test_the_ledger_can_be_read_on(sandbox: Sandbox) -> None:
    for number in range(3):
        await sandbox.envelope(message_event(f"in-{number}"))
    entries = await sandbox.json("GET", "/inbox/ledger?after=1")
    assert [(entry["seq"], entry["mId"]) for entry in entries] == [(2, "in-1"), (3, "in-2")]
