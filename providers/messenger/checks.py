"""Decides what is wrong with a channel, and what to tell Meta about its webhook."""

from collections.abc import Iterable, Sequence
from typing import Final

from anychannel import Note
from providers.messenger.fields import Fields

# https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
FIELDS: Final = (
    "messages",
    "messaging_postbacks",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "message_reactions",
    "message_edits",
)


def page_problem(account: Fields, *, page_id: str) -> Note | None:
    """Why the access token does not belong to the channel's page; None when it does."""
    if account.text("id") == page_id:
        return None
    return Note(
        code="other_page",
        text=f"The access token belongs to {account.text('name')[:100] or 'nobody'} ({account.text('id')[:40]}), "
        "not to the page in page_id: make a page access token for that page.",
    )


def fields_to_subscribe(apps: Iterable[Fields], *, app_id: str) -> tuple[str, ...]:
    """What the page is to tell our app from now on; empty when it does already.

    What the app hears for other purposes stays: a new subscription takes the place of the old one.
    https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps/
    """
    return _missing(FIELDS, *(app.texts("subscribed_fields") for app in apps if app.text("id") == app_id))


def address_problem(webhook_url: str) -> Note | None:
    """Why Meta need not even be told of `webhook_url`; None when it should be told.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#create-an-endpoint
    """
    if webhook_url.startswith("https://"):
        return None
    return Note(
        code="no_public_address",
        text="Messenger calls only public https addresses: give the gateway one, then check the channel again.",
    )


def webhook_problem(subscriptions: Iterable[Fields], *, webhook_url: str) -> Note | None:
    """Why the app's webhook must not be changed: it is somebody else's. An app has one for all of its pages."""
    elsewhere = [each for each in _of_pages(subscriptions) if each.text("callback_url") not in {"", webhook_url}]
    if not elsewhere:
        return None
    return Note(
        code="webhook_elsewhere",
        text="The app's webhooks for pages go to another address already, and an app has only one: "
        "use another app, or remove that webhook in the app's dashboard and check the channel again.",
    )


def fields_to_register(subscriptions: Iterable[Fields]) -> tuple[str, ...]:
    """What Meta is to tell the app's webhook from now on; empty when it does already.

    https://developers.facebook.com/docs/graph-api/webhooks/subscriptions-edge
    """
    active = (each for each in _of_pages(subscriptions) if each.flag("active"))
    return _missing(FIELDS, *([field.text("name") for field in each.objects("fields")] for each in active))


def _of_pages(subscriptions: Iterable[Fields]) -> list[Fields]:
    return [each for each in subscriptions if each.text("object") == "page"]


def _missing(needed: Sequence[str], *told: Sequence[str]) -> tuple[str, ...]:
    already = {name for names in told for name in names if name}
    return () if already.issuperset(needed) else (*needed, *sorted(already.difference(needed)))
