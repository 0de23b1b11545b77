"""Pictures, voices and other files that phones and agents send, hosted for whoever is given the link."""

import mimetypes
import os
import re
import secrets
from asyncio import to_thread
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

MAX_FILE_BYTES = 16 * 1024 * 1024
# What Python 3.11 does not know, or takes for a film.
_TYPES = {".m4a": "audio/mp4", ".oga": "audio/ogg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".webp": "image/webp"}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_PLAIN_ID = re.compile(r"[0-9a-f]{24}")
# What strangers upload is shown, never run, although it shares the page's origin.
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


class Files:
    """A folder of uploads; without a data folder a temporary one."""

    def __init__(self, folder: Path | None, public_url: str) -> None:
        self._temporary = TemporaryDirectory(prefix="anychannel-sandbox-") if folder is None else None
        self._folder = Path(self._temporary.name) if self._temporary else folder / "files" if folder else Path()
        self._public_url = public_url.rstrip("/")

    def close(self) -> None:
        """Remove what was only temporary."""
        if self._temporary:
            self._temporary.cleanup()

    async def upload(self, request: web.Request) -> web.Response:
        """POST /files?name=cat.png with the bytes as the body; at most 16 MiB."""
        content = bytearray()
        async for piece in request.content.iter_any():
            content += piece
            if len(content) > MAX_FILE_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_FILE_BYTES, len(content))
        name = _plain(request.query.get("name", "file"))
        if "." not in name and (suffix := mimetypes.guess_extension(request.content_type)):
            name += suffix
        file_id = secrets.token_hex(12)
        await to_thread(_keep, self._folder / file_id, name, bytes(content))
        origin = self._public_url or str(request.url.origin())
        return web.json_response(
            {"url": f"{origin}/files/{file_id}/{name}", "name": name, "mime_type": _type_of(name), "size": len(content)}
        )

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET and HEAD /files/{id}/{name}, ranges included."""
        file_id, name = request.match_info["id"], request.match_info["name"]
        path = self._folder / file_id / name
        if not _PLAIN_ID.fullmatch(file_id) or _plain(name) != name or not await to_thread(path.is_file):
            raise web.HTTPNotFound(text="There is no such file.")
        return web.FileResponse(path, headers={**_HEADERS, "Content-Type": _type_of(name)})


def _plain(name: str) -> str:
    """A name that needs no escaping in a URL and means nothing to a file system."""
    return "".join(_PLAIN_NAME.findall(name)).lstrip(".")[-80:] or "file"


def _type_of(name: str) -> str:
    return _TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _keep(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True)
    with (folder / name).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
