"""What a contact's address is on Slack: a conversation, or one thread of a channel.

https://docs.slack.dev/apis/web-api/using-the-conversations-api and https://docs.slack.dev/messaging/#threading
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

# Direct messages begin with D, channels with C, older private channels with G.
CONVERSATION_ID_PATTERN: Final = r"[CDG][A-Z0-9]{1,30}"
_TS_PATTERN: Final = r"[0-9]{1,12}\.[0-9]{1,9}"
_ADDRESS: Final = re.compile(
    rf"(?P<conversation_id>{CONVERSATION_ID_PATTERN})(:(?P<thread_ts>{_TS_PATTERN}))?", re.ASCII
)
_LAST_SECOND: Final = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in Slack messages go."""

    conversation_id: str
    thread_ts: str = ""
    """The message that the thread hangs on; empty = the conversation itself."""

    @property
    def is_direct(self) -> bool:
        """Whether the bot and one person are alone here."""
        return self.conversation_id.startswith("D")

    @property
    def address(self) -> str:
        """The address of this place."""
        return f"{self.conversation_id}:{self.thread_ts}" if self.thread_ts else self.conversation_id


def read_address(address: str) -> Place | None:
    """The place that an address names; None when it names none."""
    match = _ADDRESS.fullmatch(address)
    return Place(conversation_id=match["conversation_id"], thread_ts=match["thread_ts"] or "") if match else None


def time_of(ts: str, *, default: datetime) -> datetime:
    """When the message with this `ts` was written: seconds, a point and what tells it from others."""
    if not re.fullmatch(_TS_PATTERN, ts, re.ASCII):
        return default
    seconds, _, micros = ts.partition(".")
    if not 0 < int(seconds) <= _LAST_SECOND:
        return default
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micros[:6].ljust(6, "0")))
