"""Messages as Meta documents them, each under
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/ and, with the same
examples, in https://github.com/facebook/openapi/blob/main/business-messaging-api_v23.0.yaml (path /whatsapp/webhooks).
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anychannel import Attachment, ContactCard, Content, Location, MediaKind, Text
from providers.whatsapp.fields import Fields
from providers.whatsapp.message import Said, read_message

Json = dict[str, Any]

WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA"
MEDIA_ID = "1003383421387256"


def read(kind: str, **fields: Any) -> Said:
    return read_message(Fields({"from": "16505551234", "id": "wamid.1", "timestamp": "1", "type": kind, **fields}))


def codes(said: Said) -> list[str]:
    return [note.code for note in said.notes]


def media(kind: MediaKind, mime_type: str, **fields: Any) -> Attachment:
    return Attachment(kind=kind, media_id=MEDIA_ID, mime_type=mime_type, **fields)


def an_asset(mime_type: str, **fields: Any) -> Json:
    url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=133"
    return {
        "mime_type": mime_type,
        "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
        "id": MEDIA_ID,
        "url": url,
    } | fields


MESSAGES: list[tuple[str, str, Json, Content, list[str]]] = [
    (
        "text",
        "text",
        {"text": {"body": "Does it come in another color?"}},
        Text(text="Does it come in another color?"),
        [],
    ),
    ("not ASCII", "text", {"text": {"body": "Grüße 👋🏽"}}, Text(text="Grüße 👋🏽"), []),
    ("lone surrogate and NUL", "text", {"text": {"body": "a\ud83d\0b"}}, Text(text="a\ufffdb"), []),
    ("largest text", "text", {"text": {"body": "ü" * 65_536}}, Text(text="ü" * 65_536), []),
    (
        "text that answers another",
        "text",
        {"context": {"from": "15550783881", "id": WAMID}, "text": {"body": "Yes"}},
        Text(text="Yes"),
        ["reply"],
    ),
    (
        "text about a product",
        "text",
        {
            "context": {
                "from": "15550783881",
                "id": WAMID,
                "referred_product": {"catalog_id": "194836987003835", "product_retailer_id": "di9ozbzfi4"},
            },
            "text": {"body": "Is this still available?"},
        },
        Text(text="Is this still available?"),
        ["reply", "product"],
    ),
    (
        "text from an advertisement",
        "text",
        {
            "referral": {
                "source_url": "https://fb.me/3cr4Wqqkv",
                "source_id": "120226305854810726",
                "source_type": "ad",
                "body": "Summer Succulents are here!",
                "headline": "Chat with us",
            },
            "text": {"body": "Hello! Can I get more info on this?"},
        },
        Text(text="Hello! Can I get more info on this?"),
        ["referral"],
    ),
    (
        "image",
        "image",
        {"image": an_asset("image/jpeg", caption="Taj Mahal")},
        media(MediaKind.IMAGE, "image/jpeg", caption="Taj Mahal"),
        [],
    ),
    (
        "video",
        "video",
        {"video": an_asset("video/mp4", caption="c")},
        media(MediaKind.VIDEO, "video/mp4", caption="c"),
        [],
    ),
    ("audio", "audio", {"audio": an_asset("audio/mpeg", voice=False)}, media(MediaKind.AUDIO, "audio/mpeg"), []),
    (
        "voice message",
        "audio",
        {"audio": an_asset("audio/ogg; codecs=opus", voice=True)},
        media(MediaKind.AUDIO, "audio/ogg; codecs=opus"),
        [],
    ),
    (
        "document",
        "document",
        {"document": an_asset("application/pdf", caption="my receipt", filename="receipt.pdf")},
        media(MediaKind.FILE, "application/pdf", caption="my receipt", file_name="receipt.pdf"),
        [],
    ),
    (
        "sticker",
        "sticker",
        {"sticker": an_asset("image/webp", animated=True)},
        media(MediaKind.IMAGE, "image/webp"),
        [],
    ),
    ("sticker without type", "sticker", {"sticker": {"id": MEDIA_ID}}, media(MediaKind.IMAGE, "image/webp"), []),
    (
        "place",
        "location",
        {
            "location": {
                "address": "101 Forest Ave, Palo Alto, CA 94301",
                "latitude": 37.44221496582,
                "longitude": -122.16165924072,
                "name": "Philz Coffee",
                "url": "https://philzcoffee.com/",
            }
        },
        Location(
            latitude=37.44221496582,
            longitude=-122.16165924072,
            name="Philz Coffee",
            address="101 Forest Ave, Palo Alto, CA 94301",
        ),
        [],
    ),
    (
        "location on the equator",
        "location",
        {"location": {"latitude": 0, "longitude": 0}},
        Location(latitude=0, longitude=0),
        [],
    ),
    (
        "contact card",
        "contacts",
        {
            "contacts": [
                {
                    "name": {"first_name": "Lucía", "last_name": "Gómez", "formatted_name": "Lucía Gómez"},
                    "org": {"company": "Google"},
                    "phones": [{"phone": "+1 (983) 555-2319", "wa_id": "19835552319", "type": "MOBILE"}],
                }
            ]
        },
        ContactCard(name="Lucía Gómez", phone_numbers=("+19835552319",)),
        [],
    ),
    (
        "contact card of a number that is not on WhatsApp",
        "contacts",
        {"contacts": [{"name": {"first_name": "Ada", "last_name": "L"}, "phones": [{"phone": "+49 (30) 1-2.3"}]}]},
        ContactCard(name="Ada L", phone_numbers=("+4930123",)),
        [],
    ),
    (
        "contact card without country code and name",
        "contacts",
        {"contacts": [{"phones": [{"phone": "030 123"}, {"phone": "030 123"}, {}]}]},
        ContactCard(name="030 123", phone_numbers=("030 123",)),
        [],
    ),
    (
        "tapped row",
        "interactive",
        {
            "context": {"from": "15550783881", "id": WAMID},
            "interactive": {
                "type": "list_reply",
                "list_reply": {
                    "id": "priority_express",
                    "title": "Priority Mail Express",
                    "description": "Next Day to 2 Days",
                },
            },
        },
        Text(text="Priority Mail Express"),
        [],
    ),
    (
        "tapped button",
        "interactive",
        {
            "context": {"from": "15550783881", "id": WAMID},
            "interactive": {"type": "button_reply", "button_reply": {"id": "cancel-button", "title": "Cancel"}},
        },
        Text(text="Cancel"),
        [],
    ),
    (
        "answers of a form",
        "interactive",
        {
            "interactive": {
                "type": "nfm_reply",
                "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"slot":"09:00"}'},
            }
        },
        Text(text='{"slot":"09:00"}'),
        ["form"],
    ),
    (
        "quick reply of a template",
        "button",
        {
            "context": {"from": "15550783881", "id": WAMID},
            "button": {"payload": "Unsubscribe", "text": "Unsubscribe"},
        },
        Text(text="Unsubscribe"),
        [],
    ),
    ("reaction", "reaction", {"reaction": {"message_id": WAMID, "emoji": "👍"}}, Text(text="👍"), ["reaction"]),
    (
        "order",
        "order",
        {
            "order": {
                "catalog_id": "194836987003835",
                "text": "",
                "product_items": [
                    {"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30, "currency": "USD"},
                    {"product_retailer_id": "nqryix03ez", "quantity": 1, "item_price": 25, "currency": "USD"},
                ],
            }
        },
        Text(text="[WhatsApp order]\n2 x di9ozbzfi4 at 30 USD\n1 x nqryix03ez at 25 USD"),
        ["order"],
    ),
    (
        "order of nothing known",
        "order",
        {"order": {"text": "Quick!", "product_items": [{}]}},
        Text(text="[WhatsApp order]\n1 x a product\nQuick!"),
        ["order"],
    ),
    (
        "edited text",
        "edit",
        {"edit": {"original_message_id": WAMID, "message": {"type": "text", "text": {"body": "In green, please"}}}},
        Text(text="In green, please"),
        ["edited"],
    ),
    (
        "edited caption",
        "edit",
        {
            "edit": {
                "original_message_id": WAMID,
                "message": {
                    "context": {"id": "M0"},
                    "type": "image",
                    "image": an_asset("image/jpeg", caption="Updated image caption"),
                },
            }
        },
        media(MediaKind.IMAGE, "image/jpeg", caption="Updated image caption"),
        ["edited"],
    ),
    (
        "unsupported",
        "unsupported",
        {
            "errors": [
                {
                    "code": 131051,
                    "title": "Message type unknown",
                    "message": "Message type unknown",
                    "error_data": {"details": "Message type is currently not supported."},
                }
            ],
            "unsupported": {"type": "poll_update"},
        },
        Text(text="[WhatsApp poll update]"),
        ["content_not_understood"],
    ),
    (
        "first message of a business app number",
        "unsupported",
        {"errors": [{"code": 131060, "title": "This message is currently unavailable."}]},
        Text(text="[WhatsApp message]"),
        ["content_not_understood"],
    ),
    (
        "file larger than 100 MB",
        "video",
        {"video": {}, "errors": [{"code": 131052, "title": "Media file size too big."}]},
        Text(text="[WhatsApp video]"),
        ["content_not_understood"],
    ),
    (
        "type that is not known yet",
        "hologram",
        {"hologram": {}},
        Text(text="[WhatsApp hologram]"),
        ["content_not_understood"],
    ),
    ("text without text", "text", {"text": {}}, Text(text="[WhatsApp empty text]"), ["content_not_understood"]),
    (
        "location beyond the poles",
        "location",
        {"location": {"latitude": 91, "longitude": 0}},
        Text(text="[WhatsApp location]"),
        ["content_not_understood"],
    ),
    ("no contacts", "contacts", {"contacts": []}, Text(text="[WhatsApp contacts]"), ["content_not_understood"]),
    (
        "tap without a label",
        "interactive",
        {"interactive": {"type": "call_permission_reply"}},
        Text(text="[WhatsApp call permission reply]"),
        ["content_not_understood"],
    ),
    ("quick reply without a label", "button", {}, Text(text="[WhatsApp button]"), ["content_not_understood"]),
]


@pytest.mark.parametrize(
    ("kind", "fields", "content", "notes"), [row[1:] for row in MESSAGES], ids=[row[0] for row in MESSAGES]
)
def test_a_message_is_read(kind: str, fields: Json, content: Content, notes: list[str]) -> None:
    said = read(kind, **fields)

    assert said.contents == (content,)
    assert codes(said) == notes


def test_several_contact_cards_are_several_contents() -> None:
    said = read("contacts", contacts=[{"name": {"formatted_name": "Ada"}}, {"name": {"formatted_name": "Bob"}}])

    assert said.contents == (ContactCard(name="Ada"), ContactCard(name="Bob"))


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        pytest.param("revoke", {"revoke": {"original_message_id": WAMID}}, "deleted", id="deleted"),
        pytest.param("reaction", {"reaction": {"message_id": WAMID}}, "reaction_removed", id="reaction taken back"),
        pytest.param(
            "system",
            {
                "system": {
                    "body": "User Sheena Nelson changed from 16505551234 to 12195555358",
                    "wa_id": "12195555358",
                    "type": "user_changed_number",
                }
            },
            "system",
            id="changed number",
        ),
        pytest.param("request_welcome", {}, "chat_opened", id="chat opened"),
        pytest.param("edit", {"edit": {"message": {"type": "revoke"}}}, "not_understood", id="edit to nothing"),
        pytest.param(
            "edit", {"edit": {"message": {"type": "edit", "edit": {}}}}, "not_understood", id="edit of an edit"
        ),
    ],
)
def test_what_nobody_said_is_only_noted(kind: str, fields: Json, code: str) -> None:
    said = read(kind, **fields)

    assert (said.contents, codes(said)) == ((), [code])


def test_a_placeholder_tells_what_whatsapp_says() -> None:
    said = read("unsupported", errors=[{"code": 131051, "error_data": {"details": "It is currently not supported."}}])

    assert said.notes[0].text == (
        "A placeholder stands for what cannot be shown. WhatsApp says: It is currently not supported."
    )


def test_an_endless_order_ends() -> None:
    items = [{"product_retailer_id": str(number), "quantity": 1} for number in range(10_000)]

    (content,) = read("order", order={"product_items": items}).contents

    assert isinstance(content, Text)
    assert content.text.count("\n") == 100


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KINDS = sorted({kind for _, kind, _, _, _ in MESSAGES} | {"revoke", "system"})
NAMES = [
    "id",
    "body",
    "name",
    "phones",
    "type",
    "button_reply",
    "title",
    "message",
    "latitude",
    "product_items",
    "errors",
]


@settings(max_examples=50)
@given(
    kind=st.sampled_from(KINDS),
    inner=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4),
    others=st.dictionaries(st.sampled_from([*KINDS, "context", "referral", "errors"]), VALUES, max_size=3),
)
def test_no_message_makes_it_raise(kind: str, inner: Json, others: Json) -> None:
    said = read(kind, **{**others, kind: inner})

    assert said.contents or said.notes
