from dataclasses import replace
from typing import Any

import pytest

from anychannel.channel import ChannelHealth, HealthLevel
from anychannel.cli.diagnosis import (
    COUNTED_DEAD_LETTERS,
    Edge,
    Facts,
    Level,
    diagnose,
    diagnose_edge,
    unreachable_because,
)
from tests.anychannel.scripted_gateway import TELEGRAM, a_channel

OK = ChannelHealth(level=HealthLevel.OK)


def facts(**values: Any) -> Facts:
    defaults: dict[str, Any] = {
        "core_address": "core:50050",
        "core_version": "",
        "own_version": "0.1.0",
        "scopes": frozenset({"admin"}),
        "providers": (TELEGRAM,),
        "channels": (a_channel(health=OK),),
        "dead_letters": {},
    }
    return Facts(**(defaults | values))


def test_a_healthy_installation_has_only_good_findings() -> None:
    findings = diagnose(facts())
    assert [(finding.level, finding.subject) for finding in findings] == [
        (Level.OK, "core"),
        (Level.OK, "key"),
        (Level.OK, "provider telegram"),
        (Level.OK, "channel shop"),
    ]


LISTENING = replace(TELEGRAM, description=TELEGRAM.description and replace(TELEGRAM.description, listens=True))
ONLY_LISTENING = replace(
    TELEGRAM,
    description=TELEGRAM.description and replace(TELEGRAM.description, listens=True, receives_webhooks=False),
)


@pytest.mark.parametrize(
    ("values", "level", "said", "action"),
    [
        pytest.param({"core_version": "0.2.1"}, Level.NOTE, "this command is 0.1.0", "gateway's version", id="another version"),
        pytest.param({"scopes": frozenset({"read"})}, Level.NOTE, "scopes read", "scope admin", id="a key that only reads"),
        pytest.param({"providers": (), "channels": ()}, Level.WRONG, "none is registered", "anychannel serve", id="no provider"),
        pytest.param(
            {"providers": (replace(TELEGRAM, ready=False, reason="connection refused"),)},
            Level.WRONG,
            "not ready: connection refused",
            "telegram:50051",
            id="a provider that is not ready",
        ),
        pytest.param(
            {"channels": (a_channel(health=OK, platform="sms"),)},
            Level.WRONG,
            "no provider of sms is registered",
            "anychannel serve",
            id="a channel without its provider",
        ),
        pytest.param(
            {"channels": (a_channel(health=ChannelHealth(level=HealthLevel.DOWN, reason="Token refused.", platform_waiting=7)),)},
            Level.WRONG,
            "down: Token refused; 7 waiting for the platform",
            "anychannel channel check shop",
            id="a channel that is down",
        ),
        pytest.param(
            {"channels": (a_channel(health=ChannelHealth(level=HealthLevel.DEGRADED, reason="Inbox away.", inbox_waiting=2)),)},
            Level.WRONG,
            "2 for the inbox",
            "anychannel channel check shop",
            id="a channel that waits",
        ),
        pytest.param(
            {"channels": (a_channel(),)}, Level.NOTE, "nobody knows yet", "anychannel channel check shop", id="never checked"
        ),
        pytest.param(
            {"channels": (a_channel(health=OK, paused=True),)}, Level.NOTE, "paused", "channel update shop --resume", id="paused"
        ),
        pytest.param({"dead_letters": {"shop": 1}}, Level.WRONG, "1 dead letter", "--channel shop", id="a dead letter"),
        pytest.param(
            {"dead_letters": {"shop": COUNTED_DEAD_LETTERS}},
            Level.WRONG,
            "500 or more dead letters",
            "dead-letters list",
            id="too many to count",
        ),
        pytest.param(
            {"channels": (a_channel(health=OK, webhook_url=""),)},
            Level.WRONG,
            "no public address",
            "Set the gateway's public address",
            id="no webhook address",
        ),
        pytest.param(
            {"channels": (a_channel(health=OK, webhook_url="http://gateway.example/webhooks/shop/wh"),)},
            Level.WRONG,
            "it is not https",
            "set a public https address",
            id="a webhook address that nobody reaches",
        ),
        pytest.param(
            {"channels": (a_channel(health=OK, webhook_url="http://127.0.0.1:8080/webhooks/shop/wh"),)},
            Level.NOTE,
            "it is not https",
            "set a public https address",
            id="a gateway that is tried out on one machine",
        ),
        pytest.param(
            {"providers": (LISTENING,), "channels": (a_channel(health=OK, webhook_url=""),)},
            Level.NOTE,
            "no public address",
            "Set the gateway's public address",
            id="no webhook address, and perhaps none needed",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_has_an_action(values: dict[str, Any], level: Level, said: str, action: str) -> None:
    findings = [finding for finding in diagnose(facts(**values)) if finding.level is not Level.OK]
    assert [(finding.level, said in finding.text, action in finding.action) for finding in findings] == [
        (level, True, True)
    ], findings


def test_a_platform_without_webhooks_needs_no_address() -> None:
    findings = diagnose(facts(providers=(ONLY_LISTENING,), channels=(a_channel(health=OK, webhook_url=""),)))
    assert {finding.level for finding in findings} == {Level.OK}


def test_the_same_version_series_is_fine() -> None:
    assert diagnose(facts(core_version="0.1.9"))[0].level is Level.OK
    assert diagnose(facts(core_version="1.9.0", own_version="1.2.0"))[0].level is Level.OK


def test_edge_is_ready_or_not() -> None:
    assert diagnose_edge(Edge(url="http://e", problem="")).level is Level.OK
    finding = diagnose_edge(Edge(url="http://e", problem="nothing answers"))
    assert (finding.level, finding.text) == (Level.WRONG, "nothing answers at http://e")
    assert "--edge" in finding.action


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://gateway.example.com/webhooks/x", ""),
        ("https://8.8.8.8/x", ""),
        ("http://gateway.example.com/x", "it is not https"),
        ("https://localhost/x", "localhost is a name inside a network"),
        ("https://edge/x", "edge is a name inside a network"),
        ("https://printer.local/x", "printer.local is a name inside a network"),
        ("https://10.1.2.3/x", "10.1.2.3 is an address inside a network"),
        ("https://[::1]/x", "::1 is an address inside a network"),
    ],
)
def test_who_can_call_an_address(url: str, why: str) -> None:
    assert unreachable_because(url) == why
