"""Twilio's webhooks: what is read.

The fields are those of https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status, with numbers that Twilio keeps for examples.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    Contact,
    Failure,
    FailureKind,
    HttpReply,
    HttpRequest,
    Location,
    MediaKind,
    MessageReceived,
    Received,
    ReportReceived,
    Status,
    Text,
)
from anychannel.testing import A_TIME
from providers.twilio.inbound import read_webhook
from providers.twilio.message import read_message
from providers.twilio.report import read_report
from providers.twilio.sender import Sender

Signer = Callable[..., HttpRequest]

TOKEN = "auth-token-that-nobody-may-see"
WEBHOOK_URL = "https://gateway.example/webhooks/channel-1/webhook-token"
ACCOUNT = "AC" + "a" * 32
SID = "SM" + "b" * 32
MEDIA_SID = "ME" + "c" * 32
MEDIA_URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}/Media/{MEDIA_SID}"
MEDIA_ID = f"{ACCOUNT}/{SID}/{MEDIA_SID}"

SMS = {
    "ToCountry": "US",
    "ToState": "CA",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "ToCity": "",
    "FromZip": "94105",
    "SmsSid": SID,
    "FromState": "CA",
    "SmsStatus": "received",
    "FromCity": "SAN FRANCISCO",
    "Body": "Ahoy 👋 + you",
    "FromCountry": "US",
    "To": "+14155550100",
    "ToZip": "",
    "NumSegments": "1",
    "MessageSid": SID,
    "AccountSid": ACCOUNT,
    "From": "+14017122661",
    "ApiVersion": "2010-04-01",
}
WHATSAPP = {
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "ProfileName": "Ada King Lovelace",
    "MessageType": "text",
    "SmsSid": SID,
    "WaId": "14017122661",
    "SmsStatus": "received",
    "Body": "Ahoy",
    "To": "whatsapp:+14155550100",
    "NumSegments": "1",
    "ReferralNumMedia": "0",
    "MessageSid": SID,
    "AccountSid": ACCOUNT,
    "From": "whatsapp:+14017122661",
    "ApiVersion": "2010-04-01",
}
STATUS = {
    "SmsSid": SID,
    "SmsStatus": "delivered",
    "MessageStatus": "delivered",
    "To": "+14017122661",
    "MessageSid": SID,
    "AccountSid": ACCOUNT,
    "From": "+14155550100",
    "RawDlrDoneDate": "2601020304",
    "ApiVersion": "2010-04-01",
}
ONE_IMAGE = {"NumMedia": "1", "MediaUrl0": MEDIA_URL, "MediaContentType0": "image/jpeg"}


@pytest.mark.parametrize("path", ["", "/", "/inbound", "/inbound/", "/status"])
def test_an_sms(signed: Signer, path: str) -> None:
    received = _receive(signed(SMS, path=path))

    assert received == Received(
        events=(
            MessageReceived(
                platform_event_id=SID,
                event_time=A_TIME,
                contact=Contact(address="+14017122661", phone="+14017122661", country_code="US"),
                platform_message_id=SID,
                content=Text(text="Ahoy 👋 + you"),
            ),
        ),
        reply=HttpReply(status_code=200, headers=(("content-type", "text/xml"),), body=b"<Response/>"),
    )


def test_a_whatsapp_message(signed: Signer) -> None:
    (message,) = _receive(signed(WHATSAPP), sender="whatsapp:+14155550100").events

    assert message == MessageReceived(
        platform_event_id=SID,
        event_time=A_TIME,
        contact=Contact(address="+14017122661", phone="+14017122661", first_name="Ada", last_name="King Lovelace"),
        platform_message_id=SID,
        content=Text(text="Ahoy"),
    )


def test_a_webhook_by_get(signed: Signer) -> None:
    (message,) = _receive(signed(query=urlencode(SMS), method="GET", content_type="")).events

    assert isinstance(message, MessageReceived)
    assert message.content == Text(text="Ahoy 👋 + you")


@pytest.mark.parametrize(
    ("changes", "contents"),
    [
        pytest.param({"Body": "x" * 1600}, [Text(text="x" * 1600)], id="longest text"),
        pytest.param({"Body": "ß€漢字🏳️‍🌈\r\n"}, [Text(text="ß€漢字🏳️‍🌈\r\n")], id="any alphabet"),
        pytest.param(
            {**ONE_IMAGE, "Body": ""},
            [Attachment(kind=MediaKind.IMAGE, media_id=MEDIA_ID, mime_type="image/jpeg")],
            id="image",
        ),
        pytest.param(
            ONE_IMAGE,
            [Attachment(kind=MediaKind.IMAGE, media_id=MEDIA_ID, mime_type="image/jpeg", caption="Ahoy 👋 + you")],
            id="image with a text",
        ),
        pytest.param(
            {
                **ONE_IMAGE,
                "NumMedia": "2",
                "MediaUrl1": MEDIA_URL.replace("c" * 32, "d" * 32),
                "MediaContentType1": "video/mp4",
            },
            [
                Attachment(kind=MediaKind.IMAGE, media_id=MEDIA_ID, mime_type="image/jpeg", caption="Ahoy 👋 + you"),
                Attachment(kind=MediaKind.VIDEO, media_id=MEDIA_ID.replace("c" * 32, "d" * 32), mime_type="video/mp4"),
            ],
            id="two media",
        ),
        pytest.param(
            {**ONE_IMAGE, "MediaContentType0": "audio/ogg", "Body": ""},
            [Attachment(kind=MediaKind.AUDIO, media_id=MEDIA_ID, mime_type="audio/ogg")],
            id="voice",
        ),
        pytest.param(
            {**ONE_IMAGE, "MediaContentType0": "application/pdf", "Body": "plan.pdf"},
            [Attachment(kind=MediaKind.FILE, media_id=MEDIA_ID, mime_type="application/pdf", caption="plan.pdf")],
            id="document",
        ),
        pytest.param(
            {**ONE_IMAGE, "MediaContentType0": "text/vcard", "Body": ""},
            [Attachment(kind=MediaKind.FILE, media_id=MEDIA_ID, mime_type="text/vcard")],
            id="contact card",
        ),
        pytest.param(
            {"MediaUrl0": "https://media.example/a", "Body": ""},
            [Attachment(kind=MediaKind.FILE, url="https://media.example/a")],
            id="media elsewhere, of no type",
        ),
        pytest.param(
            {"MediaUrl0": f"{MEDIA_URL}/../../x", "Body": ""},
            [Attachment(kind=MediaKind.FILE, url=f"{MEDIA_URL}/../../x")],
            id="an address that only begins like Twilio's",
        ),
        pytest.param(
            {"Latitude": "37.787890", "Longitude": "-122.391664", "Body": "", "Address": "375 Beale St", "Label": "HQ"},
            [Location(latitude=37.78789, longitude=-122.391664, name="HQ", address="375 Beale St")],
            id="place",
        ),
        pytest.param(
            {"Latitude": "0", "Longitude": "-0.0", "Body": "Here"},
            [Location(latitude=0, longitude=0, name="Here")],
            id="point with a text",
        ),
        pytest.param({"Latitude": "91", "Longitude": "0"}, [Text(text="Ahoy 👋 + you")], id="nowhere on earth"),
        pytest.param({"Latitude": "nan", "Longitude": "0"}, [Text(text="Ahoy 👋 + you")], id="nowhere at all"),
        pytest.param(
            {"Body": "Yes", "ButtonText": "Yes", "ButtonPayload": "yes-1"}, [Text(text="Yes")], id="tapped button"
        ),
        pytest.param({"Body": "", "ButtonText": "Yes", "ButtonPayload": "1"}, [Text(text="Yes")], id="only its label"),
        pytest.param({"Body": "", "ListId": "1", "ListTitle": "Row"}, [Text(text="Row")], id="only the row's title"),
        pytest.param({"ReferralHeadline": "Ad", "ReferralBody": "Buy"}, [Text(text="Ahoy 👋 + you")], id="from an ad"),
    ],
)
def test_contents(signed: Signer, changes: dict[str, str], contents: list[Any]) -> None:
    events = _receive(signed(SMS | changes)).events

    assert [event.content for event in events if isinstance(event, MessageReceived)] == contents
    ids = [SID, *(f"{SID}/{index}" for index in range(1, len(contents)))]
    assert [(event.platform_event_id, event.platform_message_id) for event in events] == [(it, it) for it in ids]


def test_ten_media_are_ten_messages(signed: Signer) -> None:
    fields = {f"MediaUrl{index}": MEDIA_URL for index in range(10)} | {"NumMedia": "10"}

    assert len({event.platform_event_id for event in _receive(signed(SMS | fields)).events}) == 10


def test_told_twice_it_is_the_same_event(signed: Signer) -> None:
    assert _receive(signed(SMS)).events == _receive(signed(SMS)).events


@pytest.mark.parametrize(
    ("sender", "spelled", "address", "phone", "codes"),
    [
        ("+14155550100", "+14017122661", "+14017122661", "+14017122661", []),
        ("MG" + "a" * 32, "+14017122661", "+14017122661", "+14017122661", []),
        ("MG" + "a" * 32, "whatsapp:+14017122661", "whatsapp:+14017122661", "+14017122661", ["other_network"]),
        ("MG" + "a" * 32, "rcs:+14017122661", "rcs:+14017122661", "+14017122661", ["other_network"]),
        ("whatsapp:+14155550100", "whatsapp:+14017122661", "+14017122661", "+14017122661", []),
        ("whatsapp:MG" + "a" * 32, "whatsapp:+14017122661", "+14017122661", "+14017122661", []),
        ("whatsapp:+14155550100", "whatsapp:US.1349120865530274", "US.1349120865530274", "", []),
        ("whatsapp:+14155550100", "+14017122661", "+14017122661", "+14017122661", ["other_network"]),
        ("+14155550100", "32665", "32665", "", []),
    ],
)
def test_addresses(signed: Signer, sender: str, spelled: str, address: str, phone: str, codes: list[str]) -> None:
    (message,) = _receive(signed(SMS | {"From": spelled}), sender=sender).events

    assert isinstance(message, MessageReceived)
    assert (message.contact.address, message.contact.phone) == (address, phone)
    assert [note.code for note in message.notes] == codes


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("STOP", ["opted_out"]),
        ("START", ["opted_in"]),
        ("HELP", ["help_requested"]),
        ("stop", ["opted_out"]),
        ("X", []),
    ],
)
def test_opt_outs_are_noted(signed: Signer, kind: str, codes: list[str]) -> None:
    (message,) = _receive(signed(SMS | {"Body": "Stop", "OptOutType": kind})).events

    assert isinstance(message, MessageReceived)
    assert (message.content, [note.code for note in message.notes]) == (Text(text="Stop"), codes)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param(SMS | {"Body": ""}, "empty_message", id="nothing said"),
        pytest.param(SMS | {"Body": "", "MessageType": "unsupported"}, "empty_message", id="unsupported"),
        pytest.param(SMS | {"From": ""}, "no_sender", id="nobody"),
        pytest.param({"CallSid": "CA1"}, "unknown_webhook", id="a call"),
        pytest.param({}, "unknown_webhook", id="nothing"),
        pytest.param(STATUS | {"MessageStatus": "queued"}, "not_final", id="queued"),
        pytest.param(STATUS | {"MessageStatus": "accepted"}, "not_final", id="accepted"),
        pytest.param(STATUS | {"MessageStatus": "scheduled"}, "not_final", id="scheduled"),
        pytest.param(STATUS | {"MessageStatus": "sending"}, "not_final", id="sending"),
        pytest.param(STATUS | {"MessageStatus": "partially_delivered"}, "not_final", id="partially delivered"),
        pytest.param(STATUS | {"MessageStatus": "danced"}, "not_final", id="unknown"),
    ],
)
def test_what_tells_nothing_is_noted(signed: Signer, fields: dict[str, str], code: str) -> None:
    received = _receive(signed(fields))

    assert (received.events, received.reply.status_code, received.reply.body) == ((), 200, b"<Response/>")
    assert [note.code for note in received.notes] == [code]


def test_json_is_noted(signed: Signer) -> None:
    # sha256 of the body, as in https://www.twilio.com/docs/usage/webhooks/webhooks-security
    query = "bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

    received = _receive(signed(b"{}", query=query, content_type="application/json"))

    assert [note.code for note in received.notes] == ["unknown_webhook"]


@pytest.mark.parametrize(
    ("changes", "status", "failure"),
    [
        pytest.param({"MessageStatus": "sent"}, Status.SENT, None, id="sent"),
        pytest.param({}, Status.DELIVERED, None, id="delivered"),
        pytest.param(
            {"MessageStatus": "read", "EventType": "READ", "ChannelPrefix": "whatsapp"}, Status.READ, None, id="read"
        ),
        pytest.param(
            {"MessageStatus": "undelivered", "ErrorCode": "30005"},
            Status.FAILED,
            Failure(
                kind=FailureKind.CONTACT_UNREACHABLE,
                text="This is not a number that can receive the message.",
                platform_code="30005",
            ),
            id="undelivered",
        ),
        pytest.param(
            {"MessageStatus": "failed", "ErrorCode": "63016", "ChannelStatusMessage": "outside the window"},
            Status.FAILED,
            Failure(
                kind=FailureKind.WINDOW_CLOSED,
                text="WhatsApp allows only templates now: the contact last wrote over 24 hours ago.",
                platform_code="63016",
            ),
            id="failed",
        ),
        pytest.param(
            {"MessageStatus": "canceled"},
            Status.FAILED,
            Failure(kind=FailureKind.CONTACT_UNREACHABLE, text="The message was not delivered."),
            id="canceled",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/status", "", "/inbound"])
def test_reports(signed: Signer, path: str, changes: dict[str, str], status: Status, failure: Failure | None) -> None:
    fields = STATUS | changes

    assert _receive(signed(fields, path=path)).events == (
        ReportReceived(
            platform_event_id=f"{SID}:{fields['MessageStatus']}",
            event_time=A_TIME,
            platform_message_id=SID,
            status=status,
            failure=failure,
        ),
    )


def test_who_is_not_twilio_is_refused(signed: Signer) -> None:
    received = _receive(signed(SMS, token="another"))

    assert (received.reply.status_code, received.reply.body, received.events) == (401, b"", ())
    assert [note.code for note in received.notes] == ["not_verified"]


def test_a_signature_is_for_one_channel_only(signed: Signer) -> None:
    elsewhere = WEBHOOK_URL.replace("channel-1", "channel-2")

    assert _receive(signed(SMS, told=elsewhere)).reply.status_code == 401


def test_the_public_address_counts_behind_a_proxy(signed: Signer) -> None:
    request = signed(SMS, path="/inbound", seen="http://10.0.0.7:8080/webhooks/channel-1/webhook-token/inbound")

    assert len(_receive(request).events) == 1


def test_other_paths_are_unknown(signed: Signer) -> None:
    received = _receive(signed(SMS, path="/other"))

    assert (received.reply.status_code, received.events) == (404, ())


def test_bytes_that_are_no_text_are_signed_as_they_are(signed: Signer) -> None:
    body = urlencode(SMS | {"Body": ""}).encode() + b"&Body=%ff%fe\xff"

    (message,) = _receive(signed(body)).events

    assert isinstance(message, MessageReceived)
    assert message.content == Text(text="???")


@given(
    st.dictionaries(
        st.sampled_from([*SMS, *WHATSAPP, *STATUS, *ONE_IMAGE, "Latitude", "Longitude", "OptOutType"]), st.text()
    ),
    st.sampled_from(["+14155550100", "whatsapp:+14155550100", "MG" + "a" * 32, "Acme"]),
)
def test_no_fields_raise(changes: Mapping[str, str], sender: str) -> None:
    message = read_message({**WHATSAPP, **changes}, sender=Sender.of(sender), now=A_TIME)
    report = read_report({**STATUS, **changes}, now=A_TIME)

    assert message
    assert report


@given(st.binary(), st.text(), st.text())
def test_no_request_raises(signed: Signer, body: bytes, path: str, query: str) -> None:
    received = _receive(signed(body, path=path, query=query))

    assert received.events == ()
    assert received.reply.status_code in {200, 401, 404}


def _receive(request: HttpRequest, *, sender: str = "+14155550100") -> Received:
    return read_webhook(request, sender=Sender.of(sender), webhook_url=WEBHOOK_URL, auth_tokens=(TOKEN,))
