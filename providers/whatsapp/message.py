"""Reads what one WhatsApp message says; in which webhook it came, and from whom, is left to `inbound`.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anychannel import Attachment, Content, Location, MediaKind, Note, Text
from providers.whatsapp.cards import read_card
from providers.whatsapp.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says: nothing, one content, or several for several contact cards."""

    contents: tuple[Content, ...] = ()
    notes: tuple[Note, ...] = ()


# Each under .../webhooks/reference/messages/<type>
_MEDIA_KINDS: Final = {
    "image": MediaKind.IMAGE,
    "sticker": MediaKind.IMAGE,
    "video": MediaKind.VIDEO,
    "audio": MediaKind.AUDIO,
    "voice": MediaKind.AUDIO,
    "document": MediaKind.FILE,
}
_MAX_ORDER_LINES: Final = 100


def read_message(message: Fields) -> Said:
    """What `message` says, with notes on what of it could not be kept. No contents = there is nothing to show."""
    said = _read(message)
    return Said(contents=said.contents, notes=(*said.notes, *_context_notes(message))) if said.contents else said


def _read(message: Fields) -> Said:
    kind = message.text("type")
    if kind in _MEDIA_KINDS:
        return _media(message, kind)
    reader = _READERS.get(kind)
    return reader(message) if reader else _placeholder(kind or "unknown", _errors(message))


def _text(message: Fields) -> Said:
    body = message.object("text").text("body")
    return Said(contents=(Text(text=body),)) if body else _placeholder("empty text", "")


def _media(message: Fields, kind: str) -> Said:
    media = message.object(kind)
    media_id = media.text("id")
    if not media_id:
        # Larger than 100 MB, for instance:
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
        return _placeholder(kind, _errors(message))
    attachment = Attachment(
        kind=_MEDIA_KINDS[kind],
        # Its address works only with the access token, and for five minutes: `fetch_media` asks for a new one.
        media_id=media_id,
        mime_type=media.text("mime_type") or ("image/webp" if kind == "sticker" else ""),
        file_name=media.text("filename"),
        caption=media.text("caption"),
        size_bytes=max(0, media.number("file_size")),
    )
    return Said(contents=(attachment,))


def _location(message: Fields) -> Said:
    place = message.object("location")
    latitude, longitude = place.degrees("latitude", limit=90), place.degrees("longitude", limit=180)
    if latitude is None or longitude is None:
        return _placeholder("location", "")
    location = Location(latitude=latitude, longitude=longitude, name=place.text("name"), address=place.text("address"))
    return Said(contents=(location,))


def _contacts(message: Fields) -> Said:
    cards = tuple(read_card(contact) for contact in message.objects("contacts"))
    return Said(contents=cards) if cards else _placeholder("contacts", "")


def _interactive(message: Fields) -> Said:
    """A tapped answer, read as if the contact had typed its label."""
    interactive = message.object("interactive")
    for kind in ("button_reply", "list_reply"):
        title = interactive.object(kind).text("title")
        if title:
            return Said(contents=(Text(text=title),))
    form = interactive.object("nfm_reply")
    if form:
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/flows/guides/receiveflowresponse
        answers = form.text("response_json") or form.text("body") or "{}"
        return Said(contents=(Text(text=answers),), notes=(_note("form", "These are the answers of a form."),))
    return _placeholder(interactive.text("type") or "interactive", "")


def _button(message: Fields) -> Said:
    """A tapped quick reply of a template."""
    button = message.object("button")
    label = button.text("text") or button.text("payload")
    return Said(contents=(Text(text=label),)) if label else _placeholder("button", "")


def _reaction(message: Fields) -> Said:
    reaction = message.object("reaction")
    emoji, target = reaction.text("emoji"), reaction.text("message_id")
    if not emoji:
        return Said(notes=(_note("reaction_removed", f"A reaction to the message {target} was taken back."),))
    note = _note("reaction", f"It is a reaction to the message {target}.")
    return Said(contents=(Text(text=emoji),), notes=(note,))


def _order(message: Fields) -> Said:
    order = message.object("order")
    lines = [_order_line(item) for item in order.objects("product_items")[:_MAX_ORDER_LINES]]
    text = "\n".join(filter(None, ["[WhatsApp order]", *lines, order.text("text")]))
    note = _note("order", f"It is an order from the catalog {order.text('catalog_id') or 'of the business'}.")
    return Said(contents=(Text(text=text),), notes=(note,))


def _order_line(item: Fields) -> str:
    price = item.value("item_price")
    at_price = f" at {price} {item.text('currency')}".rstrip() if isinstance(price, int | float) else ""
    return f"{item.number('quantity') or 1} x {item.text('product_retailer_id') or 'a product'}{at_price}"


def _edit(message: Fields) -> Said:
    """The whole new version, unchanged: a prefix would put words into the contact's mouth."""
    edit = message.object("edit")
    inner = edit.object("message")
    # Nothing edits an edit; and depth that strangers choose is not followed.
    said = Said() if inner.text("type") in {"edit", "revoke"} else _read(inner)
    if not said.contents:
        return Said(notes=(_note("not_understood", "An edited message without content was ignored."),))
    note = _note("edited", f"This is the new version of the message {edit.text('original_message_id')}.")
    return Said(contents=said.contents, notes=(note, *said.notes))


def _revoke(message: Fields) -> Said:
    target = message.object("revoke").text("original_message_id")
    return Said(notes=(_note("deleted", f"The message {target} was deleted on WhatsApp."),))


def _system(message: Fields) -> Said:
    body = message.object("system").text("body") or "no more was said"
    return Said(notes=(_note("system", f"WhatsApp says about a contact: {body}."),))


def _request_welcome(_: Fields) -> Said:
    return Said(notes=(_note("chat_opened", "The contact opened the chat for the first time and wrote nothing yet."),))


def _unsupported(message: Fields) -> Said:
    return _placeholder(message.object("unsupported").text("type") or "message", _errors(message))


def _placeholder(kind: str, why: str) -> Said:
    """The inbox is told that something came, rather than nothing."""
    note = _note("content_not_understood", f"A placeholder stands for what cannot be shown. {why}".rstrip())
    return Said(contents=(Text(text=f"[WhatsApp {kind[:40].replace('_', ' ')}]"),), notes=(note,))


def _errors(message: Fields) -> str:
    """Why WhatsApp cannot tell: .../webhooks/reference/messages/unsupported."""
    said = [
        error.object("error_data").text("details") or error.text("message") or error.text("title")
        for error in message.objects("errors")
    ]
    return " ".join(f"WhatsApp says: {words[:300]}" for words in said if words)


def _context_notes(message: Fields) -> tuple[Note, ...]:
    """What the message refers to: the message it answers, the product or the advertisement it came from."""
    context, notes = message.object("context"), []
    # Taps are answers by nature; their question says nothing new.
    if context.text("id") and message.text("type") not in {"interactive", "button"}:
        notes.append(_note("reply", f"It answers the message {context.text('id')}."))
    product = context.object("referred_product").text("product_retailer_id")
    if product:
        notes.append(_note("product", f"It asks about the product {product}."))
    referral = message.object("referral")
    if referral:
        title = referral.text("headline") or referral.text("body") or referral.text("source_id")
        notes.append(_note("referral", f"It came through {title} {referral.text('source_url')}".rstrip() + "."))
    return tuple(notes)


def _note(code: str, text: str) -> Note:
    return Note(code=code, text=text)


_READERS: Final[dict[str, Callable[[Fields], Said]]] = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
    "request_welcome": _request_welcome,
    "unsupported": _unsupported,
}
