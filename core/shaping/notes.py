"""What shaping may have to say about a message. The codes are stable: they are stored, shown and counted."""

from enum import StrEnum

from anychannel.content import Note


class NoteCode(StrEnum):
    """Everything that can be changed or lost."""

    TEXT_SPLIT = "text_split"
    """A text longer than the platform takes went as several."""
    CLUSTER_BROKEN = "cluster_broken"
    """One visible character was longer than a whole text may be, and was torn."""
    BLANK_DROPPED = "blank_dropped"
    """A piece of a split text was nothing but white space, which platforms refuse."""
    MEDIA_KIND_AS_LINK = "media_kind_as_link"
    """The platform does not take this kind of attachment: it went as a link."""
    MEDIA_TYPE_AS_LINK = "media_type_as_link"
    """The platform does not take this media type: it went as a link."""
    MEDIA_SIZE_AS_LINK = "media_size_as_link"
    """The attachment is larger than the platform takes: it went as a link."""
    CAPTION_SEPARATED = "caption_separated"
    """The caption went as a text of its own, after the attachment."""
    LOCATION_AS_LINK = "location_as_link"
    """The location went as a link to a map."""
    BUTTONS_AS_LIST = "buttons_as_list"
    """The quick replies went as a numbered list."""
    CONTACT_CARD_AS_TEXT = "contact_card_as_text"
    """The contact card went as a text."""

    def note(self, text: str) -> Note:
        """Say it about one message, in a sentence."""
        return Note(code=self.value, text=text)
