"""Reads what Slack sends to the channel's webhook: events, and taps on buttons.

https://docs.slack.dev/apis/events-api and https://docs.slack.dev/interactivity/handling-user-interaction

Whoever writes in a conversation of the bot's counts as the contact there: Slack does not tell a person of the business
from anybody else. In a channel a note says who it was; a direct message has only one person to come from.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from anychannel import Contact, HttpReply, HttpRequest, MessageReceived, Note, Received, Text
from providers.slack.address import Place, read_address, time_of
from providers.slack.fields import Fields
from providers.slack.markup import read_markup
from providers.slack.message import read_contents
from providers.slack.proof import is_signed

# What people write; every other subtype is Slack's own, a bot's or about a message that was taken before.
# https://docs.slack.dev/reference/events/message#subtypes
_WRITTEN: Final = frozenset({"", "file_share", "me_message", "thread_broadcast"})
_PLAIN: Final = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))


def read_webhook(request: HttpRequest, *, signing_secret: str) -> Received:
    """Verify and read one webhook. Without a `signing_secret` nothing can be proven, and everything is refused."""
    if not is_signed(request, signing_secret):
        return _refused(HTTPStatus.UNAUTHORIZED, "not_verified", "The request did not carry Slack's recent signature.")
    body = _payload(request)
    if body is None:
        return _refused(HTTPStatus.BAD_REQUEST, "not_understood", "The request's body is neither an event nor a tap.")
    match body.text("type"):
        case "url_verification":  # https://docs.slack.dev/reference/events/url_verification
            return Received(reply=HttpReply(headers=_PLAIN, body=body.text("challenge").encode()))
        case "event_callback":
            received = _read_event(body, request)
        case "block_actions":
            received = _read_taps(body, request)
        case "app_rate_limited":  # https://docs.slack.dev/reference/events/app_rate_limited
            received = _ignored("events_withheld", "Slack withheld events, because too many came within an hour.")
        case kind:
            received = _ignored("event_ignored", f"A request of a kind that is not read was ignored: {_short(kind)}.")
    return Received(events=received.events, notes=(*received.notes, *_retry_notes(request)))


def _payload(request: HttpRequest) -> Fields | None:
    """Events come as JSON, taps as a form whose field `payload` is JSON."""
    if not request.header("content-type").startswith("application/x-www-form-urlencoded"):
        return Fields.parse(request.body)
    try:
        form = parse_qs(request.body.decode(), max_num_fields=20)
    except ValueError:  # also what is no UTF-8
        return None
    return Fields.parse(form.get("payload", [""])[0])


def _read_event(body: Fields, request: HttpRequest) -> Received:
    event, event_id = body.object("event"), body.text("event_id")
    match event.text("type"):
        case "message":
            return _read_message(event, event_id, request)
        case "app_mention":  # the same message comes as `message`, when the app subscribes to the channel's messages
            return _ignored("mention_ignored", "A mention was ignored: its message comes as an event of its own.")
        case "app_uninstalled" | "tokens_revoked":
            return _ignored("app_removed", "The app was removed from the workspace, or its token was revoked.")
        case kind:
            return _ignored("event_ignored", f"An event of a kind that is not read was ignored: {_short(kind)}.")


def _read_message(event: Fields, event_id: str, request: HttpRequest) -> Received:
    subtype, author, ts = event.text("subtype"), event.text("user"), event.text("ts")
    if event.text("bot_id") or subtype == "bot_message":
        return _ignored("bot_ignored", "A message of a bot was ignored, maybe our own.")
    if subtype not in _WRITTEN:
        return _ignored("subtype_ignored", f"A message of a subtype that is not read was ignored: {_short(subtype)}.")
    place = read_address(event.text("channel"))
    if place is None or not (event_id and ts and author):
        return _ignored("not_understood", "A message without its conversation, author, time or event id was ignored.")
    place, notes = _placed(place, event, author)
    contents = read_contents(event)
    if not contents:
        return _ignored("content_not_understood", "A message was ignored of which nothing can be told.")
    events = tuple(
        MessageReceived(
            platform_event_id=f"{event_id}:{index}" if index else event_id,
            event_time=time_of(ts, default=request.receive_time),
            contact=Contact(address=place.address),
            platform_message_id=f"{place.conversation_id}:{ts}{f':{index}' if index else ''}",
            content=content,
            notes=notes,
        )
        for index, content in enumerate(contents)
    )
    return Received(events=events)


def _placed(place: Place, event: Fields, author: str) -> tuple[Place, tuple[Note, ...]]:
    """Where the answer goes: a thread of a channel is a conversation of its own, one of a direct message is not."""
    thread_ts = event.text("thread_ts")
    if place.is_direct:
        text = "The contact wrote in a thread; what is answered goes to the conversation itself."
        return place, ((Note(code="thread_left", text=text),) if thread_ts else ())
    threaded = read_address(f"{place.conversation_id}:{thread_ts}") if thread_ts else None
    return threaded or place, (_author_note(author),)


def _read_taps(body: Fields, request: HttpRequest) -> Received:
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload."""
    container, user = body.object("container"), body.object("user")
    message_ts = container.text("message_ts") or body.object("message").text("ts")
    place = read_address(container.text("channel_id") or body.object("channel").text("id"))
    author = user.text("id")
    if place is None or not author:
        return _ignored("not_understood", "A tap outside of a conversation was ignored.")
    thread_ts = "" if place.is_direct else body.object("message").text("thread_ts")
    place = (read_address(f"{place.conversation_id}:{thread_ts}") if thread_ts else None) or place
    is_direct = place.is_direct
    events = []
    for action in body.objects("actions"):
        label = action.text("value") or read_markup(action.object("text").text("text"))
        tap_id = ":".join(
            (place.conversation_id, message_ts, author, action.text("action_id"), action.text("action_ts"))
        )
        if action.text("type") == "button" and label and action.text("action_ts"):
            event = MessageReceived(
                platform_event_id=f"tap:{tap_id}",
                event_time=time_of(action.text("action_ts"), default=request.receive_time),
                contact=Contact(address=place.address, first_name=user.text("name") if is_direct else ""),
                platform_message_id=f"tap:{tap_id}",
                content=Text(text=label),
                notes=() if is_direct else (_author_note(author),),
            )
            events.append(event)
    if not events:
        return _ignored("action_ignored", "An action other than a tap on a button was ignored.")
    return Received(events=tuple(events))


def _retry_notes(request: HttpRequest) -> tuple[Note, ...]:
    """https://docs.slack.dev/apis/events-api/#retries: a repeated event has the same event_id."""
    if not request.header("x-slack-retry-num"):
        return ()
    reason = _short(request.header("x-slack-retry-reason")) or "unknown"
    return (Note(code="repeated", text=f"Slack repeats this event; why: {reason}."),)


def _author_note(author: str) -> Note:
    return Note(code="author", text=f"Written by the Slack member {_short(author)}.")


def _ignored(code: str, text: str) -> Received:
    return Received(notes=(Note(code=code, text=text),))


def _refused(status: HTTPStatus, code: str, text: str) -> Received:
    return Received(reply=HttpReply(status_code=status), notes=(Note(code=code, text=text),))


def _short(text: str) -> str:
    return text[:60]
