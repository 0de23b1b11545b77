from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from anychannel.capabilities import SettingField
from anychannel.channel import Channel, DeliveryPolicy, IdType, InboxBinding, ReplyMode, StatusShape
from anychannel.provider import ChannelSettings
from core.channel_changes import ChangeRefused, changed_config, new_config
from core.channels import ChannelConfig
from core.inboxes import binding

ConfigOf = Callable[..., ChannelConfig]

FIELDS = (
    SettingField(name="bot_token", label="Token", help="In the console.", secret=True, required=True),
    SettingField(name="hook_secret", label="Secret", help="", secret=True),
    SettingField(name="region", label="Region", help="", default_value="eu"),
)
INBOX = InboxBinding(webhook_url="https://inbox.example/hook/", inbox_channel_id="7", token="api-token")
CHANNEL = Channel(channel_id="shop", platform="acme", settings={"bot_token": "b"}, inbox=INBOX)


def _new(channel: Channel) -> ChannelConfig:
    return new_config(channel, FIELDS, "webhook-token")


def test_a_new_channel_takes_the_defaults() -> None:
    config = _new(CHANNEL)
    assert (config.platform_rate, config.inbox_rate) == (20, 20)
    assert config.expire_after == timedelta(hours=24)
    assert config.reply_timeout == timedelta(seconds=8)
    assert config.secret_names == {"bot_token"}
    assert config.webhook_token == "webhook-token"
    assert config.inbox_token == "api-token"


def test_a_new_channel_takes_what_is_given() -> None:
    config = _new(
        Channel(
            channel_id="shop",
            platform="acme",
            display_name="Shop",
            settings={"bot_token": "b", "region": "us", "hook_secret": ""},
            inbox=replace(
                INBOX,
                previous_token="old",
                id_type=IdType.PHONE,
                status_shape=StatusShape.FLAT,
                reply=ReplyMode.OUTCOME,
                reply_timeout=timedelta(seconds=30),
            ),
            policy=DeliveryPolicy(platform_rate=0.01, inbox_rate=10_000, expire_after=timedelta(days=30)),
            paused=True,
        )
    )
    assert config == ChannelConfig(
        channel_id="shop",
        platform="acme",
        display_name="Shop",
        settings=ChannelSettings({"bot_token": "b", "region": "us"}),
        secret_names=frozenset({"bot_token"}),
        inbox=binding.InboxBinding(
            webhook_url="https://inbox.example/hook/",
            inbox_channel_id="7",
            id_type=binding.IdType.PHONE,
            status_shape=binding.StatusShape.FLAT,
        ),
        inbox_token="api-token",
        inbox_previous_token="old",
        reply=binding.ReplyMode.OUTCOME,
        reply_timeout=timedelta(seconds=30),
        platform_rate=0.01,
        inbox_rate=10_000,
        expire_after=timedelta(days=30),
        paused=True,
        webhook_token="webhook-token",
    )


def _inbox(**changes: Any) -> Channel:
    return replace(CHANNEL, inbox=replace(INBOX, **changes))


def _policy(**changes: Any) -> Channel:
    return replace(CHANNEL, policy=DeliveryPolicy(**changes))


@pytest.mark.parametrize(
    ("channel", "field"),
    [
        pytest.param(replace(CHANNEL, channel_id="Shop"), "channel.channel_id", id="id"),
        pytest.param(replace(CHANNEL, display_name="x" * 201), "channel.display_name", id="name"),
        pytest.param(replace(CHANNEL, settings={}), "channel.settings.bot_token", id="setting-missing"),
        pytest.param(
            replace(CHANNEL, settings={"bot_token": "b", "x": "hunter2"}), "channel.settings.x", id="setting-unknown"
        ),
        pytest.param(_inbox(webhook_url=""), "channel.inbox.webhook_url", id="no-url"),
        pytest.param(_inbox(webhook_url="ftp://inbox.example"), "channel.inbox.webhook_url", id="ftp"),
        pytest.param(_inbox(webhook_url="https://"), "channel.inbox.webhook_url", id="no-host"),
        pytest.param(_inbox(webhook_url="https://a b/"), "channel.inbox.webhook_url", id="space"),
        pytest.param(_inbox(webhook_url="https://a/\r\nx"), "channel.inbox.webhook_url", id="newline"),
        pytest.param(_inbox(webhook_url="https://a:99999/"), "channel.inbox.webhook_url", id="port"),
        pytest.param(_inbox(webhook_url="https://[::1/"), "channel.inbox.webhook_url", id="bracket"),
        pytest.param(_inbox(webhook_url="https://u:hunter2@a/"), "channel.inbox.webhook_url", id="password"),
        pytest.param(_inbox(webhook_url="https://a/" + "x" * 2048), "channel.inbox.webhook_url", id="long-url"),
        pytest.param(_inbox(inbox_channel_id=""), "channel.inbox.inbox_channel_id", id="no-inbox-channel"),
        pytest.param(_inbox(token=""), "channel.inbox.token", id="no-token"),
        pytest.param(_inbox(token="hunter2\r\n"), "channel.inbox.token", id="token-no-header"),
        pytest.param(_inbox(previous_token="hünter2"), "channel.inbox.previous_token", id="previous-no-header"),
        pytest.param(_inbox(reply_timeout=timedelta(seconds=31)), "channel.inbox.reply_timeout", id="long-reply"),
        pytest.param(_inbox(reply_timeout=timedelta(0)), "channel.inbox.reply_timeout", id="no-reply-time"),
        pytest.param(_policy(platform_rate=-1), "channel.policy.platform_rate", id="negative-rate"),
        pytest.param(_policy(platform_rate=float("nan")), "channel.policy.platform_rate", id="nan-rate"),
        pytest.param(_policy(inbox_rate=float("inf")), "channel.policy.inbox_rate", id="infinite-rate"),
        pytest.param(_policy(expire_after=timedelta(days=31)), "channel.policy.expire_after", id="long-patience"),
        pytest.param(_policy(expire_after=timedelta(seconds=-1)), "channel.policy.expire_after", id="no-patience"),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(channel: Channel, field: str) -> None:
    with pytest.raises(ChangeRefused) as caught:
        _new(channel)
    assert list(caught.value.violations) == [field]
    assert "hunter2" not in str(caught.value)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ChangeRefused) as caught:
        _new(Channel(channel_id="", platform="acme"))
    assert set(caught.value.violations) == {
        "channel.channel_id",
        "channel.settings.bot_token",
        "channel.inbox.webhook_url",
        "channel.inbox.inbox_channel_id",
        "channel.inbox.token",
    }


BEFORE = _new(
    replace(
        CHANNEL,
        settings={"bot_token": "b", "hook_secret": "h", "region": "us"},
        inbox=replace(INBOX, previous_token="old", reply=ReplyMode.OUTCOME),
        policy=DeliveryPolicy(platform_rate=5, inbox_rate=6, expire_after=timedelta(hours=1)),
    )
)


def _settings(config: ChannelConfig) -> dict[str, str]:
    return dict(config.settings)


@pytest.mark.parametrize(
    ("paths", "given", "settings"),
    [
        pytest.param(["settings"], {}, {"bot_token": "b", "hook_secret": "h"}, id="all-keeps-secrets"),
        pytest.param(["settings"], {"bot_token": "n"}, {"bot_token": "n", "hook_secret": "h"}, id="all-replaces"),
        pytest.param(
            ["settings.bot_token"], {"bot_token": "n"}, {"bot_token": "n", "hook_secret": "h", "region": "us"}, id="one"
        ),
        pytest.param(["settings.hook_secret"], {}, {"bot_token": "b", "region": "us"}, id="one-removed"),
        pytest.param(
            ["settings", "settings.hook_secret"], {"region": "eu"}, {"bot_token": "b", "region": "eu"}, id="both"
        ),
        pytest.param(
            ["settings.region"],
            {"region": "eu", "bot_token": "not-named"},
            {"bot_token": "b", "hook_secret": "h", "region": "eu"},
            id="only-what-is-named",
        ),
    ],
)
def test_settings_change_as_the_mask_says(paths: list[str], given: dict[str, str], settings: dict[str, str]) -> None:
    changed = changed_config(BEFORE, Channel(channel_id="shop", settings=given), paths, FIELDS)
    assert _settings(changed) == settings
    assert changed.secret_names == settings.keys() & {"bot_token", "hook_secret"}


def test_the_whole_binding_as_it_was_answered_keeps_the_tokens() -> None:
    answered = replace(INBOX, token="", previous_token="", webhook_url="https://new.example/")
    changed = changed_config(BEFORE, Channel(channel_id="shop", inbox=answered), ["inbox"], None)
    assert (changed.inbox_token, changed.inbox_previous_token) == ("api-token", "old")
    assert changed.inbox.webhook_url == "https://new.example/"
    assert changed.reply is binding.ReplyMode.ACCEPTED


def test_a_token_is_switched_and_the_previous_one_removed_by_name() -> None:
    channel = Channel(channel_id="shop", inbox=InboxBinding(token="new"))
    changed = changed_config(BEFORE, channel, ["inbox.token", "inbox.previous_token"], None)
    assert (changed.inbox_token, changed.inbox_previous_token) == ("new", "")
    assert changed.inbox == BEFORE.inbox


def test_a_policy_field_left_out_takes_its_default() -> None:
    changed = changed_config(BEFORE, Channel(channel_id="shop"), ["policy.platform_rate"], None)
    assert (changed.platform_rate, changed.inbox_rate) == (20, 6)
    changed = changed_config(BEFORE, Channel(channel_id="shop"), ["policy"], None)
    assert (changed.inbox_rate, changed.expire_after) == (20, timedelta(hours=24))


def test_what_the_mask_does_not_name_stays() -> None:
    channel = Channel(channel_id="shop", display_name="New", paused=True, settings={"region": "mars"})
    assert changed_config(BEFORE, channel, ["display_name", "paused"], None) == replace(
        BEFORE, display_name="New", paused=True
    )


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param([], id="empty"),
        pytest.param(["platform"], id="fixed"),
        pytest.param(["channel_id"], id="id"),
        pytest.param(["health"], id="output-only"),
        pytest.param(["inbox.tokn"], id="misspelt"),
        pytest.param(["settings."], id="dangling"),
        pytest.param(["policy.platform_rate.x"], id="too-deep"),
        pytest.param(["paused.x"], id="below-a-value"),
        pytest.param([""], id="nothing"),
    ],
)
def test_a_mask_that_cannot_be_followed_is_refused(paths: list[str]) -> None:
    with pytest.raises(ChangeRefused) as caught:
        changed_config(BEFORE, Channel(channel_id="shop"), paths, FIELDS)
    assert list(caught.value.violations) == ["update_mask"]


def test_a_required_secret_cannot_be_removed() -> None:
    with pytest.raises(ChangeRefused) as caught:
        changed_config(BEFORE, Channel(channel_id="shop"), ["settings.bot_token"], FIELDS)
    assert list(caught.value.violations) == ["channel.settings.bot_token"]
