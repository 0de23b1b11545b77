"""GET and HEAD /media/{token}: streams media to whoever holds a signed link, never holding more than a piece of it."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web

from anychannel import MediaNotFound
from edge.admission import Admission
from edge.core_client import CoreClient
from edge.ingress import CoreUnavailable, MediaHeader
from edge.replies import SAFETY, Refused, unavailable

_MIME_TYPE: Final = re.compile(
    r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+_-]{0,127}(; ?[a-z0-9-]{1,32}=[\w.+-]{1,64})*", re.ASCII
)
_UNKNOWN_MIME_TYPE: Final = "application/octet-stream"
_SHOWN: Final = ("image/", "audio/", "video/")
_MAX_FILE_NAME: Final = 120
_MAX_EXTENSION: Final = 10
# RFC 6266 leaves path separators to its reader; quotes, percent signs and semicolons confuse browsers
_NOT_IN_NAME: Final = str.maketrans(dict.fromkeys('/\\:*?"<>|%;', "_"))


class MediaLinks:
    """The route of media links.

    Args:
        core: opens the media.
        admission: how many at once.
        seconds: that the whole of a stream may take, however slowly the other side reads.
    """

    def __init__(self, *, core: CoreClient, admission: Admission, seconds: float) -> None:
        self._core = core
        self._admission = admission
        self._seconds = seconds

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Answer with the media; HEAD with its headers only."""
        with self._admission.enter():
            try:
                async with self._core.fetch_media(request.match_info["token"]) as (header, data):
                    return await self._stream(request, header, data)
            except MediaNotFound:
                raise Refused(HTTPStatus.NOT_FOUND, "This link is unknown or has expired.") from None
            except CoreUnavailable:
                raise unavailable() from None

    async def _stream(
        self, request: web.Request, header: MediaHeader, data: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=media_headers(header))
        if header.size_bytes:
            response.content_length = header.size_bytes
        transport = request.transport  # aiohttp forgets it once the connection is lost
        await response.prepare(request)
        complete = False
        try:
            async with asyncio.timeout(self._seconds):
                complete = request.method == "HEAD" or await _copy(response, header.size_bytes, data)
        except (CoreUnavailable, TimeoutError):
            pass  # counted where it happened; the status is long gone
        finally:
            # an end that came too early is shown by a connection that breaks
            if not complete and transport is not None:
                transport.abort()
        return response


async def _copy(response: web.StreamResponse, size_bytes: int, data: AsyncIterator[bytes]) -> bool:
    """Whether all of the media was written: as much as was promised, if it was."""
    sent = 0
    async for piece in data:
        sent += len(piece)
        if size_bytes and sent > size_bytes:
            return False
        await response.write(piece)
    if size_bytes and sent < size_bytes:
        return False
    await response.write_eof()
    return True


def media_headers(header: MediaHeader) -> dict[str, str]:
    """The headers that tell what the media is, and keep browsers from doing more than showing it."""
    mime_type = header.mime_type.strip().lower()
    if not _MIME_TYPE.fullmatch(mime_type):
        mime_type = _UNKNOWN_MIME_TYPE
    # SVG is a document that can carry scripts
    is_shown = mime_type.startswith(_SHOWN) and not mime_type.startswith("image/svg")
    return {
        **SAFETY,
        "Content-Type": mime_type,
        "Content-Disposition": content_disposition("inline" if is_shown else "attachment", header.file_name),
        "Cache-Control": "private, no-store",
    }


def content_disposition(disposition: str, file_name: str) -> str:
    """The header of RFC 6266: the name in ASCII for old readers, in UTF-8 for all others, if anything is left."""
    name = safe_file_name(file_name)
    if not name:
        return disposition
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip(" .")
    parameters = [f'filename="{plain}"'] if plain else []
    if plain != name:
        parameters.append(f"filename*=UTF-8''{quote(name, safe='')}")
    return "; ".join([disposition, *parameters])


def safe_file_name(file_name: str) -> str:
    """A name that no file system takes for a path and no reader is deceived by.

    Control and format characters go, among them those that turn the direction of writing (`\u202e`),
    and so do dots and spaces at the ends.
    """
    visible = "".join(
        character for character in file_name if unicodedata.category(character)[0] not in "CZ" or character == " "
    )
    name = visible.translate(_NOT_IN_NAME).strip(" .")
    if len(name) <= _MAX_FILE_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _MAX_EXTENSION:
        return name[:_MAX_FILE_NAME].strip(" .")
    return f"{stem[: _MAX_FILE_NAME - len(extension) - 1].rstrip(' .')}.{extension}"
