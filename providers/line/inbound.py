"""Reads the webhooks of a LINE official account: https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects.

Every event says something, be it only a note on why it was ignored; none makes this module raise. Webhooks name nobody, so
contacts carry their address alone. What a message says is read by `message`.

An edited message arrives as a new inbound message with the note `edited` and its whole new text, unchanged.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from anychannel import Contact, Content, HttpReply, HttpRequest, MessageReceived, Note, Received, Text
from providers.line.fields import Fields
from providers.line.message import read_message
from providers.line.proof import is_signed, refused

# 1 to 200 characters: protos/anychannel/v1/event.proto. LINE's have up to 30.
_LONGEST_ID: Final = 200
_IGNORED: Final = {
    "follow": "The contact added or unblocked the official account.",
    "unfollow": "The contact blocked the official account.",
    "unsend": "The contact took a message back.",
    # Told of notification messages, which go to phone numbers and are not sent here:
    # https://developers.line.biz/en/docs/partner-docs/line-notification-messages/message-sending-complete-webhook-event/
    "delivery": "A notification message, which was sent elsewhere, was delivered.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One event of a webhook, and what all events have."""

    fields: Fields
    kind: str
    address: str
    time: datetime
    notes: tuple[Note, ...]

    def received(self, *, message_id: str, content: Content, notes: tuple[Note, ...]) -> MessageReceived:
        event_id = self.fields.text("webhookEventId") or f"{self.kind}:{message_id}"
        return MessageReceived(
            platform_event_id=_bounded(event_id),
            event_time=self.time,
            contact=Contact(address=self.address),
            platform_message_id=_bounded(message_id),
            content=content,
            notes=(*notes, *self.notes),
        )


def read_webhook(request: HttpRequest, *, channel_secret: str) -> Received:
    """Verify and read one webhook. One without events is LINE asking whether anybody listens."""
    if not is_signed(request, channel_secret=channel_secret):
        return refused()
    body = Fields.parse(request.body)
    if body is None:
        note = Note(code="not_understood", text="The request's body is no JSON object.")
        return Received(reply=HttpReply(status_code=HTTPStatus.BAD_REQUEST), notes=(note,))
    read = [_event(event, request.receive_time) for event in body.objects("events")]
    return Received(
        events=tuple(it for it in read if not isinstance(it, Note)),
        notes=tuple(it for it in read if isinstance(it, Note)),
    )


def _event(fields: Fields, now: datetime) -> MessageReceived | Note:
    source, kind = fields.object("source"), fields.text("type")
    if source.text("type") in {"group", "room"}:
        return Note(code="group_ignored", text=f"An event of a group was ignored: {kind[:40] or 'unknown'}.")
    if fields.text("mode") == "standby":
        # https://developers.line.biz/en/reference/messaging-api/#common-properties
        return Note(code="standby_ignored", text="An event of a conversation that another app controls was ignored.")
    event = _Event(
        fields=fields,
        kind=kind,
        address=source.text("userId"),
        time=fields.time("timestamp") or now,
        notes=_redelivery(fields),
    )
    match kind:
        case "message" | "messageEdited":
            return _message(event)
        case "postback":
            return _postback(event)
        case _ if kind in _IGNORED:
            return Note(code=f"{kind}_ignored", text=_IGNORED[kind])
        case _:
            name = kind[:40] or "unknown"
            return Note(code="event_ignored", text=f"An event of a kind that is not read was ignored: {name}.")


def _message(event: _Event) -> MessageReceived | Note:
    message = event.fields.object("message")
    message_id = message.text("id")
    if not message_id or not event.address:
        return Note(code="not_understood", text="A message without an id or a sender was ignored.")
    said = read_message(message)
    is_edited = event.kind == "messageEdited"
    edited = Note(code="edited", text="The contact edited an earlier message; this is its new version.")
    return event.received(
        message_id=message_id, content=said.content, notes=(*said.notes, edited) if is_edited else said.notes
    )


def _postback(event: _Event) -> MessageReceived | Note:
    """A tapped button: the date that was picked, else the data that the button carries.

    https://developers.line.biz/en/reference/messaging-api/#postback-event
    """
    postback, params = event.fields.object("postback"), event.fields.object("postback").object("params")
    if params.text("newRichMenuAliasId") or params.text("status"):
        return Note(code="rich_menu_ignored", text="The contact turned to another rich menu.")
    data = postback.text("data")
    text = params.text("datetime") or params.text("date") or params.text("time") or data
    if not text or not event.address:
        return Note(code="not_understood", text="A tapped button without data or a sender was ignored.")
    told = event.fields.text("webhookEventId") or f"{event.address}:{event.fields.text('timestamp')}"
    note = Note(code="postback", text=f"A button was tapped that carries: {data[:300]}.")
    return event.received(message_id=f"postback:{told}", content=Text(text=text), notes=(note,))


def _redelivery(fields: Fields) -> tuple[Note, ...]:
    """https://developers.line.biz/en/docs/messaging-api/receiving-messages/#redelivered-webhooks."""
    if not fields.object("deliveryContext").flag("isRedelivery"):
        return ()
    return (Note(code="redelivered", text="LINE delivered this again, so it may be late or out of order."),)


def _bounded(name: str) -> str:
    return name if len(name) <= _LONGEST_ID else f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
