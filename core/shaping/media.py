"""Whether a platform takes an attachment, and why not."""

from collections.abc import Iterable
from mimetypes import MimeTypes
from urllib.parse import urlsplit

from anychannel.capabilities import MediaLimit
from anychannel.content import Attachment, Note
from core.shaping.notes import NoteCode

_KNOWN_TYPES = MimeTypes(filenames=())
"""Python's own table, so that every machine guesses alike."""


def objection(attachment: Attachment, limits: Iterable[MediaLimit]) -> Note | None:
    """Why the platform does not take `attachment`; None if it does, or if too little is known to say."""
    of_kind = [limit for limit in limits if limit.kind == attachment.kind]
    if not of_kind:
        return NoteCode.MEDIA_KIND_AS_LINK.note(
            f"The platform takes no attachment of the kind {attachment.kind}, so it went as a link."
        )
    mime_type = _essence(attachment.mime_type) or _guess(attachment)
    of_type = [limit for limit in of_kind if _takes_type(limit, mime_type)]
    if not of_type:
        return NoteCode.MEDIA_TYPE_AS_LINK.note(
            f"The platform does not take {mime_type} as {attachment.kind}, so it went as a link."
        )
    if not any(_takes_size(limit, attachment.size_bytes) for limit in of_type):
        max_bytes = max(limit.max_bytes for limit in of_type)
        return NoteCode.MEDIA_SIZE_AS_LINK.note(
            f"The attachment has {attachment.size_bytes:,} bytes and the platform takes {max_bytes:,}, "
            "so it went as a link."
        )
    return None


def _takes_type(limit: MediaLimit, mime_type: str) -> bool:
    if not limit.mime_types or not mime_type:
        return True
    family = mime_type.partition("/")[0] + "/*"
    return any(_essence(taken) in {mime_type, family, "*/*"} for taken in limit.mime_types)


def _takes_size(limit: MediaLimit, size_bytes: int) -> bool:
    return not limit.max_bytes or size_bytes <= limit.max_bytes


def _essence(mime_type: str) -> str:
    """`Audio/OGG; codecs=opus` → `audio/ogg`."""
    return mime_type.partition(";")[0].strip().lower()


def _guess(attachment: Attachment) -> str:
    for name in (attachment.file_name, _path(attachment.url)):
        guessed, encoding = _KNOWN_TYPES.guess_type(name)
        if guessed and not encoding:
            return guessed
    return ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
