import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.contract import ContractViolation, MessageEvent, Rules, StatusEvent, check_envelope
from sandbox.settings import IdType

NOW = 1_767_225_600_000
RULES = Rules(channel_id="c1", id_type=IdType.PHONE, now_ms=NOW)

TEXT = {"type": "message", "mId": "m1", "timestamp": NOW, "message": {"type": "text", "text": "Hi"}}
ATTACHMENT = {
    "type": "message",
    "mId": "m2",
    "timestamp": NOW,
    "message": {
        "type": "attachment",
        "attachment": {
            "type": "image",
            "url": "https://cdn.example/a.png",
            "mimeType": "image/png",
            "fileName": "a.png",
            "description": "invoice",
        },
    },
}
LOCATION = {
    "type": "message_echo",
    "mId": "m3",
    "timestamp": NOW,
    "message": {"type": "location", "latitude": 52.5, "longitude": 13, "address": "Berlin"},
}
QUICK_REPLY = {
    "type": "message_echo",
    "mId": "m4",
    "timestamp": NOW,
    "message": {"type": "quick_reply", "title": "Well?", "replies": ["Yes", "No"]},
}
NESTED = {
    "type": "message_status",
    "mId": "m5",
    "timestamp": NOW,
    "status": {"value": "failed", "message": "blocked"},
}
FLAT = {"type": "message_status", "mId": "m6", "timestamp": NOW, "status": "failed", "error": "blocked"}
CONTACT = {
    "firstName": "Ada",
    "lastName": "Example",
    "profilePic": "https://cdn.example/a.jpg",
    "countryCode": "DE",
    "email": "ada@example.org",
    "phone": "+4915112345678",
    "language": "de",
}
EVENTS = [TEXT, ATTACHMENT, LOCATION, QUICK_REPLY, NESTED, FLAT]


def envelope(**fields: Any) -> dict[str, Any]:
    whole = {"channelId": "c1", "contactId": "+4915112345678", "events": EVENTS, "contact": CONTACT}
    return copy.deepcopy({**whole, **fields})


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good envelope with one field set, or (`...`) left out."""
    whole: Any = envelope()
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    holder = whole
    for step in steps:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    found: dict[str, Any] = whole
    return found


def test_a_good_envelope_gives_its_events_in_order() -> None:
    events = check_envelope(envelope(), RULES)
    assert [event.m_id for event in events] == ["m1", "m2", "m3", "m4", "m5", "m6"]
    assert events[0] == MessageEvent(type="message", m_id="m1", timestamp=NOW, message={"type": "text", "text": "Hi"})
    assert events[4] == StatusEvent(m_id="m5", timestamp=NOW, status="failed", reason="blocked")
    assert events[5] == StatusEvent(m_id="m6", timestamp=NOW, status="failed", reason="blocked")


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param(changed("contact", {}), id="empty contact"),
        pytest.param(changed("contact", ...), id="no contact"),
        pytest.param(changed("events.0.mId", "m" * 50), id="mId of 50"),
        pytest.param(changed("events.0.timestamp", NOW + 600_000), id="ten minutes ahead"),
        pytest.param(changed("events.0.timestamp", 946_684_800_000), id="the year 2000"),
        pytest.param(changed("events.2.message.latitude", -90), id="south pole"),
        pytest.param(changed("events.4.status", {"value": "read"}), id="nested without reason"),
        pytest.param(changed("events.5.error", {"message": "blocked"}), id="flat with an error object"),
        pytest.param(changed("events.3.message.replies", ["a"] * 10), id="ten replies"),
        pytest.param(changed("events.0.message.text", " "), id="a blank is a text"),
    ],
)
def test_at_the_edge_of_the_rules_is_within_them(fine: dict[str, Any]) -> None:
    assert check_envelope(fine, RULES)


VIOLATIONS = [
    ("channelId", ..., "channelId"),
    ("channelId", "c2", "channelId"),
    ("channelId", 7, "channelId"),
    ("contactId", ..., "contactId"),
    ("contactId", None, "contactId"),
    ("contactId", "", "contactId"),
    ("contactId", 4915112345678, "contactId"),
    ("contactId", "4915112345678", "contactId"),
    ("contactId", "+0915112345678", "contactId"),
    ("contactId", "+4915112345678\n", "contactId"),
    ("contactId", "+" + "1" * 50, "contactId"),
    ("events", ..., "events"),
    ("events", {}, "events"),
    ("events", [], "events"),
    ("events", ["x"], "events[0]"),
    ("extra", 1, "extra"),
    ("events.0.type", ..., "events[0].type"),
    ("events.0.type", None, "events[0].type"),
    ("events.0.type", "reaction", "events[0].type"),
    ("events.1.mId", ..., "events[1].mId"),
    ("events.1.mId", "", "events[1].mId"),
    ("events.1.mId", 5, "events[1].mId"),
    ("events.1.mId", "m" * 51, "events[1].mId"),
    ("events.0.mld", "m1", "events[0].mld"),
    ("events.0.timestamp", ..., "events[0].timestamp"),
    ("events.0.timestamp", NOW // 1000, "events[0].timestamp"),
    ("events.0.timestamp", NOW * 1000, "events[0].timestamp"),
    ("events.0.timestamp", float(NOW), "events[0].timestamp"),
    ("events.0.timestamp", str(NOW), "events[0].timestamp"),
    ("events.0.timestamp", True, "events[0].timestamp"),
    ("events.0.timestamp", NOW + 600_001, "events[0].timestamp"),
    ("events.0.message", ..., "events[0].message"),
    ("events.0.message", "Hi", "events[0].message"),
    ("events.0.message.type", ..., "events[0].message.type"),
    ("events.0.message.type", "custom_payload", "events[0].message.type"),
    ("events.0.message.text", ..., "events[0].message.text"),
    ("events.0.message.text", "", "events[0].message.text"),
    ("events.0.message.text", None, "events[0].message.text"),
    ("events.0.message.text", 5, "events[0].message.text"),
    ("events.0.status", "read", "events[0].status"),
    ("events.1.message", {"type": "attachment", "url": "https://x.example"}, "events[1].message.url"),
    ("events.1.message.attachment", ..., "events[1].message.attachment"),
    ("events.1.message.attachment", "x", "events[1].message.attachment"),
    ("events.1.message.attachment.type", "sticker", "events[1].message.attachment.type"),
    ("events.1.message.attachment.type", ["image"], "events[1].message.attachment.type"),
    ("events.1.message.attachment.url", ..., "events[1].message.attachment.url"),
    ("events.1.message.attachment.url", "data:image/png;base64,AA", "events[1].message.attachment.url"),
    ("events.1.message.attachment.url", "http://", "events[1].message.attachment.url"),
    ("events.1.message.attachment.url", "http://[::1", "events[1].message.attachment.url"),
    ("events.1.message.attachment.url", "https://x.example/a b", "events[1].message.attachment.url"),
    ("events.1.message.attachment.mimeType", "png", "events[1].message.attachment.mimeType"),
    ("events.1.message.attachment.fileName", None, "events[1].message.attachment.fileName"),
    ("events.1.message.attachment.description", "", "events[1].message.attachment.description"),
    ("events.1.message.attachment.size", 5, "events[1].message.attachment.size"),
    ("events.2.message.latitude", ..., "events[2].message.latitude"),
    ("events.2.message.latitude", "52.5", "events[2].message.latitude"),
    ("events.2.message.latitude", 90.1, "events[2].message.latitude"),
    ("events.2.message.latitude", float("nan"), "events[2].message.latitude"),
    ("events.2.message.longitude", ..., "events[2].message.longitude"),
    ("events.2.message.longitude", True, "events[2].message.longitude"),
    ("events.2.message.longitude", -181, "events[2].message.longitude"),
    ("events.2.message.address", 5, "events[2].message.address"),
    ("events.3.message.title", ..., "events[3].message.title"),
    ("events.3.message.replies", ..., "events[3].message.replies"),
    ("events.3.message.replies", [], "events[3].message.replies"),
    ("events.3.message.replies", ["a"] * 11, "events[3].message.replies"),
    ("events.3.message.replies", ["a", ""], "events[3].message.replies[1]"),
    ("events.3.message.replies", ["a", 1], "events[3].message.replies[1]"),
    ("events.4.status", ..., "events[4].status"),
    ("events.4.status", None, "events[4].status"),
    ("events.4.status", 5, "events[4].status"),
    ("events.4.status.value", ..., "events[4].status.value"),
    ("events.4.status.value", "pending", "events[4].status.value"),
    ("events.4.status", {"value": "read", "message": "why"}, "events[4].status.message"),
    ("events.4.status.message", "", "events[4].status.message"),
    ("events.4.error", "blocked", "events[4].error"),
    ("events.4.message", {"type": "text", "text": "x"}, "events[4].message"),
    ("events.5.status", "pending", "events[5].status"),
    ("events.5.status", "read", "events[5].error"),
    ("events.5.error", 5, "events[5].error"),
    ("events.5.error", None, "events[5].error"),
    ("events.5.error", {"code": 5}, "events[5].error.code"),
    ("contact", None, "contact"),
    ("contact", "Ada", "contact"),
    ("contact.firstName", "", "contact.firstName"),
    ("contact.firstName", " ", "contact.firstName"),
    ("contact.lastName", None, "contact.lastName"),
    ("contact.profilePic", "a.jpg", "contact.profilePic"),
    ("contact.countryCode", "de", "contact.countryCode"),
    ("contact.email", "ada", "contact.email"),
    ("contact.phone", "015112345678", "contact.phone"),
    ("contact.language", "pt-BR", "contact.language"),
    ("contact.nickname", "A", "contact.nickname"),
]


@pytest.mark.parametrize(("path", "value", "field"), VIOLATIONS, ids=[f"{it[0]}={it[1]!r:.24}" for it in VIOLATIONS])
def test_a_violation_names_its_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(ContractViolation) as violation:
        check_envelope(changed(path, value), RULES)
    assert violation.value.field == field
    assert str(violation.value).startswith(f"{field} ")


@pytest.mark.parametrize("data", [None, [], "x", 5], ids=repr)
def test_only_an_object_is_an_envelope(data: object) -> None:
    with pytest.raises(ContractViolation, match=r"^body must be an object"):
        check_envelope(data, RULES)


@pytest.mark.parametrize(
    ("contact_id", "is_fine"),
    [
        ("AZaz09_=+/@", True),
        ("a" * 50, True),
        ("a" * 51, False),
        ("tg:12", False),
        ("a-b", False),
        ("a b", False),
        ("é", False),
    ],
)
def test_custom_ids_have_their_own_alphabet(contact_id: str, *, is_fine: bool) -> None:
    rules = Rules(channel_id="c1", id_type=IdType.CUSTOM, now_ms=NOW)
    if is_fine:
        assert check_envelope(envelope(contactId=contact_id), rules)
    else:
        with pytest.raises(ContractViolation, match=r"^contactId "):
            check_envelope(envelope(contactId=contact_id), rules)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "mId", "message", "status", "value", "text", "url"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(event=anything, contact=anything)
def test_whatever_comes_is_taken_or_named(event: Any, contact: Any) -> None:
    try:
        check_envelope(envelope(events=[event], contact=contact), RULES)
    except ContractViolation as violation:
        field = violation.field
    else:
        field = "events[0]"
    assert field.startswith(("events[0]", "contact"))
