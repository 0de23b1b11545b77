"""Reports on what `engine.ended` sent."""

from datetime import datetime

from anychannel.events import ReportReceived
from anychannel.message import Status
from core.storage.reports import ChannelReport
from tests.core.storage.engine import BLOCKED, NOW


def report_of(
    message_id: str, status: Status, part_index: int = 0, *, event_time: datetime = NOW, platform_message_id: str = ""
) -> ChannelReport:
    """The platform says that a part of the message reached the status."""
    report = ReportReceived(
        platform_event_id=f"{message_id} {part_index} {status}",
        event_time=event_time,
        platform_message_id=platform_message_id or f"id of {message_id}.{part_index}",
        status=status,
        failure=BLOCKED if status is Status.FAILED else None,
    )
    return ChannelReport(channel_id="shop", report=report)
