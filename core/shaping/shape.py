"""Says a content within what a platform declared, and notes what that cost."""

from dataclasses import dataclass, replace
from typing import assert_never

from anychannel.capabilities import Capabilities
from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    Note,
    QuickReplies,
    Template,
    Text,
)
from anychannel.failures import Failure, FailureKind
from core.shaping import wording
from core.shaping.media import objection
from core.shaping.notes import NoteCode
from core.shaping.text import NARROWEST_LIMIT, cut, length


class CannotExpress(Exception):
    """The platform has no way to say this, not even as a text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.failure = Failure(kind=FailureKind.CONTENT_UNSUPPORTED, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped:
    """What to send, in this order, and what it lost."""

    contents: tuple[Content, ...]
    notes: tuple[Note, ...] = ()


def shape(content: Content, capabilities: Capabilities) -> Shaped:  # noqa: PLR0911 - one return for each kind
    """Say `content` in one or more contents that keep every limit of `capabilities`.

    Raises:
        CannotExpress: a template or custom payload for a platform without them, a link longer than a text may be, or
            words for a platform without text.
    """
    match content:
        case Text():
            return _shape_text(content.text, capabilities)
        case Attachment():
            return _shape_attachment(content, capabilities)
        case Location():
            return _shape_location(content, capabilities)
        case QuickReplies():
            return _shape_quick_replies(content, capabilities)
        case ContactCard():
            return _shape_contact_card(content, capabilities)
        case Template():
            return _only_if(capabilities.templates, content, "The platform has no templates.")
        case CustomPayload():
            return _only_if(capabilities.custom_payloads, content, "The platform takes no custom payloads.")
        case _:
            assert_never(content)


def _shape_text(text: str, capabilities: Capabilities, *losses: Note) -> Shaped:
    texts, notes = _divide(text, capabilities)
    return Shaped(contents=tuple(Text(text=piece) for piece in texts), notes=(*losses, *notes))


def _divide(text: str, capabilities: Capabilities) -> tuple[list[str], list[Note]]:
    if _fits(text, capabilities):
        return [text], []
    if capabilities.max_text_length < NARROWEST_LIMIT[capabilities.text_unit]:
        raise CannotExpress("The platform takes no text.")
    pieces = cut(text, capabilities.max_text_length, capabilities.text_unit)
    # A platform refuses a text of white space only, and nobody misses one between two others.
    telling = [piece for piece in pieces.texts if not piece.isspace()] or [pieces.texts[0]]
    notes = []
    if len(telling) > 1:
        notes.append(NoteCode.TEXT_SPLIT.note(f"The text is too long for the platform and went as {len(telling)}."))
    if len(telling) < len(pieces.texts):
        notes.append(NoteCode.BLANK_DROPPED.note("A stretch of nothing but white space was left out."))
    if pieces.breaks_cluster:
        notes.append(NoteCode.CLUSTER_BROKEN.note("One character is longer than the platform's limit and was torn."))
    return telling, notes


def _shape_link(words: str, link: str, short_link: str, capabilities: Capabilities, loss: Note) -> Shaped:
    """Words with a link under them. A link is never cut: half of one leads nowhere."""
    whole = f"{words}\n{link}" if words else link
    if _fits(whole, capabilities):
        return Shaped(contents=(Text(text=whole),), notes=(loss,))
    own_text = next((text for text in (link, short_link) if _fits(text, capabilities)), None)
    if own_text is None:
        raise CannotExpress("The link is longer than a text on this platform may be.")
    before = _shape_text(words, capabilities, loss) if words.strip() else Shaped(contents=(), notes=(loss,))
    return replace(before, contents=(*before.contents, Text(text=own_text)))


def _shape_attachment(attachment: Attachment, capabilities: Capabilities) -> Shaped:
    if not attachment.url:
        raise CannotExpress("The attachment has no link to fetch it from.")
    loss = objection(attachment, capabilities.media)
    if loss:
        link = wording.media_link(attachment)
        return _shape_link(attachment.caption, link, attachment.url, capabilities, loss)
    if length(attachment.caption, capabilities.text_unit) <= capabilities.max_caption_length:
        return Shaped(contents=(attachment,))
    silent = replace(attachment, caption="")
    if not attachment.caption.strip():
        return Shaped(
            contents=(silent,), notes=(NoteCode.BLANK_DROPPED.note("A caption of white space was left out."),)
        )
    separated = NoteCode.CAPTION_SEPARATED.note("The caption does not fit under the attachment and followed as a text.")
    following = _shape_text(attachment.caption, capabilities, separated)
    return replace(following, contents=(silent, *following.contents))


def _shape_location(location: Location, capabilities: Capabilities) -> Shaped:
    if capabilities.locations:
        return Shaped(contents=(location,))
    loss = NoteCode.LOCATION_AS_LINK.note("The platform has no locations, so it went as a link to a map.")
    link = wording.map_link(location)
    return _shape_link(wording.place(location), link, link, capabilities, loss)


def _shape_quick_replies(question: QuickReplies, capabilities: Capabilities) -> Shaped:
    if not question.replies:
        return _shape_text(question.text, capabilities)
    if not _has_buttons_for(question, capabilities):
        loss = NoteCode.BUTTONS_AS_LIST.note("The platform cannot show these quick replies, so they went as a list.")
        return _shape_text(wording.numbered_list(question), capabilities, loss)
    (*before, last), notes = _divide(question.text, capabilities)
    contents: tuple[Content, ...] = (*(Text(text=piece) for piece in before), replace(question, text=last))
    return Shaped(contents=contents, notes=tuple(notes))


def _shape_contact_card(card: ContactCard, capabilities: Capabilities) -> Shaped:
    if capabilities.contact_cards:
        return Shaped(contents=(card,))
    loss = NoteCode.CONTACT_CARD_AS_TEXT.note("The platform has no contact cards, so it went as a text.")
    return _shape_text(wording.address_book_entry(card), capabilities, loss)


def _only_if(can_express: bool, content: Content, otherwise: str) -> Shaped:  # noqa: FBT001 - reads well where called
    if not can_express:
        raise CannotExpress(otherwise)
    return Shaped(contents=(content,))


def _fits(text: str, capabilities: Capabilities) -> bool:
    return length(text, capabilities.text_unit) <= capabilities.max_text_length


def _has_buttons_for(question: QuickReplies, capabilities: Capabilities) -> bool:
    return len(question.replies) <= capabilities.max_buttons and all(
        len(reply) <= capabilities.max_button_length for reply in question.replies
    )
