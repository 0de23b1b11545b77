"""Reading what callers send, and saying no to it: shared by both worlds."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
import structlog
from aiohttp import web
from pydantic import BaseModel, SecretStr, ValidationError
from yarl import URL

Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger()


class BadRequest(Exception):
    """The request breaks a rule; `field` is the path of what breaks it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field


def has_bearer(request: web.Request, token: SecretStr) -> bool:
    """Whether the request carries this token, compared in constant time."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())
    return scheme.lower() == "bearer" and same


def parse_json(body: bytes) -> Any:
    """The JSON in these bytes.

    Raises:
        BadRequest: They hold none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("body", "must be JSON") from error


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the request's body; no body is an empty one."""
    body = await request.read()
    data = parse_json(body) if body else {}
    if not isinstance(data, dict):
        raise BadRequest("body", "must be an object")
    return data


def validate(model: type[Model], data: Any, path: str = "") -> Model:
    """`data` as this model.

    Raises:
        BadRequest: Naming the first field that does not fit, under `path`.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in (path, *first["loc"]) if step != "")
        raise BadRequest(field or "body", f"is wrong: {first['msg']}") from error


def refusal(status: int, message: str, *, code: str | None = None, retry_after: float | None = None) -> web.Response:
    """An error as both worlds word it; only the phone network gives codes."""
    error = {"message": message} if code is None else {"code": code, "message": message}
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return web.json_response({"error": error}, status=status, headers=headers)


@web.middleware
async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves as JSON that says what was wrong."""
    code = "bad_request" if request.path.startswith("/platform/") else None
    try:
        return await handler(request)
    except BadRequest as error:
        return refusal(400, str(error), code=code)
    except web.HTTPError as error:
        return refusal(error.status, error.text or error.reason, code=code)
    except Exception:  # noqa: BLE001 -- the outermost frame: a bug becomes an answer and a log line
        _log.exception("sandbox.request_failed", method=request.method, path=request.path)
        return refusal(500, "The sandbox is broken; its log says how.", code=code and "internal")


@web.middleware
async def own_page_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Other sites' pages in the same browser may not press the sandbox's buttons."""
    origin = request.headers.get("Origin")
    if origin is not None and URL(origin).host != request.url.host:
        raise web.HTTPForbidden(text="Only the sandbox's own page may call it from a browser.")
    return await handler(request)
