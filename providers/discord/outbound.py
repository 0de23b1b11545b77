"""Spells a part as the body of one message. Core has shaped it already: no limit is checked again here.

https://docs.discord.com/developers/resources/message#create-message

Discord reads markdown in every text, and has no way to switch that off; escaping would break addresses and make texts
longer than they may be, so texts go as they are. Nobody is mentioned by one.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from anychannel import Attachment, ContactUnreachable, ContentUnsupported, MediaKind, Part, QuickReplies, Text

_CHANNEL_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_NONCE_LENGTH: Final = 25
# https://docs.discord.com/developers/components/reference#action-row
_BUTTONS_IN_A_ROW: Final = 5
_ACTION_ROW: Final = 1
_BUTTON: Final = 2
_SECONDARY: Final = 2


def spell(part: Part) -> Mapping[str, object]:
    """The body that sends `part`. Raises ContactUnreachable or ContentUnsupported for what it cannot say."""
    if not _CHANNEL_ID.fullmatch(part.address):
        raise ContactUnreachable("The contact's address is not the id of a Discord conversation.")
    return {
        **_spell_content(part),
        "allowed_mentions": {"parse": []},
        # The same nonce within the past few minutes gives the message that was made before, and makes no other.
        "nonce": nonce(part.idempotency_key),
        "enforce_nonce": True,
    }


def nonce(idempotency_key: str) -> str:
    """25 characters that are the same for every attempt at a part, and for no other part."""
    digest = hashlib.sha256(idempotency_key.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_NONCE_LENGTH]


def _spell_content(part: Part) -> Mapping[str, object]:
    match part.content:
        case Text(text=text):
            return {"content": text}
        case QuickReplies(text=text, replies=replies):
            return {"content": text, **({"components": _rows(replies)} if replies else {})}
        case Attachment(kind=MediaKind.IMAGE, url=url, caption=caption) if url:
            # https://docs.discord.com/developers/resources/message#embed-object-embed-image-structure
            return {**({"content": caption} if caption else {}), "embeds": [{"image": {"url": url}}]}
        case _:
            raise ContentUnsupported("Discord takes texts, pictures by their address, and buttons here.")


def _rows(replies: tuple[str, ...]) -> list[Mapping[str, object]]:
    # The label rides in the custom_id, of up to 100 characters, and comes back when tapped; the index tells equal ones apart.
    buttons = [
        {"type": _BUTTON, "style": _SECONDARY, "label": label, "custom_id": f"{index}:{label}"}
        for index, label in enumerate(replies)
    ]
    return [
        {"type": _ACTION_ROW, "components": buttons[start : start + _BUTTONS_IN_A_ROW]}
        for start in range(0, len(buttons), _BUTTONS_IN_A_ROW)
    ]
