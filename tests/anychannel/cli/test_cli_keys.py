from pathlib import Path

import grpc

from anychannel.v1 import gateway_pb2
from tests.anychannel.cli.command import Anychannel
from tests.anychannel.scripted_gateway import READ_KEY, Refused, ScriptedGateway

CREATE = ("key", "create", "orders", "--scope", "send", "--scope", "read", "--channel", "shop")


def test_a_key_is_shown_once_and_alone_on_stdout(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    result = anychannel(*CREATE)
    assert result.stdout == "key_secret_of_k1\n"
    key = gateway.requests("CreateKey")[0].key
    assert (key.display_name, list(key.channel_ids)) == ("orders", ["shop"])
    assert list(key.scopes) == [gateway_pb2.SCOPE_SEND, gateway_pb2.SCOPE_READ]
    assert "key_secret" not in anychannel("key", "list").stdout


def test_a_key_is_written_to_a_file_that_nobody_else_reads(anychannel: Anychannel, tmp_path: Path) -> None:
    result = anychannel(*CREATE, "--out", "orders.key")
    assert "key_secret" not in result.stdout + result.stderr
    assert (tmp_path / "orders.key").read_text() == "key_secret_of_k1\n"
    assert (tmp_path / "orders.key").stat().st_mode & 0o777 == 0o600


def test_no_key_is_made_that_cannot_be_written(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    (tmp_path / "orders.key").write_text("precious")
    assert "exists already" in anychannel(*CREATE, "--out", "orders.key", exit_code=1).stderr
    assert "cannot be written" in anychannel(*CREATE, "--out", "no/orders.key", exit_code=1).stderr
    assert (tmp_path / "orders.key").read_text() == "precious"
    assert gateway.calls == []


def test_no_empty_file_is_left_when_the_gateway_refuses(
    anychannel: Anychannel, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    gateway.refuse("CreateKey", Refused(code=grpc.StatusCode.UNAVAILABLE, text="the database is away"))
    anychannel(*CREATE, "--out", "orders.key", exit_code=1)
    assert not (tmp_path / "orders.key").exists()


def test_keys_are_listed_and_revoked(anychannel: Anychannel) -> None:
    anychannel(*CREATE)
    assert anychannel("key", "list").stdout.splitlines()[1].split()[:4] == ["k1", "orders", "send,read", "shop"]
    assert anychannel.json("key", "list")[0]["scopes"] == ["send", "read"]
    assert "revoked k1 (orders)" in anychannel("key", "revoke", "k1").stdout
    assert "there is no key k2" in anychannel("key", "revoke", "k2", exit_code=1).stderr


def test_a_key_that_may_only_read_is_told_so(anychannel: Anychannel) -> None:
    stderr = anychannel(*CREATE, environ={"ANYCHANNEL_API_KEY": READ_KEY}, exit_code=1).stderr
    assert stderr == ("error: the key lacks the scope admin. Ask the operator for a key with that scope and channel.\n")
