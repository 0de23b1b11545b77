from datetime import timedelta
from typing import Any

import pytest

from anychannel.channel import Channel, DeliveryPolicy, InboxBinding
from anychannel.cli.manifest import read_manifest
from anychannel.cli.plan import Creation, Deletion, Plan, Update, make_plan, plan_text
from anychannel.provider import ChannelSettings
from tests.anychannel.scripted_gateway import TELEGRAM, a_channel

assert TELEGRAM.description is not None
FIELDS = {"telegram": {field.name: field for field in TELEGRAM.description.setting_fields}}
HEAD = "channels:\n  - channel_id: shop\n    platform: telegram\n"
INBOX = "    inbox: {webhook_url: https://inbox.example/1, inbox_channel_id: 1, token: inbox-s3cret}\n"


def plan(
    text: str, *existing: Channel, fields: Any = FIELDS, prune: bool = False, update_secrets: bool = False
) -> Plan:
    wanted, problems = read_manifest(text, {}, str)
    assert problems == ()
    return make_plan(
        wanted,
        {channel.channel_id: channel for channel in existing},
        fields,
        prune=prune,
        update_secrets=update_secrets,
    )


def present(**values: Any) -> Channel:
    inbox = InboxBinding(webhook_url="https://inbox.example/1", inbox_channel_id="1")
    return a_channel(**({"inbox": inbox} | values))


def fields_of(made: Plan) -> tuple[str, ...]:
    assert made.problems == ()
    if not made.steps:
        return ()
    (step,) = made.steps
    assert isinstance(step, Update)
    return step.fields


def test_a_new_channel_is_created_with_its_secrets_masked() -> None:
    made = plan(HEAD + INBOX + "    settings: {bot_token: bot-s3cret, greeting: Hi}\n")

    (step,) = made.steps
    assert isinstance(step, Creation)
    assert step.channel.settings == {"bot_token": "bot-s3cret", "greeting": "Hi"}
    assert plan_text(made).splitlines() == [
        "+ shop (telegram)",
        "    inbox.webhook_url: https://inbox.example/1",
        "    inbox.inbox_channel_id: 1",
        "    settings.bot_token: •••",
        "    settings.greeting: Hi",
        "    inbox.token: •••",
    ]


@pytest.mark.parametrize(
    ("text", "channel", "expected"),
    [
        pytest.param("", present(), (), id="nothing named, nothing changed"),
        pytest.param("    display_name: Shop\n", present(), ("display_name",), id="a name"),
        pytest.param("    display_name: Shop\n", present(display_name="Shop"), (), id="the same name"),
        pytest.param("    paused: false\n", present(paused=True), ("paused",), id="resumed"),
        pytest.param(
            "    inbox: {inbox_channel_id: 2}\n", present(), ("inbox.inbox_channel_id",), id="one field of the inbox"
        ),
        pytest.param(INBOX, present(), (), id="a token that is set is not sent"),
        pytest.param("    policy: {platform_rate: 5}\n", present(), ("policy.platform_rate",), id="a rate"),
        pytest.param(
            "    policy: {platform_rate: 5.0}\n",
            present(policy=DeliveryPolicy(platform_rate=5)),
            (),
            id="the same rate",
        ),
        pytest.param(
            "    policy: {expire_after: 24h}\n",
            present(policy=DeliveryPolicy(expire_after=timedelta(days=1))),
            (),
            id="the same span, spelled otherwise",
        ),
        pytest.param("    settings: {bot_token: x, mode: polling}\n", present(), ("settings.mode",), id="a setting"),
        pytest.param(
            "    settings: {bot_token: x, mode: webhook}\n",
            present(settings=ChannelSettings({})),
            (),
            id="a default needs not be set",
        ),
        pytest.param("    settings: {bot_token: x}\n", present(), (), id="a default needs not be removed"),
        pytest.param(
            "    settings: {bot_token: x}\n",
            present(settings=ChannelSettings({"greeting": "Hi"})),
            ("settings.greeting",),
            id="a setting not named is removed",
        ),
        pytest.param("", present(settings=ChannelSettings({"greeting": "Hi"})), (), id="settings not named are left"),
        pytest.param(
            "    settings: {greeting: Hi}\n",
            present(settings=ChannelSettings({"greeting": "Hi"})),
            (),
            id="a secret not named is kept",
        ),
        pytest.param(
            "    settings: {bot_token: x}\n",
            present(secrets_set=()),
            ("settings.bot_token",),
            id="a secret that is not set is sent",
        ),
    ],
)
def test_an_update_names_just_what_differs(text: str, channel: Channel, expected: tuple[str, ...]) -> None:
    assert fields_of(plan(HEAD + text, channel)) == expected


def test_secrets_are_sent_again_when_asked_to() -> None:
    text = HEAD + INBOX + "    settings: {bot_token: bot-s3cret}\n"

    assert plan(text, present()).secrets_kept == 2
    made = plan(text, present(), update_secrets=True)

    assert fields_of(made) == ("settings.bot_token", "inbox.token")
    assert made.secrets_kept == 0
    assert "s3cret" not in plan_text(made)
    assert "settings.bot_token: ••• (sent; whether it differs is not known)" in plan_text(made)


def test_a_change_shows_before_and_after() -> None:
    shown = plan_text(
        plan(HEAD + "    policy: {platform_rate: 5}\n    settings: {bot_token: x, mode: polling}\n", present())
    )
    assert "policy.platform_rate: (unset) -> 5" in shown
    assert "settings.mode: webhook -> polling" in shown


@pytest.mark.parametrize("fields", [{"telegram": None}, {}], ids=["never described", "not registered"])
def test_a_setting_that_nobody_declares_is_masked(fields: Any) -> None:
    made = plan(HEAD + "    settings: {bot_token: bot-s3cret, other: also-s3cret}\n", present(), fields=fields)
    assert fields_of(made) == ("settings.other", "settings.mode")
    assert "s3cret" not in plan_text(made)


def test_only_prune_removes_channels() -> None:
    assert plan(HEAD, present(), a_channel("old")).steps == ()
    assert plan(HEAD, present(), a_channel("old"), prune=True).steps == (Deletion(channel_id="old"),)


@pytest.mark.parametrize(
    ("text", "existing", "expected"),
    [
        pytest.param(HEAD + INBOX, [], ["2: channels[0]: settings.bot_token is missing"], id="a required setting"),
        pytest.param(
            HEAD + "    settings: {bot_token: x}\n",
            [],
            [
                "2: channels[0]: inbox.webhook_url is missing",
                "2: channels[0]: inbox.inbox_channel_id is missing",
                "2: channels[0]: inbox.token is missing",
            ],
            id="the inbox",
        ),
        pytest.param(
            HEAD + INBOX + "    settings: {bot_token: x, tokn: y}\n",
            [],
            ["5: channels[0].settings.tokn: telegram has no such setting"],
            id="an unknown setting",
        ),
        pytest.param(
            HEAD + "    settings: {mode: pigeon}\n",
            [present()],
            ["4: channels[0].settings.mode: must be one of webhook, polling"],
            id="no such choice",
        ),
        pytest.param(
            HEAD.replace("telegram", "pigeon") + INBOX,
            [],
            ["3: channels[0].platform: no provider of pigeon is registered"],
            id="no provider",
        ),
        pytest.param(
            HEAD,
            [present(platform="sms")],
            ["3: channels[0].platform: a channel's platform never changes; it is sms"],
            id="another platform",
        ),
    ],
)
def test_what_cannot_be_is_a_problem_and_no_step(text: str, existing: list[Channel], expected: list[str]) -> None:
    made = plan(text, *existing)
    assert [str(problem) for problem in made.problems] == expected
    assert made.steps == ()
