"""Puts the two worlds, their journal and their page together as one web application."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from sandbox.background import Background
from sandbox.clock import Clock, SystemClock
from sandbox.files import Files
from sandbox.inbox import Inbox
from sandbox.inbox_facts import INBOX_FACTS, InboxFact
from sandbox.inbox_routes import HTTP, InboxRoutes
from sandbox.journal import Journal
from sandbox.live import Live
from sandbox.phones import PhoneNetwork
from sandbox.phones_facts import PHONES_FACTS, PhonesFact
from sandbox.phones_routes import PhonesRoutes
from sandbox.requests import in_words, own_page_only
from sandbox.settings import Settings

MAX_BODY_BYTES = 1024 * 1024
PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_FILES = {  # the types are ours to say: what a system guesses for .js differs
    "/": ("index.html", "text/html; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.css": (f"{name}.css", "text/css; charset=utf-8") for name in ("style", "worlds")},
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("app", "bubbles", "calls", "compose", "draw", "inbox", "lists", "phone", "world")
    },
}
# Media come from wherever the gateway and the phones link to; everything else only from here.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' http: https:; "
    "media-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def create_app(settings: Settings, clock: Clock | None = None) -> web.Application:
    """The whole sandbox; it starts and stops with the application."""
    clock = clock or SystemClock()
    journal = Journal(settings.data_folder, (*INBOX_FACTS, *PHONES_FACTS))
    live, background = Live(), Background()
    files = Files(settings.data_folder, settings.public_url)
    inbox = Inbox(settings, clock, journal, live)
    network = PhoneNetwork(settings, clock, journal, live, background)

    async def run(app: web.Application) -> AsyncIterator[None]:
        for fact in await journal.open():
            if isinstance(fact, InboxFact):
                inbox.book.apply(fact)
            elif isinstance(fact, PhonesFact):
                network.book.apply(fact)
        inbox.close_unanswered()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            app[HTTP] = network.teller.http = http
            await network.start()
            yield
            await background.close()
        await journal.close()
        files.close()

    async def end_streams(_app: web.Application) -> None:
        live.close()

    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[in_words, own_page_only])
    app.cleanup_ctx.append(run)
    app.on_shutdown.append(end_streams)
    app.router.add_routes(InboxRoutes(settings, clock, inbox).table())
    app.router.add_routes(PhonesRoutes(settings, clock, network).table())
    app.router.add_routes([web.get("/events", live.stream), web.post("/files", files.upload)])
    app.router.add_routes([web.get("/files/{id}/{name}", files.serve), web.get("/healthz", _healthy)])
    app.router.add_routes([web.get(path, _page) for path in PAGE_FILES])
    return app


async def _healthy(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _page(request: web.Request) -> web.FileResponse:
    name, content_type = PAGE_FILES[request.path]
    return web.FileResponse(PAGE_FOLDER / name, headers={**PAGE_HEADERS, "Content-Type": content_type})
