"""A business with its inbox, its phone network and the channel between them: what the stories are told with."""

import io
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp

from anychannel.channel import Channel
from anychannel.client import GatewayClient
from sandbox.phones_webhook import signature
from tests.end_to_end.product import Product
from tests.end_to_end.waiting import until

ADA = "+491713920042"
BEN = "+447700900123"
Json = dict[str, Any]
# What must not happen in any story, unless it is what the story is about.
MISHAPS = (
    "regressions",
    "unknown_status",
    "duplicates",
    "repeated_status",
    "refused_token",
    "refused_contract",
    "refused_rate",
    "refused_size",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What edge answered."""

    status: int
    headers: dict[str, str]
    body: bytes
    json: Any

    @property
    def error(self) -> str:
        """What an agent reads."""
        assert set(self.json) == {"error"}, self.json
        text: str = self.json["error"]["message"]
        return text


class Shop:
    """One channel of the sandbox's platform."""

    def __init__(self, product: Product, http: aiohttp.ClientSession, sandbox_url: str, channel: Channel) -> None:
        self.product = product
        self.channel = channel
        self.sandbox_url = sandbox_url
        self.by_channel_path = False
        """Whether the inbox posts to /channels/{channel_id}/message."""
        self.tolerated: set[str] = set()
        """Mishaps, and words of errors in the log, that the story is about."""
        self._http = http

    @property
    def channel_id(self) -> str:
        return self.channel.channel_id

    @property
    def token(self) -> str:
        return self.channel.inbox.token

    @property
    def gateway(self) -> GatewayClient:
        return self.product.gateway

    # The inbox

    async def send(self, message: Json | str, to: str = ADA) -> Json:
        """An agent sends; the bubble once it is answered."""
        bubble: Json = await self._sandbox("POST", "/inbox/send", {"contactId": to, "message": _said(message)})
        return bubble

    async def conversation(self, number: str = ADA) -> list[Json]:
        state = await self.inbox()
        return [bubble for it in state["conversations"] if it["contactId"] == number for bubble in it["messages"]]

    async def contact(self, number: str = ADA) -> Json:
        state = await self.inbox()
        contact: Json = next(it["contact"] for it in state["conversations"] if it["contactId"] == number)
        return contact

    async def said_by_contact(self, count: int, number: str = ADA) -> list[Json]:
        """What a person said, once the inbox has so many messages of theirs."""

        async def look() -> list[Json]:
            return [it["message"] for it in await self.conversation(number) if it["origin"] == "contact"]

        return await until(look, lambda said: len(said) >= count)

    async def echoes(self, count: int, number: str = ADA) -> list[Json]:
        """What the business said elsewhere, once the inbox has so many of those."""

        async def look() -> list[Json]:
            return [it for it in await self.conversation(number) if it["origin"] == "echo"]

        return await until(look, lambda said: len(said) >= count)

    async def reached(self, m_id: str, status: str, number: str = ADA) -> Json:
        """The bubble of a message, once the inbox shows this status."""

        async def look() -> Json:
            return next(it for it in await self.conversation(number) if it["mId"] == m_id)

        return await until(look, lambda bubble: bubble["status"] == status)

    async def inbox(self) -> Json:
        state: Json = await self._sandbox("GET", "/inbox/state")
        return state

    async def counters(self) -> dict[str, int]:
        counters: dict[str, int] = (await self.inbox())["counters"]
        return counters

    async def misbehave(self, **fault: Any) -> None:
        """The inbox's webhook misbehaves from now on."""
        await self._sandbox("PUT", "/inbox/faults", fault)

    async def behave(self) -> None:
        await self._sandbox("DELETE", "/inbox/faults")

    async def faults(self, count: int = 1) -> int:
        """How often the inbox has misbehaved, once it has so often."""
        return (await until(self.counters, lambda counters: counters["faults"] >= count))["faults"]

    # The phones

    async def write(self, message: Json | str, number: str = ADA) -> Json:
        """A person writes; ids of the event."""
        told: Json = await self._sandbox("POST", f"/phones/{number}/messages", {"message": _said(message)})
        return told

    async def write_on_own_phone(self, message: Json | str, number: str = ADA) -> Json:
        """The business writes to a person on its own phone."""
        told: Json = await self._sandbox("POST", f"/phones/{number}/echo", {"message": _said(message)})
        return told

    async def set_phone(self, number: str = ADA, **behaviour: Any) -> None:
        await self._sandbox("PUT", f"/phones/{number}", behaviour)

    async def read(self, number: str = ADA) -> None:
        await self._sandbox("POST", f"/phones/{number}/read")

    async def fail(self, reason: str, number: str = ADA) -> None:
        await self._sandbox("POST", f"/phones/{number}/fail", {"reason": reason})

    async def ledger(self) -> list[Json]:
        """Every message that the phone network took, in order."""
        ledger: list[Json] = await self._sandbox("GET", "/phones/ledger")
        return ledger

    async def shown(self, count: int, number: str = ADA) -> list[Json]:
        """What a phone has got of us, once it is so many messages."""

        async def look() -> list[Json]:
            return [it["message"] for it in await self.ledger() if it["number"] == number]

        return await until(look, lambda shown: len(shown) >= count)

    async def network(self) -> Json:
        """What the phone network counts."""
        counters: Json = (await self._sandbox("GET", "/phones"))["counters"]
        return counters

    async def untold(self) -> int:
        """Events that the gateway has not taken yet."""
        return sum(phone["untold"] for phone in (await self._sandbox("GET", "/phones"))["phones"])

    async def upload(self, name: str, data: bytes) -> str:
        async with self._http.post(f"{self.sandbox_url}/files", params={"name": name}, data=data) as answer:
            url: str = (await answer.json())["url"]
            return url

    # The gateway

    async def change(self, field: str, **values: Any) -> None:
        """Change a field of the channel, `inbox.NAME` or `paused` for instance, and return once core goes by it."""
        changed = replace(self.channel, **values)
        before = self.product.core.directory.get(self.channel_id)
        await self.gateway.channels.update(changed, [field])

        async def look() -> object:
            return self.product.core.directory.get(self.channel_id)

        await until(look, lambda config: config is not before)
        self.channel = changed

    async def post(
        self, body: Json | bytes, *, path: str = "/message", token: str | None = None, headers: Json | None = None
    ) -> Answer:
        """POST to edge as the inbox does, however wrong."""
        given = {"Content-Type": "application/json"} if headers is None else headers
        if token != "":
            given = {"Authorization": f"Bearer {self.token if token is None else token}", **given}
        # aiohttp warns of large bodies that are no files
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        return await self.call("POST", f"{self.product.edge_url}{path}", headers=given, data=data)

    async def call(self, method: str, url: str, **options: Any) -> Answer:
        """Any request."""
        async with self._http.request(method, url, allow_redirects=False, **options) as answer:
            data = await answer.read()
            is_json = answer.content_type == "application/json" and bool(data)
            return Answer(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.headers.items()},
                body=data,
                json=await answer.json() if is_json else None,
            )

    async def tell(self, *events: Json, secret: str = "", at: float = 0) -> Answer:
        """The platform's webhook, signed as the phone network signs it."""
        return await self.tell_raw(json.dumps({"events": events}).encode(), secret=secret, at=at)

    async def tell_raw(self, body: bytes, *, secret: str = "", at: float = 0) -> Answer:
        """The same with any body."""
        timestamp = str(int(at or time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Sandbox-Signature": signature(secret or self.channel.settings["webhook_secret"], timestamp, body),
            "X-Sandbox-Timestamp": timestamp,
        }
        return await self.call("POST", self.channel.webhook_url, headers=headers, data=io.BytesIO(body))

    def text(self, text: str = "Hello", *, to: str = ADA) -> Json:
        """The body of a send as the inbox spells it."""
        return {
            "channelId": self.channel.inbox.inbox_channel_id,
            "contactId": to,
            "message": {"type": "text", "text": text},
        }

    async def settled(self) -> None:
        """Return once nothing waits on either lane, and the phones have told everything."""

        async def waiting() -> int:
            channel = await self.gateway.channels.get(self.channel_id)
            return channel.health.platform_waiting + channel.health.inbox_waiting + await self.untold()

        await until(waiting, lambda count: count == 0)

    async def mishaps(self) -> dict[str, int]:
        counters = await self.counters()
        return {name: counters[name] for name in MISHAPS if counters[name] and name not in self.tolerated}

    async def _sandbox(self, method: str, path: str, body: Any = None) -> Any:
        async with self._http.request(method, f"{self.sandbox_url}{path}", json=body) as answer:
            data = await answer.json()
            assert answer.status == 200, data
            return data


def _said(message: Json | str) -> Json:
    return {"type": "text", "text": message} if isinstance(message, str) else message


def event(kind: str, message_id: str, text: str, *, number: str = ADA) -> Json:
    """A message or an echo as the phone network's webhook tells it."""
    person = {"number": number, "name": "Ada Brandt"}
    return {
        "id": f"ev_{secrets.token_hex(8)}",
        "type": kind,
        "time": datetime.now(UTC).isoformat(),
        "from" if kind == "message" else "to": person,
        "message_id": message_id,
        "message": {"type": "text", "text": text},
    }


def texts(messages: Sequence[Json]) -> list[str]:
    """The texts of messages, as phones and the inbox have them."""
    return [message["text"] for message in messages]
