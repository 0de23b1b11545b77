from datetime import timedelta

import pytest

from anychannel.channel import IdType, ReplyMode
from anychannel.cli.manifest import Wanted, read_manifest

FILES = {"telegram.token": "123:bot-s3cret"}
ENVIRON = {"INBOX_TOKEN": "inbox-s3cret", "EMPTY": ""}


def read_file(name: str) -> str:
    if name not in FILES:
        raise ValueError(f"file {name} cannot be read: No such file or directory")
    return FILES[name]


def wanted(text: str) -> tuple[Wanted, ...]:
    channels, problems = read_manifest(text, ENVIRON, read_file)
    assert problems == ()
    return channels


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read_manifest(text, ENVIRON, read_file)[1]]


def test_a_whole_channel_is_read() -> None:
    (shop,) = wanted(
        """
channels:
  - channel_id: shop
    platform: telegram
    display_name: The $$hop
    paused: True
    settings:
      bot_token: file:telegram.token
      number: 0049151
    inbox:
      webhook_url: https://inbox.example/${INBOX_TOKEN}
      inbox_channel_id: 7
      token: ${INBOX_TOKEN}
      id_type: phone
      reply: outcome
      reply_timeout: 8s
    policy: {platform_rate: 2.5, expire_after: 1d12h}
"""
    )
    channel = shop.channel
    assert (channel.channel_id, channel.platform, channel.display_name) == ("shop", "telegram", "The $hop")
    assert channel.paused
    assert channel.settings == {"bot_token": "123:bot-s3cret", "number": "0049151"}
    assert channel.inbox.webhook_url == "https://inbox.example/inbox-s3cret"
    assert (channel.inbox.inbox_channel_id, channel.inbox.token) == ("7", "inbox-s3cret")
    assert (channel.inbox.id_type, channel.inbox.reply) == (IdType.PHONE, ReplyMode.OUTCOME)
    assert channel.inbox.reply_timeout == timedelta(seconds=8)
    assert (channel.policy.platform_rate, channel.policy.expire_after) == (2.5, timedelta(hours=36))
    assert shop.lines["inbox.id_type"] == 14
    assert shop.names_settings


def test_what_is_not_named_is_known_as_not_named() -> None:
    (shop,) = wanted("channels: [{channel_id: shop, platform: telegram}]")
    assert set(shop.lines) == {"channel_id", "platform"}
    assert not shop.names_settings


def test_no_channels_are_none() -> None:
    assert wanted("channels: []") == ()


HEAD = "channels:\n  - channel_id: shop\n    platform: telegram\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ["1: `channels:` must be a list of channels"], id="empty"),
        pytest.param("channels: {}", ["1: `channels:` must be a list of channels"], id="no list"),
        pytest.param(
            "- a", ["1: must be a mapping of names to values", "1: `channels:` must be a list of channels"], id="a list"
        ),
        pytest.param("a: [", ["1: not YAML: expected the node content, but found"], id="no YAML"),
        pytest.param("a: *s3cret", ["1: not YAML: found undefined alias"], id="YAML's own text is not repeated"),
        pytest.param("a: \x00", ["1: not YAML: it holds a character that YAML does not allow"], id="a NUL"),
        pytest.param(
            "chanels: []",
            ["1: chanels: unknown; known are channels", "1: `channels:` must be a list of channels"],
            id="a slip at the top",
        ),
        pytest.param(
            "channels: [7]", ["1: channels[0]: must be a mapping of names to values"], id="a channel that is a number"
        ),
        pytest.param(
            "channels: [{}]",
            ["1: channels[0]: channel_id is missing", "1: channels[0]: platform is missing"],
            id="an empty channel",
        ),
        pytest.param(
            "channels: [{channel_id: Shop, platform: x}]",
            ["1: channels[0].channel_id: must be 1 to 40 characters of a-z, 0-9 and -, beginning with a letter"],
            id="a capital",
        ),
        pytest.param(
            HEAD + "    tags: []\n",
            [
                "4: channels[0].tags: unknown; known are channel_id, display_name, inbox, paused, platform, policy, settings"
            ],
            id="an unknown field",
        ),
        pytest.param(HEAD + "    platform: sms\n", ["4: channels[0].platform: is there twice"], id="a field twice"),
        pytest.param(
            HEAD + "    inbox:\n      id_type: fone\n",
            ["5: channels[0].inbox.id_type: 'fone' is none of phone, custom"],
            id="no such choice",
        ),
        pytest.param(
            HEAD + "    inbox: {reply_timeout: soon}\n",
            ["4: channels[0].inbox.reply_timeout: 'soon' is no span of time; write 8s, 5m, 24h or 7d"],
            id="no span",
        ),
        pytest.param(
            HEAD + "    policy: {inbox_rate: -1}\n",
            ["4: channels[0].policy.inbox_rate: must be a number a second, more than 0"],
            id="a rate below zero",
        ),
        pytest.param(
            HEAD + "    policy: {inbox_rate: nan}\n",
            ["4: channels[0].policy.inbox_rate: must be a number a second, more than 0"],
            id="no number",
        ),
        pytest.param(
            HEAD + "    settings: {greeting: ''}\n",
            ["4: channels[0].settings.greeting: is empty; leave it out"],
            id="an empty setting",
        ),
        pytest.param(
            HEAD + "    policy: {inbox_rate: 0}\n",
            ["4: channels[0].policy.inbox_rate: must be a number a second, more than 0"],
            id="a rate of none",
        ),
        pytest.param(
            HEAD + "    paused: maybe\n", ["4: channels[0].paused: must be true or false"], id="neither true nor false"
        ),
        pytest.param(
            HEAD + "    settings:\n      bot_token:\n",
            ["5: channels[0].settings.bot_token: must be one value"],
            id="no value",
        ),
        pytest.param(
            HEAD + "    settings: {bot_token: [1]}\n",
            ["4: channels[0].settings.bot_token: must be one value"],
            id="a list for a value",
        ),
        pytest.param(
            HEAD + "    settings: {[1]: 2}\n",
            ["4: channels[0].settings: a name must be a plain word"],
            id="a list for a name",
        ),
        pytest.param(
            HEAD + "    settings: {bot_token: '${NO_SUCH}'}\n",
            ["4: channels[0].settings.bot_token: the environment has no NO_SUCH"],
            id="no such variable",
        ),
        pytest.param(
            HEAD + "    settings: {bot_token: '${EMPTY}'}\n",
            ["4: channels[0].settings.bot_token: the environment has no EMPTY"],
            id="an empty variable",
        ),
        pytest.param(
            HEAD + "    settings: {bot_token: 'file:no.txt'}\n",
            ["4: channels[0].settings.bot_token: file no.txt cannot be read: No such file or directory"],
            id="no such file",
        ),
        pytest.param(
            HEAD + "  - channel_id: shop\n    platform: sms\n",
            ["4: channels[1]: shop is in line 2 already"],
            id="a channel twice",
        ),
        pytest.param(
            HEAD + "    paused: x\n    policy: {inbox_rate: x}\n",
            [
                "4: channels[0].paused: must be true or false",
                "5: channels[0].policy.inbox_rate: must be a number a second, more than 0",
            ],
            id="every fault at once",
        ),
    ],
)
def test_faults_are_named_with_their_line_and_path(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_no_fault_shows_a_secret() -> None:
    text = HEAD + "    settings: {bot_token: '${INBOX_TOKEN}', x: 'file:telegram.token', y: '${NO_SUCH}'}\n"
    assert "s3cret" not in " ".join(problems(text))


def test_an_anchor_serves_many_channels() -> None:
    one, two = wanted(
        """
channels:
  - channel_id: one
    platform: telegram
    policy: &slow {platform_rate: 1}
  - channel_id: two
    platform: telegram
    policy: *slow
"""
    )
    assert one.channel.policy == two.channel.policy
