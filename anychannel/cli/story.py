"""A message's story as text: what was said, what became of it, in the order it happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from anychannel.cli.output import content_text, failure_text, shortened
from anychannel.message import Attempt, Direction, Message, MessageStory, Origin, StatusRecord

_ORIGINS = {
    Origin.CONTACT: "the contact wrote it",
    Origin.INBOX: "the inbox sent it",
    Origin.CLIENT: "a client sent it",
    Origin.PLATFORM: "written elsewhere, on the platform",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened."""

    time: datetime
    text: str


def story_text(story: MessageStory) -> str:
    """The whole story; times as the clock on the wall shows them."""
    message = story.message
    lines = [
        f"{message.message_id} on {message.channel_id}",
        *(f"  {name:<9} {value}" for name, value in _facts(message) if value),
        "",
        content_text(message.content),
    ]
    if message.notes:
        lines += ["", "changed on the way", *(f"  {note.text} ({note.code})" for note in message.notes)]
    if story.parts:
        lines += ["", "parts"]
    for part in story.parts:
        known = f", the platform's id {part.platform_message_id}" if part.platform_message_id else ""
        why = f"; {failure_text(part.failure)}" if part.failure else ""
        lines.append(f"  {part.index} {part.status}{known}: {shortened(content_text(part.content))}{why}")
    lines += ["", "timeline"]
    lines += [f"  {_clock(moment.time)}  {moment.text}" for moment in timeline(story)]
    return "\n".join(lines)


def timeline(story: MessageStory) -> list[Moment]:
    """Everything that happened, oldest first."""
    moments = [Moment(time=story.message.create_time, text="stored")]
    # At the same instant, the try comes before the status it led to.
    for attempt in story.attempts:
        moments += _attempt(attempt)
    moments += [Moment(time=record.event_time, text=_status(record)) for record in story.statuses]
    return sorted(moments, key=lambda moment: moment.time)


def direction_sign(direction: Direction) -> str:
    """Which way a message went, for a column."""
    return "<-" if direction is Direction.INBOUND else "->"


def _facts(message: Message) -> list[tuple[str, str]]:
    inbox_contact = message.contact_id if message.contact_id != message.address else ""
    status = message.status or ""
    return [
        ("from" if message.direction is Direction.INBOUND else "to", message.address),
        ("contact", inbox_contact and f"{inbox_contact} in the inbox"),
        ("origin", _ORIGINS[message.origin]),
        ("status", f"{status}: {failure_text(message.failure)}" if message.failure else status),
        ("stored", _clock(message.create_time)),
        ("said", "" if message.event_time == message.create_time else _clock(message.event_time)),
        ("expires", _clock(message.expire_time) if message.expire_time else ""),
        ("request", message.request_id),
    ]


def _status(record: StatusRecord) -> str:
    return f"{record.status}: {failure_text(record.failure)}" if record.failure else str(record.status)


def _attempt(attempt: Attempt) -> Iterator[Moment]:
    what = f"try {attempt.number} of {attempt.subject} at the {attempt.lane}"
    if attempt.end_time is None:
        yield Moment(time=attempt.start_time, text=f"{what} began; its outcome is not known yet")
        return
    took = (attempt.end_time - attempt.start_time) // timedelta(milliseconds=1)
    if attempt.failure is None:
        yield Moment(time=attempt.end_time, text=f"{what} succeeded after {took} ms")
        return
    again = f"; the next try was due {_clock(attempt.retry_time)}" if attempt.retry_time else ""
    yield Moment(time=attempt.end_time, text=f"{what} failed after {took} ms: {failure_text(attempt.failure)}{again}")


def _clock(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
