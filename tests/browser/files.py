"""Files as a person picks them."""

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import FilePayload

PICTURE_WIDTH = 320
_HEIGHT = 200
_SKY, _FIELD = b"\x8f\xc1\xee", b"\x6f\xa8\x5a"


def file(name: str, mime_type: str, data: bytes = b"anything") -> "FilePayload":
    """A file of this name and content."""
    return {"name": name, "mimeType": mime_type, "buffer": data}


def picture(name: str = "field.png") -> "FilePayload":
    """A PNG of PICTURE_WIDTH pixels: the sky over a field."""
    rows = b"".join(b"\x00" + (_SKY if y < _HEIGHT * 0.6 else _FIELD) * PICTURE_WIDTH for y in range(_HEIGHT))
    header = struct.pack(">IIBBBBB", PICTURE_WIDTH, _HEIGHT, 8, 2, 0, 0, 0)  # eight bits each of red, green, blue
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return file(name, "image/png", b"\x89PNG\r\n\x1a\n" + chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
