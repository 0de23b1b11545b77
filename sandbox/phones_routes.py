"""The phone network over HTTP: the API businesses call, and what the page and tests do with the phones."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.phones import PhoneNetwork
from sandbox.phones_book import Behaviour
from sandbox.phones_contract import (
    BUSINESS_MESSAGES,
    ECHO_MESSAGES,
    PERSON_MESSAGES,
    PlatformError,
    PlatformMessage,
    Webhook,
    check_message,
    is_number,
)
from sandbox.rate import SlidingWindow
from sandbox.requests import BadRequest, has_bearer, read_object, refusal, validate
from sandbox.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.Response]]


class PhonesRoutes:
    """Who may call, what they may say, and what they are answered."""

    def __init__(self, settings: Settings, clock: Clock, network: PhoneNetwork) -> None:
        self._settings = settings
        self._clock = clock
        self._network = network
        self._window = SlidingWindow(settings.platform_rate)

    def table(self) -> list[web.RouteDef]:
        """Every route of the phone network."""
        return [
            web.post("/platform/v1/messages", self._for_business(self._accept)),
            web.put("/platform/v1/webhook", self._for_business(self._register_webhook)),
            web.get("/platform/v1/webhook", self._for_business(self._webhook)),
            web.get("/phones", self._list),
            web.get("/phones/ledger", self._ledger),
            web.put("/phones/{number}", self._in_words(self._change)),
            web.post("/phones/{number}/messages", self._in_words(self._write)),
            web.post("/phones/{number}/echo", self._in_words(self._echo)),
            web.post("/phones/{number}/read", self._in_words(self._read)),
            web.post("/phones/{number}/fail", self._in_words(self._fail)),
        ]

    def _for_business(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.Response:
            if not has_bearer(request, self._settings.platform_token):
                raise PlatformError(401, "bad_token", "The bearer token is not this account's.")
            return await handler(request)

        return self._in_words(checked)

    def _in_words(self, handler: Handler) -> Handler:
        async def spoken(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except BadRequest as error:
                failure = PlatformError(400, "bad_request", str(error))
            except PlatformError as error:
                failure = error
            self._network.refused[failure.code] += 1
            return refusal(failure.status, str(failure), code=failure.code, retry_after=failure.retry_after)

        return spoken

    async def _accept(self, request: web.Request) -> web.Response:
        if not self._window.admit(self._clock.monotonic()):
            raise PlatformError(429, "too_fast", "Too many messages.", retry_after=1)
        body = validate(PlatformMessage, await read_object(request))
        if not is_number(body.to):
            raise BadRequest("to", "must be a phone number in E.164 form")
        message = check_message(body.message, BUSINESS_MESSAGES)
        return web.json_response({"id": await self._network.accept(body.to, body.idempotency_key, message)})

    async def _register_webhook(self, request: web.Request) -> web.Response:
        url = validate(Webhook, await read_object(request)).url
        await self._network.register_webhook(url)
        return web.json_response({"url": url})

    async def _webhook(self, _request: web.Request) -> web.Response:
        return web.json_response({"url": self._network.book.webhook_url})

    async def _list(self, _request: web.Request) -> web.Response:
        book = self._network.book
        phones = [
            {**phone.as_json(), "messages": [message.as_json() for message in phone.messages]}
            for phone in book.phones.values()
        ]
        counters = {"replays": book.replays, "refused": dict(self._network.refused)}
        return web.json_response({"phones": phones, "counters": counters, "webhook_url": book.webhook_url})

    async def _ledger(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            raise BadRequest("after", "must be a number")
        return web.json_response(self._network.book.ledger(int(after)))

    async def _change(self, request: web.Request) -> web.Response:
        given = await read_object(request)
        name = given.pop("name", None)
        if name is not None and (not isinstance(name, str) or not name):
            raise BadRequest("name", "must be a string that is not empty")
        phone = await self._network.phone(request.match_info["number"])
        if "answer" in given:  # a new answer does not inherit the last one's details
            given = {"count": None, "retry_after": None, **given}
        behaviour = validate(Behaviour, {**phone.behaviour.model_dump(), **given})
        changed = await self._network.change(phone.number, name, behaviour)
        return web.json_response(changed.as_json())

    async def _write(self, request: web.Request) -> web.Response:
        message = check_message((await read_object(request)).get("message"), PERSON_MESSAGES)
        return _told(await self._network.write(request.match_info["number"], message))

    async def _echo(self, request: web.Request) -> web.Response:
        message = check_message((await read_object(request)).get("message"), ECHO_MESSAGES)
        return _told(await self._network.echo(request.match_info["number"], message))

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response({"read": await self._network.read(request.match_info["number"])})

    async def _fail(self, request: web.Request) -> web.Response:
        reason = (await read_object(request)).get("reason", "The network gave up.")
        if not isinstance(reason, str) or not reason:
            raise BadRequest("reason", "must be a string that is not empty")
        return web.json_response({"failed": await self._network.fail(request.match_info["number"], reason)})


def _told(event: dict[str, Any]) -> web.Response:
    return web.json_response({"event_id": event["id"], "message_id": event["message_id"]})
