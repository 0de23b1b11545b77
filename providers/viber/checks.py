"""Decides what Viber is told of a webhook: https://developers.viber.com/docs/api/rest-bot-api/#setting-a-webhook."""

from collections.abc import Mapping
from typing import Final

from anychannel import Note

# Messages come in any case.
EVENT_TYPES: Final = ("delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started")


def address_problem(webhook_url: str) -> Note | None:
    """Why Viber need not even be told of `webhook_url`; None when it should be told."""
    if webhook_url.startswith("https://"):
        return None
    return Note(
        code="no_public_address",
        text="Viber calls only public https addresses: give the gateway one, then check the channel again.",
    )


def registration(webhook_url: str) -> Mapping[str, object]:
    """The body of set_webhook. Without being asked Viber tells neither names nor pictures."""
    return {"url": webhook_url, "event_types": list(EVENT_TYPES), "send_name": True, "send_photo": True}
