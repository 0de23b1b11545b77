from datetime import UTC, datetime, timedelta

from anychannel import Failure, FailureKind, Note, Text
from anychannel.cli.story import story_text, timeline
from anychannel.message import Attempt, Direction, Lane, MessageStory, Origin, PartRecord, Status, StatusRecord
from tests.anychannel.scripted_gateway import NOON, a_message

THROTTLED = Failure(kind=FailureKind.THROTTLED, text="Too fast.", platform_code="429")


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


STORY = MessageStory(
    message=a_message(
        "msg_1",
        origin=Origin.INBOX,
        contact_id="c_4711",
        content=Text(text="Hello\nworld \x1b[2J"),
        status=Status.SENT,
        notes=(Note(code="text_split", text="The text was split in two."),),
        expire_time=after(3600),
        request_id="r-1",
    ),
    parts=(
        PartRecord(index=0, content=Text(text="Hello"), status=Status.SENT, platform_message_id="77", failure=None),
        PartRecord(
            index=1, content=Text(text="x" * 80), status=Status.FAILED, platform_message_id="", failure=THROTTLED
        ),
    ),
    attempts=(
        Attempt(
            number=1,
            lane=Lane.PLATFORM,
            subject="part 0",
            start_time=after(0.1),
            end_time=after(0.22),
            failure=THROTTLED,
            retry_time=after(2),
        ),
        Attempt(
            number=2,
            lane=Lane.PLATFORM,
            subject="part 0",
            start_time=after(2),
            end_time=after(2.05),
            failure=None,
            retry_time=None,
        ),
        Attempt(
            number=1,
            lane=Lane.INBOX,
            subject="status",
            start_time=after(3),
            end_time=None,
            failure=None,
            retry_time=None,
        ),
    ),
    statuses=(
        StatusRecord(status=Status.ACCEPTED, event_time=after(0.01), failure=None),
        StatusRecord(status=Status.SENT, event_time=after(2.04), failure=None),
    ),
)


def test_the_timeline_is_in_order() -> None:
    assert [moment.text for moment in timeline(STORY)] == [
        "stored",
        "accepted",
        (
            "try 1 of part 0 at the platform failed after 120 ms: throttled: Too fast. (the platform's code 429)"
            "; the next try was due 2026-03-01 12:00:02.000"
        ),
        "sent",
        "try 2 of part 0 at the platform succeeded after 50 ms",
        "try 1 of status at the inbox began; its outcome is not known yet",
    ]


def test_the_whole_story_is_told() -> None:
    lines = story_text(STORY).splitlines()
    assert lines[:8] == [
        "msg_1 on shop",
        "  to        4711",
        "  contact   c_4711 in the inbox",
        "  origin    the inbox sent it",
        "  status    sent",
        "  stored    2026-03-01 12:00:00.000",
        "  expires   2026-03-01 13:00:00.000",
        "  request   r-1",
    ]
    assert "  The text was split in two. (text_split)" in lines
    assert "  0 sent, the platform's id 77: Hello" in lines
    assert f"  1 failed: {'x' * 59}…; throttled: Too fast. (the platform's code 429)" in lines
    assert "  2026-03-01 12:00:02.040  sent" in lines


def test_an_inbound_message_has_a_sender_and_no_status() -> None:
    message = a_message(
        "msg_2",
        direction=Direction.INBOUND,
        origin=Origin.CONTACT,
        status=None,
        event_time=datetime(2026, 3, 1, tzinfo=UTC),
    )
    lines = story_text(MessageStory(message=message, parts=(), attempts=(), statuses=())).splitlines()
    assert "  from      4711" in lines
    assert "  said      2026-03-01 00:00:00.000" in lines
    assert not any(line.startswith("  status") for line in lines)
