import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.secrets import Keyring, KeysRefused, SecretsUnreadable, new_keys_text

OLD = Keyring({"k1": b"1" * 32})
NEW = Keyring({"k2": b"2" * 32, "k1": b"1" * 32})
OTHER = Keyring({"k1": b"3" * 32})
KEY = base64.b64encode(b"x" * 32).decode()


@given(st.dictionaries(st.text(), st.text()), st.text())
def test_what_is_sealed_opens_where_it_belongs(values: dict[str, str], context: str) -> None:
    assert OLD.open(OLD.seal(values, context=context), context=context) == values


def test_the_newest_key_seals_and_any_opens() -> None:
    old, new = OLD.seal({"a": "1"}, context="shop"), NEW.seal({"a": "1"}, context="shop")

    assert NEW.open(old, context="shop") == {"a": "1"}
    with pytest.raises(SecretsUnreadable, match="put that key back"):
        OLD.open(new, context="shop")


def test_sealing_twice_looks_different() -> None:
    assert OLD.seal({}, context="shop") != OLD.seal({}, context="shop")


@pytest.mark.parametrize(
    ("keyring", "context", "flip"),
    [
        pytest.param(OLD, "other", None, id="another-channel"),
        pytest.param(OTHER, "shop", None, id="another-key-of-that-name"),
        pytest.param(OLD, "shop", -1, id="changed"),
        pytest.param(OLD, "shop", 5, id="changed-nonce"),
        pytest.param(OLD, "shop", 1, id="changed-key-name"),
        pytest.param(OLD, "shop", 0, id="changed-head"),
    ],
)
def test_what_does_not_open_is_refused_without_its_content(keyring: Keyring, context: str, flip: int | None) -> None:
    sealed = bytearray(OLD.seal({"token": "hunter2"}, context="shop"))
    if flip is not None:
        sealed[flip] ^= 1
    with pytest.raises(SecretsUnreadable) as caught:
        keyring.open(bytes(sealed), context=context)
    assert "hunter2" not in str(caught.value)


@given(st.binary(max_size=80))
def test_rubbish_is_refused(sealed: bytes) -> None:
    with pytest.raises(SecretsUnreadable):
        OLD.open(sealed, context="shop")


def test_keys_are_read_newest_first() -> None:
    keyring = Keyring.from_text(f" k2:{KEY} , k1:{base64.b64encode(b'1' * 32).decode()},")
    assert list(keyring.keys) == ["k2", "k1"]
    assert keyring.open(OLD.seal({"a": 1}, context="shop"), context="shop") == {"a": 1}


def test_a_fresh_key_is_one_the_keyring_reads() -> None:
    assert list(Keyring.from_text(new_keys_text("k9")).keys) == ["k9"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "there is no encryption key", id="none"),
        pytest.param(KEY, "key 1 is not", id="no-id"),
        pytest.param(f"k 1:{KEY}", "key 1 is not", id="bad-id"),
        pytest.param(f"k1:{KEY},k2:AAAA", "key 2 is not", id="short"),
        pytest.param(f"k1:{KEY},k2:!!!", "key 2 is not", id="not-base64"),
        pytest.param(f"k1:{KEY},k1:{KEY}", "key 2 has the id", id="twice"),
    ],
)
def test_malformed_keys_are_refused_without_being_shown(text: str, message: str) -> None:
    with pytest.raises(KeysRefused, match=message) as caught:
        Keyring.from_text(text)
    assert KEY not in str(caught.value)


def test_a_keyring_hides_its_keys() -> None:
    assert "1111" not in repr(OLD)
