"""Decides what is wrong with a channel, and what its account is to tell the app."""

from collections.abc import Sequence
from typing import Final

from anychannel import Note
from providers.instagram.fields import Fields

# https://developers.facebook.com/documentation/instagram-platform/webhooks. A page, which tells for the account that is
# linked to it, has no `messaging_seen`. Which fields Instagram tells is chosen for the whole app, in its dashboard.
_ACCOUNT_FIELDS: Final = ("messages", "messaging_postbacks", "messaging_seen", "message_reactions")
_PAGE_FIELDS: Final = ("messages", "messaging_postbacks", "message_reactions")


def account_problem(owner: Fields, *, account_id: str) -> Note | None:
    """Why the access token does not belong to the channel's account; None when it does.

    `user_id` is the id that webhooks carry; `id` is another one, valid in one app only.
    https://developers.facebook.com/documentation/instagram-platform/instagram-api-with-instagram-login/get-started
    """
    owner_id = owner.text("user_id") or owner.text("id")
    if owner_id == account_id:
        return None
    return Note(
        code="other_account",
        text=f"The access token belongs to the account {owner.text('username')[:100] or 'of nobody'} "
        f"({owner_id[:40] or 'without an id'}), not to the one in account_id: correct one of them.",
    )


def fields_to_subscribe(apps: Sequence[Fields], *, is_of_page: bool) -> tuple[str, ...]:
    """What is to be told to our app from now on; empty when it is already.

    Which of several apps is ours is not known. So all that any of them hears is asked for, for a new subscription takes
    the place of the old one, and what the app did not ask for in its dashboard is never told.
    https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps/
    """
    needed = _PAGE_FIELDS if is_of_page else _ACCOUNT_FIELDS
    already = {name for app in apps for name in app.texts("subscribed_fields")}
    if len(apps) == 1 and already.issuperset(needed):
        return ()
    return (*needed, *sorted(already.difference(needed)))


def address_problem(webhook_url: str) -> Note | None:
    """Why Meta could not call `webhook_url`; None when it could.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#create-an-endpoint
    """
    if webhook_url.startswith("https://"):
        return None
    return Note(
        code="no_public_address",
        text="Instagram calls only public https addresses: give the gateway one, then set the webhook in the app's dashboard.",
    )
