"""Both outer ends as cheap as they can be: a platform that takes every message and an inbox that takes every event.

`python -m tests.benchmarks.outer_world PORT`. What it counts is at `GET /counts`; with `statuses` on, each message is reported
delivered and read in webhooks that carry many reports, as busy platforms do.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from collections import Counter, defaultdict

from aiohttp import ClientSession, web

SECRET = b"sandbox-webhook-secret"
REPORTS_PER_WEBHOOK = 50
HOST = "127.0.0.1"


class OuterWorld:
    """A platform and an inbox."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.webhooks: dict[str, str] = {}
        self.reports: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.is_reporting = False
        self.taken: dict[str, float] = {}
        self.is_timing = False

    async def take_message(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.counts["platform"] += 1
        key = body["idempotency_key"]
        if self.is_timing:
            self.taken[key.partition(".")[0]] = time.time()
        if self.is_reporting:
            await self.reports.put((request.headers["authorization"], f"ph_{key}"))
        return web.json_response({"id": f"ph_{key}"})

    async def take_event(self, request: web.Request) -> web.Response:
        body = await request.json()
        for event in body["events"]:
            self.counts[event["type"]] += 1
            if event["type"] == "message_status":
                status = event["status"]["value"]
                self.counts[f"status {status}"] += 1
        return web.json_response({})

    async def register(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.webhooks[request.headers["authorization"]] = body["url"]
        return web.json_response({"url": body["url"]})

    async def registered(self, request: web.Request) -> web.Response:
        return web.json_response({"url": self.webhooks.get(request.headers["authorization"], "")})

    async def show_counts(self, _request: web.Request) -> web.Response:
        return web.json_response(dict(self.counts))

    async def show_times(self, _request: web.Request) -> web.Response:
        return web.json_response(self.taken)

    async def set_up(self, request: web.Request) -> web.Response:
        given = await request.json()
        self.is_reporting, self.is_timing = given.get("statuses", False), given.get("times", False)
        self.counts.clear()
        self.taken.clear()
        return web.json_response({})

    async def report(self) -> None:
        async with ClientSession() as session:
            while True:
                of_channel: defaultdict[str, list[str]] = defaultdict(list)
                token, message_id = await self.reports.get()
                of_channel[token].append(message_id)
                while not self.reports.empty():
                    token, message_id = self.reports.get_nowait()
                    of_channel[token].append(message_id)
                await asyncio.gather(*(self._tell(session, token, ids) for token, ids in of_channel.items()))

    async def _tell(self, session: ClientSession, token: str, ids: list[str]) -> None:
        for start in range(0, len(ids), REPORTS_PER_WEBHOOK):
            for status in ("delivered", "read"):
                await self._post(session, self.webhooks[token], ids[start : start + REPORTS_PER_WEBHOOK], status)

    async def _post(self, session: ClientSession, url: str, ids: list[str], status: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        events = [
            {"id": f"ev_{status}_{each}", "type": "status", "time": now, "message_id": each, "status": status}
            for each in ids
        ]
        body = json.dumps({"events": events}).encode()
        timestamp = str(int(time.time()))
        signature = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Sandbox-Signature": f"sha256={signature}", "X-Sandbox-Timestamp": timestamp}
        async with session.post(url, data=body, headers=headers) as response:
            self.counts[f"webhook {response.status}"] += 1


async def serve(port: int) -> None:
    world = OuterWorld()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/platform/v1/messages", world.take_message)
    app.router.add_put("/platform/v1/webhook", world.register)
    app.router.add_get("/platform/v1/webhook", world.registered)
    app.router.add_post("/custom/channel/webhook/", world.take_event)
    app.router.add_get("/counts", world.show_counts)
    app.router.add_get("/times", world.show_times)
    app.router.add_post("/set-up", world.set_up)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await world.report()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
