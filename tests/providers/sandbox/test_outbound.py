"""Parts as the phone network's API wants them."""

import pytest

from anychannel import (
    Attachment,
    ContactCard,
    Content,
    ContentUnsupported,
    CustomPayload,
    Location,
    MediaKind,
    Part,
    QuickReplies,
    Template,
    Text,
)
from providers.sandbox.outbound import message_request

URL = "https://files.example/cat.png"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(Text(text="Hello 👋"), {"type": "text", "text": "Hello 👋"}, id="text"),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL),
            {"type": "media", "kind": "image", "url": URL},
            id="what is not known is left out",
        ),
        pytest.param(
            Attachment(kind=MediaKind.FILE, url=URL, mime_type="image/png", file_name="cat.png", caption="Our cat"),
            {
                "type": "media",
                "kind": "file",
                "url": URL,
                "mime_type": "image/png",
                "file_name": "cat.png",
                "caption": "Our cat",
            },
            id="file with everything",
        ),
        pytest.param(
            Location(latitude=0.0, longitude=-13.5),
            {"type": "location", "latitude": 0.0, "longitude": -13.5},
            id="zero degrees are not left out",
        ),
        pytest.param(
            Location(latitude=52.5, longitude=13.4, name="Office", address="Main Street 1"),
            {"type": "location", "latitude": 52.5, "longitude": 13.4, "name": "Office", "address": "Main Street 1"},
            id="location with a name",
        ),
        pytest.param(
            QuickReplies(text="Coming?", replies=("Yes", "No")),
            {"type": "buttons", "text": "Coming?", "buttons": ["Yes", "No"]},
            id="quick replies",
        ),
    ],
)
def test_a_part_is_said_so(content: Content, message: dict[str, object]) -> None:
    assert message_request(_part(content)) == {
        "to": "+491713920042",
        "idempotency_key": "msg_1/0",
        "message": message,
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ContactCard(name="Ada"), id="contact card"),
        pytest.param(Template(name="welcome", language="en"), id="template"),
        pytest.param(CustomPayload(json="{}"), id="custom payload"),
    ],
)
def test_what_a_phone_cannot_show_is_refused(content: Content) -> None:
    with pytest.raises(ContentUnsupported, match=type(content).__name__):
        message_request(_part(content))


def _part(content: Content) -> Part:
    return Part(idempotency_key="msg_1/0", address="+491713920042", content=content, message_id="msg_1")
