"""What the inbox sends is read in every spelling that was seen, and refused by the field's name otherwise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.content import Attachment, Content, CustomPayload, Location, MediaKind, QuickReplies, Text
from core.inboxes.binding import IdType
from core.inboxes.respondio import InboxSend, Refusal, RequestRefused, decode, inbox_channel_id, read_send

PHONE = "+4915112345678"
URL = "https://cdn.example/file/abc.png"


def attachment(**fields: Any) -> dict[str, Any]:
    return {"type": "attachment", "attachment": {"type": "image", "url": URL} | fields}


def location(**fields: Any) -> dict[str, Any]:
    return {"type": "location", "latitude": 52.52, "longitude": 13.405} | fields


def quick_reply(**fields: Any) -> dict[str, Any]:
    return {"type": "quick_reply", "title": "Deliver tomorrow?", "replies": ["Yes", "No"]} | fields


def picture(**fields: Any) -> Attachment:
    return Attachment(**({"kind": MediaKind.IMAGE, "url": URL} | fields))


@pytest.mark.parametrize(
    ("message", "content"),
    [
        pytest.param({"type": "text", "text": "Hello"}, Text(text="Hello"), id="text"),
        pytest.param({"type": "text", "text": " x\n"}, Text(text=" x\n"), id="text goes as it is"),
        pytest.param({"type": "text", "text": "x" * 100_000}, Text(text="x" * 100_000), id="text of 100,000"),
        pytest.param({"type": "text", "text": "x", "extra": [1]}, Text(text="x"), id="unknown fields are ignored"),
        pytest.param(attachment(), picture(), id="attachment with what is required"),
        pytest.param(
            attachment(mimeType="image/png", fileName="abc.png", description="invoice", size=7),
            picture(mime_type="image/png", file_name="abc.png", caption="invoice", size_bytes=7),
            id="attachment with everything",
        ),
        pytest.param(attachment(mime="image/png"), picture(mime_type="image/png"), id="mime, as stored"),
        pytest.param(
            attachment(mimeType=None, fileName=None, description=None, size=None), picture(), id="null is nothing"
        ),
        pytest.param(
            attachment(mimeType=7, mime="nonsense", fileName=[], size="big", description="  "),
            picture(),
            id="unreadable asides are nothing",
        ),
        pytest.param(attachment(size="1024"), picture(size_bytes=1024), id="size in digits"),
        pytest.param(attachment(size=-1), picture(), id="negative size"),
        pytest.param(attachment(size=10**30), picture(), id="size beyond storage"),
        pytest.param(attachment(size=True), picture(), id="size true"),
        pytest.param(attachment(fileName="../../etc/pass\nwd"), picture(file_name="passwd"), id="file name is no path"),
        pytest.param(attachment(fileName="C:\\x\\a.png"), picture(file_name="a.png"), id="nor one of Windows"),
        pytest.param(attachment(type="file"), picture(kind=MediaKind.FILE), id="file"),
        pytest.param(location(), Location(latitude=52.52, longitude=13.405), id="location"),
        pytest.param(
            location(address="Alexanderplatz, Berlin", name="Alex"),
            Location(latitude=52.52, longitude=13.405, address="Alexanderplatz, Berlin", name="Alex"),
            id="location with address",
        ),
        pytest.param(
            {"type": "location", "location": {"lat": "52.52", "lng": " -13 ", "name": "Alex", "address": None}},
            Location(latitude=52.52, longitude=-13.0, name="Alex"),
            id="location nested, in digits",
        ),
        pytest.param(
            location(latitude=-90, longitude=180), Location(latitude=-90, longitude=180), id="location at the edge"
        ),
        pytest.param(quick_reply(), QuickReplies(text="Deliver tomorrow?", replies=("Yes", "No")), id="quick reply"),
        pytest.param(
            {"type": "custom_payload", "payload": {"a": {"b": "ü"}}},
            CustomPayload(json='{"a":{"b":"ü"}}'),
            id="custom payload",
        ),
    ],
)
def test_every_message_is_read(message: dict[str, Any], content: Content) -> None:
    document = decode(json.dumps({"channelId": "c", "contactId": PHONE, "message": message}).encode())
    assert read_send(document, IdType.PHONE) == InboxSend(contact_id=PHONE, content=content)


@pytest.mark.parametrize(
    ("message", "field", "text"),
    [
        pytest.param(None, "message", "is missing", id="no message"),
        pytest.param("Hello", "message", "is not an object", id="message no object"),
        pytest.param({}, "message.type", "is missing", id="no type"),
        pytest.param({"type": ["text"]}, "message.type", "is missing; this channel takes text, attach", id="type list"),
        pytest.param(
            {"type": "email"},
            "message.type",
            '"email" is not known; this channel takes text, attachment, location, quick_reply, custom_payload.',
            id="unknown type",
        ),
        pytest.param({"type": "text"}, "message.text", "is missing", id="no text"),
        pytest.param({"type": "text", "text": 7}, "message.text", "is not a text", id="text a number"),
        pytest.param({"type": "text", "text": " \n"}, "message.text", "is empty", id="blank text"),
        pytest.param({"type": "text", "text": "x" * 100_001}, "message.text", "longer than 100,000", id="long text"),
        pytest.param({"type": "attachment"}, "message.attachment", "is missing", id="no attachment"),
        pytest.param(
            {"type": "attachment", "attachment": URL}, "message.attachment", "is not an object", id="bare url"
        ),
        pytest.param(attachment(type="sticker"), "message.attachment.type", "image, video, audio, file", id="its type"),
        pytest.param(attachment(type={}), "message.attachment.type", "is not one of", id="its type no text"),
        pytest.param(attachment(url=None), "message.attachment.url", "is missing", id="no link"),
        pytest.param(attachment(url="data:,x"), "message.attachment.url", "is not an http or https", id="data link"),
        pytest.param(attachment(url="http://a:b@c/"), "message.attachment.url", "password", id="credentials"),
        pytest.param(attachment(url="http://c/a b"), "message.attachment.url", "white space", id="space in link"),
        pytest.param(attachment(url=URL + "x" * 2048), "message.attachment.url", "longer than 2,048", id="long link"),
        pytest.param(attachment(description=7), "message.attachment.description", "is not a text", id="caption"),
        pytest.param(location(latitude=None), "message.latitude", "is not a number from -90 to 90", id="no latitude"),
        pytest.param(location(latitude=90.1), "message.latitude", "from -90 to 90", id="latitude too great"),
        pytest.param(location(latitude=True), "message.latitude", "is not a number", id="latitude true"),
        pytest.param(location(latitude=10**400), "message.latitude", "is not a number", id="latitude of 400 digits"),
        pytest.param(location(latitude="nan"), "message.latitude", "is not a number", id="latitude nan"),
        pytest.param(location(latitude="1_0"), "message.latitude", "is not a number", id="latitude Python's way"),
        pytest.param(location(longitude="-181"), "message.longitude", "from -180 to 180", id="longitude too small"),
        pytest.param(
            {"type": "location", "location": {"lat": 1}}, "message.location.longitude", "is not", id="nested longitude"
        ),
        pytest.param(
            {"type": "location", "location": {"lat": 91, "lng": 1}}, "message.location.lat", "is not", id="as spelled"
        ),
        pytest.param(quick_reply(title=""), "message.title", "is empty", id="no question"),
        pytest.param(quick_reply(replies=[]), "message.replies", "1 to 10", id="no answers"),
        pytest.param(quick_reply(replies=["x"] * 11), "message.replies", "1 to 10", id="eleven answers"),
        pytest.param(quick_reply(replies={"a": 1}), "message.replies", "is not a list", id="answers no list"),
        pytest.param(quick_reply(replies=["x", ""]), "message.replies[1]", "is empty", id="an empty answer"),
        pytest.param(quick_reply(replies=[7]), "message.replies[0]", "is not a text", id="a number for an answer"),
        pytest.param(quick_reply(replies=["x" * 257]), "message.replies[0]", "longer than 256", id="a long answer"),
        pytest.param({"type": "custom_payload"}, "message.payload", "is missing", id="no payload"),
        pytest.param(
            {"type": "custom_payload", "payload": []}, "message.payload", "is not an object", id="payload list"
        ),
        pytest.param(
            {"type": "custom_payload", "payload": {"a": "ü" * 33_000}},
            "message.payload",
            "larger than 65,536 bytes",
            id="large payload",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(message: Any, field: str, text: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_send({"contactId": PHONE, "message": message}, IdType.PHONE)
    assert (caught.value.status_code, caught.value.field) == (400, field)
    assert caught.value.text.startswith(field + " ")
    assert text in caught.value.text
    assert caught.value.text.endswith(".")


@pytest.mark.parametrize(
    ("value", "id_type", "contact_id"),
    [
        pytest.param(PHONE, IdType.PHONE, PHONE, id="phone"),
        pytest.param(4915112345678, IdType.PHONE, PHONE, id="phone as a number, which has no plus"),
        pytest.param(4915112345678.0, IdType.PHONE, PHONE, id="phone as a float"),
        pytest.param("abc_=+/@", IdType.CUSTOM, "abc_=+/@", id="custom"),
        pytest.param(123, IdType.CUSTOM, "123", id="custom as a number"),
        pytest.param("x" * 50, IdType.CUSTOM, "x" * 50, id="custom of fifty"),
    ],
)
def test_contact_ids(value: object, id_type: IdType, contact_id: str) -> None:
    send = read_send({"contactId": value, "message": {"type": "text", "text": "x"}}, id_type)
    assert send.contact_id == contact_id


@pytest.mark.parametrize(
    ("value", "id_type", "text"),
    [
        pytest.param(None, IdType.CUSTOM, "is missing", id="null"),
        pytest.param("", IdType.PHONE, "is missing", id="empty"),
        pytest.param(True, IdType.CUSTOM, "is missing", id="true"),
        pytest.param(["x"], IdType.CUSTOM, "is missing", id="a list"),
        pytest.param(1.5, IdType.CUSTOM, "is missing", id="a fraction"),
        pytest.param("015112345678", IdType.PHONE, "international form", id="a national number"),
        pytest.param("4915112345678", IdType.PHONE, "international form", id="a text without plus"),
        pytest.param("+49 151", IdType.PHONE, "international form", id="a space"),
        pytest.param("+49151\n", IdType.PHONE, "international form", id="a line end"),
        pytest.param(-49151, IdType.PHONE, "international form", id="a negative number"),
        pytest.param("a-b", IdType.CUSTOM, "letters, digits and", id="outside the alphabet"),
        pytest.param("x" * 51, IdType.CUSTOM, "up to 50", id="fifty-one"),
        pytest.param(10**60, IdType.CUSTOM, "is missing", id="sixty digits"),
    ],
)
def test_contact_ids_that_no_channel_has(value: object, id_type: IdType, text: str) -> None:
    with pytest.raises(RequestRefused, match=text) as caught:
        read_send({"contactId": value, "message": {"type": "text", "text": "x"}}, id_type)
    assert (caught.value.status_code, caught.value.field) == (400, "contactId")


@pytest.mark.parametrize(
    ("document", "channel_id"),
    [
        pytest.param({"channelId": "c0ffee"}, "c0ffee", id="text"),
        pytest.param({"channelId": 1234}, "1234", id="number"),
        pytest.param({}, "", id="absent"),
        pytest.param({"channelId": None}, "", id="null"),
        pytest.param({"channelId": {}}, "", id="nonsense"),
    ],
)
def test_inbox_channel_id(document: dict[str, object], channel_id: str) -> None:
    assert inbox_channel_id(document) == channel_id


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
messages = st.dictionaries(
    st.sampled_from(["text", "attachment", "location", "latitude", "lng", "title", "replies", "payload"]),
    json_values
    | st.dictionaries(st.sampled_from(["type", "url", "mime", "size", "lat", "lng", "description"]), json_values),
    max_size=5,
)
types = st.sampled_from(["text", "attachment", "location", "quick_reply", "custom_payload"]) | json_values


@given(messages, types, json_values | st.just(PHONE), st.sampled_from(IdType))
def test_no_document_does_anything_but_be_read_or_refused(
    message: dict[str, Any], kind: Any, contact_id: Any, id_type: IdType
) -> None:
    match read_or_refuse({"contactId": contact_id, "message": message | {"type": kind}}, id_type):
        case Refusal(status_code=status_code, field=field):
            assert status_code == 400
            assert field
        case send:
            assert 1 <= len(send.contact_id) <= 50


def read_or_refuse(document: dict[str, Any], id_type: IdType) -> InboxSend | Refusal:
    try:
        return read_send(document, id_type)
    except RequestRefused as refused:
        return refused.refusal


@given(json_values)
def test_nor_does_a_document_of_any_shape(value: Any) -> None:
    with pytest.raises(RequestRefused):
        read_send({"message": value, "contactId": PHONE}, IdType.PHONE)
