"""Content spelled as plain text, for whoever cannot show it otherwise.

No word of ours goes to a contact: what language they read is not known.
"""

from anychannel.content import Attachment, ContactCard, Location, QuickReplies, Template

_MAP_URL = "https://www.google.com/maps?q="
_DEGREE_DECIMALS = 6  # a decimetre


def media_link(attachment: Attachment) -> str:
    """The link in a line of its own, after the file's name if it has one."""
    return f"{attachment.file_name}: {attachment.url}" if attachment.file_name else attachment.url


def map_link(location: Location) -> str:
    """A link that every browser and most phones open as a map."""
    return f"{_MAP_URL}{_degrees(location.latitude)},{_degrees(location.longitude)}"


def place(location: Location) -> str:
    """Name and address, each in a line, as far as they are known."""
    return _lines(location.name, location.address)


def numbered_list(question: QuickReplies) -> str:
    """The question, and under it the answers with numbers."""
    return _lines(question.text, *(f"{number}. {reply}" for number, reply in enumerate(question.replies, start=1)))


def address_book_entry(card: ContactCard) -> str:
    """The name, and under it the phone numbers."""
    return _lines(card.name, *card.phone_numbers)


def template(content: Template) -> str:
    """What is known of a template without the platform that keeps its words: its name and what was filled in."""
    return _lines(f"{content.name} ({content.language})" if content.language else content.name, *content.parameters)


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _degrees(value: float) -> str:
    digits = f"{value:.{_DEGREE_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits
