import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.media_links import LinkRefused, MediaLink, open_media_link, seal_media_link
from core.secrets import Keyring

KEYRING = Keyring({"k1": b"1" * 32})
NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=7)


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
def test_a_link_names_its_media_and_fits_a_path(media_id: str) -> None:
    token = seal_media_link(KEYRING, "shop", media_id, LATER)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert open_media_link(KEYRING, token, NOW) == MediaLink(channel_id="shop", media_id=media_id)


def test_a_link_shows_nothing_of_what_it_names() -> None:
    token = seal_media_link(KEYRING, "shop", "very-telling-media-id", LATER)
    assert "very" not in token


@pytest.mark.parametrize(
    ("after", "is_good"),
    [
        pytest.param(timedelta(days=7), True, id="at-its-end"),
        pytest.param(timedelta(days=7, seconds=1), False, id="later"),
    ],
)
def test_a_link_is_good_until_its_end(after: timedelta, is_good: bool) -> None:  # noqa: FBT001  # a table
    token = seal_media_link(KEYRING, "shop", "m1", LATER)
    if is_good:
        open_media_link(KEYRING, token, NOW + after)
    else:
        with pytest.raises(LinkRefused, match="no longer good"):
            open_media_link(KEYRING, token, NOW + after)


@pytest.mark.parametrize("token", ["", "x", "!!!!", "AAAA", "é", "A" * 5000, "a b"])
def test_a_link_not_made_here_is_refused(token: str) -> None:
    with pytest.raises(LinkRefused):
        open_media_link(KEYRING, token, NOW)


def test_a_changed_link_is_refused() -> None:
    token = seal_media_link(KEYRING, "shop", "m1", LATER)
    for position in range(0, len(token), 7):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        with pytest.raises(LinkRefused):
            open_media_link(KEYRING, changed, NOW)


def test_what_is_sealed_for_a_channel_is_no_link() -> None:
    sealed = base64.urlsafe_b64encode(KEYRING.seal({"a": 1}, context="shop")).decode().rstrip("=")
    with pytest.raises(LinkRefused):
        open_media_link(KEYRING, sealed, NOW)
