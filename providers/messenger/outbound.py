"""Spells a part as the body of one call of the Send API. Core has shaped it already: no limit is checked again here.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
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
    Template,
    Text,
)

TAGGED: Final = Note(
    code="human_agent_tag", text="The window of 24 hours had closed: this went as the late answer of a person."
)


def spell(part: Part) -> Mapping[str, object]:
    """The body that sends `part`. Raises ContentUnsupported or ContentRejected for what it cannot say."""
    # A utility message: https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/utility-messages
    messaging_type = "UTILITY" if isinstance(part.content, Template) else "RESPONSE"
    return {
        "recipient": {"id": part.address},
        "messaging_type": messaging_type,
        "message": _message(part.content),
    }


def as_human_agent(body: Mapping[str, object]) -> Mapping[str, object] | None:
    """The same as what a person answers within seven days; None when a tag cannot help.

    https://developers.facebook.com/docs/messenger-platform/send-messages/message-tags
    """
    if body["messaging_type"] != "RESPONSE":
        return None
    return {**body, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


def _message(content: Content) -> Mapping[str, object]:
    match content:
        case Text(text=text):
            return {"text": text}
        case QuickReplies(text=text, replies=replies):
            # https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies
            titles = [{"content_type": "text", "title": reply, "payload": reply} for reply in replies]
            return {"text": text, "quick_replies": titles}
        case Attachment(kind=kind, url=url):
            return {"attachment": {"type": kind.value, "payload": {"url": url}}}
        case Template():
            return {"template": _template(content)}
        case CustomPayload(json=payload):
            return _custom(payload)
        case _:
            raise ContentUnsupported(f"Messenger cannot show a {type(content).__name__}.")


def _custom(payload: str) -> Mapping[str, object]:
    """The `message` of a call, as the Send API takes it: one with buttons or cards, for instance."""
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not message:
        raise ContentRejected("A custom payload for Messenger is the JSON object of one message.")
    return message


def _template(template: Template) -> Mapping[str, object]:
    parameters = [{"type": "text", "text": parameter} for parameter in template.parameters]
    components = [{"type": "body", "parameters": parameters}] if parameters else []
    return {"name": template.name, "language": {"code": template.language}, "components": components}
