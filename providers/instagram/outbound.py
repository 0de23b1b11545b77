"""Spells a part as the body of one call of the Send API. Core has shaped it already: no limit is checked again here.

https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/send-message and
https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-instagram-login/messaging-api
"""

import json
from collections.abc import Mapping
from typing import Final

from anychannel import (
    Attachment,
    Content,
    ContentRejected,
    ContentUnsupported,
    CustomPayload,
    Note,
    Part,
    QuickReplies,
    Text,
)

TAGGED: Final = Note(
    code="human_agent_tag", text="The window of 24 hours had closed: this went as the late answer of a person."
)


def spell(part: Part) -> Mapping[str, object]:
    """The body that sends `part`. Raises ContentUnsupported or ContentRejected for what it cannot say."""
    return {
        "recipient": {"id": part.address},
        "messaging_type": "RESPONSE",
        "message": _message(part.content),
    }


def as_human_agent(body: Mapping[str, object]) -> Mapping[str, object]:
    """The same as what a person answers within seven days.

    https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/human-agent-escalation
    """
    return {**body, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def _message(content: Content) -> Mapping[str, object]:
    match content:
        case Text(text=text):
            return {"text": text}
        case QuickReplies(text=text, replies=replies):
            # https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/quick-replies
            titles = [{"content_type": "text", "title": reply, "payload": reply} for reply in replies]
            return {"text": text, "quick_replies": titles}
        case Attachment(kind=kind, url=url):
            return {"attachment": {"type": kind.value, "payload": {"url": url}}}
        case CustomPayload(json=payload):
            return _custom(payload)
        case _:
            raise ContentUnsupported(f"Instagram cannot show a {type(content).__name__}.")


def _custom(payload: str) -> Mapping[str, object]:
    """The `message` of a call, as the Send API takes it: one with buttons or cards, for instance."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not message:
        raise ContentRejected("A custom payload for Instagram is the JSON object of one message.")
    return message
