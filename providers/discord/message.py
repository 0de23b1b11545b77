"""Reads what one Discord message says: https://docs.discord.com/developers/resources/message#message-object.

Which event it came in, and from whom, is left to `inbound`.
"""

import re
from dataclasses import dataclass
from typing import Final

from yarl import URL

from anychannel import Attachment, Content, MediaKind, Note, Text
from providers.discord.fields import Fields

_KINDS: Final = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_MAX_ATTACHMENTS: Final = 50
# https://docs.discord.com/developers/reference#message-formatting-formats
_MENTION: Final = re.compile(r"<@!?([0-9]{1,20})>", re.ASCII)
_EMOJI: Final = re.compile(r"<a?:([A-Za-z0-9_]{1,40}):[0-9]{1,20}>", re.ASCII)
_PLACEHOLDER: Final = "[a message that cannot be shown here]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says, an attachment each; its text goes with the first."""

    contents: tuple[Content, ...]
    notes: tuple[Note, ...] = ()


def read_contents(message: Fields) -> Said:
    """What `message` says, with notes on what of it could not be kept."""
    # A forwarded message carries what it forwards: https://docs.discord.com/developers/resources/message#message-snapshot-object
    forwarded = [snapshot.object("message") for snapshot in message.objects("message_snapshots")]
    sources = (message, *forwarded)
    text = "\n".join(filter(None, map(_read_text, sources)))
    attached = [each for source in sources for each in source.objects("attachments")][:_MAX_ATTACHMENTS]
    attachments = [attachment for each in attached if (attachment := _read_attachment(each)) is not None]
    contents = _with_text(attachments, text)
    if contents:
        return Said(contents=contents, notes=_notes(has_forwarded=bool(forwarded)))
    note = Note(code="content_not_understood", text="A placeholder stands for what cannot be shown.")
    return Said(contents=(Text(text=_PLACEHOLDER),), notes=(note,))


def _read_text(message: Fields) -> str:
    names = {
        each.snowflake("id"): each.text("global_name") or each.text("username") for each in message.objects("mentions")
    }
    text = _MENTION.sub(lambda match: f"@{names.get(match[1]) or match[1]}", message.text("content"))
    lines = [_EMOJI.sub(r":\1:", text)]
    # https://docs.discord.com/developers/resources/sticker#sticker-item-object
    lines += [f"[{sticker.text('name')}]" for sticker in message.objects("sticker_items") if sticker.text("name")]
    lines.append(message.object("poll").object("question").text("text"))
    return "\n".join(filter(None, lines))


def _read_attachment(attached: Fields) -> Attachment | None:
    """https://docs.discord.com/developers/resources/message#attachment-object; its address is signed, for a day or so."""
    url, mime_type = attached.text("url"), attached.text("content_type")
    if not _is_public(url):
        return None
    return Attachment(
        kind=_KINDS.get(mime_type.partition("/")[0], MediaKind.FILE),
        url=url,
        mime_type=mime_type,
        file_name=attached.text("filename"),
        size_bytes=max(0, attached.number("size")),
    )


def _with_text(attachments: list[Attachment], text: str) -> tuple[Content, ...]:
    if not attachments:
        return (Text(text=text),) if text else ()
    first = attachments[0]
    captioned = Attachment(
        kind=first.kind,
        url=first.url,
        mime_type=first.mime_type,
        file_name=first.file_name,
        caption=text,
        size_bytes=first.size_bytes,
    )
    return (captioned, *attachments[1:])


def _is_public(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme == "https" and bool(parsed.host)


def _notes(*, has_forwarded: bool) -> tuple[Note, ...]:
    return (Note(code="forwarded", text="The contact forwarded a message of somebody's."),) if has_forwarded else ()
