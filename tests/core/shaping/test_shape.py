"""Whatever is said comes out within what the platform declared, and every loss is noted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.capabilities import Capabilities, MediaLimit, TextUnit
from anychannel.content import (
    Attachment,
    ContactCard,
    Content,
    CustomPayload,
    Location,
    MediaKind,
    QuickReplies,
    Template,
    Text,
)
from anychannel.failures import FailureKind
from core.shaping.notes import NoteCode
from core.shaping.shape import CannotExpress, shape
from core.shaping.violations import violations

PLAIN = Capabilities(max_text_length=100)
RICH = Capabilities(
    max_text_length=100,
    media=(
        MediaLimit(kind=MediaKind.IMAGE, max_bytes=1000, mime_types=("image/png", "image/jpeg")),
        MediaLimit(kind=MediaKind.FILE),
    ),
    max_caption_length=20,
    locations=True,
    max_buttons=3,
    max_button_length=10,
    contact_cards=True,
    templates=True,
    custom_payloads=True,
)
URL = "https://cdn.example/a.png"
PICTURE = Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/png", file_name="a.png", size_bytes=1000)
PLACE = Location(latitude=52.52, longitude=13.405, name="Alexanderplatz", address="Berlin")
QUESTION = QuickReplies(text="Tomorrow?", replies=("Yes", "No"))
CARD = ContactCard(name="Ada", phone_numbers=("+49151", "+49152"))
TEMPLATE = Template(name="hello", language="en")
PAYLOAD = CustomPayload(json="{}")
MAP = "https://www.google.com/maps?q=52.52,13.405"


def text(words: str) -> Text:
    return Text(text=words)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(text("Hello"), id="text"),
        pytest.param(PICTURE, id="attachment"),
        pytest.param(replace(PICTURE, caption="x" * 20), id="attachment with a caption that fits"),
        pytest.param(PLACE, id="location"),
        pytest.param(QUESTION, id="quick replies"),
        pytest.param(CARD, id="contact card"),
        pytest.param(TEMPLATE, id="template"),
        pytest.param(PAYLOAD, id="custom payload"),
    ],
)
def test_what_a_platform_can_say_stays_as_it_is(content: Content) -> None:
    shaped = shape(content, RICH)
    assert shaped.contents == (content,)
    assert shaped.notes == ()


@pytest.mark.parametrize(
    ("content", "capabilities", "expected", "codes"),
    [
        pytest.param(
            text("a" * 99 + " bb"), PLAIN, (text("a" * 99 + " "), text("bb")), [NoteCode.TEXT_SPLIT], id="long text"
        ),
        pytest.param(
            text("a" * 100 + " " * 150 + "b"),
            PLAIN,
            (text("a" * 100), text(" " * 50 + "b")),
            [NoteCode.TEXT_SPLIT, NoteCode.BLANK_DROPPED],
            id="a piece of white space only",
        ),
        pytest.param(text(" " * 150), PLAIN, (text(" " * 100),), [NoteCode.BLANK_DROPPED], id="white space only"),
        pytest.param(
            text("a" + "\u0301" * 150),
            PLAIN,
            (text("a" + "\u0301" * 99), text("\u0301" * 51)),
            [NoteCode.TEXT_SPLIT, NoteCode.CLUSTER_BROKEN],
            id="a character longer than a text",
        ),
        pytest.param(
            replace(PICTURE, caption="Invoice"),
            PLAIN,
            (text(f"Invoice\na.png: {URL}"),),
            [NoteCode.MEDIA_KIND_AS_LINK],
            id="no media",
        ),
        pytest.param(
            replace(PICTURE, file_name=""), PLAIN, (text(URL),), [NoteCode.MEDIA_KIND_AS_LINK], id="no file name"
        ),
        pytest.param(
            replace(PICTURE, mime_type="image/tiff"),
            RICH,
            (text(f"a.png: {URL}"),),
            [NoteCode.MEDIA_TYPE_AS_LINK],
            id="media type not taken",
        ),
        pytest.param(
            replace(PICTURE, size_bytes=1001),
            RICH,
            (text(f"a.png: {URL}"),),
            [NoteCode.MEDIA_SIZE_AS_LINK],
            id="too large",
        ),
        pytest.param(
            replace(PICTURE, caption="c" * 90),
            PLAIN,
            (text("c" * 90), text(f"a.png: {URL}")),
            [NoteCode.MEDIA_KIND_AS_LINK],
            id="caption and link do not fit together",
        ),
        pytest.param(
            replace(PICTURE, file_name="n" * 90),
            PLAIN,
            (text(URL),),
            [NoteCode.MEDIA_KIND_AS_LINK],
            id="the file's name gives way to the link",
        ),
        pytest.param(
            replace(PICTURE, caption="c" * 21),
            RICH,
            (PICTURE, text("c" * 21)),
            [NoteCode.CAPTION_SEPARATED],
            id="caption too long",
        ),
        pytest.param(
            replace(PICTURE, caption="c"),
            replace(RICH, max_caption_length=0),
            (PICTURE, text("c")),
            [NoteCode.CAPTION_SEPARATED],
            id="no captions",
        ),
        pytest.param(
            replace(PICTURE, caption="c" * 101),
            RICH,
            (PICTURE, text("c" * 100), text("c")),
            [NoteCode.CAPTION_SEPARATED, NoteCode.TEXT_SPLIT],
            id="caption longer than a text",
        ),
        pytest.param(
            replace(PICTURE, caption=" " * 30), RICH, (PICTURE,), [NoteCode.BLANK_DROPPED], id="caption of white space"
        ),
        pytest.param(
            PLACE,
            PLAIN,
            (text(f"Alexanderplatz\nBerlin\n{MAP}"),),
            [NoteCode.LOCATION_AS_LINK],
            id="location with name and address",
        ),
        pytest.param(
            Location(latitude=52.52, longitude=13.405),
            PLAIN,
            (text(MAP),),
            [NoteCode.LOCATION_AS_LINK],
            id="location alone",
        ),
        pytest.param(
            replace(PLACE, name="n" * 80),
            PLAIN,
            (text("n" * 80 + "\nBerlin"), text(MAP)),
            [NoteCode.LOCATION_AS_LINK],
            id="the map's link is not cut",
        ),
        pytest.param(
            replace(QUESTION, replies=("A", "B", "C", "D")),
            RICH,
            (text("Tomorrow?\n1. A\n2. B\n3. C\n4. D"),),
            [NoteCode.BUTTONS_AS_LIST],
            id="too many buttons",
        ),
        pytest.param(
            replace(QUESTION, replies=("A", "B" * 11)),
            RICH,
            (text("Tomorrow?\n1. A\n2. BBBBBBBBBBB"),),
            [NoteCode.BUTTONS_AS_LIST],
            id="label too long",
        ),
        pytest.param(
            replace(QUESTION, text="q" * 98, replies=("A",)),
            PLAIN,
            (text("q" * 98 + "\n"), text("1. A")),
            [NoteCode.BUTTONS_AS_LIST, NoteCode.TEXT_SPLIT],
            id="list too long",
        ),
        pytest.param(
            replace(QUESTION, text="q" * 99 + " now?"),
            RICH,
            (text("q" * 99 + " "), replace(QUESTION, text="now?")),
            [NoteCode.TEXT_SPLIT],
            id="the last piece of the question has the buttons",
        ),
        pytest.param(replace(QUESTION, replies=()), RICH, (text("Tomorrow?"),), [], id="no answers to tap"),
        pytest.param(CARD, PLAIN, (text("Ada\n+49151\n+49152"),), [NoteCode.CONTACT_CARD_AS_TEXT], id="contact card"),
    ],
)
def test_what_a_platform_cannot_say_is_said_otherwise(
    content: Content, capabilities: Capabilities, expected: tuple[Content, ...], codes: list[NoteCode]
) -> None:
    shaped = shape(content, capabilities)
    assert shaped.contents == expected
    assert [note.code for note in shaped.notes] == codes
    assert all(note.text.endswith(".") for note in shaped.notes)


@pytest.mark.parametrize(
    ("content", "capabilities", "reason"),
    [
        pytest.param(TEMPLATE, PLAIN, "templates", id="template"),
        pytest.param(PAYLOAD, PLAIN, "custom payloads", id="custom payload"),
        pytest.param(replace(PICTURE, url="https://cdn.example/" + "x" * 81), PLAIN, "link is longer", id="long link"),
        pytest.param(replace(PICTURE, url="", media_id="7"), RICH, "no link", id="attachment without a link"),
        pytest.param(text("a"), replace(PLAIN, max_text_length=0), "takes no text", id="no text at all"),
        pytest.param(
            text("👍"),
            Capabilities(max_text_length=3, text_unit=TextUnit.BYTES),
            "takes no text",
            id="no room for a character",
        ),
    ],
)
def test_what_cannot_be_said_at_all_is_a_failure(content: Content, capabilities: Capabilities, reason: str) -> None:
    with pytest.raises(CannotExpress, match=reason) as caught:
        shape(content, capabilities)
    assert caught.value.failure.kind is FailureKind.CONTENT_UNSUPPORTED
    assert not caught.value.failure.kind.is_retryable


@pytest.mark.parametrize(
    ("content", "capabilities", "expected"),
    [
        pytest.param(text("a" * 101), PLAIN, ("text of 101 characters, at most 100",), id="text"),
        pytest.param(PICTURE, PLAIN, ("attachment: media_kind_as_link",), id="kind"),
        pytest.param(replace(PICTURE, size_bytes=1001), RICH, ("attachment: media_size_as_link",), id="size"),
        pytest.param(replace(PICTURE, url=""), RICH, ("attachment without a link",), id="link"),
        pytest.param(replace(PICTURE, caption="c" * 21), RICH, ("caption of 21 characters, at most 20",), id="caption"),
        pytest.param(PLACE, PLAIN, ("no locations on this platform",), id="location"),
        pytest.param(CARD, PLAIN, ("no contact cards on this platform",), id="contact card"),
        pytest.param(TEMPLATE, PLAIN, ("no templates on this platform",), id="template"),
        pytest.param(PAYLOAD, PLAIN, ("no custom payloads on this platform",), id="custom payload"),
        pytest.param(QUESTION, PLAIN, ("2 buttons, at most 0",), id="buttons"),
        pytest.param(
            replace(QUESTION, replies=("B" * 11,)), RICH, ("a button of 11 characters, at most 10",), id="label"
        ),
    ],
)
def test_violations_are_found(content: Content, capabilities: Capabilities, expected: tuple[str, ...]) -> None:
    assert violations(content, capabilities) == expected


words = st.text(st.sampled_from("ab .\n€я👍\u0301\u200d🇩"), max_size=120)
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, text=words),
    st.builds(
        Attachment,
        kind=st.sampled_from(MediaKind),
        url=st.sampled_from([URL, "https://cdn.example/" + "x" * 60, ""]),
        mime_type=st.sampled_from(["", "image/png", "Video/MP4; codecs=avc1"]),
        file_name=words,
        caption=words,
        size_bytes=st.integers(0, 3000),
    ),
    st.builds(Location, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), name=words, address=words),
    st.builds(QuickReplies, text=words, replies=st.lists(words, max_size=10).map(tuple)),
    st.builds(ContactCard, name=words, phone_numbers=st.lists(words, max_size=3).map(tuple)),
    st.just(TEMPLATE),
    st.just(PAYLOAD),
)
all_capabilities = st.builds(
    Capabilities,
    max_text_length=st.integers(0, 150),
    text_unit=st.sampled_from(TextUnit),
    media=st.lists(
        st.builds(
            MediaLimit,
            kind=st.sampled_from(MediaKind),
            max_bytes=st.integers(0, 2000),
            mime_types=st.sampled_from([(), ("image/*",), ("video/mp4", "image/jpeg")]),
        ),
        max_size=5,
    ).map(tuple),
    max_caption_length=st.integers(0, 100),
    locations=st.booleans(),
    max_buttons=st.integers(0, 10),
    max_button_length=st.integers(0, 100),
    contact_cards=st.booleans(),
    templates=st.booleans(),
    custom_payloads=st.booleans(),
)


@given(contents, all_capabilities)
def test_every_outcome_keeps_every_limit(content: Content, capabilities: Capabilities) -> None:
    try:
        shaped = shape(content, capabilities)
    except CannotExpress:
        assert violations(content, capabilities)
        return
    assert shaped.contents
    assert [violation for part in shaped.contents for violation in violations(part, capabilities)] == []
    assert all(note.code in set(NoteCode) for note in shaped.notes)


@given(contents, all_capabilities)
def test_what_changed_is_noted_and_what_is_noted_changed(content: Content, capabilities: Capabilities) -> None:
    try:
        shaped = shape(content, capabilities)
    except CannotExpress:
        return
    is_unchanged = shaped.contents == (content,)
    has_nothing_to_tap = isinstance(content, QuickReplies) and not content.replies
    assert is_unchanged == (not shaped.notes) or has_nothing_to_tap
