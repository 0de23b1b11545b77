"""Which attachments a platform takes, as far as one can know."""

import pytest

from anychannel.capabilities import MediaLimit
from anychannel.content import Attachment, MediaKind
from core.shaping.media import objection
from core.shaping.notes import NoteCode

URL = "https://cdn.example/a"
LIMITS = (
    MediaLimit(kind=MediaKind.IMAGE, max_bytes=100, mime_types=("image/png",)),
    MediaLimit(kind=MediaKind.IMAGE, max_bytes=10, mime_types=("image/webp",)),
    MediaLimit(kind=MediaKind.AUDIO, mime_types=("audio/ogg; codecs=opus", "audio/*")),
)


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        pytest.param(Attachment(kind=MediaKind.IMAGE, url=URL), None, id="nothing known: let the platform decide"),
        pytest.param(Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/png"), None, id="type taken"),
        pytest.param(Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="IMAGE/PNG; q=1"), None, id="spelled loosely"),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/gif"),
            NoteCode.MEDIA_TYPE_AS_LINK,
            id="type not taken",
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, file_name="a.gif"), NoteCode.MEDIA_TYPE_AS_LINK, id="by its name"
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL + ".gif?x=a.png"), NoteCode.MEDIA_TYPE_AS_LINK, id="by its link"
        ),
        pytest.param(Attachment(kind=MediaKind.IMAGE, url="https://[bad/a.gif"), None, id="a link that is none"),
        pytest.param(Attachment(kind=MediaKind.IMAGE, url=URL, file_name="data:x"), None, id="a name like a link"),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/png", size_bytes=100),
            None,
            id="just small enough",
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/webp", size_bytes=100),
            NoteCode.MEDIA_SIZE_AS_LINK,
            id="too large for its type",
        ),
        pytest.param(Attachment(kind=MediaKind.AUDIO, url=URL, mime_type="audio/mpeg"), None, id="any of a family"),
        pytest.param(
            Attachment(kind=MediaKind.AUDIO, url=URL, mime_type="video/mp4"),
            NoteCode.MEDIA_TYPE_AS_LINK,
            id="another family",
        ),
        pytest.param(Attachment(kind=MediaKind.FILE, url=URL), NoteCode.MEDIA_KIND_AS_LINK, id="kind not taken"),
    ],
)
def test_objection(attachment: Attachment, code: NoteCode | None) -> None:
    note = objection(attachment, LIMITS)
    assert (note.code if note else None) == code
