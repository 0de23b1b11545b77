"""Decides what is wrong with a channel's webhook."""

from http import HTTPStatus
from typing import Final

from anychannel import Note
from providers.line.fields import Fields

# https://developers.line.biz/en/reference/messaging-api/#set-webhook-endpoint-url
_LONGEST_WEBHOOK: Final = 500


def address_problem(webhook_url: str) -> Note | None:
    """Why LINE need not even be told of `webhook_url`; None when it should be told."""
    if webhook_url.startswith("https://") and len(webhook_url) <= _LONGEST_WEBHOOK:
        return None
    return Note(
        code="no_public_address",
        text="LINE calls only public https addresses of up to 500 characters: give the gateway one, then check again.",
    )


def webhook_problem(webhook: Fields, test: Fields | None) -> Note | None:
    """Why LINE does not deliver; None when it does.

    `test` is what https://developers.line.biz/en/reference/messaging-api/#test-webhook-endpoint told, None when LINE would
    not test. Its `detail` may repeat the address, which carries a token, so it is not repeated here.
    """
    if not webhook.flag("active"):
        return Note(
            code="webhook_disabled",
            text="Webhooks are turned off: turn on Use webhook in the LINE Developers Console, on the tab Messaging API.",
        )
    if test is None or test.flag("success"):
        return None
    if test.number("statusCode") == HTTPStatus.UNAUTHORIZED:
        return Note(
            code="channel_secret_refused",
            text="LINE's test webhook was not signed with the channel secret: copy it again from the tab Basic settings.",
        )
    return Note(
        code="webhook_unreachable",
        text=f"LINE does not reach the gateway's public address: {test.text('reason')[:60] or 'it gives no reason'}.",
    )
