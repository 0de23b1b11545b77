from collections.abc import Callable

import pytest

from anychannel.capabilities import SettingField
from anychannel.provider import ChannelSettings
from core.channels import ChannelConfig, context_of, is_channel_id, validate_settings, with_defaults

ConfigOf = Callable[..., ChannelConfig]

TOKEN = SettingField(name="token", label="Token", help="In the console.", secret=True, required=True, pattern=r"t-\d+")
REGION = SettingField(name="region", label="Region", help="Near you.", default_value="eu", choices=("eu", "us"))
NOTE = SettingField(name="note", label="Note", help="")
FIELDS = (TOKEN, REGION, NOTE)


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        pytest.param({"token": "t-1"}, {}, id="enough"),
        pytest.param({"token": "t-1", "region": "us", "note": "x"}, {}, id="all"),
        pytest.param({}, {"token": "is missing: In the console."}, id="required"),
        pytest.param({"token": ""}, {"token": "is missing: In the console."}, id="empty-is-missing"),
        pytest.param({"token": "hunter2"}, {"token": "does not look right: In the console."}, id="pattern"),
        pytest.param({"token": "t-1x"}, {"token": "does not look right: In the console."}, id="whole-value"),
        pytest.param({"token": "t-1", "region": "mars"}, {"region": "is not one of: eu, us"}, id="choice"),
        pytest.param(
            {"token": "t-1", "tokn": "hunter2"},
            {"tokn": "is not a setting of this platform; known are: note, region, token"},
            id="unknown",
        ),
        pytest.param({"token": "t-1", "note": "a\0"}, {"note": "contains a NUL character"}, id="nul"),
        pytest.param({"token": "t-1", "note": "x" * 16385}, {"note": "is longer than 16384 characters"}, id="long"),
    ],
)
def test_settings_are_judged_by_what_the_provider_declares(values: dict[str, str], problems: dict[str, str]) -> None:
    assert validate_settings(FIELDS, values) == problems


def test_a_required_setting_with_a_default_may_be_left_out() -> None:
    field = SettingField(name="host", label="Host", help="", required=True, default_value="api.example")
    assert validate_settings((field,), {}) == {}


def test_a_pattern_python_does_not_know_judges_nothing() -> None:
    field = SettingField(name="x", label="X", help="", pattern=r"\pL+[")
    assert validate_settings((field,), {"x": "anything"}) == {}


def test_defaults_fill_what_is_not_given() -> None:
    assert with_defaults(FIELDS, {"token": "t-1", "region": ""}) == {"token": "t-1", "region": "eu"}
    assert with_defaults(FIELDS, {"region": "us"}) == {"region": "us"}


def test_a_provider_is_told_defaults_and_the_webhook_address(config_of: ConfigOf) -> None:
    config = config_of("shop", settings=ChannelSettings({"token": "t-1"}))
    context = context_of(config, FIELDS, "https://gw.example")
    assert dict(context.settings) == {"token": "t-1", "region": "eu"}
    assert context.webhook_url == "https://gw.example/webhooks/shop/webhook-token-shop"
    assert context_of(config, FIELDS, "").webhook_url == ""


@pytest.mark.parametrize(
    ("token", "is_accepted"),
    [
        pytest.param("now", True, id="current"),
        pytest.param("before", True, id="previous"),
        pytest.param("other", False, id="another"),
        pytest.param("", False, id="empty"),
        pytest.param("nów", False, id="not-ascii"),
        pytest.param("\ud800", False, id="surrogate"),
    ],
)
def test_an_inbox_token_is_the_current_or_the_previous(config_of: ConfigOf, token: str, *, is_accepted: bool) -> None:
    config = config_of(inbox_token="now", inbox_previous_token="before")
    assert config.accepts_inbox_token(token) is is_accepted


def test_no_previous_token_is_not_an_empty_one(config_of: ConfigOf) -> None:
    assert not config_of(inbox_token="now").accepts_inbox_token("")


@pytest.mark.parametrize("text", ["a", "shop-1", "a" * 40])
def test_channel_ids(text: str) -> None:
    assert is_channel_id(text)


@pytest.mark.parametrize("text", ["", "1a", "-a", "Shop", "a" * 41, "a_b", "a\n", "é"])
def test_what_is_no_channel_id(text: str) -> None:
    assert not is_channel_id(text)


def test_a_configuration_shows_no_secret(config_of: ConfigOf) -> None:
    text = repr(config_of("shop", inbox_previous_token="before-token"))
    for secret in ("bot-secret", "inbox-token-shop", "before-token", "webhook-token-shop"):
        assert secret not in text
