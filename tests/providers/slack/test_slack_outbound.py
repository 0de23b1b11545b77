"""Which parameters parts become: https://docs.slack.dev/reference/methods/chat.postMessage."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    ContactCard,
    ContactUnreachable,
    Content,
    ContentUnsupported,
    CustomPayload,
    Location,
    MediaKind,
    QuickReplies,
    Template,
    Text,
)
from anychannel.testing import a_part
from providers.slack.address import read_address
from providers.slack.markup import read_markup
from providers.slack.outbound import spell

URL = "https://media.example/a.png"


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def button(index: int, label: str, value: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": label, "emoji": False}
    return {"type": "button", "text": text, "action_id": f"quick_reply:{index}", "value": value}


@pytest.mark.parametrize(
    ("content", "parameters"),
    [
        pytest.param(Text(text="Grüße *👋*"), {"text": "Grüße *👋*", "mrkdwn": False}, id="text"),
        pytest.param(
            Text(text="<!channel> a & b"),
            {"text": "&lt;!channel&gt; a &amp; b", "mrkdwn": False},
            id="control characters",
        ),
        pytest.param(Text(text="x" * 4000), {"text": "x" * 4000, "mrkdwn": False}, id="longest"),
        pytest.param(
            QuickReplies(text="Well?", replies=("Yes", "No & never")),
            {
                "text": "Well?",
                "mrkdwn": False,
                "blocks": [
                    section("Well?"),
                    {
                        "type": "actions",
                        "elements": [button(0, "Yes", "Yes"), button(1, "No &amp; never", "No & never")],
                    },
                ],
            },
            id="quick replies",
        ),
        pytest.param(
            QuickReplies(text="Well?", replies=()),
            {"text": "Well?", "mrkdwn": False, "blocks": [section("Well?")]},
            id="no replies",
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, caption="c", file_name="a.png"),
            {
                "text": "c",
                "mrkdwn": False,
                "blocks": [{"type": "image", "image_url": URL, "alt_text": "a.png"}, section("c")],
            },
            id="image",
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL),
            {
                "text": "Picture",
                "mrkdwn": False,
                "blocks": [{"type": "image", "image_url": URL, "alt_text": "Picture"}],
            },
            id="image without a name",
        ),
    ],
)
def test_a_part_is_parameters(content: Content, parameters: dict[str, Any]) -> None:
    assert spell(a_part(content, address="D024BE91L")) == {"channel": "D024BE91L", **parameters}


def test_a_thread_is_answered_in_it() -> None:
    parameters = spell(a_part("hi", address="C024BE91L:1355517500.000001"))

    assert (parameters["channel"], parameters["thread_ts"]) == ("C024BE91L", "1355517500.000001")


@pytest.mark.parametrize(
    "content",
    [
        Attachment(kind=MediaKind.FILE, url=URL),
        Attachment(kind=MediaKind.IMAGE, media_id="F1"),
        Location(latitude=1, longitude=2),
        ContactCard(name="Ada"),
        Template(name="t", language="en"),
        CustomPayload(json="{}"),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_slack_cannot_say_is_refused(content: Content) -> None:
    with pytest.raises(ContentUnsupported):
        spell(a_part(content, address="D024BE91L"))


@pytest.mark.parametrize("address", ["", "#general", "U024BE91L", "D024BE91L:", "D024BE91L:x", "d024be91l", "C1:1.0\n"])
def test_an_address_that_is_none_is_unreachable(address: str) -> None:
    with pytest.raises(ContactUnreachable):
        spell(a_part(address=address))


@given(st.text(min_size=1, max_size=20), st.integers(1, 300))
def test_a_long_question_fits_its_sections_and_loses_nothing(words: str, times: int) -> None:
    text = (words * times)[:4000]
    parameters: dict[str, Any] = dict(spell(a_part(QuickReplies(text=text, replies=("a",)), address="D1")))

    sections = [block["text"]["text"] for block in parameters["blocks"] if block["type"] == "section"]
    assert all(0 < len(each) <= 3000 for each in sections)
    assert "".join(map(read_markup, sections)) == text


@given(st.text(max_size=40))
def test_no_address_makes_it_raise(address: str) -> None:
    place = read_address(address)

    assert place is None or place.address == address
