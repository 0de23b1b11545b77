"""A send as an inbox asked for it, and the refusal of one."""

from dataclasses import dataclass

from anychannel.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSend:
    """What an agent, a workflow or a broadcast wants to say, and to whom."""

    contact_id: str
    """As the inbox spells it; it fits the channel's id type."""
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a send was not even stored."""

    status_code: int
    """HTTP, 4xx."""
    text: str
    """One sentence an agent understands."""
    field: str = ""
    """Where, for instance `message.attachment.url`; empty = the request as a whole."""


class RequestRefused(Exception):
    """The request is not a send that could be read."""

    def __init__(self, status_code: int, text: str, field: str = "") -> None:
        super().__init__(text)
        self.refusal = Refusal(status_code=status_code, text=text, field=field)

    @property
    def status_code(self) -> int:
        """HTTP, 4xx."""
        return self.refusal.status_code

    @property
    def text(self) -> str:
        """One sentence an agent understands."""
        return self.refusal.text

    @property
    def field(self) -> str:
        """Where, or empty."""
        return self.refusal.field


def refused_field(field: str, rule: str) -> RequestRefused:
    """Refuse one field of a request; `rule` goes on after the field's name."""
    return RequestRefused(400, f"{field} {rule}", field)
