"""The inbox format of the respond.io family (YesHello and other white labels): everything core calls, in one place."""

from core.inboxes.answers import InboxAnswer, Refused, Taken, Throttled, TryAgain, Unauthorized, Unavailable
from core.inboxes.respondio_answer import read_answer
from core.inboxes.respondio_reader import inbox_channel_id, read_send
from core.inboxes.respondio_writer import (
    Envelope,
    accepted_body,
    contact_object,
    count_envelopes,
    echo_envelopes,
    encode,
    error_body,
    message_envelopes,
    status_envelope,
)
from core.inboxes.sends import InboxSend, Refusal, RequestRefused
from core.inboxes.strict_json import decode

__all__ = [
    "Envelope",
    "InboxAnswer",
    "InboxSend",
    "Refusal",
    "Refused",
    "RequestRefused",
    "Taken",
    "Throttled",
    "TryAgain",
    "Unauthorized",
    "Unavailable",
    "accepted_body",
    "contact_object",
    "count_envelopes",
    "decode",
    "echo_envelopes",
    "encode",
    "error_body",
    "inbox_channel_id",
    "message_envelopes",
    "read_answer",
    "read_send",
    "status_envelope",
]
