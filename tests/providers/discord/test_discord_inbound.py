"""What the gateway dispatches. Payloads after https://docs.discord.com/developers/resources/message#message-object."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anychannel import Attachment, Contact, Content, MediaKind, MessageReceived, Text
from anychannel.testing import A_TIME
from providers.discord.fields import Fields
from providers.discord.gateway import Packet, read_packet
from providers.discord.inbound import Interaction, Reading, read_dispatch

# https://docs.discord.com/developers/resources/user#user-object-example-user
AUTHOR = {
    "id": "80351110224678912",
    "username": "nelly",
    "global_name": "Nelly",
    "avatar": "8342729096ea3675442027381ff50dfe",
}
MESSAGE: dict[str, Any] = {
    "id": "334385199974967042",
    "channel_id": "290926798999357250",
    "author": AUTHOR,
    "content": "Supa Hot",
    "timestamp": "2017-07-11T17:27:07.299000+00:00",
    "edited_timestamp": None,
    "mentions": [],
    "attachments": [],
    "type": 0,
}
CDN = "https://cdn.discordapp.com/attachments/1012345678900020080/1234567891233211234/my_image.png?ex=65d903de&is=65c68ede&hm=24"
IMAGE = {"id": "1", "filename": "my_image.png", "content_type": "image/png", "size": 196920, "url": CDN}


def read(name: str, data: object) -> Reading:
    return read_dispatch(Packet(op=0, data=Fields(data), is_resumable=False, seq=1, name=name), now=A_TIME)


def only(reading: Reading) -> MessageReceived:
    (event,) = reading.events
    assert isinstance(event, MessageReceived)
    return event


def test_a_message() -> None:
    event = only(read("MESSAGE_CREATE", MESSAGE))

    assert event.platform_event_id == event.platform_message_id == "334385199974967042"
    assert event.event_time == datetime(2017, 7, 11, 17, 27, 7, 299000, tzinfo=UTC)
    assert event.contact == Contact(
        address="290926798999357250",
        first_name="Nelly",
        picture_url="https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png",
    )
    assert (event.content, event.notes) == (Text(text="Supa Hot"), ())


@pytest.mark.parametrize(
    ("changes", "content"),
    [
        pytest.param({"content": "Grüße 👋\nzwei"}, Text(text="Grüße 👋\nzwei"), id="not ASCII"),
        pytest.param({"content": "x" * 4000}, Text(text="x" * 4000), id="as long as Nitro allows"),
        pytest.param({"content": "\ud83d broken"}, Text(text="� broken"), id="lone surrogate"),
        pytest.param({"type": 19}, Text(text="Supa Hot"), id="reply"),
        pytest.param(
            {"content": "hi <@!80351110224678912> and <@5>", "mentions": [AUTHOR]},
            Text(text="hi @Nelly and @5"),
            id="mention",
        ),
        pytest.param({"content": "<:mmLol:216154654256398347> <a:b1nzy:392938283556143104>"}, Text(text=":mmLol: :b1nzy:"), id="emoji"),
        pytest.param({"content": "", "sticker_items": [{"id": "1", "name": "Wave"}]}, Text(text="[Wave]"), id="sticker"),
        pytest.param({"content": "", "poll": {"question": {"text": "Tea?"}}}, Text(text="Tea?"), id="poll"),
        pytest.param({"content": ""}, Text(text="[a message that cannot be shown here]"), id="nothing that can be shown"),
        pytest.param(
            {"content": "", "message_snapshots": [{"message": {"content": "forwarded"}}]}, Text(text="forwarded"), id="forward"
        ),
        pytest.param(
            {"attachments": [IMAGE]},
            Attachment(
                kind=MediaKind.IMAGE,
                url=CDN,
                mime_type="image/png",
                file_name="my_image.png",
                caption="Supa Hot",
                size_bytes=196920,
            ),
            id="image",
        ),
        pytest.param(
            {"content": "", "attachments": [{**IMAGE, "content_type": "video/mp4"}]},
            Attachment(kind=MediaKind.VIDEO, url=CDN, mime_type="video/mp4", file_name="my_image.png", size_bytes=196920),
            id="video",
        ),
        pytest.param(
            {"content": "", "attachments": [{"url": CDN, "content_type": "audio/ogg", "waveform": "AA=="}]},
            Attachment(kind=MediaKind.AUDIO, url=CDN, mime_type="audio/ogg"),
            id="voice message",
        ),
        pytest.param(
            {"content": "", "attachments": [{"url": CDN}]}, Attachment(kind=MediaKind.FILE, url=CDN), id="file of no type"
        ),
        pytest.param({"attachments": [{"url": "http://[", "size": -1}]}, Text(text="Supa Hot"), id="attachment without address"),
    ],
)  # fmt: skip
def test_what_a_message_says(changes: dict[str, Any], content: Content) -> None:
    assert only(read("MESSAGE_CREATE", {**MESSAGE, **changes})).content == content


def test_each_attachment_is_a_message_with_an_id_of_its_own() -> None:
    reading = read("MESSAGE_CREATE", {**MESSAGE, "attachments": [IMAGE, IMAGE, IMAGE]})

    assert [event.platform_event_id for event in reading.events] == [
        "334385199974967042",
        "334385199974967042:1",
        "334385199974967042:2",
    ]
    contents = [event.content for event in reading.events if isinstance(event, MessageReceived)]
    assert [content.caption for content in contents if isinstance(content, Attachment)] == ["Supa Hot", "", ""]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        pytest.param(
            "MESSAGE_CREATE", {**MESSAGE, "guild_id": "290926798626357999"}, "server_ignored", id="of a server"
        ),
        pytest.param("MESSAGE_CREATE", {**MESSAGE, "author": {**AUTHOR, "bot": True}}, "bot_ignored", id="own message"),
        pytest.param("MESSAGE_CREATE", {**MESSAGE, "webhook_id": "1"}, "bot_ignored", id="webhook"),
        pytest.param("MESSAGE_CREATE", {**MESSAGE, "type": 6}, "service_message_ignored", id="pinned"),
        pytest.param("MESSAGE_CREATE", {**MESSAGE, "id": 334385199974967042}, "not_understood", id="id is a number"),
        pytest.param("MESSAGE_CREATE", {"author": AUTHOR}, "not_understood", id="nothing in it"),
        pytest.param("MESSAGE_UPDATE", MESSAGE, "event_ignored", id="edited"),
        pytest.param("MESSAGE_DELETE", {"id": "1"}, "event_ignored", id="deleted"),
        pytest.param("SOMETHING_NEW", {}, "event_ignored", id="unknown"),
    ],
)
def test_what_is_ignored_is_noted(name: str, data: object, code: str) -> None:
    reading = read(name, data)

    assert (reading.events, [note.code for note in reading.notes]) == ((), [code])


@pytest.mark.parametrize("name", ["READY", "RESUMED"])
def test_the_session_s_own_dispatches_say_nothing(name: str) -> None:
    assert read(name, {}) == Reading()


# https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object
TAP: dict[str, Any] = {
    "id": "846462639134605312",
    "application_id": "845027738276462632",
    "type": 3,
    "token": "UNIQUE_TOKEN",
    "channel_id": "290926798999357250",
    "user": AUTHOR,
    "locale": "en-GB",
    "context": 1,
    "data": {"component_type": 2, "custom_id": "0:Yes"},
}


def test_a_tap_is_a_text() -> None:
    reading = read("INTERACTION_CREATE", TAP)
    event = only(reading)

    assert (event.content, event.platform_event_id) == (Text(text="Yes"), "846462639134605312")
    assert (event.event_time, event.contact.language) == (A_TIME, "en-GB")
    assert reading.interaction == Interaction(interaction_id="846462639134605312", token="UNIQUE_TOKEN")
    assert "UNIQUE_TOKEN" not in repr(reading)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"guild_id": "1"}, "server_ignored", id="of a server"),
        pytest.param({"context": 2}, "server_ignored", id="of two other people"),
        pytest.param({"type": 2}, "interaction_ignored", id="command"),
        pytest.param({"data": {"component_type": 3, "custom_id": "0:Yes"}}, "interaction_ignored", id="menu"),
        pytest.param({"data": {"component_type": 2, "custom_id": "Yes"}}, "interaction_ignored", id="not our button"),
        pytest.param({"id": ""}, "interaction_ignored", id="no id"),
    ],
)
def test_another_interaction_is_ignored(changes: dict[str, Any], code: str) -> None:
    reading = read("INTERACTION_CREATE", {**TAP, **changes})

    assert (reading.events, reading.interaction, [note.code for note in reading.notes]) == ((), None, [code])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(["MESSAGE_CREATE", "INTERACTION_CREATE", "READY", "X"]), data=st.data())
def test_no_dispatch_makes_it_raise(name: str, data: st.DataObject) -> None:
    base = MESSAGE if name == "MESSAGE_CREATE" else TAP
    broken = data.draw(
        st.dictionaries(st.sampled_from([*base, "guild_id", "message_snapshots", "poll"]), JSON, max_size=4)
    )

    for event in read(name, {**base, **broken}).events:
        assert event.event_time.tzinfo is not None
        assert event.platform_event_id


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_no_packet_makes_it_raise(text: str) -> None:
    read_packet(text)
