import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from anychannel.channel import ChannelHealth, HealthLevel
from anychannel.v1 import gateway_pb2
from tests.anychannel.cli.command import Anychannel
from tests.anychannel.scripted_gateway import ADMIN_KEY, READ_KEY, ScriptedGateway, a_channel, serve_scripted_gateway


class _Edge(ThreadingHTTPServer):
    status = 200
    paths: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: _Edge

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def edge() -> Iterator[_Edge]:
    with _Edge(("127.0.0.1", 0), _Answer) as server:
        server.paths = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_all_is_well(anychannel: Anychannel, gateway: ScriptedGateway, edge: _Edge) -> None:
    gateway.version = "0.1.0"
    gateway.add_channel(a_channel(health=ChannelHealth(level=HealthLevel.OK)))

    lines = anychannel("doctor", "--edge", f"{edge.url}/").stdout.splitlines()

    assert lines == [
        f"ok     core: answers at {gateway.address}, version 0.1.0",
        "ok     key: valid, scopes admin",
        "ok     provider telegram: ready at telegram:50051, version 1.2.3",
        "ok     channel shop: ok; 0 waiting for the platform, 0 for the inbox",
        f"ok     edge: ready at {edge.url}",
    ]
    assert edge.paths == ["/readyz"]


def test_what_is_wrong_is_said_with_what_to_do(anychannel: Anychannel, gateway: ScriptedGateway, edge: _Edge) -> None:
    gateway.add_channel(a_channel(health=ChannelHealth(level=HealthLevel.DOWN, reason="The token is refused.")))
    gateway.dead_letters.append(gateway_pb2.DeadLetter(dead_letter_id="dl_1", channel_id="shop"))
    edge.status = 503

    stdout = anychannel("doctor", "--edge", edge.url, exit_code=1).stdout

    assert "WRONG  channel shop: down: The token is refused; 0 waiting" in stdout
    assert "       Mend that, then: anychannel channel check shop" in stdout
    assert "WRONG  channel shop: 1 dead letter\n" in stdout
    assert f"WRONG  edge: it answers 503: not ready at {edge.url}" in stdout


def test_a_program_reads_the_findings(anychannel: Anychannel) -> None:
    findings = anychannel.json("doctor", "--edge", "")
    assert [finding["level"] for finding in findings] == ["ok", "ok", "ok"]


def test_an_edge_that_is_away_is_wrong(anychannel: Anychannel) -> None:
    with _Edge(("127.0.0.1", 0), _Answer) as gone:
        url = gone.url
    stdout = anychannel("doctor", "--edge", url.replace("http://", "http://me:pass-s3cret@"), exit_code=1).stdout
    assert f"WRONG  edge: nothing answers at {url}\n" in stdout
    assert "s3cret" not in stdout
    anychannel("doctor", "--edge", "edge:8080", exit_code=2)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param({"ANYCHANNEL_API_KEY": "key_wrong"}, "WRONG  key: the key is unknown or revoked\n", id="unknown"),
        pytest.param({"ANYCHANNEL_API_KEY": ""}, "WRONG  key: no API key is set\n", id="none"),
        pytest.param({"ANYCHANNEL_API_KEY": "a key"}, "WRONG  key: the API key is empty or holds a blank", id="broken"),
    ],
)
def test_a_bad_key_is_wrong(anychannel: Anychannel, environ: dict[str, str], said: str) -> None:
    stdout = anychannel("doctor", "--edge", "", environ=environ, exit_code=1).stdout
    assert stdout.startswith(said)
    assert "Set ANYCHANNEL_API_KEY" in stdout or "Use another" in stdout


def test_what_a_narrow_key_may_do_is_found_out(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.scopes |= {"key_both": {"read", "send"}, "key_send": {"send"}}
    for key, said in ((READ_KEY, "scopes read\n"), ("key_both", "scopes read, send\n")):
        assert said in anychannel("doctor", "--edge", "", environ={"ANYCHANNEL_API_KEY": key}).stdout
    stdout = anychannel("doctor", "--edge", "", environ={"ANYCHANNEL_API_KEY": "key_send"}, exit_code=1).stdout
    assert "the key lacks the scope read" in stdout


def test_a_core_that_does_not_serve_is_wrong(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.serving = False
    stdout = anychannel("doctor", "--edge", "", exit_code=1).stdout
    assert stdout.splitlines() == [
        f"WRONG  core: the gateway at {gateway.address} answers, but does not serve yet or any more",
        "       Start core, or name its address with --core or ANYCHANNEL_CORE_ADDRESS.",
    ]


def test_a_core_that_is_away_is_wrong() -> None:
    with serve_scripted_gateway() as gone:
        address = gone.address
    stdout = Anychannel()(
        "--core", address, "doctor", "--edge", "", environ={"ANYCHANNEL_API_KEY": ADMIN_KEY}, exit_code=1
    ).stdout
    assert stdout.startswith(f"WRONG  core: the gateway does not answer at {address}\n")
