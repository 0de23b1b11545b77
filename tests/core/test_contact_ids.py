"""Addresses become ids of the inbox and come back."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.contact_ids import ContactId, NotAPhoneNumber, address_of, contact_id_of, is_contact_id
from core.inboxes.binding import IdType

ALLOWED = re.compile(r"[A-Za-z0-9_=+/@]{1,50}")
addresses = st.text(min_size=1, max_size=80) | st.text(st.sampled_from("aZ09_=+/@-h:é"), min_size=1, max_size=60)
phone_like = st.from_regex(r"\+?[0-9]{1,17}", fullmatch=True)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        pytest.param("+4915112345678", "+4915112345678", id="a phone number stays itself"),
        pytest.param("123456789", "123456789", id="digits stay digits"),
        pytest.param("ada@example", "ada@example", id="what the alphabet has stays"),
        pytest.param("-100123", "=2D100123", id="a group of Telegram's"),
        pytest.param("ada@example.org", "ada@example=2Eorg", id="one character escaped"),
        pytest.param("a=b", "a=3Db", id="the escape sign itself"),
        pytest.param("é", "=C3=A9", id="each byte of UTF-8"),
        pytest.param("=h", "=3Dh", id="what looks like a hash"),
        pytest.param("x" * 50, "x" * 50, id="fifty fit"),
    ],
)
def test_custom_ids_come_back(address: str, value: str) -> None:
    assert contact_id_of(address, IdType.CUSTOM) == ContactId(value=value, is_reversible=True)
    assert address_of(value, IdType.CUSTOM) == address


@pytest.mark.parametrize("address", [pytest.param("x" * 51, id="51"), pytest.param("é" * 9, id="54 when escaped")])
def test_what_is_too_long_becomes_a_hash(address: str) -> None:
    contact_id = contact_id_of(address, IdType.CUSTOM)
    assert re.fullmatch("=h[0-9a-f]{40}", contact_id.value)  # 160 bits
    assert not contact_id.is_reversible
    assert address_of(contact_id.value, IdType.CUSTOM) is None
    assert contact_id_of(address, IdType.CUSTOM) == contact_id


@pytest.mark.parametrize(
    "contact_id",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 51, id="too long"),
        pytest.param("a-b", id="outside the alphabet"),
        pytest.param("a=", id="a cut escape"),
        pytest.param("a=4", id="half an escape"),
        pytest.param("=zz", id="no hexadecimal digits"),
        pytest.param("=2d", id="lower case"),
        pytest.param("=41", id="an escape nobody needs"),
        pytest.param("=FF", id="no UTF-8"),
        pytest.param("=C0=AE", id="overlong UTF-8"),
        pytest.param("=ED=A0=80", id="half a surrogate pair"),
        pytest.param("a\n", id="a line end"),
    ],
)
def test_what_we_never_wrote_has_no_address(contact_id: str) -> None:
    assert address_of(contact_id, IdType.CUSTOM) is None


@pytest.mark.parametrize(
    ("address", "value", "is_reversible"),
    [
        pytest.param("+4915112345678", "+4915112345678", True, id="E.164"),
        pytest.param("4915112345678", "+4915112345678", False, id="without plus: the platform may insist on that"),
        pytest.param("+123456789012345", "+123456789012345", True, id="fifteen digits"),
    ],
)
def test_phone_ids(address: str, value: str, is_reversible: bool) -> None:  # noqa: FBT001 - a column of the table
    assert contact_id_of(address, IdType.PHONE) == ContactId(value=value, is_reversible=is_reversible)
    assert address_of(value, IdType.PHONE) == value


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("ada", id="a name"),
        pytest.param("+0151", id="national"),
        pytest.param("+1234567890123456", id="sixteen digits"),
        pytest.param("++49151", id="two plusses"),
        pytest.param("+49 151", id="a space"),
        pytest.param("-100123", id="a group of Telegram's"),
        pytest.param("+49151\n", id="a line end"),
        pytest.param("+٤٩١٥١", id="digits of another script"),
    ],
)
def test_a_phone_inbox_takes_phone_numbers_only(address: str) -> None:
    with pytest.raises(NotAPhoneNumber):
        contact_id_of(address, IdType.PHONE)
    assert address_of(address, IdType.PHONE) is None


@pytest.mark.parametrize("id_type", IdType)
def test_an_empty_address_is_a_bug(id_type: IdType) -> None:
    with pytest.raises(ValueError, match="never empty"):
        contact_id_of("", id_type)


@given(addresses)
def test_custom_ids_fit_and_come_back(address: str) -> None:
    contact_id = contact_id_of(address, IdType.CUSTOM)
    assert ALLOWED.fullmatch(contact_id.value)
    assert is_contact_id(contact_id.value, IdType.CUSTOM)
    assert address_of(contact_id.value, IdType.CUSTOM) == (address if contact_id.is_reversible else None)


@given(addresses, addresses)
@example("=41", "A")
@example("=h" + "0" * 40, "x" * 60)
def test_no_two_addresses_share_a_custom_id(one: str, other: str) -> None:
    assume(one != other)
    assert contact_id_of(one, IdType.CUSTOM).value != contact_id_of(other, IdType.CUSTOM).value


@given(st.text(st.sampled_from("aA0=hFfC3Dé9+"), max_size=52) | st.text(max_size=52))
def test_an_address_belongs_to_one_custom_id(contact_id: str) -> None:
    address = address_of(contact_id, IdType.CUSTOM)
    assert address is None or contact_id_of(address, IdType.CUSTOM) == ContactId(value=contact_id, is_reversible=True)


@given(phone_like)
def test_phone_ids_fit_and_come_back(address: str) -> None:
    try:
        contact_id = contact_id_of(address, IdType.PHONE)
    except NotAPhoneNumber:
        return
    assert is_contact_id(contact_id.value, IdType.PHONE)
    assert contact_id.is_reversible == (address_of(contact_id.value, IdType.PHONE) == address)
