"""ClickSend's webhooks: who is believed, and what is read.

The payloads are those of https://help.clicksend.com/article/p4c49va5b6-what-dlr-format-will-the-api-send (form) and of
https://github.com/ClickSend/integration-n8n/blob/bd95349af8/nodes/ClickSend/ClickSendTrigger.node.ts (JSON), with numbers
that ClickSend keeps for tests.
"""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Contact,
    Failure,
    FailureKind,
    HttpRequest,
    MessageReceived,
    Received,
    ReportReceived,
    Status,
    Text,
)
from providers.clicksend.inbound import read_webhook

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
TIMESTAMP = 1775012927
EVENT_TIME = datetime.fromtimestamp(TIMESTAMP, UTC)
TOKEN = "a-token-of-the-channel"

REPLY_JSON: dict[str, Any] = {
    "originalsenderid": "+61422222222",
    "body": "trigger reply",
    "message": "trigger reply",
    "sms": "+61411111111",
    "from": "+61411111111",
    "to": "+61422222222",
    "timestamp": TIMESTAMP,
    "message_id": "1F12D781-99C1-6D94-96FE-F5A311C8997D",
    "original_message_id": "1F12D717-947A-6FBC-BBFE-D14C2927CEEF",
    "original_body": "TESTING TRIGGER",
    "user_id": 304497,
    "subaccount_id": 745158,
    "custom_string": "",
}
REPLY_FORM = {
    "body": "trigger reply",
    "custom_string": "",
    "customstring": "",
    "from": "+61411111111",
    "message": "trigger reply",
    "message_id": "1F12D781-99C1-6D94-96FE-F5A311C8997D",
    "original_message_id": "1F12D717-947A-6FBC-BBFE-D14C2927CEEF",
    "originalmessage": "TESTING TRIGGER",
    "originalmessageid": "1F12D717-947A-6FBC-BBFE-D14C2927CEEF",
    "originalsenderid": "+61422222222",
    "sms": "+61422222222",
    "subaccount_id": "745158",
    "timestamp": str(TIMESTAMP),
    "user_id": "304497",
}
RECEIPT = {
    "custom_string": "msg_1/0",
    "customstring": "msg_1/0",
    "error_code": "",
    "error_text": "",
    "message_id": "BF7AD270-0DE2-418B-B606-71D527D9C1AE",
    "message_type": "sms",
    "messageid": "BF7AD270-0DE2-418B-B606-71D527D9C1AE",
    "status": "Sent",
    "status_code": "201",
    "status_text": "Success: Message received on handset.",
    "subaccount_id": "745158",
    "timestamp": str(TIMESTAMP),
    "timestamp_send": str(TIMESTAMP - 4),
    "user_id": "304497",
}


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(("POST", json.dumps(REPLY_JSON).encode(), ""), id="json"),
        pytest.param(("POST", urlencode(REPLY_FORM).encode(), ""), id="form"),
        pytest.param(("GET", b"", urlencode(REPLY_FORM)), id="query"),
        pytest.param(("POST", urlencode(REPLY_FORM).replace("%2B", "+").encode(), ""), id="a plus not escaped"),
        pytest.param(("POST", urlencode(REPLY_FORM).replace("%2B", "").encode(), ""), id="no plus"),
    ],
)
def test_a_message_is_read_in_each_format(request_: tuple[str, bytes, str]) -> None:
    method, body, query = request_

    assert _receive("/inbound", body, query=query, method=method) == Received(
        events=(
            MessageReceived(
                platform_event_id="1F12D781-99C1-6D94-96FE-F5A311C8997D",
                event_time=EVENT_TIME,
                contact=Contact(address="+61411111111", phone="+61411111111"),
                platform_message_id="1F12D781-99C1-6D94-96FE-F5A311C8997D",
                content=Text(text="trigger reply"),
            ),
        )
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"body": None}, {"content": Text(text="trigger reply")}, id="only the older name of the text"),
        pytest.param(
            {"message_id": None, "messageid": "OLD"}, {"platform_message_id": "OLD"}, id="only the older name of the id"
        ),
        pytest.param({"timestamp": str(TIMESTAMP)}, {"event_time": EVENT_TIME}, id="time as text"),
        pytest.param({"timestamp": None, "timestamp_send": TIMESTAMP}, {"event_time": EVENT_TIME}, id="other time"),
        pytest.param({"timestamp": "noon"}, {"event_time": NOW}, id="unreadable time"),
        pytest.param({"timestamp": 10**40}, {"event_time": NOW}, id="time beyond the calendar"),
        pytest.param({"from": "12345"}, {"contact": Contact(address="12345", phone="12345")}, id="short code"),
        pytest.param({"from": "Acme"}, {"contact": Contact(address="Acme", phone="Acme")}, id="name"),
        pytest.param({"body": "caf\ud800é 👋"}, {"content": Text(text="caf?é 👋")}, id="half a surrogate pair"),
    ],
)
def test_a_message_is_read_leniently(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    (message,) = _receive("/inbound", _json(REPLY_JSON, changes)).events

    assert {name: getattr(message, name) for name in expected} == expected


def test_without_an_id_the_same_bytes_are_the_same_message() -> None:
    def event_id(changes: dict[str, Any]) -> str:
        return _receive("/inbound", _json(REPLY_JSON, {"message_id": None} | changes)).events[0].platform_event_id

    assert event_id({}) == event_id({})
    assert event_id({}) != event_id({"timestamp": TIMESTAMP + 1})


def test_a_message_without_text_is_noted() -> None:
    received = _receive("/inbound", _json(REPLY_JSON, {"body": "", "message": ""}))

    assert (received.events, received.reply.status_code) == ((), 200)
    assert [note.code for note in received.notes] == ["empty_message"]


@pytest.mark.parametrize(
    ("changes", "status", "failure"),
    [
        pytest.param({}, Status.DELIVERED, None, id="delivered"),
        pytest.param({"status_code": 201}, Status.DELIVERED, None, id="code as a number"),
        pytest.param(
            {"status": "Failed", "status_code": "301", "error_code": "8", "error_text": "Number is inactive"},
            Status.FAILED,
            Failure(
                kind=FailureKind.CONTACT_UNREACHABLE,
                text="The SMS was not delivered: Number is inactive.",
                platform_code="8",
            ),
            id="failed",
        ),
        pytest.param(
            {"status": "Cancelled", "status_code": "301", "status_text": "Message is cancelled"},
            Status.FAILED,
            Failure(
                kind=FailureKind.CONTENT_REJECTED,
                text="The SMS was not delivered: Message is cancelled.",
                platform_code="301",
            ),
            id="cancelled",
        ),
        pytest.param(
            {"status": "CancelledAfterReview", "status_code": "", "status_text": ""},
            Status.FAILED,
            Failure(
                kind=FailureKind.CONTENT_REJECTED,
                text="The SMS was not delivered: CancelledAfterReview.",
                platform_code="",
            ),
            id="cancelled after review, which has no code",
        ),
    ],
)
@pytest.mark.parametrize("is_json", [True, False], ids=["json", "form"])
def test_receipts(changes: dict[str, Any], status: Status, failure: Failure | None, *, is_json: bool) -> None:
    body = _json(RECEIPT, changes) if is_json else urlencode(RECEIPT | changes).encode()

    (report,) = _receive("/receipts", body).events

    assert report == ReportReceived(
        platform_event_id=f"BF7AD270-0DE2-418B-B606-71D527D9C1AE:{status.value}",
        event_time=EVENT_TIME,
        platform_message_id="BF7AD270-0DE2-418B-B606-71D527D9C1AE",
        status=status,
        failure=failure,
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"status": "Queued", "status_code": "200"}, "not_final", id="queued"),
        pytest.param({"status": "Failed", "status_code": "300"}, "not_final", id="will be retried"),
        pytest.param({"status": "New", "status_code": "999"}, "not_final", id="unknown"),
        pytest.param({"message_type": "Voice"}, "other_service", id="voice"),
        pytest.param({"message_type": "email"}, "other_service", id="email"),
        pytest.param({"message_type": "fax"}, "other_service", id="fax"),
    ],
)
def test_receipts_that_change_nothing_are_noted(changes: dict[str, str], code: str) -> None:
    received = _receive("/receipts", urlencode(RECEIPT | changes).encode())

    assert (received.events, received.reply.status_code) == ((), 200)
    assert [note.code for note in received.notes] == [code]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/inbound", b"", id="empty"),
        pytest.param("/inbound", b"{", id="broken JSON"),
        pytest.param("/inbound", b"{" + b'"a":{' * 50_000, id="deep JSON"),
        pytest.param("/inbound", b'{"body": "Hi"}', id="no sender"),
        pytest.param("/inbound", b'{"body": "Hi", "from": {"number": "+61411111111"}}', id="sender is an object"),
        pytest.param("/inbound", b"&".join(b"from=1" for _ in range(101)), id="too many fields"),
        pytest.param("/inbound", urlencode(RECEIPT).encode(), id="a receipt in the wrong place"),
        pytest.param("/receipts", b"status_code=201", id="no message id"),
    ],
)
def test_what_cannot_be_read_is_refused(path: str, body: bytes) -> None:
    received = _receive(path, body)

    assert (received.events, received.reply.status_code) == ((), 400)
    assert [note.code for note in received.notes] == ["unreadable"]


@pytest.mark.parametrize("path", ["", "/", "/other", "/inbound/x"])
def test_other_paths_are_unknown(path: str) -> None:
    assert _receive(path, _json(REPLY_JSON, {})).reply.status_code == 404


def test_a_slash_more_does_no_harm() -> None:
    assert len(_receive("/inbound/", _json(REPLY_JSON, {})).events) == 1


@pytest.mark.parametrize(
    ("query", "status_code"),
    [
        pytest.param(f"key={TOKEN}", 200, id="the token"),
        pytest.param(f"a=b&key={TOKEN}", 200, id="among others"),
        pytest.param("", 401, id="none"),
        pytest.param("key=", 401, id="empty"),
        pytest.param(f"key={TOKEN}x", 401, id="another"),
        pytest.param("key=%ff%fe", 401, id="no text"),
        pytest.param("key=\udcff", 401, id="no text, not escaped"),
        pytest.param("&".join(["a=b"] * 200 + [f"key={TOKEN}"]), 401, id="too many parameters"),
    ],
)
@pytest.mark.parametrize("path", ["/inbound", "/receipts"])
def test_a_channel_may_demand_its_token(path: str, query: str, status_code: int) -> None:
    body = _json(REPLY_JSON, RECEIPT)

    received = _receive(path, body, query=query, token=TOKEN)

    assert received.reply.status_code == status_code
    assert len(received.events) == (1 if status_code == 200 else 0)


def test_a_channel_without_a_token_demands_none() -> None:
    body = _json(REPLY_JSON, RECEIPT)

    assert len(_receive("/inbound", body, query="key=of-an-older-rule").events) == 1


@given(st.sampled_from(["/inbound", "/receipts"]), st.binary(), st.text())
def test_no_input_raises(path: str, body: bytes, query: str) -> None:
    assert _receive(path, body, query=query).reply.status_code in {200, 400}


@given(
    st.sampled_from(["/inbound", "/receipts"]),
    st.dictionaries(
        st.sampled_from(list(REPLY_JSON) + list(RECEIPT)),
        st.none() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.lists(st.text()),
    ),
)
def test_no_json_raises_and_every_text_is_utf8(path: str, fields: dict[str, Any]) -> None:
    for event in _receive(path, json.dumps(fields).encode()).events:
        match event:
            case MessageReceived(content=Text(text=text), contact=contact, platform_message_id=message_id):
                f"{text}{contact.address}{message_id}".encode()
            case ReportReceived(failure=failure, platform_message_id=message_id):
                f"{message_id}{failure.text if failure else None}".encode()
            case _:
                pytest.fail("ClickSend tells of no echoes")


def _receive(path: str, body: bytes, *, query: str = "", method: str = "POST", token: str = "") -> Received:
    return read_webhook(HttpRequest(method=method, url="", path=path, query=query, body=body, receive_time=NOW), token)


def _json(fields: dict[str, Any], changes: dict[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in (fields | changes).items() if value is not None}).encode()
