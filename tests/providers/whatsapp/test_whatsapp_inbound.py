"""Webhooks as Meta documents them, under
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/.
"""

import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anychannel import (
    Contact,
    ContactCard,
    EchoReceived,
    FailureKind,
    HttpReply,
    MessageReceived,
    Received,
    ReportReceived,
    Status,
    Text,
)
from anychannel.testing import A_TIME, a_request
from providers.whatsapp.inbound import read_request
from providers.whatsapp.proof import Secrets

Json = dict[str, Any]

NUMBER_ID = "106540352242922"
SECRETS = Secrets(app_secret="0123456789abcdef", verify_token="vibecoding")
WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="
SENT = datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC)  # 1749416383
SHEENA = {"profile": {"name": "Sheena Nelson"}, "wa_id": "16505551234"}
A_CONTACT = Contact(address="16505551234", first_name="Sheena", last_name="Nelson", phone="+16505551234")


def a_value(*, number_id: str = NUMBER_ID, **fields: Any) -> Json:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **fields}


def a_change(field: str = "messages", **fields: Any) -> Json:
    return {"field": field, "value": a_value(**fields)}


def a_webhook(*changes: Json) -> Json:
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": list(changes)}]}


def a_message(**fields: Any) -> Json:
    text = {"type": "text", "text": {"body": "Does it come in another color?"}}
    return {"from": "16505551234", "id": WAMID, "timestamp": "1749416383", **text, **fields}


def a_status(status: str, **fields: Any) -> Json:
    return {"id": WAMID, "status": status, "timestamp": "1749416383", "recipient_id": "16505551234", **fields}


def read(body: Json | bytes, *, method: str = "POST") -> Received:
    """As a signed request."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = hmac.new(b"0123456789abcdef", raw, "sha256").hexdigest()
    request = a_request(method, body=raw, headers={"X-Hub-Signature-256": f"sha256={signature}"})
    return read_request(request, secrets=SECRETS, phone_number_id=NUMBER_ID)


def codes(received: Received) -> list[str]:
    return [note.code for note in received.notes]


def test_the_documented_text_message() -> None:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages."""
    received = read(a_webhook(a_change(contacts=[SHEENA], messages=[a_message()])))

    assert received == Received(
        events=(
            MessageReceived(
                platform_event_id=WAMID,
                event_time=SENT,
                contact=A_CONTACT,
                platform_message_id=WAMID,
                content=Text(text="Does it come in another color?"),
            ),
        )
    )


@pytest.mark.parametrize(
    ("person", "message", "contact"),
    [
        pytest.param(SHEENA, {}, A_CONTACT, id="phone number"),
        pytest.param(SHEENA, {"from": "+16505551234"}, A_CONTACT, id="phone number with a plus"),
        pytest.param(
            {**SHEENA, "wa_id": "16505559999"},
            {},
            Contact(address="16505559999", first_name="Sheena", last_name="Nelson", phone="+16505559999"),
            id="the WhatsApp ID is another than the number",
        ),
        pytest.param({"wa_id": "16505551234"}, {}, Contact(address="16505551234", phone="+16505551234"), id="no name"),
        pytest.param(
            {"profile": {"name": " Ada  "}, "wa_id": "16505551234"},
            {},
            Contact(address="16505551234", first_name="Ada", phone="+16505551234"),
            id="one name",
        ),
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
        pytest.param(
            {
                "profile": {"name": "Sheena Nelson", "username": "@realsheenanelson"},
                "user_id": "US.13491208655302741918",
                "parent_user_id": "US.ENT.11815799212886844830",
            },
            {"from": None, "from_user_id": "US.13491208655302741918"},
            Contact(address="US.13491208655302741918", first_name="Sheena", last_name="Nelson", country_code="US"),
            id="a number that is hidden behind a username",
        ),
        pytest.param(
            {**SHEENA, "user_id": "US.13491208655302741918"},
            {"from_user_id": "US.13491208655302741918"},
            Contact(
                address="16505551234", first_name="Sheena", last_name="Nelson", phone="+16505551234", country_code="US"
            ),
            id="both",
        ),
        pytest.param(
            {"profile": {"username": "@ada"}, "user_id": "DE.1"},
            {"from": "", "from_user_id": "DE.1"},
            Contact(address="DE.1", first_name="@ada", country_code="DE"),
            id="only a username",
        ),
    ],
)
def test_people_are_known_by_number_or_by_user_id(person: Json, message: Json, contact: Contact) -> None:
    (event,) = read(a_webhook(a_change(contacts=[person], messages=[a_message(**message)]))).events

    assert isinstance(event, MessageReceived)
    assert event.contact == contact


def test_several_people_in_one_change_are_told_apart() -> None:
    people = [SHEENA, {"profile": {"name": "Ada"}, "wa_id": "4915112345"}]
    messages = [
        a_message(id="wamid.1", **{"from": "4915112345"}),
        a_message(id="wamid.2"),
        a_message(id="wamid.3", **{"from": "33612345"}),
    ]

    events = read(a_webhook(a_change(contacts=people, messages=messages))).events

    names = [event.contact.first_name for event in events if isinstance(event, MessageReceived)]
    assert names == ["Ada", "Sheena", ""]


def test_a_batch_of_entries_and_changes_is_read_in_order() -> None:
    first = a_webhook(
        a_change(contacts=[SHEENA], messages=[a_message(id="wamid.1"), a_message(id="wamid.2")]),
        a_change(statuses=[a_status("delivered", id="wamid.out")]),
    )
    second = a_webhook(a_change(contacts=[SHEENA], messages=[a_message(id="wamid.3")]))

    received = read({**first, "entry": [*first["entry"], *second["entry"]]})

    ids = [event.platform_event_id for event in received.events]
    assert ids == ["wamid.1", "wamid.2", "wamid.out:delivered", "wamid.3"]
    assert received.notes == ()


def test_the_largest_batch() -> None:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint#batching."""
    messages = [a_message(id=f"wamid.{number}", text={"body": "ü" * 100}) for number in range(1000)]

    assert len(read(a_webhook(a_change(contacts=[SHEENA], messages=messages))).events) == 1000


def test_the_same_webhook_again_has_the_same_ids() -> None:
    body = a_webhook(a_change(contacts=[SHEENA], messages=[a_message()], statuses=[a_status("read")]))

    assert read(body) == read(body)


def test_several_contact_cards_have_ids_of_their_own() -> None:
    message = a_message(type="contacts", contacts=[{"name": {"formatted_name": name}} for name in ("Ada", "Bob")])

    events = read(a_webhook(a_change(contacts=[SHEENA], messages=[message]))).events

    cards = [(each.platform_message_id, each.content) for each in events if isinstance(each, MessageReceived)]
    assert cards == [(WAMID, ContactCard(name="Ada")), (f"{WAMID}:2", ContactCard(name="Bob"))]


def test_another_number_of_the_same_app_is_ignored() -> None:
    ours = a_change(contacts=[SHEENA], messages=[a_message()])
    others = a_change(number_id="999", contacts=[SHEENA], messages=[a_message(id="wamid.other")])

    received = read(a_webhook(others, ours))

    assert [event.platform_event_id for event in received.events] == [WAMID]
    assert codes(received) == ["other_number_ignored"]


@pytest.mark.parametrize(
    ("status", "reached"),
    [
        ("sent", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("read", Status.READ),
        ("played", Status.READ),
    ],
)
def test_a_status_is_a_report(status: str, reached: Status) -> None:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status."""
    pricing = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}

    received = read(a_webhook(a_change(contacts=[SHEENA], statuses=[a_status(status, pricing=pricing)])))

    assert received == Received(
        events=(
            ReportReceived(
                platform_event_id=f"{WAMID}:{status}",
                event_time=SENT,
                platform_message_id=WAMID,
                status=reached,
            ),
        )
    )


def test_the_documented_failure() -> None:
    error = {
        "code": 131049,
        "title": "This message was not delivered to maintain healthy ecosystem engagement.",
        "message": "This message was not delivered to maintain healthy ecosystem engagement.",
        "error_data": {
            "details": "In order to maintain a healthy ecosystem engagement, the message failed to be delivered."
        },
        "href": "/documentation/business-messaging/whatsapp/support/error-codes",
    }

    (event,) = read(a_webhook(a_change(statuses=[a_status("failed", errors=[error])]))).events

    assert isinstance(event, ReportReceived)
    assert event.status is Status.FAILED
    assert event.failure is not None
    assert (event.failure.kind, event.failure.platform_code) == (FailureKind.CONTACT_UNREACHABLE, "131049")


@pytest.mark.parametrize("fields", [{}, {"errors": []}, {"errors": "no list"}])
def test_a_failure_without_a_reason_has_one(fields: Json) -> None:
    (event,) = read(a_webhook(a_change(statuses=[a_status("failed", **fields)]))).events

    assert isinstance(event, ReportReceived)
    assert event.failure is not None


def test_the_documented_echo() -> None:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes."""
    echo = {
        "from": "15550783881",
        "to": "16505551234",
        "id": WAMID,
        "timestamp": "1749416383",
        "type": "text",
        "text": {"body": "Here's the info you requested! https://www.meta.com/quest/quest-3/"},
    }

    received = read(a_webhook(a_change("smb_message_echoes", message_echoes=[echo])))

    assert received == Received(
        events=(
            EchoReceived(
                platform_event_id=WAMID,
                event_time=SENT,
                contact=Contact(address="16505551234", phone="+16505551234"),
                platform_message_id=WAMID,
                content=Text(text="Here's the info you requested! https://www.meta.com/quest/quest-3/"),
            ),
        )
    )


def test_an_edited_echo_is_its_new_version_and_a_deleted_one_a_note() -> None:
    frame = {"from": "15550783881", "to": "+16505551234", "timestamp": "1749416383"}
    edit = {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "corrected"}}}
    echoes = [
        {**frame, "id": "wamid.1", "type": "edit", "edit": edit},
        {**frame, "id": "wamid.2", "type": "revoke", "revoke": {"original_message_id": "wamid.0"}},
    ]

    received = read(a_webhook(a_change("smb_message_echoes", message_echoes=echoes)))

    (event,) = received.events
    assert isinstance(event, EchoReceived)
    assert (event.content, [note.code for note in event.notes]) == (Text(text="corrected"), ["edited"])
    assert codes(received) == ["deleted"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(
            {"field": "account_update", "value": {"event": "PARTNER_REMOVED"}}, "change_ignored", id="account"
        ),
        pytest.param({"field": "message_template_status_update", "value": {}}, "change_ignored", id="template"),
        pytest.param(a_change("history", history=[]), "change_ignored", id="history of the app"),
        pytest.param({"field": "hologram", "value": []}, "change_ignored", id="field that is not known yet"),
        pytest.param({}, "change_ignored", id="nothing"),
        pytest.param({"field": "messages"}, "other_number_ignored", id="no number"),
        pytest.param(a_change(), "not_understood", id="no messages"),
        pytest.param(a_change(messages="no list"), "not_understood", id="another shape"),
        pytest.param(a_change(messages=[a_message(id="")]), "not_understood", id="message without id"),
        pytest.param(a_change(messages=[a_message(**{"from": "?"})]), "not_understood", id="message without sender"),
        pytest.param(a_change(messages=[a_message(group_id="Y2FwaV9")]), "group_ignored", id="message in a group"),
        pytest.param(a_change(messages=[{"type": "system", "id": "1"}]), "system", id="system message"),
        pytest.param(
            a_change("smb_message_echoes", message_echoes=[a_message(to="")]), "not_understood", id="echo to nobody"
        ),
        pytest.param(a_change(statuses=[a_status("hologram")]), "status_ignored", id="status that is not known yet"),
        pytest.param(a_change(statuses=[a_status("read", id="")]), "status_ignored", id="status of nothing"),
        pytest.param(
            a_change(statuses=[a_status("read", recipient_type="group")]), "group_ignored", id="status in a group"
        ),
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/errors
        pytest.param(
            a_change(errors=[{"code": 130429, "title": "Rate limit hit", "error_data": {"details": "Too much."}}]),
            "platform_error",
            id="error",
        ),
    ],
)
def test_what_is_ignored_is_noted(change: Json, code: str) -> None:
    """Anything but 200 would make Meta repeat it for seven days."""
    received = read(a_webhook(change))

    assert (received.reply, received.events) == (HttpReply(), ())
    assert codes(received) == [code]


@pytest.mark.parametrize("timestamp", ["0", "-1", "253402300800", "9" * 40, "soon", None, 1.5])
def test_an_impossible_time_is_now(timestamp: object) -> None:
    (event,) = read(a_webhook(a_change(messages=[a_message(timestamp=timestamp)]))).events

    assert event.event_time == A_TIME


def test_an_old_message_keeps_its_time() -> None:
    (event,) = read(a_webhook(a_change(messages=[a_message(timestamp="1")]))).events

    assert event.event_time == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_an_unsigned_webhook_is_refused() -> None:
    request = a_request(body=a_webhook(a_change(contacts=[SHEENA], messages=[a_message()])))

    received = read_request(request, secrets=SECRETS, phone_number_id=NUMBER_ID)

    assert (received.reply.status_code, received.events, codes(received)) == (401, (), ["not_verified"])


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff\xfe", b"[" * 100_000, b'{"entry": NaN}'])
def test_what_is_no_object_is_a_bad_request(body: bytes) -> None:
    received = read(body)

    assert (received.reply.status_code, received.events) == (400, ())


def test_a_webhook_about_something_else_is_taken_and_noted() -> None:
    received = read({**a_webhook(a_change(messages=[a_message()])), "object": "page"})

    assert (received.reply, received.events, codes(received)) == (HttpReply(), (), ["not_understood"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_not_allowed(method: str) -> None:
    received = read(a_webhook(a_change(messages=[a_message()])), method=method)

    assert (received.reply.status_code, received.events) == (405, ())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["messages", "statuses", "message_echoes", "contacts", "errors"]
PARTS = [
    "id",
    "from",
    "from_user_id",
    "to",
    "status",
    "timestamp",
    "type",
    "text",
    "wa_id",
    "user_id",
    "profile",
    "errors",
]


@settings(max_examples=50)
@given(
    fields=st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(st.dictionaries(st.sampled_from(PARTS), VALUES, max_size=4), max_size=2) | VALUES,
        max_size=4,
    )
)
def test_no_change_makes_it_raise(fields: Json) -> None:
    received = read(a_webhook(a_change(**fields)))

    assert received.reply == HttpReply()
    assert received.events or received.notes


@settings(max_examples=50)
@given(VALUES)
def test_no_body_makes_it_raise(body: Any) -> None:
    read(json.dumps({"object": "whatsapp_business_account", "entry": body}).encode())
    read(json.dumps(body).encode())
