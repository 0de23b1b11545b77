"""The inbox over HTTP: its webhook, and what the page and tests do with it."""

from typing import Any

import aiohttp
from aiohttp import web

from sandbox.clock import Clock
from sandbox.contract import ContractViolation
from sandbox.inbox import Inbox
from sandbox.inbox_faults import Fault
from sandbox.requests import BadRequest, has_bearer, parse_json, read_object, refusal, validate
from sandbox.settings import Settings

HTTP = web.AppKey("inbox_http", aiohttp.ClientSession)


class InboxRoutes:
    """Who may call, what they may say, and what they are answered."""

    def __init__(self, settings: Settings, clock: Clock, inbox: Inbox) -> None:
        self._settings = settings
        self._clock = clock
        self._inbox = inbox

    def table(self) -> list[web.RouteDef]:
        """Every route of the inbox."""
        return [
            web.post("/custom/channel/webhook/", self._webhook),
            web.post("/inbox/send", self._send),
            web.get("/inbox/state", self._state),
            web.get("/inbox/ledger", self._ledger),
            web.put("/inbox/faults", self._set_fault),
            web.delete("/inbox/faults", self._clear_fault),
        ]

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        if not self._inbox.window.admit(self._clock.monotonic()):
            self._inbox.refuse("rate", f"more than {self._settings.inbox_rate} requests in a second")
            return refusal(429, "Too many requests.", retry_after=1)
        fault = self._inbox.fault
        if fault is None:
            return await self._take(request)
        self._inbox.set_fault(fault.after_one())
        return await self._strike(fault, request)

    async def _strike(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        is_final = fault.reset or fault.status is not None
        answer = await self._take(request) if fault.stored or not is_final else None
        self._inbox.refuse("fault", fault.in_words())
        if fault.hang_seconds:
            await self._clock.sleep(fault.hang_seconds)
        if fault.reset and request.transport is not None:
            request.transport.abort()
        if fault.status is not None:
            return refusal(fault.status, f"A fault on demand: {fault.status}.", retry_after=fault.retry_after)
        return answer or web.Response()  # behind a reset connection it goes nowhere

    async def _take(self, request: web.Request) -> web.Response:
        if not has_bearer(request, self._settings.inbox_token):
            self._inbox.refuse("token", "the bearer token is not this channel's")
            return refusal(401, "The bearer token is not this channel's.")
        try:
            await self._inbox.take(parse_json(await request.read()))
        except web.HTTPRequestEntityTooLarge:
            self._inbox.refuse("size", "the body is larger than 1 MiB")
            raise
        except (ContractViolation, BadRequest) as error:
            self._inbox.refuse("contract", str(error))
            return refusal(400, str(error))
        return web.json_response({})

    async def _send(self, request: web.Request) -> web.Response:
        body = await read_object(request)
        contact_id, channel_id = body.get("contactId"), body.get("channelId")
        if not isinstance(contact_id, str) or not contact_id:
            raise BadRequest("contactId", "must be a string that is not empty")
        if channel_id is not None and not isinstance(channel_id, str):
            raise BadRequest("channelId", "must be a string")
        if "message" not in body:
            raise BadRequest("message", "is required")
        bubble = await self._inbox.send(request.app[HTTP], contact_id, body["message"], channel_id)
        return web.json_response(bubble.as_json())

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._inbox.state())

    async def _ledger(self, request: web.Request) -> web.Response:
        return web.json_response(after(request, self._inbox.book.ledger))

    async def _set_fault(self, request: web.Request) -> web.Response:
        fault = validate(Fault, await read_object(request))
        self._inbox.set_fault(fault)
        return web.json_response(fault.model_dump())

    async def _clear_fault(self, _request: web.Request) -> web.Response:
        self._inbox.set_fault(None)
        return web.json_response({})


def after(request: web.Request, ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A ledger's entries behind the position `?after=` (their `seq`), so that tests read on instead of all again."""
    position = request.query.get("after", "0")
    if not position.isdecimal():
        raise BadRequest("after", "must be a number")
    return ledger[int(position) :]
