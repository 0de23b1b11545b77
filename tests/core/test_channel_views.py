from collections.abc import Callable

import pytest

from anychannel.channel import ChannelHealth, HealthLevel
from anychannel.message import Lane
from core.channel_views import LaneState, health_of, view_of
from core.channels import ChannelConfig
from core.lanes.records import LaneKey

ConfigOf = Callable[..., ChannelConfig]

PLATFORM, INBOX = LaneKey("shop", Lane.PLATFORM), LaneKey("shop", Lane.INBOX)
DOWN = LaneState(is_waiting=True, probes=3, pause_reason="connection refused", waiting=7)
ASKED = LaneState(is_waiting=True, waiting=2)


def test_a_view_has_no_secret(config_of: ConfigOf) -> None:
    view = view_of(config_of("shop", inbox_previous_token="old"), ChannelHealth(), "https://gw.example")
    assert dict(view.settings) == {"region": "eu"}
    assert view.secrets_set == ("bot_token",)
    assert (view.inbox.token, view.inbox.previous_token) == ("", "")
    assert view.webhook_url == "https://gw.example/webhooks/shop/webhook-token-shop"
    assert "webhook-token" not in repr(view)


@pytest.mark.parametrize(
    ("changes", "lanes", "provider_problem", "level", "words"),
    [
        pytest.param({}, {}, "", HealthLevel.OK, [], id="flows"),
        pytest.param({}, {PLATFORM: LaneState(waiting=9)}, "", HealthLevel.OK, [], id="busy"),
        pytest.param(
            {}, {PLATFORM: DOWN}, "", HealthLevel.DEGRADED, ["platform", "3 times", "connection refused"], id="probing"
        ),
        pytest.param({}, {INBOX: ASKED}, "", HealthLevel.DEGRADED, ["inbox", "asked us to wait"], id="throttled"),
        pytest.param({}, {PLATFORM: DOWN, INBOX: ASKED}, "", HealthLevel.DEGRADED, ["platform", "inbox"], id="both"),
        pytest.param({"paused": True}, {PLATFORM: ASKED}, "", HealthLevel.DOWN, ["unpause"], id="paused"),
        pytest.param({}, {}, None, HealthLevel.DOWN, ["No provider", "acme"], id="no-provider"),
        pytest.param({}, {}, "it is starting", HealthLevel.DOWN, ["not ready", "it is starting"], id="not-ready"),
        pytest.param({"problem": "key gone"}, {}, "", HealthLevel.DOWN, ["key gone", "set its tokens"], id="sealed"),
    ],
)
def test_health_says_what_is_wrong(
    config_of: ConfigOf,
    changes: dict[str, object],
    lanes: dict[LaneKey, LaneState],
    provider_problem: str | None,
    level: HealthLevel,
    words: list[str],
) -> None:
    health = health_of(config_of("shop", **changes), lanes, provider_problem)
    assert health.level is level
    assert all(word in health.reason for word in words)
    assert bool(health.reason) is (level is not HealthLevel.OK)


def test_health_counts_what_waits(config_of: ConfigOf) -> None:
    health = health_of(config_of("shop"), {PLATFORM: DOWN, INBOX: ASKED}, "")
    assert (health.platform_waiting, health.inbox_waiting) == (7, 2)
