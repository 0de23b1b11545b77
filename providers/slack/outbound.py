"""Spells a part as the parameters of chat.postMessage. Core has shaped it already: no limit is checked again here.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

from collections.abc import Iterator, Mapping
from typing import Final

from anychannel import Attachment, ContactUnreachable, ContentUnsupported, MediaKind, Part, QuickReplies, Text
from providers.slack.address import read_address
from providers.slack.markup import escape

QUICK_REPLY: Final = "quick_reply"
# https://docs.slack.dev/reference/block-kit/blocks/section-block: text, at most 3000 characters
_MAX_SECTION_LENGTH: Final = 3000
# https://docs.slack.dev/reference/block-kit/blocks/image-block: alt_text, at most 2000 characters
_MAX_ALT_LENGTH: Final = 2000


def spell(part: Part) -> Mapping[str, object]:
    """The parameters that send `part`. Raises ContactUnreachable or ContentUnsupported for what it cannot say."""
    place = read_address(part.address)
    if place is None:
        raise ContactUnreachable("The contact's address is not the id of a Slack conversation.")
    thread = {"thread_ts": place.thread_ts} if place.thread_ts else {}
    return {"channel": place.conversation_id, **thread, **_spell_content(part)}


def _spell_content(part: Part) -> Mapping[str, object]:
    match part.content:
        case Text(text=text):
            # Without markup, stars and underscores stand for themselves; the control characters are escaped all the same.
            return {"text": escape(text), "mrkdwn": False}
        case QuickReplies(text=text, replies=replies):
            buttons = [_button(index, label) for index, label in enumerate(replies)]
            actions = [{"type": "actions", "elements": buttons}] if buttons else []
            return {"text": escape(text), "mrkdwn": False, "blocks": [*_sections(text), *actions]}
        case Attachment(kind=MediaKind.IMAGE, url=url) as image if url:
            return _image(image)
        case _:
            raise ContentUnsupported("Slack takes texts, pictures by their address, and buttons here.")


def _sections(text: str) -> list[Mapping[str, object]]:
    return [{"type": "section", "text": _plain(piece)} for piece in _pieces(text)]


def _pieces(text: str) -> Iterator[str]:
    """The escaped text in pieces that a section takes, no entity cut in two."""
    piece = ""
    for character in map(escape, text):
        if len(piece) + len(character) > _MAX_SECTION_LENGTH:
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _button(index: int, label: str) -> Mapping[str, object]:
    """https://docs.slack.dev/reference/block-kit/block-elements/button-element; the value comes back when tapped."""
    return {"type": "button", "text": _plain(escape(label)), "action_id": f"{QUICK_REPLY}:{index}", "value": label}


def _image(image: Attachment) -> Mapping[str, object]:
    name = image.file_name or "Picture"
    block = {"type": "image", "image_url": image.url, "alt_text": name[:_MAX_ALT_LENGTH]}
    # The text is what notifications show instead of the blocks: .../chat.postMessage#text_usage
    return {
        "text": escape(image.caption or name),
        "mrkdwn": False,
        "blocks": [block, *_sections(image.caption)],
    }


def _plain(escaped: str) -> Mapping[str, object]:
    """Text objects are escaped, too: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return {"type": "plain_text", "text": escaped, "emoji": False}
