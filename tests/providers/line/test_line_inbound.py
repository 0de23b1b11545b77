"""Webhooks as the documentation writes them: https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects."""

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import Attachment, Contact, Location, MediaKind, MessageReceived, Received, Text
from anychannel.testing import A_TIME, a_request
from providers.line.inbound import read_webhook

Json = dict[str, Any]

SECRET = "the-secret-of-the-channel"
USER = "U80696558e1aa831b53d5bd8d8d2e3c1a"
EVENT_ID = "01FZ74A0TDDPYRVKNK77XKC3ZR"
SENT = datetime(2021, 7, 7, 13, 40, 42, 211000, tzinfo=UTC)


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Line-Signature": b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()}


def receive(*events: object) -> Received:
    body = json.dumps({"destination": "U1", "events": events}).encode()
    return read_webhook(a_request(body=body, headers=signature(body)), channel_secret=SECRET)


def event(kind: str, **fields: object) -> Json:
    return {
        "type": kind,
        "timestamp": 1625665242211,
        "source": {"type": "user", "userId": USER},
        "replyToken": "757913772c4646b784d4b7ce46d12671",
        "mode": "active",
        "webhookEventId": EVENT_ID,
        "deliveryContext": {"isRedelivery": False},
        **fields,
    }


def message(kind: str, **fields: object) -> Json:
    return event("message", message={"type": kind, "id": "14353798921116", **fields})


def test_a_text() -> None:
    received = receive(message("text", text="Hello, world"))

    assert received == Received(
        events=(
            MessageReceived(
                platform_event_id=EVENT_ID,
                event_time=SENT,
                contact=Contact(address=USER),
                platform_message_id="14353798921116",
                content=Text(text="Hello, world"),
            ),
        )
    )


HERE = {"type": "line"}
ELSEWHERE = {"type": "external", "originalContentUrl": "https://example.com/original.mp4"}


@pytest.mark.parametrize(
    ("sent", "content", "codes"),
    [
        pytest.param(message("text", text="héllo 😀 日本"), Text(text="héllo 😀 日本"), [], id="not ASCII"),
        pytest.param(message("text", text="x" * 10_000), Text(text="x" * 10_000), [], id="longest"),
        pytest.param(message("text", text="a\0b\ud800"), Text(text="ab\ufffd"), [], id="what cannot be stored"),
        pytest.param(message("text", text="yes", quotedMessageId="7"), Text(text="yes"), ["reply"], id="quote"),
        pytest.param(
            message("image", contentProvider=HERE),
            Attachment(kind=MediaKind.IMAGE, media_id="14353798921116"),
            [],
            id="image",
        ),
        pytest.param(
            message("video", duration=60000, contentProvider=ELSEWHERE),
            Attachment(kind=MediaKind.VIDEO, url="https://example.com/original.mp4"),
            [],
            id="video elsewhere",
        ),
        pytest.param(
            message("audio", duration=60000, contentProvider=HERE),
            Attachment(kind=MediaKind.AUDIO, media_id="14353798921116"),
            [],
            id="audio",
        ),
        pytest.param(
            message("file", fileName="file.txt", fileSize=2138),
            Attachment(kind=MediaKind.FILE, media_id="14353798921116", file_name="file.txt", size_bytes=2138),
            [],
            id="file",
        ),
        pytest.param(
            message("image", contentProvider={"type": "external", "originalContentUrl": "javascript:1"}),
            Text(text="[LINE image]"),
            ["content_not_understood"],
            id="image nowhere",
        ),
        pytest.param(
            message("location", title="my location", address="1-3 Kioicho", latitude=35.67966, longitude=139.73669),
            Location(latitude=35.67966, longitude=139.73669, name="my location", address="1-3 Kioicho"),
            [],
            id="location",
        ),
        pytest.param(
            message("location", latitude=91, longitude=0),
            Text(text="[LINE location]"),
            ["content_not_understood"],
            id="location beyond the pole",
        ),
        pytest.param(
            message("sticker", stickerId="52002738", packageId="11537", keywords=["cony", "sally", "Staring", "hi"]),
            Text(text="[LINE sticker: cony, sally, Staring]"),
            ["sticker"],
            id="sticker",
        ),
        pytest.param(message("sticker", stickerId="1"), Text(text="[LINE sticker]"), ["sticker"], id="bare sticker"),
        pytest.param(
            message("sticker", text="Let's\nhang out", keywords=["a"]),
            Text(text="Let's\nhang out"),
            ["sticker"],
            id="message sticker",
        ),
        pytest.param(
            message("hologram"), Text(text="[LINE hologram]"), ["content_not_understood"], id="message of a new type"
        ),
        pytest.param(
            event("messageEdited", message={"type": "text", "id": "610830548529053697", "text": "Edited message"}),
            Text(text="Edited message"),
            ["edited"],
            id="edited",
        ),
        pytest.param(
            event("postback", postback={"data": "storeId=12345"}),
            Text(text="storeId=12345"),
            ["postback"],
            id="postback",
        ),
        pytest.param(
            event("postback", postback={"data": "storeId=12345", "params": {"datetime": "2017-12-25T01:00"}}),
            Text(text="2017-12-25T01:00"),
            ["postback"],
            id="picked date",
        ),
        pytest.param(
            {**message("text", text="late"), "deliveryContext": {"isRedelivery": True}},
            Text(text="late"),
            ["redelivered"],
            id="redelivered",
        ),
    ],
)
def test_what_a_contact_says(sent: Json, content: object, codes: list[str]) -> None:
    received = receive(sent)

    (told,) = received.events
    assert isinstance(told, MessageReceived)
    assert told.content == content
    assert [note.code for note in told.notes] == codes
    assert (told.platform_event_id, told.contact) == (EVENT_ID, Contact(address=USER))
    assert received.reply.status_code == 200


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(event("follow", follow={"isUnblocked": False}), "follow_ignored", id="follow"),
        pytest.param(event("unfollow"), "unfollow_ignored", id="unfollow"),
        pytest.param(event("unsend", unsend={"messageId": "325708"}), "unsend_ignored", id="unsend"),
        pytest.param(event("delivery", delivery={"data": "15034552"}), "delivery_ignored", id="delivery"),
        pytest.param(event("videoPlayComplete"), "event_ignored", id="video watched"),
        pytest.param(event("of tomorrow"), "event_ignored", id="unknown"),
        pytest.param({}, "event_ignored", id="empty"),
        pytest.param({**message("text", text="a"), "mode": "standby"}, "standby_ignored", id="standby"),
        pytest.param(
            {**message("text", text="a"), "source": {"type": "group", "groupId": "C1", "userId": USER}},
            "group_ignored",
            id="group",
        ),
        pytest.param(
            {**message("text", text="a"), "source": {"type": "room", "roomId": "R1"}}, "group_ignored", id="room"
        ),
        pytest.param({**event("join"), "source": {"type": "group", "groupId": "C1"}}, "group_ignored", id="join"),
        pytest.param({**message("text", text="a"), "source": {"type": "user"}}, "not_understood", id="no sender"),
        pytest.param(event("message", message={"type": "text", "text": "a"}), "not_understood", id="no message id"),
        pytest.param(event("postback", postback={}), "not_understood", id="empty postback"),
        pytest.param(
            event("postback", postback={"data": "a", "params": {"newRichMenuAliasId": "b", "status": "SUCCESS"}}),
            "rich_menu_ignored",
            id="rich menu",
        ),
    ],
)
def test_what_is_ignored_says_why(sent: Json, code: str) -> None:
    received = receive(sent)

    assert (received.events, received.reply.status_code) == ((), 200)
    assert [note.code for note in received.notes] == [code]


def test_several_events_stay_in_order() -> None:
    received = receive(
        {**message("text", text="a"), "webhookEventId": "1"},
        event("follow"),
        {**message("text", text="b"), "webhookEventId": "2"},
    )

    assert [told.platform_event_id for told in received.events] == ["1", "2"]
    assert [note.code for note in received.notes] == ["follow_ignored"]


def test_what_is_told_twice_has_the_same_id() -> None:
    again = {**message("text", text="a"), "deliveryContext": {"isRedelivery": True}}

    first, second = receive(message("text", text="a"), again).events

    assert first.platform_event_id == second.platform_event_id


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        pytest.param(message("text", text="a"), "message:14353798921116", id="message"),
        pytest.param(
            event("postback", postback={"data": "a"}),
            f"postback:postback:{USER}:1625665242211",
            id="postback",
        ),
    ],
)
def test_an_event_without_an_id_is_named_by_what_it_is_about(sent: Json, told: str) -> None:
    del sent["webhookEventId"]

    assert [event.platform_event_id for event in receive(sent).events] == [told]


@pytest.mark.parametrize("timestamp", [None, -1, 10**18, "soon", 1.5])
def test_a_time_that_cannot_be_read_is_now(timestamp: object) -> None:
    (told,) = receive({**message("text", text="a"), "timestamp": timestamp}).events

    assert told.event_time == A_TIME


def test_ids_are_as_long_as_core_can_store() -> None:
    (told,) = receive({**message("text", text="a", id="9" * 300), "webhookEventId": "x" * 300}).events

    assert isinstance(told, MessageReceived)
    assert max(len(told.platform_event_id), len(told.platform_message_id)) <= 200


def test_lines_question_whether_anybody_listens_is_answered() -> None:
    assert receive() == Received()


BODY = b'{"destination":"U1","events":[]}'


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        pytest.param({}, SECRET, id="unsigned"),
        pytest.param(signature(BODY, "another"), SECRET, id="another's secret"),
        pytest.param(signature(BODY + b" "), SECRET, id="another body"),
        pytest.param({"X-Line-Signature": "é😀"}, SECRET, id="not ASCII"),
        pytest.param(signature(BODY, ""), "", id="no secret"),
    ],
)
def test_what_line_did_not_sign_is_refused(headers: dict[str, str], secret: str) -> None:
    received = read_webhook(a_request(body=BODY, headers=headers), channel_secret=secret)

    assert (received.reply.status_code, received.events) == (401, ())


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b'{"a":NaN}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    received = read_webhook(a_request(body=body, headers=signature(body)), channel_secret=SECRET)

    assert (received.reply.status_code, received.events) == (400, ())


names = st.sampled_from(
    [
        *(
            "type",
            "source",
            "message",
            "postback",
            "timestamp",
            "webhookEventId",
            "deliveryContext",
            "userId",
            "id",
            "text",
        ),
        *("contentProvider", "params", "data", "latitude", "longitude", "keywords", "mode"),
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
words = st.sampled_from(["message", "postback", "text", "image", "sticker", "location", "user", "external"])
json_values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@given(events=st.lists(json_values, max_size=2), more=st.dictionaries(names, json_values, max_size=4))
def test_no_webhook_makes_it_raise(events: list[object], more: Json) -> None:
    body = json.dumps({"events": [*events, message("text", **more), {**event("message"), **more}]}).encode()

    received = read_webhook(a_request(body=body, headers=signature(body)), channel_secret=SECRET)

    assert all(told.event_time.tzinfo is not None for told in received.events)


@given(body=st.binary(max_size=60), header=st.text(max_size=20))
def test_no_request_makes_it_raise(body: bytes, header: str) -> None:
    for headers in (signature(body), {"X-Line-Signature": header}):
        assert read_webhook(a_request(body=body, headers=headers), channel_secret=SECRET).events == ()
