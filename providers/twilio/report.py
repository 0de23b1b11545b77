"""Reads what became of a message of ours: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status.

The only time in a report, RawDlrDoneDate, names no time zone, so a report is dated when it reached us:
https://www.twilio.com/en-us/changelog/addition-of-rawdlrdonedate-to-delivered-and-undelivered-status-webhooks.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from anychannel import Note, ReportReceived, Status
from providers.twilio.failures import undelivered

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_STATUSES: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "undelivered": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}


def read_report(fields: Mapping[str, str], *, now: datetime) -> tuple[ReportReceived, ...] | Note:
    """The report; a note while Twilio has the message still before it."""
    told = fields["MessageStatus"]
    status = _STATUSES.get(told)
    if status is None:
        return Note(code="not_final", text=f"The message has a status that changes nothing: {told[:20]}.")
    message_id = fields["MessageSid"]
    report = ReportReceived(
        platform_event_id=f"{message_id}:{told}",
        event_time=now,
        platform_message_id=message_id,
        status=status,
        failure=undelivered(fields.get("ErrorCode", "")) if status is Status.FAILED else None,
    )
    return (report,)
