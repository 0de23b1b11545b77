from pathlib import Path

import grpc
import pytest

from tests.anychannel.cli.command import BOT_TOKEN, INBOX_TOKEN, Anychannel
from tests.anychannel.scripted_gateway import Refused, ScriptedGateway, a_channel

MANIFEST = """
channels:
  - channel_id: shop
    platform: telegram
    display_name: Shop
    settings: {bot_token: "file:secrets/bot", mode: polling}
    inbox: {webhook_url: https://inbox.example/1, inbox_channel_id: 1, token: "${INBOX_TOKEN}", reply_timeout: 8s}
"""


@pytest.fixture(autouse=True)
def _manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets/bot").write_text(f"{BOT_TOKEN}\n")
    (folder / "channels.yaml").write_text(MANIFEST)
    monkeypatch.setenv("INBOX_TOKEN", INBOX_TOKEN)


APPLY = ("apply", "-f", "config/channels.yaml")


def change(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config/channels.yaml"
    path.write_text(path.read_text().replace(before, after))


def test_applied_twice_there_is_nothing_to_change(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    first = anychannel(*APPLY)
    assert "+ shop (telegram)" in first.stdout
    assert "applied 1 of 1 changes" in first.stdout
    assert gateway.secrets["shop"] == {"bot_token": BOT_TOKEN, "inbox.token": INBOX_TOKEN}

    second = anychannel(*APPLY)
    assert second.stdout == "nothing to change\n"
    assert second.stderr == "2 secrets are set already and were not compared; --update-secrets sends them\n"
    anychannel(*APPLY, "--check")
    assert gateway.requests("UpdateChannel") == []


def test_only_what_differs_is_sent(anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path) -> None:
    anychannel(*APPLY)
    change(tmp_path, "mode: polling", "mode: webhook")
    change(tmp_path, "display_name: Shop", "display_name: Bakery")

    result = anychannel(*APPLY)

    assert "    display_name: Shop -> Bakery" in result.stdout
    assert "    settings.mode: polling -> webhook" in result.stdout
    assert list(gateway.requests("UpdateChannel")[0].update_mask.paths) == ["display_name", "settings.mode"]
    assert gateway.channels["shop"].display_name == "Bakery"
    assert anychannel(*APPLY).stdout == "nothing to change\n"


def test_secrets_are_sent_again_when_asked_to(anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path) -> None:
    anychannel(*APPLY)
    (tmp_path / "config/secrets/bot").write_text("124:new-bot")

    anychannel(*APPLY, "--update-secrets")

    assert gateway.secrets["shop"]["bot_token"] == "124:new-bot"


@pytest.mark.parametrize(("option", "exit_code"), [("--dry-run", 0), ("--check", 1)])
def test_a_look_changes_nothing(anychannel: Anychannel, gateway: ScriptedGateway, option: str, exit_code: int) -> None:
    assert "+ shop (telegram)" in anychannel(*APPLY, option, exit_code=exit_code).stdout
    assert gateway.channels == {}


def test_pruning_is_asked_about(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    anychannel(*APPLY)
    gateway.add_channel(a_channel("old"))
    anychannel(*APPLY)
    assert "old" in gateway.channels
    assert "- old, with everything stored for it" in anychannel(*APPLY, "--prune", stdin="n\n", exit_code=1).stdout
    assert "old" in gateway.channels
    anychannel(*APPLY, "--prune", "--yes")
    assert set(gateway.channels) == {"shop"}


def test_faults_are_named_with_file_line_and_path(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    change(tmp_path, "reply_timeout: 8s", "reply_timeout: soon, id_type: fone")
    stderr = anychannel(*APPLY, exit_code=1).stderr
    assert stderr.splitlines() == [
        "config/channels.yaml:7: channels[0].inbox.reply_timeout: 'soon' is no span of time; write 8s, 5m, 24h or 7d",
        "config/channels.yaml:7: channels[0].inbox.id_type: 'fone' is none of phone, custom",
        "error: config/channels.yaml has 2 faults; nothing was changed",
    ]
    assert gateway.calls == []


def test_a_fault_that_only_the_gateway_knows_is_named_too(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    change(tmp_path, "mode: polling", "mood: good")
    stderr = anychannel(*APPLY, exit_code=1).stderr
    assert "config/channels.yaml:6: channels[0].settings.mood: telegram has no such setting" in stderr
    assert gateway.channels == {}


def test_a_manifest_that_is_not_there_is_one_clear_line(anychannel: Anychannel) -> None:
    stderr = anychannel("apply", "-f", "no.yaml", exit_code=1).stderr
    assert stderr == "error: no.yaml cannot be read: No such file or directory\n"


def test_one_refused_channel_does_not_stop_the_others(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    path = tmp_path / "config/channels.yaml"
    path.write_text(MANIFEST + MANIFEST.partition("channels:\n")[2].replace("shop", "bakery"))
    gateway.refuse("CreateChannel", Refused(code=grpc.StatusCode.FAILED_PRECONDITION, text="the provider is starting"))

    result = anychannel(*APPLY, exit_code=1)

    assert "applied 1 of 2 changes" in result.stdout
    assert "error: shop: the provider is starting." in result.stderr
    assert set(gateway.channels) == {"bakery"}
