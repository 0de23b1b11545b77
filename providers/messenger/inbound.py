"""Reads the webhooks of a Facebook Page.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events

Every event says something, be it only a note on why it was ignored; none makes this module raise. Webhooks name nobody, so
contacts carry their address alone. What a message says is read by `message`.

An edited message arrives as a new inbound message with the note `edited` and its whole new text, unchanged: a prefix
would put words into the contact's mouth and break automations that match on texts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from anychannel import (
    Contact,
    EchoReceived,
    HttpReply,
    HttpRequest,
    MessageReceived,
    Note,
    ProviderEvent,
    Received,
    ReportReceived,
    Status,
    Text,
)
from providers.messenger.fields import Fields
from providers.messenger.ids import event_id, message_id
from providers.messenger.message import read_message
from providers.messenger.webhook import answer_challenge, is_signed, refused

_Reading = list[ProviderEvent | Note]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One event of a webhook, and what all events have."""

    fields: Fields
    contact_address: str
    """The person of the conversation; empty when the event does not say."""
    is_from_page: bool
    time: datetime


def read_webhook(request: HttpRequest, *, page_id: str, app_secret: str, verify_token: str) -> Received:
    """Verify and read one webhook, or answer Meta's question whether its address is ours."""
    if request.method == "GET":
        return answer_challenge(request, verify_token=verify_token)
    if not is_signed(request, app_secret=app_secret):
        return refused("The request was not signed with the app's secret.")
    body = Fields.parse(request.body)
    if body is None:
        note = Note(code="not_understood", text="The request's body is no JSON object.")
        return Received(reply=HttpReply(status_code=HTTPStatus.BAD_REQUEST), notes=(note,))
    if body.text("object") != "page":
        return Received(notes=(_ignored("other_object", "A webhook that is not about a page was ignored."),))
    read = [it for entry in body.objects("entry") for it in _entry(entry, page_id, request.receive_time)]
    return Received(
        events=tuple(it for it in read if not isinstance(it, Note)),
        notes=tuple(it for it in read if isinstance(it, Note)),
    )


def _entry(entry: Fields, page_id: str, now: datetime) -> _Reading:
    if entry.text("id") != page_id:
        # One app has one webhook for all pages that it serves.
        return [_ignored("other_page", "Events of another page of the app were ignored.")]
    read: _Reading = []
    if entry.objects("standby"):
        # https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/standby
        read.append(_ignored("standby_ignored", "Events of conversations that another app controls were ignored."))
    for change in entry.objects("changes"):
        if change.object("value").object("sender"):
            # The form that the documentation of postbacks shows.
            read += _item(change.object("value"), entry, page_id, now)
        else:
            read.append(_ignored("change_ignored", f"A change of the page was ignored: {change.text('field')[:40]}."))
    for item in entry.objects("messaging"):
        read += _item(item, entry, page_id, now)
    return read


def _item(fields: Fields, entry: Fields, page_id: str, now: datetime) -> _Reading:
    sender, addressee = fields.object("sender").text("id"), fields.object("recipient").text("id")
    is_from_page = sender == page_id
    item = _Item(
        fields=fields,
        contact_address=addressee if is_from_page else sender,
        is_from_page=is_from_page,
        time=fields.time("timestamp") or entry.time("time") or now,
    )
    for name, read in _READERS.items():
        if name in fields:
            return read(item)
    kind = ", ".join(name for name in fields.names() if name not in {"sender", "recipient", "timestamp"})[:100]
    return [_ignored("event_ignored", f"An event of a kind that is not read was ignored: {kind or 'nothing'}.")]


def _message(item: _Item) -> _Reading:
    """A message of either side: https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/message-echoes."""
    message = item.fields.object("message")
    mid = message.text("mid")
    if message.flag("is_deleted"):
        return [_ignored("message_unsent", f"The message {mid[:200]} was taken back.")]
    if not mid or not item.contact_address:
        return [_ignored("not_understood", "A message without an id or a sender was ignored.")]
    kind = EchoReceived if item.is_from_page else MessageReceived
    return [
        kind(
            platform_event_id=message_id(mid) if number == 0 else event_id(str(number), mid),
            event_time=item.time,
            contact=Contact(address=item.contact_address),
            platform_message_id=message_id(mid),
            content=said.content,
            notes=said.notes,
        )
        for number, said in enumerate(read_message(message))
    ]


def _postback(item: _Item) -> _Reading:
    """A tapped button, read as if the contact had typed its title.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_postbacks
    """
    postback = item.fields.object("postback")
    title = postback.text("title") or postback.text("payload")
    mid = postback.text("mid") or f"postback:{item.contact_address}:{item.fields.text('timestamp')}"
    return _said_by_contact(item, name=message_id(mid), mid=mid, text=title, notes=())


def _reaction(item: _Item) -> _Reading:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/message-reactions."""
    reaction = item.fields.object("reaction")
    mid = reaction.text("mid")
    if reaction.text("action") == "unreact":
        return [_ignored("reaction_removed", f"A reaction to the message {mid[:200]} was taken back.")]
    emoji = reaction.text("emoji") or reaction.text("reaction")
    note = Note(code="reaction", text=f"This is a reaction to the message {mid[:200]}.")
    name = event_id(f"reaction:{item.fields.text('timestamp')[:20]}", mid)
    return _said_by_contact(item, name=name, mid=name, text=emoji, notes=(note,))


def _edit(item: _Item) -> _Reading:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/message-edits."""
    edit = item.fields.object("message_edit")
    mid = edit.text("mid")
    note = Note(code="edited", text="The contact edited an earlier message; this is its new version.")
    name = event_id(f"edit:{edit.text('num_edit')[:20]}", mid)
    return _said_by_contact(item, name=name, mid=mid, text=edit.text("text"), notes=(note,))


def _said_by_contact(item: _Item, *, name: str, mid: str, text: str, notes: tuple[Note, ...]) -> _Reading:
    if item.is_from_page:
        return [_ignored("own_event_ignored", "What the page itself did was ignored.")]
    if not (mid and text and item.contact_address):
        return [_ignored("not_understood", "An event without an id, a sender or words was ignored.")]
    return [
        MessageReceived(
            platform_event_id=name,
            event_time=item.time,
            contact=Contact(address=item.contact_address),
            platform_message_id=message_id(mid),
            content=Text(text=text),
            notes=notes,
        )
    ]


def _delivery(item: _Item) -> _Reading:
    """`mids` is not always there, and then nothing here knows which messages the watermark means.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/message-deliveries
    """
    delivery = item.fields.object("delivery")
    time = item.fields.time("timestamp") or delivery.time("watermark") or item.time
    return _reports(Status.DELIVERED, delivery.texts("mids"), time) or [
        _ignored("delivery_watermark_ignored", "A delivery was told by its time alone, so no message can be named.")
    ]


def _read(item: _Item) -> _Reading:
    """Documented with a watermark alone, which names no message; an id is read where one is given.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/message-reads
    """
    read = item.fields.object("read")
    mids = read.texts("mids") or Fields({"mids": [read.text("mid")]}).texts("mids")
    return _reports(Status.READ, mids, item.time) or [
        _ignored("read_watermark_ignored", "What was read was told by its time alone, so no message can be named.")
    ]


def _reports(status: Status, mids: Iterable[str], time: datetime) -> _Reading:
    return [
        ReportReceived(
            platform_event_id=event_id(status.value, mid),
            event_time=time,
            platform_message_id=message_id(mid),
            status=status,
        )
        for mid in mids
    ]


_READERS = {
    "message": _message,
    "postback": _postback,
    "reaction": _reaction,
    "message_edit": _edit,
    "delivery": _delivery,
    "read": _read,
}


def _ignored(code: str, text: str) -> Note:
    return Note(code=code, text=text)
