"""Reads the webhooks of an Instagram professional account.

https://developers.facebook.com/documentation/business-messaging/instagram-messaging/webhooks and
https://developers.facebook.com/documentation/instagram-platform/webhooks/examples

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
from providers.instagram.fields import Fields
from providers.instagram.ids import event_id, message_id
from providers.instagram.message import read_message
from providers.instagram.webhook import answer_challenge, is_signed, refused

_Reading = list[ProviderEvent | Note]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One event of a webhook, and what all events have."""

    fields: Fields
    contact_address: str
    """The person of the conversation; empty when the event does not say."""
    is_from_account: bool
    time: datetime


def read_webhook(request: HttpRequest, *, account_id: str, app_secrets: Iterable[str], verify_token: str) -> Received:
    """Verify and read one webhook, or answer Meta's question whether its address is ours."""
    if request.method == "GET":
        return answer_challenge(request, verify_token=verify_token)
    if not is_signed(request, app_secrets=app_secrets):
        return refused("The request was not signed with the app's secret.")
    body = Fields.parse(request.body)
    if body is None:
        note = Note(code="not_understood", text="The request's body is no JSON object.")
        return Received(reply=HttpReply(status_code=HTTPStatus.BAD_REQUEST), notes=(note,))
    if body.text("object") != "instagram":
        return Received(notes=(_ignored("other_object", "A webhook that is not about Instagram was ignored."),))
    read = [it for entry in body.objects("entry") for it in _entry(entry, account_id, request.receive_time)]
    return Received(
        events=tuple(it for it in read if not isinstance(it, Note)),
        notes=tuple(it for it in read if isinstance(it, Note)),
    )


def _entry(entry: Fields, account_id: str, now: datetime) -> _Reading:
    if entry.text("id") != account_id:
        # One app has one webhook for all accounts that it serves.
        return [_ignored("other_account", "Events of another account of the app were ignored.")]
    read: _Reading = []
    if entry.objects("standby"):
        read.append(_ignored("standby_ignored", "Events of conversations that another app controls were ignored."))
    for change in entry.objects("changes"):
        # The form of comments, and of some samples of messages.
        if change.object("value").object("sender"):
            read += _item(change.object("value"), entry, account_id, now)
        else:
            read.append(
                _ignored("change_ignored", f"A change of the account was ignored: {change.text('field')[:40]}.")
            )
    for item in entry.objects("messaging"):
        read += _item(item, entry, account_id, now)
    return read


def _item(fields: Fields, entry: Fields, account_id: str, now: datetime) -> _Reading:
    sender, addressee = fields.object("sender").text("id"), fields.object("recipient").text("id")
    is_from_account = sender == account_id
    item = _Item(
        fields=fields,
        contact_address=addressee if is_from_account else sender,
        is_from_account=is_from_account,
        time=fields.time("timestamp") or entry.time("time") or now,
    )
    for name, read in _READERS.items():
        if name in fields:
            return read(item)
    kind = ", ".join(name for name in fields.names() if name not in {"sender", "recipient", "timestamp"})[:100]
    return [_ignored("event_ignored", f"An event of a kind that is not read was ignored: {kind or 'nothing'}.")]


def _message(item: _Item) -> _Reading:
    """A message of either side; what the account wrote carries the flag `is_echo`."""
    message = item.fields.object("message")
    mid = message.text("mid")
    if message.flag("is_deleted"):
        return [_ignored("message_unsent", f"The message {mid[:200]} was taken back.")]
    if not mid or not item.contact_address:
        return [_ignored("not_understood", "A message without an id or a sender was ignored.")]
    kind = EchoReceived if item.is_from_account else MessageReceived
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
    """A tapped button, read as if the contact had typed its title."""
    postback = item.fields.object("postback")
    title = postback.text("title") or postback.text("payload")
    mid = postback.text("mid") or f"postback:{item.contact_address}:{item.fields.text('timestamp')}"
    return _said_by_contact(item, name=message_id(mid), mid=mid, text=title, notes=())


def _reaction(item: _Item) -> _Reading:
    reaction = item.fields.object("reaction")
    mid = reaction.text("mid")
    if reaction.text("action") == "unreact":
        return [_ignored("reaction_removed", f"A reaction to the message {mid[:200]} was taken back.")]
    emoji = reaction.text("emoji") or reaction.text("reaction")
    note = Note(code="reaction", text=f"This is a reaction to the message {mid[:200]}.")
    name = event_id(f"reaction:{item.fields.text('timestamp')[:20]}", mid)
    return _said_by_contact(item, name=name, mid=name, text=emoji, notes=(note,))


def _edit(item: _Item) -> _Reading:
    edit = item.fields.object("message_edit")
    mid = edit.text("mid")
    note = Note(code="edited", text="The contact edited an earlier message; this is its new version.")
    name = event_id(f"edit:{edit.text('num_edit')[:20]}", mid)
    return _said_by_contact(item, name=name, mid=mid, text=edit.text("text"), notes=(note,))


def _said_by_contact(item: _Item, *, name: str, mid: str, text: str, notes: tuple[Note, ...]) -> _Reading:
    if item.is_from_account:
        return [_ignored("own_event_ignored", "What the account itself did was ignored.")]
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


def _read(item: _Item) -> _Reading:
    """What was read is named; the one who read it is not always. Deliveries are not told on Instagram."""
    mid = item.fields.object("read").text("mid")
    if not mid:
        return [_ignored("read_ignored", "What was read was told without naming a message.")]
    return [
        ReportReceived(
            platform_event_id=event_id("read", mid),
            event_time=item.time,
            platform_message_id=message_id(mid),
            status=Status.READ,
        )
    ]


_READERS = {
    "message": _message,
    "postback": _postback,
    "reaction": _reaction,
    "message_edit": _edit,
    "read": _read,
}


def _ignored(code: str, text: str) -> Note:
    return Note(code=code, text=text)
