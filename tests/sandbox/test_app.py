import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientTimeout

from sandbox.live import QUEUE_LENGTH, Live
from tests.sandbox.world import (
    DEADLINE_SECONDS,
    PLATFORM,
    ManualClock,
    Sandbox,
    ScriptedGateway,
    StartSandbox,
    left_by_a_kill,
    message_event,
    soon,
    status_event,
)

ADA = "/phones/+491713920042"


async def test_a_restart_forgets_nothing(
    start: StartSandbox, tmp_path: Path, gateway: ScriptedGateway, clock: ManualClock
) -> None:
    sandbox = await start(data_folder=tmp_path)
    await sandbox.json("PUT", "/platform/v1/webhook", {"url": "http://127.0.0.1:1/gone"}, headers=PLATFORM)
    await sandbox.envelope(message_event(), message_event())
    await sandbox.send()
    await sandbox.envelope(status_event("m-1", "delivered"), status_event("of-nobody", "read"))
    await sandbox.json("PUT", ADA, {"online": False, "name": "Ada B."})
    accepted = await sandbox.platform()
    await sandbox.json("PUT", ADA, {"online": True, "answer": 500})
    await sandbox.json("POST", f"{ADA}/messages", {"message": {"type": "text", "text": "not told yet"}})
    paths = ("/inbox/ledger", "/phones/ledger")
    before = [await sandbox.json("GET", path) for path in paths]
    conversations, counters = (await sandbox.json("GET", "/inbox/state"))["conversations"], await sandbox.counters()
    screen = await sandbox.screen()
    await sandbox.http.close()

    again = await start(data_folder=tmp_path)
    assert [await again.json("GET", path) for path in paths] == before
    assert (await again.json("GET", "/inbox/state"))["conversations"] == conversations
    assert await again.counters() == counters
    assert await again.screen() == screen
    assert (await again.platform())[0] == 500  # the phone still behaves
    await again.json("PUT", ADA, {"answer": None})
    assert await again.platform() == accepted  # the key is still known
    await again.json("PUT", "/platform/v1/webhook", {"url": f"{gateway.url}/webhook"}, headers=PLATFORM)
    clock.move(60)
    _, body = await soon(gateway.webhooks.get())
    assert b"not told yet" in body


async def test_a_send_cut_short_by_a_crash_is_a_failed_bubble(
    start: StartSandbox, tmp_path: Path, gateway: ScriptedGateway
) -> None:
    sandbox = await start(data_folder=tmp_path)
    never = asyncio.Event()

    async def silent(_request: object) -> object:
        await never.wait()
        raise AssertionError("never comes here")

    gateway.answers = [silent]  # type: ignore[list-item]  # it never answers, so it has no response to type
    sending = asyncio.ensure_future(sandbox.send())
    await soon(gateway.messages.get())
    crashed = left_by_a_kill(tmp_path)
    sending.cancel()
    again = await start(data_folder=crashed)
    [conversation] = (await again.json("GET", "/inbox/state"))["conversations"]
    assert conversation["messages"][0]["status"] == "failed"
    assert "restarted" in conversation["messages"][0]["reason"]


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/", "text/html"), ("/app.js", "text/javascript"), ("/style.css", "text/css"), ("/icon.svg", "image/svg+xml")],
)
async def test_the_page_is_served_under_a_strict_policy(sandbox: Sandbox, path: str, content_type: str) -> None:
    async with sandbox.http.get(path) as answer:
        assert answer.status == 200
        assert answer.content_type == content_type
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


async def test_the_page_holds_no_inline_script_or_style(sandbox: Sandbox) -> None:
    async with sandbox.http.get("/") as answer:
        html = await answer.text()
    assert html.count("<script") == 1
    assert '<script type="module" src="/app.js"></script>' in html
    for inline in ("<style", " style=", " onclick=", "javascript:", "https://"):
        assert inline not in html


async def next_event(answer: ClientResponse, name: str) -> bytes:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (line := await answer.content.readline()).strip() != f"event: {name}".encode():
            assert line
        return await answer.content.readline()


async def test_changes_are_streamed(sandbox: Sandbox) -> None:
    async with sandbox.http.get("/events", timeout=ClientTimeout()) as answer:
        assert answer.content_type == "text/event-stream"
        await sandbox.envelope(message_event(text="news"))
        assert b"news" in await next_event(answer, "bubble")
        assert b'"messages":1' in await next_event(answer, "counters")
        await sandbox.platform(type="text", text="to the phone")
        assert b"to the phone" in await next_event(answer, "phone_message")
        await sandbox.json("PUT", "/inbox/faults", {"status": 500})
        assert b"500" in await next_event(answer, "fault")


async def test_streams_end_when_the_sandbox_stops(sandbox: Sandbox) -> None:
    async with sandbox.http.get("/events", timeout=ClientTimeout()) as answer:
        await soon(answer.content.readline())
        stopping = asyncio.ensure_future(sandbox.http.server.close())
        async with asyncio.timeout(2):
            await answer.content.read()
            await stopping


async def test_a_page_that_does_not_follow_is_cut_off() -> None:
    live = Live(heartbeat_seconds=0.01)
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_LENGTH)
    live._queues.add(queue)
    assert (await live._next(queue)) == b": still here\n\n"
    for number in range(QUEUE_LENGTH + 1):
        live.tell("counters", number)
    assert queue.qsize() == 1
    assert await live._next(queue) is None
    assert not live.is_watched


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("http://127.0.0.1:9", 200), (None, 200)]
)
async def test_other_sites_press_no_buttons(sandbox: Sandbox, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    async with sandbox.http.post(f"{ADA}/read", headers=headers) as answer:
        assert answer.status == status


async def test_it_says_that_it_is_up(sandbox: Sandbox) -> None:
    assert await sandbox.json("GET", "/healthz") == {"status": "ok"}
