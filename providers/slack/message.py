"""Reads what one Slack message says: https://docs.slack.dev/reference/events/message.

Which event it came in, and from whom, is left to `inbound`.
"""

import re
from typing import Final

from anychannel import Attachment, Content, MediaKind, Text
from providers.slack.fields import Fields
from providers.slack.markup import read_markup

FILE_ID_PATTERN: Final = re.compile(r"F[A-Z0-9]{1,30}", re.ASCII)
_KINDS: Final = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
# https://docs.slack.dev/reference/objects/file-object: external files lie elsewhere, and Slack has only their address.
_ELSEWHERE: Final = frozenset({"external"})
_GONE: Final = frozenset({"tombstone", "hidden_by_limit"})
_MAX_FILES: Final = 50


def read_contents(message: Fields) -> tuple[Content, ...]:
    """What `message` says, a file each; its text goes with the first. Empty when nothing of it can be told."""
    text = read_markup(message.text("text")) or _shared_text(message)
    files = [file for file in message.objects("files")[:_MAX_FILES] if file.text("mode") not in _GONE]
    if not files:
        return (Text(text=text),) if text else ()
    contents = [_read_file(file, caption="" if index else text) for index, file in enumerate(files)]
    return tuple(content for content in contents if content is not None)


def _read_file(file: Fields, *, caption: str) -> Content | None:
    name = file.text("name") or file.text("title")
    if file.text("mode") in _ELSEWHERE or file.flag("is_external"):
        lines = [caption, name, file.text("url_private")]
        return Text(text="\n".join(filter(None, lines))) if any(lines) else None
    file_id, mime_type = file.text("id"), file.text("mimetype")
    if not FILE_ID_PATTERN.fullmatch(file_id):
        return Text(text=caption) if caption else None
    return Attachment(
        kind=_KINDS.get(mime_type.partition("/")[0], MediaKind.FILE),
        media_id=file_id,
        mime_type=mime_type,
        file_name=name,
        caption=caption,
        size_bytes=max(0, file.number("size")),
    )


def _shared_text(message: Fields) -> str:
    """What a message without a text of its own shares: https://docs.slack.dev/messaging/#attachments."""
    texts = [attached.text("text") or attached.text("fallback") for attached in message.objects("attachments")]
    return "\n".join(filter(None, map(read_markup, texts)))
