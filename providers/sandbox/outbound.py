"""How a part is said on the phone network: a part in, the JSON of the request out.

Nothing is measured or cut here: core has shaped the part to the capabilities that `provider` declares.
"""

from anychannel import (
    Attachment,
    ContactCard,
    Content,
    ContentUnsupported,
    CustomPayload,
    Location,
    Part,
    QuickReplies,
    Template,
    Text,
)


def message_request(part: Part) -> dict[str, object]:
    """The body of `POST /platform/v1/messages`. Raises ContentUnsupported for what a phone cannot show."""
    return {
        "to": part.address,
        "idempotency_key": part.idempotency_key,
        "message": _message(part.content),
    }


def _message(content: Content) -> dict[str, object]:
    match content:
        case Text():
            return {"type": "text", "text": content.text}
        case Attachment():
            optional = _given(mime_type=content.mime_type, file_name=content.file_name, caption=content.caption)
            return {"type": "media", "kind": content.kind.value, "url": content.url} | optional
        case Location():
            point = {"type": "location", "latitude": content.latitude, "longitude": content.longitude}
            return point | _given(name=content.name, address=content.address)
        case QuickReplies():
            return {"type": "buttons", "text": content.text, "buttons": list(content.replies)}
        case ContactCard() | Template() | CustomPayload():
            raise ContentUnsupported(f"Phones cannot show a {type(content).__name__}.")


def _given(**fields: str) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}
