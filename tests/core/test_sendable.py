import math

import pytest

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
from core.sendable import (
    MAX_ADDRESS_CHARACTERS,
    MAX_PAYLOAD_BYTES,
    MAX_REPLIES,
    MAX_REPLY_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    MAX_URL_CHARACTERS,
    Unsendable,
    check_address,
    check_content,
)

LINK = "https://files.example/a.png"


def attachment(**changes: str) -> Attachment:
    return Attachment(kind=MediaKind.IMAGE, **{"url": LINK} | changes)  # type: ignore[arg-type]  # texts, all of them


@pytest.mark.parametrize(
    "content",
    [
        Text(text="x" * MAX_TEXT_CHARACTERS),
        Text(text=" 👨‍👩‍👧 "),
        attachment(caption="Look"),
        attachment(url=LINK + "?" + "x" * (MAX_URL_CHARACTERS - len(LINK) - 1)),
        Location(latitude=-90, longitude=180),
        QuickReplies(text="Which?", replies=("x" * MAX_REPLY_CHARACTERS,) * MAX_REPLIES),
        ContactCard(name="Ada"),
        Template(name="hello", language="de"),
        CustomPayload(json='{"a":[1,{"b":null}]}'),
    ],
    ids=lambda content: type(content).__name__,
)
def test_what_keeps_the_rules_may_be_sent(content: Content) -> None:
    check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        pytest.param(Text(text=""), "text.text", id="nothing said"),
        pytest.param(Text(text=" \n\u2003"), "text.text", id="only spaces"),
        pytest.param(Text(text="x" * (MAX_TEXT_CHARACTERS + 1)), "text.text", id="a text too long"),
        pytest.param(Text(text="a\0"), "text.text", id="a NUL"),
        pytest.param(attachment(url=""), "attachment.url", id="no link"),
        pytest.param(
            attachment(url="https://x.example/" + "x" * MAX_URL_CHARACTERS), "attachment.url", id="a link too long"
        ),
        pytest.param(attachment(url="javascript:alert(1)"), "attachment.url", id="a script"),
        pytest.param(attachment(url="ftp://files.example/a"), "attachment.url", id="another scheme"),
        pytest.param(attachment(caption=" "), "attachment.caption", id="an empty caption"),
        pytest.param(Location(latitude=90.1, longitude=0), "location.latitude", id="beyond the pole"),
        pytest.param(Location(latitude=math.nan, longitude=0), "location.latitude", id="no number"),
        pytest.param(Location(latitude=0, longitude=-math.inf), "location.longitude", id="infinitely far"),
        pytest.param(QuickReplies(text="?", replies=()), "quick_replies.replies", id="no answers"),
        pytest.param(
            QuickReplies(text="?", replies=("a",) * (MAX_REPLIES + 1)), "quick_replies.replies", id="too many"
        ),
        pytest.param(QuickReplies(text="?", replies=("a", "")), "quick_replies.replies[1]", id="an empty answer"),
        pytest.param(QuickReplies(text="", replies=("a",)), "quick_replies.text", id="no question"),
        pytest.param(ContactCard(name=""), "contact_card.name", id="nobody"),
        pytest.param(Template(name="", language="de"), "template.name", id="no template"),
        pytest.param(Template(name="hello", language=""), "template.language", id="no language"),
        pytest.param(CustomPayload(json="[1]"), "custom_payload.json", id="no object"),
        pytest.param(CustomPayload(json="{"), "custom_payload.json", id="no JSON"),
        pytest.param(CustomPayload(json="[" * 100_000), "custom_payload.json", id="too large and too deep"),
        pytest.param(CustomPayload(json="[" * 60_000), "custom_payload.json", id="too deep"),
        pytest.param(
            CustomPayload(json='{"a":"' + "ä" * (MAX_PAYLOAD_BYTES // 2) + '"}'), "custom_payload.json", id="too large"
        ),
    ],
)
def test_the_first_broken_rule_is_named(content: Content, field: str) -> None:
    with pytest.raises(Unsendable) as refused:
        check_content(content)
    assert refused.value.field == field
    assert field in str(refused.value)


@pytest.mark.parametrize("address", ["+49", "x" * MAX_ADDRESS_CHARACTERS, "a b"])
def test_an_address(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("address", ["", " ", "x" * (MAX_ADDRESS_CHARACTERS + 1), "a\0"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(Unsendable, match="address"):
        check_address(address)
