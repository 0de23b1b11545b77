"""Reads Telegram's updates: https://core.telegram.org/bots/api#update.

Every update says something, be it only a note on why it was ignored; none makes this module raise. The content of a
message is read by `message`.

An edited message arrives as a new inbound message with the note `edited` and its whole new text, unchanged: a prefix
would put words into the contact's mouth and break automations that match on texts.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from anychannel import Contact, HttpReply, HttpRequest, MessageReceived, Note, ProviderEvent, Received, Text
from providers.telegram.fields import Fields
from providers.telegram.message import phone_number, platform_message_id, read_content

# The kinds of update we understand; Telegram is asked for these alone. https://core.telegram.org/bots/api#setwebhook
ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member")
# https://core.telegram.org/bots/api#setwebhook, parameter secret_token
SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header

# The last second that datetime can hold.
_LAST_SECOND: Final = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one update says."""

    events: tuple[ProviderEvent, ...] = ()
    notes: tuple[Note, ...] = ()
    callback_query_id: str = ""
    """A tap on a button that Telegram wants answered, else its button keeps spinning; empty when there is none."""


def read_webhook(request: HttpRequest, *, secret_token: str) -> Received:
    """Verify and read one webhook. Without a `secret_token` nothing can be proven, and everything is refused.

    The answer to a tapped button rides in the reply, as a call of the Bot API:
    https://core.telegram.org/bots/api#making-requests-when-getting-updates
    """
    proof = request.header(SECRET_HEADER)
    if not secret_token or not hmac.compare_digest(proof.encode(), secret_token.encode()):
        return Received(
            reply=HttpReply(status_code=HTTPStatus.UNAUTHORIZED),
            notes=(Note(code="not_verified", text="The request did not carry the channel's secret_token."),),
        )
    update = Fields.parse(request.body)
    if update is None:
        return Received(
            reply=HttpReply(status_code=HTTPStatus.BAD_REQUEST),
            notes=(Note(code="not_understood", text="The request's body is no JSON object."),),
        )
    reading = read_update(update, now=request.receive_time)
    reply = HttpReply()
    if reading.callback_query_id:
        call = {"method": "answerCallbackQuery", "callback_query_id": reading.callback_query_id}
        reply = HttpReply(headers=(("content-type", "application/json"),), body=json.dumps(call).encode())
    return Received(events=reading.events, reply=reply, notes=reading.notes)


def read_update(update: Fields, *, now: datetime) -> Reading:
    """What `update` says; `now` dates what Telegram does not."""
    update_id = update.number("update_id")
    if update_id <= 0:
        return _ignored("not_understood", "An update without an id was ignored.")
    if "message" in update:
        return _message(update.object("message"), update_id=update_id, now=now, edited=False)
    if "edited_message" in update:
        return _message(update.object("edited_message"), update_id=update_id, now=now, edited=True)
    if "callback_query" in update:
        return _callback_query(update.object("callback_query"), update_id=update_id, now=now)
    if "my_chat_member" in update:
        return _membership(update.object("my_chat_member"))
    kind = ", ".join(name for name in update.names() if name != "update_id")[:100] or "nothing"
    return _ignored("update_ignored", f"An update of a kind that is not read was ignored: {kind}.")


def _message(message: Fields, *, update_id: int, now: datetime, edited: bool) -> Reading:
    chat, message_id = message.object("chat"), message.number("message_id")
    if chat.text("type") != "private":
        return _not_private(chat)
    if not chat.number("id") or not message_id:
        return _ignored("not_understood", "A message without a chat or an id was ignored.")
    if edited and message.object("location"):
        # A live location is edited every few seconds while it moves: https://core.telegram.org/bots/api#location
        return _ignored("live_location_ignored", "A step of a live location was ignored; its beginning was taken.")
    said = read_content(message)
    if said.content is None:
        kinds = ", ".join(name for name in message.names() if name not in {"message_id", "from", "chat", "date"})[:100]
        return _ignored("service_message_ignored", f"A message that nobody wrote was ignored: {kinds or 'empty'}.")
    edit_note = (Note(code="edited", text="The contact edited an earlier message; this is its new version."),)
    event = MessageReceived(
        platform_event_id=str(update_id),
        event_time=_time(message.number("edit_date" if edited else "date"), default=now),
        contact=_contact(chat, sender=message.object("from"), shared=message.object("contact")),
        platform_message_id=platform_message_id(chat.number("id"), message_id),
        content=said.content,
        notes=(*(edit_note if edited else ()), *said.notes),
    )
    return Reading(events=(event,))


def _callback_query(query: Fields, *, update_id: int, now: datetime) -> Reading:
    """A tapped button, read as if the contact had typed its label: https://core.telegram.org/bots/api#callbackquery."""
    query_id, message = query.text("id"), query.object("message")
    chat = message.object("chat")
    if chat.text("type") != "private" or not chat.number("id"):
        ignored = _not_private(chat)
        return Reading(notes=ignored.notes, callback_query_id=query_id)
    label, notes = _label(query.text("data"), keyboard=message.object("reply_markup"))
    if not query_id or not label:
        return Reading(
            notes=(Note(code="not_understood", text="A tapped button without a label was ignored."),),
            callback_query_id=query_id,
        )
    event = MessageReceived(
        platform_event_id=str(update_id),
        event_time=now,  # Telegram dates the message with the buttons, not the tap
        contact=_contact(chat, sender=query.object("from"), shared=Fields(None)),
        platform_message_id=f"tap:{query_id}",
        content=Text(text=label),
        notes=notes,
    )
    return Reading(events=(event,), callback_query_id=query_id)


def _label(data: str, *, keyboard: Fields) -> tuple[str, tuple[Note, ...]]:
    """The label of the tapped button, which we do not remember: its message shows it, or its data (see `outbound`)."""
    for row in keyboard.rows("inline_keyboard"):
        for button in row:
            if data and button.text("callback_data") == data:
                return button.text("text"), ()
    # The message is too old for Telegram to show: https://core.telegram.org/bots/api#inaccessiblemessage
    if data.startswith("t"):
        return data[1:], ()
    index = data.removeprefix("i").partition(":")[0]
    if data.startswith("i") and index.isascii() and index.isdigit() and len(index) <= len("99"):
        note = Note(
            code="button_label_lost", text="Telegram no longer shows the tapped button: its number stands for it."
        )
        return str(int(index) + 1), (note,)
    return data, ()


def _membership(change: Fields) -> Reading:
    """In a private chat: the contact blocked or unblocked the bot. https://core.telegram.org/bots/api#update."""
    chat = change.object("chat")
    if chat.text("type") != "private":
        return _not_private(chat)
    address = chat.number("id")
    # https://core.telegram.org/bots/api#chatmemberbanned
    if change.object("new_chat_member").text("status") == "kicked":
        return _ignored("contact_blocked", f"The contact {address} blocked the bot: nothing can be sent to them now.")
    return _ignored("contact_unblocked", f"The contact {address} started or unblocked the bot.")


def _contact(chat: Fields, *, sender: Fields, shared: Fields) -> Contact:
    is_own_card = shared.number("user_id") == sender.number("id") != 0
    phone = phone_number(shared) if is_own_card else ""
    return Contact(
        address=str(chat.number("id")),
        first_name=sender.text("first_name") or chat.text("first_name"),
        last_name=sender.text("last_name") or chat.text("last_name"),
        phone=phone if phone.startswith("+") else "",
        language=sender.text("language_code"),
    )


def _time(seconds: int, *, default: datetime) -> datetime:
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= _LAST_SECOND else default


def _not_private(chat: Fields) -> Reading:
    kind = chat.text("type")[:20] or "unknown"
    return _ignored("chat_ignored", f"Only private chats are joined to the inbox; this one is of the kind {kind}.")


def _ignored(code: str, text: str) -> Reading:
    return Reading(notes=(Note(code=code, text=text),))
