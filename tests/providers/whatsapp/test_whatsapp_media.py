"""Where an access token may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from providers.whatsapp.media import MEDIA_ID_PATTERN, download_url

GRAPH = URL("https://graph.facebook.com")


@pytest.mark.parametrize(
    "said",
    [
        # https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/document
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=133&ext=1&hash=x",
        "https://scontent.xx.fbcdn.net/a",
        "https://graph.facebook.com/v26.0/1",
    ],
)
def test_metas_own_servers_may_see_it(said: str) -> None:
    assert download_url(said, api_base=GRAPH) == URL(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "lookaside.fbsbx.com/a",
        "http://lookaside.fbsbx.com/a",
        "https://fbsbx.com.evil.example/a",
        "https://evilfbsbx.com/a",
        "https://evil.example/?lookaside.fbsbx.com",
        "https://lookaside.fbsbx.com@evil.example/a",
        "https://127.0.0.1/a",
        "ftp://lookaside.fbsbx.com/a",
        "https://[",
    ],
)
def test_nobody_else_may(said: str) -> None:
    assert download_url(said, api_base=GRAPH) is None


def test_a_server_that_stands_in_for_metas_may_serve_media_too() -> None:
    api_base = URL("http://127.0.0.1:8099/graph")

    assert download_url("http://127.0.0.1:8099/media/1", api_base=api_base) is not None
    assert download_url("http://127.0.0.1:8098/media/1", api_base=api_base) is None


@pytest.mark.parametrize("media_id", ["", "../me", "1/2", "a?b", "ü", "1\n", "x" * 201])
def test_no_path_is_a_media_id(media_id: str) -> None:
    assert MEDIA_ID_PATTERN.fullmatch(media_id) is None


@given(st.text())
def test_no_address_makes_it_raise(said: str) -> None:
    assert download_url(said, api_base=GRAPH) is None or "." in said
