"""Reads what one Instagram message says.

https://developers.facebook.com/documentation/business-messaging/instagram-messaging/webhooks
Which event a message came in, and from whom, is left to `inbound`.

Addresses of media are public and expire, those of stories after a day; who stores what they lead to is not decided here.
"""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from anychannel import Attachment, Content, MediaKind, Note, Text
from providers.instagram.fields import Fields

_MEDIA: Final = {kind.value: kind for kind in MediaKind}
_PLACEHOLDER_NOTE: Final = Note(code="content_not_understood", text="A placeholder stands for what cannot be shown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One piece of what a message says."""

    content: Content
    notes: tuple[Note, ...] = ()


def read_message(message: Fields) -> tuple[Said, ...]:
    """What `message` says, in one or more pieces, with notes on what of it could not be kept.

    A text goes as the caption of a single picture, video, sound or file, and otherwise before all attachments. The story
    that it answers comes last.
    """
    text = message.text("text")
    said = [_attachment(attachment) for attachment in message.objects("attachments")]
    if text and len(said) == 1 and isinstance(said[0].content, Attachment) and not said[0].content.caption:
        said = [replace(said[0], content=replace(said[0].content, caption=text))]
    elif text:
        said.insert(0, Said(content=Text(text=text)))
    if not said:
        # `is_unsupported`: GIFs and stickers, for instance, which Instagram shows to no app.
        said.append(_placeholder("message"))
    said[0] = replace(said[0], notes=(*said[0].notes, *_context(message)))
    return (*said, *_answered_story(message))


def _attachment(attachment: Fields) -> Said:
    kind, payload = attachment.text("type"), attachment.object("payload")
    url = _web_address(payload.text("url"))
    match kind:
        case "image" | "video" | "audio" | "file" if url:
            name = _file_name(url) if kind == "file" else ""
            return Said(content=Attachment(kind=_MEDIA[kind], url=url, file_name=name))
        case "story_mention" if url:
            note = Note(
                code="story_mention", text="The contact mentioned the account in a story, which is shown for a day."
            )
            return _story(url, "Mentioned you in a story", note)
        case "template":
            return _template(payload)
        case _ if url:  # a shared post or reel
            title = payload.text("title")
            note = Note(code="shared_link", text=f"A link of the kind {kind[:40]} was shared.")
            return Said(content=Text(text=f"{title}\n{url}" if title else url), notes=(note,))
        case _:
            return _placeholder(kind)


def _answered_story(message: Fields) -> tuple[Said, ...]:
    url = _web_address(message.object("reply_to").object("story").text("url"))
    note = Note(code="story_reply", text="This is the story that the contact answered.")
    return (_story(url, "Replied to your story", note),) if url else ()


def _story(url: str, caption: str, note: Note) -> Said:
    """A story is a picture or a video, and Instagram does not say which."""
    return Said(content=Attachment(kind=MediaKind.FILE, url=url, caption=caption), notes=(note,))


def _template(payload: Fields) -> Said:
    """The words of a structured message: a shared product, or an echo of something with buttons."""
    generic, product = payload.object("generic"), payload.object("product")
    elements = (*payload.objects("elements"), *generic.objects("elements"), *product.objects("elements"))
    text = "\n".join(word for word in (payload.text("text"), *(each.text("title") for each in elements)) if word)
    note = Note(code="template_as_text", text="Of a message with buttons or pictures only the words are kept.")
    return Said(content=Text(text=text), notes=(note,)) if text else _placeholder("template")


def _placeholder(kind: str) -> Said:
    words = kind.replace("_", " ")[:40] or "message"
    return Said(content=Text(text=f"[Instagram {words}]"), notes=(_PLACEHOLDER_NOTE,))


def _context(message: Fields) -> tuple[Note, ...]:
    notes = []
    reply = message.object("reply_to")
    if replied_to := reply.text("mid"):
        notes.append(Note(code="reply", text=f"This replies to the message {replied_to}."))
    if reply.object("story"):
        notes.append(Note(code="story_reply", text="This answers a story of the account."))
    if referral := message.object("referral"):
        source = referral.text("source")[:40] or ("a product" if referral.object("product") else "elsewhere")
        notes.append(Note(code="referral", text=f"The contact came from {source}."))
    return tuple(notes)


def _web_address(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def _file_name(url: str) -> str:
    """Instagram gives a file's name only as the last part of its address."""
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2], errors="replace")
    except ValueError:
        return ""
    return name if "." in name.strip(".") else ""
