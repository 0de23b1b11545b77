from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from anychannel.channel import ChannelHealth, DeliveryPolicy, HealthLevel, InboxBinding
from anychannel.v1 import channel_pb2, message_pb2
from tests.anychannel.cli.command import BOT_TOKEN, INBOX_TOKEN, Anychannel
from tests.anychannel.scripted_gateway import NOON, Refused, ScriptedGateway, a_channel

ADD = (
    "channel",
    "add",
    "shop",
    "--platform",
    "telegram",
    "--inbox-webhook-url",
    "https://inbox.example/hook/1",
    "--inbox-channel-id",
    "1",
)


def test_a_channel_is_added_with_secrets_from_everywhere(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    (tmp_path / "token.txt").write_text(f"{BOT_TOKEN}\n")

    result = anychannel(
        *ADD,
        *("--set", "bot_token=@token.txt", "--set", "mode=polling", "--set", "greeting=@@shop"),
        *("--inbox-token", "env:INBOX_TOKEN", "--inbox-previous-token", "-"),
        *("--id-type", "phone", "--status-shape", "flat", "--reply", "outcome", "--reply-timeout", "12s"),
        *("--platform-rate", "5", "--expire-after", "1h30m", "--display-name", "Shop", "--paused"),
        environ={"INBOX_TOKEN": INBOX_TOKEN},
        stdin="inbox-before\n",
    )

    sent = gateway.requests("CreateChannel")[0].channel
    assert dict(sent.settings) == {"bot_token": BOT_TOKEN, "mode": "polling", "greeting": "@shop"}
    assert (sent.inbox.token, sent.inbox.previous_token) == (INBOX_TOKEN, "inbox-before")
    assert (sent.inbox.id_type, sent.inbox.status_shape) == (
        channel_pb2.ID_TYPE_PHONE,
        channel_pb2.STATUS_SHAPE_FLAT,
    )
    assert sent.inbox.reply_timeout.ToTimedelta() == timedelta(seconds=12)
    assert sent.policy.expire_after.ToTimedelta() == timedelta(hours=1, minutes=30)
    assert (sent.display_name, sent.paused, sent.policy.platform_rate) == ("Shop", True, 5)
    assert "anychannel channel check shop" in result.stdout


def test_the_inbox_token_is_asked_for_when_it_is_not_given(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    anychannel(*ADD, stdin=f"{INBOX_TOKEN}\n")
    assert gateway.requests("CreateChannel")[0].channel.inbox.token == INBOX_TOKEN


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--set", "bot_token=@no.txt"), "bot_token: no.txt cannot be read", id="no such file"),
        pytest.param(("--set", "bot_token=env:NO_SUCH"), "bot_token: the environment has no NO_SUCH", id="no variable"),
        pytest.param(("--set", BOT_TOKEN), "--set takes NAME=VALUE", id="no pair, and not repeated"),
        pytest.param(("--inbox-token", "-"), "inbox token: nothing on stdin", id="nothing on stdin"),
        pytest.param(("--reply-timeout", "soon"), "'soon' is no span of time", id="no span"),
        pytest.param(("--platform-rate", "-1"), "--platform-rate", id="a rate below zero"),
    ],
)
def test_what_is_wrongly_given_is_a_usage_error(
    anychannel: Anychannel, gateway: ScriptedGateway, arguments: tuple[str, ...], said: str
) -> None:
    assert said in anychannel(*ADD, *arguments, stdin="", exit_code=2).stderr
    assert gateway.calls == []


def test_a_refused_field_is_named(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.refuse(
        "CreateChannel",
        Refused(
            code=grpc.StatusCode.INVALID_ARGUMENT,
            text="the channel is wrong",
            violations=(("channel.settings.bot_token", "must look like 123:abc"),),
        ),
    )
    result = anychannel(*ADD, "--inbox-token", INBOX_TOKEN, exit_code=1)
    assert result.stderr == "error: the channel is wrong: channel.settings.bot_token: must look like 123:abc.\n"


def test_an_update_names_what_it_changes(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.add_channel(a_channel(inbox=InboxBinding(webhook_url="https://inbox.example/1", inbox_channel_id="1")))

    anychannel(
        *("channel", "update", "shop", "--set", "bot_token=-", "--unset", "greeting", "--pause"),
        *("--inbox-channel-id", "2", "--inbox-rate", "0"),
        stdin=f"{BOT_TOKEN}\n",
    )

    request = gateway.requests("UpdateChannel")[0]
    assert list(request.update_mask.paths) == [
        "inbox.inbox_channel_id",
        "policy.inbox_rate",
        "paused",
        "settings.bot_token",
        "settings.greeting",
    ]
    assert dict(request.channel.settings) == {"bot_token": BOT_TOKEN}
    assert gateway.channels["shop"].paused
    assert gateway.channels["shop"].inbox.webhook_url == "https://inbox.example/1"


def test_an_update_of_nothing_is_a_usage_error(anychannel: Anychannel) -> None:
    assert "nothing to change" in anychannel("channel", "update", "shop", exit_code=2).stderr


def test_channels_are_listed_with_their_health(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    assert "no channels yet" in anychannel("channel", "list").stdout
    health = ChannelHealth(level=HealthLevel.DOWN, reason="The token is refused.", platform_waiting=3, inbox_waiting=1)
    gateway.add_channel(a_channel(health=health))
    gateway.add_channel(a_channel("bakery", paused=True, display_name="Bakery\x1b[31m"))

    lines = anychannel("channel", "list").stdout.splitlines()

    assert lines[0].split() == ["CHANNEL", "PLATFORM", "HEALTH", "WAITING", "NAME", "REASON"]
    assert lines[1].split() == ["bakery", "telegram", "paused", "0", "Bakery\N{REPLACEMENT CHARACTER}[31m"]
    assert lines[2].split(maxsplit=4) == ["shop", "telegram", "down", "4", "The token is refused."]


def test_a_channel_is_shown_without_its_secrets(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.add_channel(
        a_channel(
            inbox=InboxBinding(inbox_channel_id="1", webhook_url="https://inbox.example/1"),
            policy=DeliveryPolicy(platform_rate=5, expire_after=timedelta(hours=24)),
            create_time=NOON,
        )
    )
    shown = anychannel("channel", "show", "shop").stdout
    assert "  bot_token       •••" in shown
    assert "  mode            webhook" in shown
    assert "expires after     1d" in shown
    assert "added             2026-03-01 12:00:00" in shown

    as_json = anychannel.json("channel", "show", "shop")
    assert as_json["settings"] == {"mode": "webhook"}
    assert as_json["secrets_set"] == ["bot_token"]
    assert as_json["inbox"]["webhook_url"] == "https://inbox.example/1"
    assert "webhook_url" not in as_json
    assert "token" not in as_json["inbox"]
    assert as_json["policy"]["expire_after"] == 86_400


def test_the_webhook_address_is_shown_when_it_is_asked_for(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.add_channel(a_channel())
    gateway.add_channel(a_channel("inside", webhook_url=""))
    result = anychannel("channel", "show", "shop", "--webhook-url", may_show="wh_unguessable")
    assert result.stdout == "https://gateway.example.com/webhooks/shop/wh_unguessable\n"
    assert "no public address" in anychannel("channel", "show", "inside", "--webhook-url", exit_code=1).stderr


def test_a_check_says_what_is_wrong_and_fails(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.add_channel(a_channel())
    assert "shop works" in anychannel("channel", "check", "shop").stdout
    gateway.problems.append(message_pb2.Note(code="token_refused", text="The bot token is refused."))
    result = anychannel("channel", "check", "shop", exit_code=1)
    assert "account           @shop_bot" in result.stdout
    assert "wrong: The bot token is refused. (token_refused)" in result.stdout
    assert anychannel.json("channel", "check", "shop", exit_code=1)["problems"][0]["code"] == "token_refused"


def test_a_removal_is_asked_about(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.add_channel(a_channel())
    anychannel("channel", "remove", "shop", stdin="n\n", exit_code=1)
    anychannel("channel", "remove", "shop", stdin="", exit_code=1)
    assert "shop" in gateway.channels
    anychannel("channel", "remove", "shop", stdin="y\n")
    assert gateway.channels == {}
    assert "there is no channel shop" in anychannel("channel", "remove", "shop", "--yes", exit_code=1).stderr


def test_providers_are_shown_with_what_their_channels_need(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    assert anychannel("provider", "list").stdout.splitlines()[1].split()[:3] == ["telegram", "ready", "1.2.3"]
    shown = anychannel("provider", "show", "telegram").stdout
    assert "bot_token" in shown
    assert "secret" in shown
    assert "webhook | polling, default webhook" in shown
    assert "no provider" in anychannel("provider", "show", "pigeon", exit_code=1).stderr
    assert anychannel.json("provider", "list")[0]["description"]["setting_fields"][0]["secret"] is True
    gateway.providers.clear()
    assert "no providers yet" in anychannel("provider", "list").stdout
