"""What in a content a platform could not take: the other side of `shape`, for tests and for the conformance check."""

from collections.abc import Iterator
from typing import assert_never

from anychannel.capabilities import Capabilities
from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    QuickReplies,
    Template,
    Text,
)
from core.shaping.media import objection
from core.shaping.text import length


def violations(content: Content, capabilities: Capabilities) -> tuple[str, ...]:
    """Every limit of `capabilities` that `content` does not keep, each in a few words."""
    return tuple(_violations(content, capabilities))


def _violations(content: Content, capabilities: Capabilities) -> Iterator[str]:
    match content:
        case Text():
            yield from _too_long("text", content.text, capabilities.max_text_length, capabilities)
        case Attachment():
            yield from _attachment_violations(content, capabilities)
        case QuickReplies():
            yield from _too_long("text", content.text, capabilities.max_text_length, capabilities)
            yield from _button_violations(content.replies, capabilities)
        case Location():
            yield from _missing("locations", is_there=capabilities.locations)
        case ContactCard():
            yield from _missing("contact cards", is_there=capabilities.contact_cards)
        case Template():
            yield from _missing("templates", is_there=capabilities.templates)
        case CustomPayload():
            yield from _missing("custom payloads", is_there=capabilities.custom_payloads)
        case _:
            assert_never(content)


def _attachment_violations(attachment: Attachment, capabilities: Capabilities) -> Iterator[str]:
    if not attachment.url:
        yield "attachment without a link"
    refused = objection(attachment, capabilities.media)
    if refused:
        yield f"attachment: {refused.code}"
    yield from _too_long("caption", attachment.caption, capabilities.max_caption_length, capabilities)


def _button_violations(replies: tuple[str, ...], capabilities: Capabilities) -> Iterator[str]:
    if len(replies) > capabilities.max_buttons:
        yield f"{len(replies)} buttons, at most {capabilities.max_buttons}"
    for reply in replies:
        if len(reply) > capabilities.max_button_length:
            yield f"a button of {len(reply)} characters, at most {capabilities.max_button_length}"


def _too_long(what: str, text: str, limit: int, capabilities: Capabilities) -> Iterator[str]:
    measured = length(text, capabilities.text_unit)
    if measured > limit:
        yield f"{what} of {measured} {capabilities.text_unit}, at most {limit}"


def _missing(what: str, *, is_there: bool) -> Iterator[str]:
    if not is_there:
        yield f"no {what} on this platform"
