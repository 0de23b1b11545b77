import hashlib
import hmac
from datetime import datetime
from typing import Any

import orjson
import pytest

from sandbox.phones_webhook import wait_before
from tests.sandbox.world import PLATFORM, ManualClock, Sandbox, ScriptedGateway, answering, soon

ADA, BEN = "/phones/+491713920042", "/phones/+447700900123"


@pytest.fixture
async def told(sandbox: Sandbox, gateway: ScriptedGateway) -> Sandbox:
    """A sandbox whose webhooks go to the scripted gateway."""
    await sandbox.json("PUT", "/platform/v1/webhook", {"url": f"{gateway.url}/webhook"}, headers=PLATFORM)
    return sandbox


async def write(sandbox: Sandbox, text: str, phone: str = ADA) -> None:
    await sandbox.json("POST", f"{phone}/messages", {"message": {"type": "text", "text": text}})


async def events(gateway: ScriptedGateway) -> list[dict[str, Any]]:
    """What the next webhook says."""
    _, body = await soon(gateway.webhooks.get())
    said: list[dict[str, Any]] = orjson.loads(body)["events"]
    return said


def texts(said: list[dict[str, Any]]) -> list[str]:
    return [event["message"]["text"] for event in said]


async def test_a_persons_message_is_told_and_signed(
    told: Sandbox, gateway: ScriptedGateway, clock: ManualClock
) -> None:
    await write(told, "Grüße")
    headers, body = await soon(gateway.webhooks.get())
    signed = headers["X-Sandbox-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"sandbox-webhook-secret", signed, hashlib.sha256).hexdigest()
    assert headers["X-Sandbox-Signature"] == f"sha256={expected}"
    assert headers["X-Sandbox-Timestamp"] == str(int(clock.wall()))
    [event] = orjson.loads(body)["events"]
    assert event["id"].startswith("ev_")
    assert event["message_id"].startswith("ph_")
    assert event["from"] == {"number": "+491713920042", "name": "Ada Brandt"}
    assert event["message"] == {"type": "text", "text": "Grüße"}
    assert datetime.fromisoformat(event["time"]).timestamp() == clock.wall()


async def test_statuses_are_told(told: Sandbox, gateway: ScriptedGateway, clock: ManualClock) -> None:
    _, answer = await told.platform()
    for seconds, status in ((0.3, "delivered"), (0.7, "read")):
        await clock.advance(seconds)
        [event] = await events(gateway)
        assert (event["type"], event["status"], event["message_id"]) == ("status", status, answer["id"])


async def test_an_echo_names_whom_the_business_wrote_to(told: Sandbox, gateway: ScriptedGateway) -> None:
    await told.json("POST", f"{ADA}/echo", {"message": {"type": "text", "text": "From the shop"}})
    [event] = await events(gateway)
    assert (event["type"], event["to"]["number"], texts([event])) == ("echo", "+491713920042", ["From the shop"])


async def test_a_refused_webhook_comes_again_in_order(
    told: Sandbox, gateway: ScriptedGateway, clock: ManualClock
) -> None:
    gateway.answers = [answering(500), answering(302), answering(404)]
    await write(told, "one")
    refused = await events(gateway)
    await write(told, "two")
    for seconds in (0.2, 0.4, 0.8):  # the waits double
        await clock.advance(seconds)
        again = await events(gateway)
        assert again[0] == refused[0]  # the same event, by its id
        assert texts(again) == ["one", "two"]


async def test_one_phones_trouble_holds_up_no_other(
    told: Sandbox, gateway: ScriptedGateway, clock: ManualClock
) -> None:
    gateway.answers = [answering(500)]
    await write(told, "stuck", ADA)
    await events(gateway)
    await write(told, "free", BEN)
    assert texts(await events(gateway)) == ["free"]
    await clock.advance(0.2)
    assert texts(await events(gateway)) == ["stuck"]


async def test_events_wait_for_a_webhook_to_be_registered(sandbox: Sandbox, gateway: ScriptedGateway) -> None:
    await write(sandbox, "early")
    url = f"{gateway.url}/webhook"
    assert await sandbox.json("GET", "/platform/v1/webhook", headers=PLATFORM) == {"url": None}
    assert await sandbox.json("PUT", "/platform/v1/webhook", {"url": url}, headers=PLATFORM) == {"url": url}
    assert texts(await events(gateway)) == ["early"]


async def test_a_full_queue_takes_no_more(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.phones.MAX_UNTOLD_EVENTS", 2)
    await write(sandbox, "one")
    await write(sandbox, "two")
    async with sandbox.http.post(f"{ADA}/messages", json={"message": {"type": "text", "text": "x"}}) as answer:
        assert answer.status == 503
    assert (await sandbox.platform())[0] == 503
    assert len(await sandbox.screen()) == 2


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 0.2), (2, 0.4), (5, 3.2), (6, 5), (10_000, 5)])
def test_waits_grow_to_five_seconds(attempt: int, seconds: float) -> None:
    assert wait_before(attempt) == pytest.approx(seconds)
