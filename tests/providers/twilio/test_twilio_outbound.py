"""Parts as forms: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import (
    Attachment,
    ContactCard,
    Content,
    ContentRejected,
    ContentUnsupported,
    CustomPayload,
    DeliveryFailed,
    FailureKind,
    Location,
    MediaKind,
    QuickReplies,
    Template,
    Text,
)
from anychannel.testing import a_part
from providers.twilio.outbound import MessageForm, message_form, read_message_id
from providers.twilio.sender import SENDER_PATTERN, Sender, SenderKind

NUMBER = "+14155550100"
SERVICE = "MG" + "a" * 32
CONTENT_SID = "HX" + "b" * 32
IMAGE = Attachment(kind=MediaKind.IMAGE, url="https://media.example/a?b=c&d=é", mime_type="image/png")
OFFICE = Location(latitude=37.78789, longitude=-122.391664, name="Twilio HQ", address="375 Beale St")


@pytest.mark.parametrize(
    ("sender", "kind", "fields"),
    [
        (NUMBER, SenderKind.NUMBER, [("To", "+14017122661"), ("From", NUMBER)]),
        (SERVICE, SenderKind.SERVICE, [("To", "+14017122661"), ("MessagingServiceSid", SERVICE)]),
        (
            f"whatsapp:{NUMBER}",
            SenderKind.WHATSAPP,
            [("To", "whatsapp:+14017122661"), ("From", f"whatsapp:{NUMBER}")],
        ),
        (
            f"whatsapp:{SERVICE}",
            SenderKind.SERVICE,
            [("To", "whatsapp:+14017122661"), ("MessagingServiceSid", SERVICE)],
        ),
        ("12345", SenderKind.OTHER, [("To", "+14017122661"), ("From", "12345")]),
        ("Acme Ltd", SenderKind.OTHER, [("To", "+14017122661"), ("From", "Acme Ltd")]),
    ],
)
def test_senders(sender: str, kind: SenderKind, fields: list[tuple[str, str]]) -> None:
    form = _form(Text(text="Ahoy"), sender=sender)

    assert form == MessageForm(fields=(*fields, ("Body", "Ahoy")))
    assert Sender.of(sender).kind is kind
    assert re.fullmatch(SENDER_PATTERN, sender)


@pytest.mark.parametrize(
    ("sender", "address", "to"),
    [
        (SERVICE, "whatsapp:+14017122661", "whatsapp:+14017122661"),
        (SERVICE, "rcs:+14017122661", "rcs:+14017122661"),
        (f"whatsapp:{NUMBER}", "US.1349120865530274", "whatsapp:US.1349120865530274"),
        (f"whatsapp:{NUMBER}", "rcs:+14017122661", "rcs:+14017122661"),
        (NUMBER, "32665", "32665"),
    ],
)
def test_who_wrote_over_another_network_is_answered_there(sender: str, address: str, to: str) -> None:
    form = message_form(
        a_part("Ahoy", address=address), sender=Sender.of(sender), status_callback="", sends_links=False
    )

    assert dict(form.fields)["To"] == to
    assert Sender.of(sender).read(to) == address


@pytest.mark.parametrize(
    ("content", "sender", "fields", "codes"),
    [
        pytest.param(Text(text="ß👋" * 400), NUMBER, [("Body", "ß👋" * 400)], [], id="text"),
        pytest.param(IMAGE, NUMBER, [("MediaUrl", IMAGE.url)], [], id="mms"),
        pytest.param(IMAGE, f"whatsapp:{NUMBER}", [("MediaUrl", IMAGE.url)], [], id="whatsapp media"),
        pytest.param(
            Attachment(kind=MediaKind.VIDEO, url="https://media.example/v", caption="Look"),
            NUMBER,
            [("MediaUrl", "https://media.example/v"), ("Body", "Look")],
            [],
            id="a caption that came nevertheless",
        ),
        pytest.param(
            OFFICE,
            f"whatsapp:{NUMBER}",
            [("Body", "Twilio HQ"), ("PersistentAction", "geo:37.787890,-122.391664|375 Beale St")],
            [],
            id="location",
        ),
        pytest.param(
            Location(latitude=1, longitude=-2, address="375 Beale St"),
            f"whatsapp:{SERVICE}",
            [("Body", "375 Beale St"), ("PersistentAction", "geo:1.000000,-2.000000")],
            [],
            id="location without a name",
        ),
        pytest.param(
            Location(latitude=1e-9, longitude=180),
            f"whatsapp:{NUMBER}",
            [("Body", "0.000000,180.000000"), ("PersistentAction", "geo:0.000000,180.000000")],
            [],
            id="bare location",
        ),
        pytest.param(
            OFFICE,
            NUMBER,
            [("Body", "Twilio HQ\n375 Beale St\nhttps://www.google.com/maps?q=37.787890,-122.391664")],
            ["location_as_link"],
            id="location by SMS",
        ),
        pytest.param(
            Template(name=CONTENT_SID, language="en", parameters=("Ada", "5 €")),
            f"whatsapp:{NUMBER}",
            [("ContentSid", CONTENT_SID), ("ContentVariables", '{"1": "Ada", "2": "5 €"}')],
            [],
            id="template",
        ),
        pytest.param(
            Template(name=CONTENT_SID, language=""), SERVICE, [("ContentSid", CONTENT_SID)], [], id="bare template"
        ),
    ],
)
def test_contents(content: Content, sender: str, fields: list[tuple[str, str]], codes: list[str]) -> None:
    form = _form(content, sender=sender)

    assert list(form.fields[2:]) == fields
    assert [note.code for note in form.notes] == codes


@pytest.mark.parametrize(
    ("attachment", "body"),
    [
        (IMAGE, IMAGE.url),
        (
            Attachment(kind=MediaKind.FILE, url="https://media.example/f", caption="Read"),
            "Read\nhttps://media.example/f",
        ),
    ],
)
def test_attachments_as_links(attachment: Attachment, body: str) -> None:
    form = _form(attachment, sends_links=True)

    assert form.fields[2:] == (("Body", body),)
    assert [note.code for note in form.notes] == ["media_as_link"]


def test_reports_are_asked_for() -> None:
    form = message_form(
        a_part("Ahoy"), sender=Sender.of(NUMBER), status_callback="https://gateway.example/status", sends_links=False
    )

    assert form.fields[-1] == ("StatusCallback", "https://gateway.example/status")


@pytest.mark.parametrize(
    "content",
    [QuickReplies(text="Well?", replies=("Yes",)), ContactCard(name="Ada"), CustomPayload(json="{}")],
    ids=lambda content: type(content).__name__,
)
def test_what_twilio_cannot_say(content: Content) -> None:
    with pytest.raises(ContentUnsupported):
        _form(content)


@pytest.mark.parametrize("name", ["", "welcome", CONTENT_SID + "0", "MG" + "b" * 32])
def test_templates_are_named_by_their_sid(name: str) -> None:
    with pytest.raises(ContentRejected):
        _form(Template(name=name, language="en"))


@pytest.mark.parametrize(
    ("answer", "message_id"),
    [
        # https://github.com/twilio/twilio-oai/blob/d50069b44ea8/spec/json/twilio_api_v2010.json
        ({"sid": "SM1", "status": "queued", "error_code": None}, "SM1"),
        ({"sid": "MM1", "status": "accepted", "error_code": None, "messaging_service_sid": SERVICE}, "MM1"),
        ({"sid": "SM1"}, "SM1"),
    ],
)
def test_the_id_of_what_was_taken(answer: Any, message_id: str) -> None:
    assert read_message_id(answer) == message_id


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"sid": "SM1", "status": "failed", "error_code": 21610}, FailureKind.CONTACT_OPTED_OUT, "21610"),
        ({"sid": "SM1", "status": "undelivered", "error_code": "30007"}, FailureKind.CONTENT_REJECTED, "30007"),
        ({"sid": "SM1", "status": "failed", "error_code": None}, FailureKind.CONTACT_UNREACHABLE, ""),
        ({"sid": "", "status": "queued"}, FailureKind.PLATFORM_UNAVAILABLE, ""),
        ({"sid": 7}, FailureKind.PLATFORM_UNAVAILABLE, ""),
        ([], FailureKind.PLATFORM_UNAVAILABLE, ""),
        (None, FailureKind.PLATFORM_UNAVAILABLE, ""),
    ],
)
def test_what_was_not_taken(answer: Any, kind: FailureKind, code: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        read_message_id(answer)

    assert (failed.value.failure.kind, failed.value.failure.platform_code) == (kind, code)


@pytest.mark.parametrize(
    "sender", ["", "+", "+0123", "MG" + "a" * 31, "whatsapp:Acme", "whatsapp:", "Acme & Sons", "x" * 12]
)
def test_what_is_no_sender(sender: str) -> None:
    assert not re.fullmatch(SENDER_PATTERN, sender)


@given(st.lists(st.text()))
def test_parameters_arrive_as_they_are(parameters: list[str]) -> None:
    form = dict(_form(Template(name=CONTENT_SID, language="", parameters=tuple(parameters))).fields)

    variables = json.loads(form.get("ContentVariables", "{}"))
    assert [variables[str(number)] for number in range(1, len(parameters) + 1)] == parameters


@given(
    st.sampled_from([NUMBER, SERVICE, f"whatsapp:{NUMBER}", f"whatsapp:{SERVICE}", "12345"]),
    st.integers(10, 10**15 - 1).map("+{}".format),
)
def test_an_address_survives_the_way_there_and_back(setting: str, address: str) -> None:
    sender = Sender.of(setting)

    assert sender.read(sender.spell(address)) == address
    assert sender.is_reached_by(sender.spell(address))


def _form(content: Content, *, sender: str = NUMBER, sends_links: bool = False) -> MessageForm:
    return message_form(
        a_part(content, address="+14017122661"),
        sender=Sender.of(sender),
        status_callback="",
        sends_links=sends_links,
    )
