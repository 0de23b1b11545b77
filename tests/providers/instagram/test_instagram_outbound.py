"""Bodies of the Send API.

https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/send-message
"""

import pytest

from anychannel import (
    Attachment,
    ContactCard,
    Content,
    ContentRejected,
    ContentUnsupported,
    CustomPayload,
    Location,
    MediaKind,
    QuickReplies,
    Template,
    Text,
)
from anychannel.testing import a_part
from providers.instagram.outbound import as_human_agent, spell

Json = dict[str, object]

URL = "https://media.example/a"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(Text(text="Grüße 👋"), {"text": "Grüße 👋"}, id="text"),
        pytest.param(Text(text="ä" * 500), {"text": "ä" * 500}, id="longest text"),
        *(
            pytest.param(
                Attachment(kind=kind, url=URL, file_name="a.pdf"),
                {"attachment": {"type": kind.value, "payload": {"url": URL}}},
                id=kind.value,
            )
            for kind in MediaKind
        ),
        pytest.param(
            QuickReplies(text="Pick a color:", replies=("Red", "Green")),
            {
                "text": "Pick a color:",
                "quick_replies": [
                    {"content_type": "text", "title": "Red", "payload": "Red"},
                    {"content_type": "text", "title": "Green", "payload": "Green"},
                ],
            },
            id="quick replies",
        ),
        pytest.param(
            CustomPayload(json='{"attachment": {"type": "template", "payload": {"template_type": "generic"}}}'),
            {"attachment": {"type": "template", "payload": {"template_type": "generic"}}},
            id="custom payload",
        ),
    ],
)
def test_a_part_is_one_body(content: Content, message: Json) -> None:
    assert spell(a_part(content, address="254")) == {
        "recipient": {"id": "254"},
        "messaging_type": "RESPONSE",
        "message": message,
    }


def test_a_late_answer_carries_the_tag_of_a_person() -> None:
    assert as_human_agent(spell(a_part("hi", address="254"))) == {
        "recipient": {"id": "254"},
        "messaging_type": "MESSAGE_TAG",
        "tag": "HUMAN_AGENT",
        "message": {"text": "hi"},
    }


@pytest.mark.parametrize("payload", ["", "[]", "{}", "{", "1", "[" * 100_000])
def test_a_custom_payload_that_is_no_message_is_refused(payload: str) -> None:
    with pytest.raises(ContentRejected):
        spell(a_part(CustomPayload(json=payload)))


@pytest.mark.parametrize(
    "content", [Location(latitude=1, longitude=2), ContactCard(name="Ada"), Template(name="a", language="en")]
)
def test_what_instagram_cannot_show_is_refused(content: Content) -> None:
    with pytest.raises(ContentUnsupported):
        spell(a_part(content))
