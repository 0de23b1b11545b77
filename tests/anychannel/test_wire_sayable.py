from datetime import UTC, datetime

import pytest

from anychannel import (
    Attachment,
    Contact,
    Heard,
    MediaKind,
    MessageReceived,
    Note,
    Received,
    ReportReceived,
    Status,
    Text,
)
from anychannel.content import Content, QuickReplies
from anychannel.wire import heard_from_proto, heard_to_proto, received_from_proto, received_to_proto

TIME = datetime(2026, 1, 1, tzinfo=UTC)
HALF = "a\ud83dz"


def a_message(content: Content, first_name: str = "Ada") -> MessageReceived:
    contact = Contact(address="+49151", first_name=first_name)
    return MessageReceived(
        platform_event_id="1", event_time=TIME, contact=contact, platform_message_id="m1", content=content
    )


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(a_message(Text(text=HALF)), a_message(Text(text="a?z")), id="text"),
        pytest.param(
            a_message(Text(text="😀"), HALF), a_message(Text(text="😀"), "a?z"), id="name, and a whole pair kept"
        ),
        pytest.param(
            a_message(QuickReplies(text="?", replies=("ok", HALF))),
            a_message(QuickReplies(text="?", replies=("ok", "a?z"))),
            id="inside a tuple",
        ),
        pytest.param(
            a_message(Attachment(kind=MediaKind.IMAGE, media_id="1", caption=HALF)),
            a_message(Attachment(kind=MediaKind.IMAGE, media_id="1", caption="a?z")),
            id="caption, and an enum kept",
        ),
    ],
)
def test_half_a_pair_never_holds_up_a_webhook(event: MessageReceived, said: MessageReceived) -> None:
    received = Received(events=(event,), notes=(Note(code="edited", text=HALF),))
    assert received_from_proto(received_to_proto(received)) == Received(
        events=(said,), notes=(Note(code="edited", text="a?z"),)
    )


def test_half_a_pair_never_holds_up_a_stream() -> None:
    report = ReportReceived(platform_event_id=HALF, event_time=TIME, platform_message_id="m1", status=Status.READ)
    assert heard_from_proto(heard_to_proto(Heard(events=(report,), cursor="7"))).events[0].platform_event_id == "a?z"
