"""Webhooks as the documentation writes them.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Contact,
    EchoReceived,
    HttpReply,
    MediaKind,
    MessageReceived,
    Received,
    ReportReceived,
    Status,
    Text,
)
from anychannel.content import Attachment
from anychannel.testing import A_TIME, a_request
from providers.messenger.inbound import read_webhook

Json = dict[str, object]

PAGE, PSID, SECRET = "682498302938465", "254", "the-secret-of-the-app"
MID = "mid.1457764197618:41d102a3e1ae206a38"
TIMESTAMP = 1458692752478
SENT = datetime(2016, 3, 23, 0, 25, 52, 478000, tzinfo=UTC)
CONTACT = Contact(address=PSID)


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def receive(body: object, *, app_secret: str = SECRET) -> Received:
    raw = json.dumps(body).encode()
    request = a_request(body=raw, headers=signature(raw))
    return read_webhook(request, page_id=PAGE, app_secret=app_secret, verify_token="meatyhamhock")


def webhook(*items: Json, page_id: str = PAGE, **entry: object) -> Json:
    return {"object": "page", "entry": [{"id": page_id, "time": 1518479195594, "messaging": list(items), **entry}]}


def from_contact(**fields: object) -> Json:
    return {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": TIMESTAMP, **fields}


def from_page(**fields: object) -> Json:
    return {"sender": {"id": PAGE}, "recipient": {"id": PSID}, "timestamp": TIMESTAMP, **fields}


def read(item: Json) -> Received:
    return receive(webhook(item))


def codes(received: Received) -> list[str]:
    return [note.code for note in received.notes]


def test_a_text_carries_who_wrote_it_and_when() -> None:
    received = read(from_contact(message={"mid": MID, "text": "hello, world!"}))

    assert received == Received(
        events=(
            MessageReceived(
                platform_event_id=MID,
                event_time=SENT,
                contact=CONTACT,
                platform_message_id=MID,
                content=Text(text="hello, world!"),
            ),
        )
    )


def test_several_attachments_are_several_events_of_one_message() -> None:
    url = "https://scontent.xx.fbcdn.net/a.jpg"
    image = {"type": "image", "payload": {"url": url}}

    events = read(from_contact(message={"mid": MID, "attachments": [image, image]})).events

    assert [event.platform_event_id for event in events] == [MID, f"1:{MID}"]
    assert {event.platform_message_id for event in events} == {MID}
    assert {event.content for event in events if isinstance(event, MessageReceived)} == {
        Attachment(kind=MediaKind.IMAGE, url=url)
    }


def test_what_the_page_wrote_elsewhere_is_an_echo() -> None:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/message-echoes."""
    echo = {"is_echo": True, "app_id": 1517776481860111, "metadata": "x", "mid": MID, "text": "hello, world!"}

    assert read(from_page(message=echo)).events == (
        EchoReceived(
            platform_event_id=MID,
            event_time=SENT,
            contact=CONTACT,
            platform_message_id=MID,
            content=Text(text="hello, world!"),
        ),
    )


@pytest.mark.parametrize(
    ("fields", "text", "event_id", "message_id", "note_codes"),
    [
        pytest.param(
            {"postback": {"mid": "m_1", "title": "Start", "payload": "GET_STARTED"}},
            "Start",
            "m_1",
            "m_1",
            [],
            id="postback",
        ),
        pytest.param(
            {"postback": {"payload": "GET_STARTED"}},
            "GET_STARTED",
            f"postback:{PSID}:{TIMESTAMP}",
            f"postback:{PSID}:{TIMESTAMP}",
            [],
            id="postback of an old version",
        ),
        pytest.param(
            {"reaction": {"reaction": "love", "emoji": "❤️", "action": "react", "mid": "m_1"}},
            "❤️",
            f"reaction:{TIMESTAMP}:m_1",
            f"reaction:{TIMESTAMP}:m_1",
            ["reaction"],
            id="reaction",
        ),
        pytest.param(
            {"reaction": {"reaction": "like", "action": "react", "mid": "m_1"}},
            "like",
            f"reaction:{TIMESTAMP}:m_1",
            f"reaction:{TIMESTAMP}:m_1",
            ["reaction"],
            id="reaction without an emoji",
        ),
        pytest.param(
            {"message_edit": {"mid": "m_1", "text": "helo → hello", "num_edit": 2}},
            "helo → hello",
            "edit:2:m_1",
            "m_1",
            ["edited"],
            id="edit",
        ),
    ],
)
def test_what_a_contact_does_otherwise_is_a_text(
    fields: Json, text: str, event_id: str, message_id: str, note_codes: list[str]
) -> None:
    (event,) = read(from_contact(**fields)).events

    assert isinstance(event, MessageReceived)
    assert (event.platform_event_id, event.platform_message_id) == (event_id, message_id)
    assert (event.event_time, event.contact, event.content) == (SENT, CONTACT, Text(text=text))
    assert [note.code for note in event.notes] == note_codes


@pytest.mark.parametrize(
    ("item", "reports"),
    [
        pytest.param(
            {
                "sender": {"id": PSID},
                "recipient": {"id": PAGE},
                "delivery": {"mids": ["m_1", "m_2"], "watermark": TIMESTAMP},
            },
            [("m_1", Status.DELIVERED), ("m_2", Status.DELIVERED)],
            id="delivered",
        ),
        pytest.param(from_contact(read={"mid": "m_1"}), [("m_1", Status.READ)], id="read, with an id"),
        pytest.param(from_contact(read={"mids": ["m_1"]}), [("m_1", Status.READ)], id="read, with ids"),
    ],
)
def test_what_became_of_messages_is_reported(item: Json, reports: list[tuple[str, Status]]) -> None:
    events = read(item).events

    assert events == tuple(
        ReportReceived(
            platform_event_id=f"{status.value}:{mid}", event_time=SENT, platform_message_id=mid, status=status
        )
        for mid, status in reports
    )


@pytest.mark.parametrize(
    ("item", "code"),
    [
        pytest.param(from_contact(read={"watermark": TIMESTAMP}), "read_watermark_ignored", id="read"),
        pytest.param(from_contact(delivery={"watermark": TIMESTAMP}), "delivery_watermark_ignored", id="delivered"),
        pytest.param(from_contact(message={"mid": MID, "is_deleted": True}), "message_unsent", id="unsent"),
        pytest.param(from_contact(reaction={"action": "unreact", "mid": MID}), "reaction_removed", id="unreact"),
        pytest.param(from_page(reaction={"action": "react", "emoji": "x", "mid": MID}), "own_event_ignored", id="own"),
        pytest.param(from_contact(referral={"ref": "x", "source": "SHORTLINK"}), "event_ignored", id="referral"),
        pytest.param(from_contact(optin={"ref": "x"}), "event_ignored", id="opt-in"),
        pytest.param(from_contact(pass_thread_control={"new_owner_app_id": "1"}), "event_ignored", id="handover"),
        pytest.param(from_contact(something_new={}), "event_ignored", id="unknown"),
        pytest.param({}, "event_ignored", id="empty"),
        pytest.param(from_contact(message={"text": "x"}), "not_understood", id="no id"),
        pytest.param({"message": {"mid": MID, "text": "x"}}, "not_understood", id="no sender"),
        pytest.param({"sender": {"user_ref": "x"}, "message": {"mid": MID}}, "not_understood", id="user_ref"),
        pytest.param(from_contact(message=None), "not_understood", id="no message"),
        pytest.param(from_contact(message_edit={"mid": MID, "num_edit": 0}), "not_understood", id="edit of nothing"),
        pytest.param(from_contact(postback={}), "not_understood", id="postback of nothing"),
    ],
)
def test_what_no_event_can_say_is_noted(item: Json, code: str) -> None:
    received = read(item)

    assert (received.events, codes(received), received.reply) == ((), [code], HttpReply())


def test_one_webhook_brings_many_events_in_their_order() -> None:
    def text(mid: str) -> Json:
        return from_contact(message={"mid": mid, "text": mid})

    body = {
        "object": "page",
        "entry": [
            {"id": PAGE, "time": 1, "messaging": [text("1"), from_contact(optin={}), text("2")]},
            {"id": "another page", "time": 1, "messaging": [text("x")]},
            {"id": PAGE, "time": 1, "standby": [text("x")]},
            {"id": PAGE, "time": 1, "changes": [{"field": "feed", "value": {"item": "comment"}}]},
            {"id": PAGE, "time": 1, "messaging": [text("3")]},
        ],
    }

    received = receive(body)

    assert [event.platform_event_id for event in received.events] == ["1", "2", "3"]
    assert codes(received) == ["event_ignored", "other_page", "standby_ignored", "change_ignored"]


def test_an_event_in_the_form_of_a_change_is_read() -> None:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_postbacks."""
    value = {**from_contact(postback={"mid": "m_1", "title": "Start"}), "timestamp": "1527459824"}

    (event,) = receive(webhook(changes=[{"field": "messaging_postbacks", "value": value}])).events

    assert event.event_time == datetime(2018, 5, 27, 22, 23, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        (None, datetime(2018, 2, 12, 23, 46, 35, 594000, tzinfo=UTC)),  # the entry's
        ("x", datetime(2018, 2, 12, 23, 46, 35, 594000, tzinfo=UTC)),
        (10**30, datetime(2018, 2, 12, 23, 46, 35, 594000, tzinfo=UTC)),
        (10**18, datetime(2018, 2, 12, 23, 46, 35, 594000, tzinfo=UTC)),
        (-1, datetime(2018, 2, 12, 23, 46, 35, 594000, tzinfo=UTC)),
        (1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_time_that_is_none_is_replaced(timestamp: object, time: datetime) -> None:
    item = {**from_contact(message={"mid": MID, "text": "x"}), "timestamp": timestamp}

    (event,) = read(item).events

    assert event.event_time == time


def test_without_any_time_it_is_when_the_webhook_came() -> None:
    (event,) = receive(webhook({**from_contact(message={"mid": MID}), "timestamp": 0}, time=0)).events

    assert event.event_time == A_TIME


def test_half_a_character_is_replaced_so_that_it_can_be_stored() -> None:
    (event,) = read(from_contact(message={"mid": MID, "text": "a\ud83d"})).events

    assert isinstance(event, MessageReceived)
    assert event.content == Text(text="a\ufffd")


def test_the_same_fact_told_twice_has_the_same_id() -> None:
    item = from_contact(reaction={"emoji": "❤️", "action": "react", "mid": "m" * 500})

    first, second = read(item).events, read(item).events

    assert first == second
    assert len(first[0].platform_event_id) <= 200


def test_an_id_too_long_to_store_is_the_same_for_all_that_is_told_of_it() -> None:
    mid = "m" * 201
    echo = from_page(message={"mid": mid, "text": "x", "is_echo": True})

    events = [*read(echo).events, *read(from_contact(delivery={"mids": [mid]})).events]

    assert len({event.platform_message_id for event in events}) == 1
    assert all(len(event.platform_message_id) <= 200 for event in events)


def test_the_largest_webhook_is_read() -> None:
    """Up to 1000 events go in one: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications."""
    items = [from_contact(message={"mid": str(number), "text": "ä👋" * 1000}) for number in range(1000)]

    assert len(receive(webhook(*items)).events) == 1000


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 400, "not_understood"),
        ("x", 400, "not_understood"),
        ({}, 200, "other_object"),
        ({"object": "instagram", "entry": []}, 200, "other_object"),
    ],
)
def test_a_body_of_another_shape_is_no_event(body: object, status: int, code: str) -> None:
    received = receive(body)

    assert (received.events, codes(received), received.reply.status_code) == ((), [code], status)


def test_a_body_that_is_no_json_is_refused() -> None:
    request = a_request(body=b"{", headers=signature(b"{"))

    received = read_webhook(request, page_id=PAGE, app_secret=SECRET, verify_token="x")

    assert received.reply.status_code == 400


BODY = json.dumps(webhook(from_contact(message={"mid": MID, "text": "x"}))).encode()


@pytest.mark.parametrize(
    ("headers", "app_secret"),
    [
        pytest.param({}, SECRET, id="no signature"),
        pytest.param(signature(BODY, "another"), SECRET, id="another secret"),
        pytest.param(signature(BODY + b" "), SECRET, id="another body"),
        pytest.param({"X-Hub-Signature-256": signature(BODY)["X-Hub-Signature-256"][7:]}, SECRET, id="no prefix"),
        pytest.param({"X-Hub-Signature-256": "sha256=ä\udcff"}, SECRET, id="beyond ASCII"),
        pytest.param(signature(BODY, ""), "", id="no secret"),
    ],
)
def test_an_unsigned_webhook_is_refused(headers: dict[str, str], app_secret: str) -> None:
    received = read_webhook(
        a_request(body=BODY, headers=headers), page_id=PAGE, app_secret=app_secret, verify_token="x"
    )

    assert (received.events, received.reply.status_code, codes(received)) == ((), 401, ["not_verified"])


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock", 200, b"1158201444"),
        ("hub.mode=subscribe&hub.challenge=%3Cb%3E&hub.verify_token=meatyhamhock", 200, b"<b>"),
        ("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=other", 401, b""),
        ("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=%C3%A4", 401, b""),
        ("hub.mode=unsubscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock", 401, b""),
        ("&".join(["a=b"] * 100), 401, b""),
        ("", 401, b""),
    ],
)
def test_a_challenge_is_given_back_to_who_knows_the_token(query: str, status: int, body: bytes) -> None:
    """https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests."""
    request = a_request("GET", query=query)

    reply = read_webhook(request, page_id=PAGE, app_secret=SECRET, verify_token="meatyhamhock").reply

    assert (reply.status_code, reply.body) == (status, body)
    assert status != 200 or reply.headers == (("content-type", "text/plain"),)


def test_without_a_token_nobody_is_answered() -> None:
    request = a_request("GET", query="hub.mode=subscribe&hub.challenge=1&hub.verify_token=")

    assert read_webhook(request, page_id=PAGE, app_secret=SECRET, verify_token="").reply.status_code == 401


NAMES = """sender recipient id timestamp message mid text attachments type payload url postback title reaction emoji
delivery mids read message_edit is_echo"""
names = st.sampled_from(NAMES.split())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)


@given(items=st.lists(json_values, max_size=3), more=st.dictionaries(names, json_values, max_size=4))
def test_no_webhook_makes_it_raise(items: list[object], more: Json) -> None:
    body = {"object": "page", "entry": [{"id": PAGE, "messaging": [*items, from_contact(**more)], "changes": items}]}

    received = receive(body)

    assert received.reply.status_code == 200
    assert all(event.event_time.tzinfo is not None for event in received.events)


@given(body=st.binary(max_size=60), header=st.text(max_size=20), query=st.text(max_size=40))
def test_no_request_makes_it_raise(body: bytes, header: str, query: str) -> None:
    for request in (
        a_request(body=body, headers=signature(body)),
        a_request(body=body, headers={"X-Hub-Signature-256": header}),
        a_request("GET", query=query),
    ):
        assert read_webhook(request, page_id=PAGE, app_secret=SECRET, verify_token="x").events == ()
