"""Which bodies parts become: https://docs.discord.com/developers/resources/message#create-message."""

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
from anychannel.testing import A_TIME, a_part
from providers.discord.fields import Fields
from providers.discord.gateway import Packet
from providers.discord.inbound import read_dispatch
from providers.discord.outbound import nonce, spell

URL = "https://media.example/a.png"


def button(index: int, label: str) -> dict[str, Any]:
    return {"type": 2, "style": 2, "label": label, "custom_id": f"{index}:{label}"}


@pytest.mark.parametrize(
    ("content", "body"),
    [
        pytest.param(Text(text="Grüße *👋* @everyone"), {"content": "Grüße *👋* @everyone"}, id="text"),
        pytest.param(Text(text="x" * 2000), {"content": "x" * 2000}, id="longest"),
        pytest.param(
            QuickReplies(text="Well?", replies=("Yes", "No")),
            {"content": "Well?", "components": [{"type": 1, "components": [button(0, "Yes"), button(1, "No")]}]},
            id="quick replies",
        ),
        pytest.param(
            QuickReplies(text="Well?", replies=tuple("abcdef")),
            {
                "content": "Well?",
                "components": [
                    {"type": 1, "components": [button(index, label) for index, label in enumerate("abcde")]},
                    {"type": 1, "components": [button(5, "f")]},
                ],
            },
            id="two rows",
        ),
        pytest.param(QuickReplies(text="Well?", replies=()), {"content": "Well?"}, id="no replies"),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, caption="c"),
            {"content": "c", "embeds": [{"image": {"url": URL}}]},
            id="image",
        ),
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL), {"embeds": [{"image": {"url": URL}}]}, id="image without caption"
        ),
    ],
)
def test_a_part_is_a_body(content: Content, body: dict[str, Any]) -> None:
    assert spell(a_part(content, address="42")) == {
        **body,
        "allowed_mentions": {"parse": []},
        "nonce": nonce("msg_1/0"),
        "enforce_nonce": True,
    }


@pytest.mark.parametrize(
    "content",
    [
        Attachment(kind=MediaKind.FILE, url=URL),
        Attachment(kind=MediaKind.IMAGE, media_id="1"),
        Location(latitude=1, longitude=2),
        ContactCard(name="Ada"),
        Template(name="t", language="en"),
        CustomPayload(json="{}"),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_discord_cannot_say_is_refused(content: Content) -> None:
    with pytest.raises(ContentUnsupported):
        spell(a_part(content, address="42"))


@pytest.mark.parametrize("address", ["", "4.2", "../users/@me", "\uff14\uff12", "1" * 21, "42\n"])
def test_an_address_that_is_none_is_unreachable(address: str) -> None:
    with pytest.raises(ContactUnreachable):
        spell(a_part(address=address))


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_a_nonce_is_of_one_key_and_short_enough(key: str, other: str) -> None:
    assert len(nonce(key)) == 25
    assert nonce(key).isascii()
    assert (nonce(key) == nonce(other)) is (key == other)


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=25))
def test_a_tapped_button_says_its_label(labels: list[str]) -> None:
    body: dict[str, Any] = dict(spell(a_part(QuickReplies(text="?", replies=tuple(labels)), address="42")))
    buttons = [each for row in body["components"] for each in row["components"]]

    assert len({each["custom_id"] for each in buttons}) == len(labels)
    for each, label in zip(buttons, labels, strict=True):
        assert len(each["custom_id"]) <= 100
        tap = {"id": "1", "type": 3, "channel_id": "42", "data": {"component_type": 2, "custom_id": each["custom_id"]}}
        packet = Packet(op=0, data=Fields(tap), is_resumable=False, seq=1, name="INTERACTION_CREATE")
        (event,) = read_dispatch(packet, now=A_TIME).events
        assert event.content == Text(text=label)  # type: ignore[union-attr] # a tap is a message
