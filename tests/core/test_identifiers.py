import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.identifiers import new_dead_letter_id, new_key_id, new_message_id, new_secret, new_webhook_token

NOW = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        pytest.param(new_message_id, "msg", id="message"),
        pytest.param(new_dead_letter_id, "dead", id="dead-letter"),
        pytest.param(new_key_id, "kid", id="key"),
    ],
)
def test_an_id_is_its_prefix_and_26_characters(make: Callable[[datetime], str], prefix: str) -> None:
    assert re.fullmatch(rf"{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}", make(NOW))


def test_ids_grow_while_the_clock_stands_still_or_goes_back() -> None:
    times = [NOW, NOW, NOW - timedelta(hours=1), NOW, NOW + timedelta(milliseconds=1)]
    ids = [new_message_id(time) for time in times for _ in range(200)]
    assert ids == sorted(set(ids))


def test_an_id_begins_with_its_time() -> None:
    later = NOW + timedelta(days=3650)
    milliseconds = int(later.timestamp() * 1000)
    number = 0
    for character in new_message_id(later).removeprefix("msg_")[:10]:
        number = number * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
    assert number == milliseconds  # 48 bits of time are exactly ten characters, the first two bits being empty


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {new_secret("key") for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"key_[A-Za-z0-9_-]{43}", secret) for secret in secrets)  # 43 * 6 bits = 258 ≥ 256


def test_a_webhook_token_fits_a_path() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", new_webhook_token())  # 32 * 6 bits = 192
