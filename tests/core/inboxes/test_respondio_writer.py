"""What the inbox is told keeps every rule that is known of it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from anychannel.events import Contact
from anychannel.failures import Failure, FailureKind
from anychannel.message import Status
from core.inboxes.binding import IdType, InboxBinding, StatusShape
from core.inboxes.respondio import (
    accepted_body,
    contact_object,
    count_envelopes,
    echo_envelopes,
    encode,
    error_body,
    message_envelopes,
    status_envelope,
)

BINDING = InboxBinding(
    webhook_url="https://inbox.example/custom/channel/webhook/",
    inbox_channel_id="c0ffee1234",
    id_type=IdType.PHONE,
)
PHONE = "+4915112345678"
ADA = Contact(address=PHONE, first_name="Ada", phone=PHONE)
MESSAGE_ID = "msg_01jd2x3y4z5a6b7c8d9e0f1g2h"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://cdn.example/a.png"
FAILURE = Failure(kind=FailureKind.CONTACT_OPTED_OUT, text="The contact blocked the channel.")


def told(content: Content) -> list[dict[str, Any]]:
    envelopes = message_envelopes(
        binding=BINDING,
        contact_id=PHONE,
        contact=ADA,
        message_id=MESSAGE_ID,
        event_time=NEW_YEAR,
        content=content,
    )
    return [envelope["events"][0] for envelope in envelopes]


def test_a_message_is_one_envelope_as_the_contract_shows_it() -> None:
    (envelope,) = message_envelopes(
        binding=BINDING,
        contact_id=PHONE,
        contact=ADA,
        message_id=MESSAGE_ID,
        event_time=NEW_YEAR,
        content=Text(text="Hi, where is my parcel?"),
    )
    assert envelope == {
        "channelId": "c0ffee1234",
        "contactId": PHONE,
        "events": [
            {
                "type": "message",
                "mId": MESSAGE_ID,
                "timestamp": 1767225600000,
                "message": {"type": "text", "text": "Hi, where is my parcel?"},
            }
        ],
        "contact": {"firstName": "Ada", "phone": PHONE},
    }


def test_an_echo_differs_in_its_type_only() -> None:
    about: dict[str, Any] = {
        "binding": BINDING,
        "contact_id": PHONE,
        "contact": None,
        "message_id": MESSAGE_ID,
        "event_time": NEW_YEAR,
        "content": Text(text="Answered from the phone."),
    }
    (message,) = message_envelopes(**about)
    (echo,) = echo_envelopes(**about)
    message["events"][0]["type"] = "message_echo"
    assert echo == message
    assert "contact" not in echo


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            Attachment(kind=MediaKind.IMAGE, url=URL, mime_type="image/png", file_name="a.png", size_bytes=7),
            {
                "type": "attachment",
                "attachment": {"type": "image", "url": URL, "mimeType": "image/png", "fileName": "a.png"},
            },
            id="attachment",
        ),
        pytest.param(
            Attachment(kind=MediaKind.FILE, url=URL),
            {"type": "attachment", "attachment": {"type": "file", "url": URL}},
            id="attachment of which little is known",
        ),
        pytest.param(
            Location(latitude=52.52, longitude=13.405, name="Alex", address="Berlin"),
            {"type": "location", "latitude": 52.52, "longitude": 13.405, "address": "Alex, Berlin"},
            id="location",
        ),
        pytest.param(
            Location(latitude=52.52, longitude=13.405, name="Alex", address="Alex, 10178 Berlin"),
            {"type": "location", "latitude": 52.52, "longitude": 13.405, "address": "Alex, 10178 Berlin"},
            id="location whose address repeats its name",
        ),
        pytest.param(
            Location(latitude=0, longitude=0), {"type": "location", "latitude": 0, "longitude": 0}, id="bare location"
        ),
        pytest.param(
            QuickReplies(text="Tomorrow?", replies=("Yes", "No")),
            {"type": "text", "text": "Tomorrow?\n1. Yes\n2. No"},
            id="quick replies",
        ),
        pytest.param(
            ContactCard(name="Ada", phone_numbers=("+49151",)),
            {"type": "text", "text": "Ada\n+49151"},
            id="contact card",
        ),
        pytest.param(
            Template(name="hello", language="en_US", parameters=("Ada",)),
            {"type": "text", "text": "hello (en_US)\nAda"},
            id="template",
        ),
        pytest.param(CustomPayload(json='{"a":1}'), {"type": "text", "text": '{"a":1}'}, id="custom payload"),
    ],
)
def test_every_content_has_a_message(content: Content, message: dict[str, Any]) -> None:
    assert [event["message"] for event in told(content)] == [message]


def test_a_caption_follows_as_a_message_of_its_own() -> None:
    picture, words = told(Attachment(kind=MediaKind.IMAGE, url=URL, caption="Invoice"))
    assert picture["message"] == {"type": "attachment", "attachment": {"type": "image", "url": URL}}
    assert words["message"] == {"type": "text", "text": "Invoice"}
    assert (picture["mId"], words["mId"]) == (MESSAGE_ID, MESSAGE_ID + "-2")
    assert len(words["mId"]) <= 50


@pytest.mark.parametrize(
    ("caption", "count"),
    [
        pytest.param("", 1, id="none"),
        pytest.param(" \n", 1, id="white space says nothing"),
        pytest.param("Invoice", 2, id="words"),
    ],
)
def test_envelopes_are_counted_as_they_are_made(caption: str, count: int) -> None:
    content = Attachment(kind=MediaKind.IMAGE, url=URL, caption=caption)
    assert count_envelopes(content) == len(told(content)) == count


@pytest.mark.parametrize("url", ["", "data:image/png;base64,AA==", "https://a:b@cdn.example/"])
def test_an_attachment_needs_a_link(url: str) -> None:
    with pytest.raises(ValueError, match="link"):
        told(Attachment(kind=MediaKind.IMAGE, url=url, media_id="7"))


def test_an_event_id_is_never_longer_than_the_inbox_allows() -> None:
    about: dict[str, Any] = {"binding": BINDING, "contact_id": PHONE, "contact": None, "event_time": NEW_YEAR}
    assert message_envelopes(message_id="m" * 50, content=Text(text="x"), **about)
    with pytest.raises(ValueError, match="50"):
        message_envelopes(message_id="m" * 51, content=Text(text="x"), **about)
    captioned = Attachment(kind=MediaKind.IMAGE, url=URL, caption="x")
    with pytest.raises(ValueError, match="50"):
        message_envelopes(message_id="m" * 50, content=captioned, **about)


@pytest.mark.parametrize(
    ("shape", "status", "failure", "said"),
    [
        pytest.param(StatusShape.NESTED, Status.SENT, None, {"status": {"value": "sent"}}, id="nested"),
        pytest.param(
            StatusShape.NESTED,
            Status.FAILED,
            FAILURE,
            {"status": {"value": "failed", "message": FAILURE.text}},
            id="nested failure",
        ),
        pytest.param(StatusShape.NESTED, Status.FAILED, None, {"status": {"value": "failed"}}, id="no reason known"),
        pytest.param(
            StatusShape.NESTED, Status.READ, FAILURE, {"status": {"value": "read"}}, id="reason of no failure"
        ),
        pytest.param(StatusShape.FLAT, Status.DELIVERED, None, {"status": "delivered"}, id="flat"),
        pytest.param(
            StatusShape.FLAT, Status.FAILED, FAILURE, {"status": "failed", "error": FAILURE.text}, id="flat failure"
        ),
    ],
)
def test_statuses(shape: StatusShape, status: Status, failure: Failure | None, said: dict[str, Any]) -> None:
    envelope = status_envelope(
        binding=replace(BINDING, status_shape=shape),
        contact_id=PHONE,
        message_id=MESSAGE_ID,
        event_time=NEW_YEAR,
        status=status,
        failure=failure,
    )
    assert envelope == {
        "channelId": "c0ffee1234",
        "contactId": PHONE,
        "events": [{"type": "message_status", "mId": MESSAGE_ID, "timestamp": 1767225600000, **said}],
    }


def test_an_inbox_knows_no_accepted() -> None:
    with pytest.raises(ValueError, match="accepted"):
        status_envelope(binding=BINDING, contact_id=PHONE, message_id="m", event_time=NEW_YEAR, status=Status.ACCEPTED)


@pytest.mark.parametrize(
    ("event_time", "timestamp"),
    [
        pytest.param(NEW_YEAR + timedelta(microseconds=1999), 1767225600001, id="cut to the millisecond"),
        pytest.param(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 1767225600000, id="any zone"),
    ],
)
def test_timestamps_are_milliseconds(event_time: datetime, timestamp: int) -> None:
    (envelope,) = message_envelopes(
        binding=BINDING,
        contact_id=PHONE,
        contact=None,
        message_id="m",
        event_time=event_time,
        content=Text(text="x"),
    )
    assert envelope["events"][0]["timestamp"] == timestamp


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        pytest.param({}, {}, id="nothing known"),
        pytest.param(
            {
                "first_name": "Ada",
                "last_name": "Example",
                "picture_url": "https://cdn.example/a.jpg",
                "country_code": "DE",
                "email": "ada@example.org",
                "phone": PHONE,
                "language": "de",
            },
            {
                "firstName": "Ada",
                "lastName": "Example",
                "profilePic": "https://cdn.example/a.jpg",
                "countryCode": "DE",
                "email": "ada@example.org",
                "phone": PHONE,
                "language": "de",
            },
            id="everything known",
        ),
        pytest.param({"first_name": " Ada ", "last_name": " "}, {"firstName": "Ada"}, id="names are trimmed"),
        pytest.param({"language": "pt-BR"}, {"language": "pt"}, id="the language of a tag"),
        pytest.param({"language": "zh_Hant"}, {"language": "zh"}, id="spelled otherwise"),
        pytest.param({"language": "fil"}, {}, id="a language of three letters"),
        pytest.param({"country_code": "de"}, {"countryCode": "DE"}, id="country in lower case"),
        pytest.param({"country_code": "DEU"}, {}, id="country of three letters"),
        pytest.param({"phone": "015112345678"}, {}, id="a national number"),
        pytest.param({"phone": PHONE + "\n"}, {"phone": PHONE}, id="a line end"),
        pytest.param({"email": "ada@localhost"}, {}, id="mail to a machine"),
        pytest.param({"email": "ada example@example.org"}, {}, id="mail with a space"),
        pytest.param({"email": "ada@" + "x." * 130 + "org"}, {}, id="mail too long"),
        pytest.param({"picture_url": "http://cdn.example/a.jpg"}, {}, id="a picture without TLS"),
        pytest.param({"picture_url": "https://a:b@cdn.example/a.jpg"}, {}, id="a picture with a password"),
    ],
)
def test_contacts_are_told_as_far_as_known(fields: dict[str, str], known: dict[str, str]) -> None:
    assert contact_object(Contact(address="x", **fields)) == known


def test_no_contact_is_nothing() -> None:
    assert contact_object(None) == {}


LIMITS = {
    "countryCode": "[A-Z]{2}",
    "language": "[a-z]{2}",
    "phone": r"\+[1-9][0-9]{1,14}",
    "profilePic": r"https://\S+",
    "email": r"\S+@\S+\.\S+",
    "firstName": r"(?s)\S.*",
    "lastName": r"(?s)\S.*",
}


@given(st.builds(Contact))
def test_a_contact_field_is_right_or_absent(contact: Contact) -> None:
    for name, value in contact_object(contact).items():
        assert re.fullmatch(LIMITS[name], value)


def test_bytes_are_compact_and_the_same_every_time() -> None:
    envelope = {"b": "grün", "a": [1, {"c": 2.5}]}
    assert encode(envelope) == encode(dict(envelope)) == '{"b":"grün","a":[1,{"c":2.5}]}'.encode()


def test_a_location_that_is_nowhere_is_never_encoded() -> None:
    (event,) = told(Location(latitude=float("nan"), longitude=0))
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(event)


def test_bodies() -> None:
    assert accepted_body("msg_1") == b'{"mId":"msg_1"}'
    assert error_body('No "such" thing: ü') == '{"error":{"message":"No \\"such\\" thing: ü"}}'.encode()
    assert json.loads(error_body("half a pair: \ud800")) == {"error": {"message": "half a pair: ?"}}
