import json
from typing import Any

import grpc
import pytest

from anychannel import Failure, FailureKind, Text
from anychannel.channel import Event, StatusChange
from anychannel.message import Direction, MessageStory, Status, StatusRecord
from anychannel.v1 import message_pb2
from anychannel.wire import message_story_to_proto, status_record_to_proto
from anychannel.wire.gateway import watched_event_to_proto
from tests.anychannel.cli.command import Anychannel
from tests.anychannel.scripted_gateway import NOON, Refused, ScriptedGateway, a_message

SEND = ("send", "--channel", "shop", "--to", "4711")
BLOCKED = Failure(kind=FailureKind.CONTACT_OPTED_OUT, text="The contact blocked the bot.")


def told(*statuses: Status, failure: Failure | None = None) -> list[message_pb2.StatusRecord]:
    return [
        status_record_to_proto(
            StatusRecord(status=status, event_time=NOON, failure=failure if status is Status.FAILED else None)
        )
        for status in statuses
    ]


@pytest.mark.parametrize(
    ("arguments", "kind", "expected"),
    [
        pytest.param(("--text", "Hello"), "text", {"text": "Hello"}, id="text"),
        pytest.param(
            ("--attachment", "https://x.example/a.png", "--kind", "image", "--caption", "New"),
            "attachment",
            {"kind": message_pb2.MEDIA_KIND_IMAGE, "url": "https://x.example/a.png", "caption": "New"},
            id="attachment",
        ),
        pytest.param(("--location", "52.5,-13.4"), "location", {"latitude": 52.5, "longitude": -13.4}, id="location"),
        pytest.param(
            ("--quick-reply", "Coming?", "--reply", "Yes", "--reply", "No"),
            "quick_replies",
            {"text": "Coming?", "replies": ["Yes", "No"]},
            id="quick replies",
        ),
        pytest.param(
            ("--template", "order", "--language", "en_US", "--parameter", "1"),
            "template",
            {"name": "order", "language": "en_US", "parameters": ["1"]},
            id="template",
        ),
        pytest.param(("--custom", '{"a": 1}'), "custom_payload", {"json": '{"a": 1}'}, id="custom"),
    ],
)
def test_every_content_is_sent(
    anychannel: Anychannel, gateway: ScriptedGateway, arguments: tuple[str, ...], kind: str, expected: dict[str, Any]
) -> None:
    assert anychannel(*SEND, *arguments, "--request-id", "r-1", "--expire-after", "1h").stdout == "msg_1\n"

    sent = gateway.requests("SendMessages")[0].requests[0]
    assert (sent.channel_id, sent.address, sent.request_id) == ("shop", "4711", "r-1")
    assert sent.expire_after.ToSeconds() == 3600
    assert sent.content.WhichOneof("kind") == kind
    content = getattr(sent.content, kind)
    assert {
        name: list(value) if isinstance(expected[name], list) else value
        for name, value in ((name, getattr(content, name)) for name in expected)
    } == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param((), "give exactly one of", id="no content"),
        pytest.param(("--text", "a", "--location", "1,2"), "give exactly one of", id="two contents"),
        pytest.param(("--location", "north"), "LAT,LON", id="no point"),
        pytest.param(("--location", "91,0"), "LAT,LON", id="beyond the pole"),
        pytest.param(("--location", "1,2,3"), "LAT,LON", id="three numbers"),
        pytest.param(("--location", "nan,0"), "LAT,LON", id="no number"),
        pytest.param(("--custom", "{"), "--custom is no JSON", id="no JSON"),
        pytest.param(("--custom", "[1]"), "--custom takes a JSON object", id="no object"),
    ],
)
def test_what_cannot_be_sent_is_a_usage_error(
    anychannel: Anychannel, gateway: ScriptedGateway, arguments: tuple[str, ...], said: str
) -> None:
    assert said in anychannel(*SEND, *arguments, exit_code=2).stderr
    assert gateway.calls == []


def test_an_unknown_channel_is_one_clear_line(anychannel: Anychannel) -> None:
    result = anychannel("send", "--channel", "unknown", "--to", "1", "--text", "Hi", exit_code=1)
    assert result.stderr == "error: channel_id: there is no channel unknown.\n"


def test_what_is_no_text_is_one_clear_line(anychannel: Anychannel) -> None:
    stderr = anychannel(*SEND, "--text", "\udcff", exit_code=1).stderr
    assert stderr == "error: what was given holds characters that are no text in UTF-8\n"


def test_waiting_tells_each_status(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.statuses = told(Status.ACCEPTED, Status.SENT, Status.DELIVERED)
    assert anychannel(*SEND, "--text", "Hi", "--wait").stdout.splitlines() == [
        "msg_1",
        "2026-03-01 12:00:00  accepted",
        "2026-03-01 12:00:00  sent",
        "2026-03-01 12:00:00  delivered",
    ]


def test_waiting_for_what_fails_fails(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.statuses = told(Status.ACCEPTED, Status.FAILED, failure=BLOCKED)
    result = anychannel(*SEND, "--text", "Hi", "--wait", exit_code=1)
    assert "failed: contact_opted_out: The contact blocked the bot." in result.stdout


def test_waiting_ends(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.statuses = told(Status.ACCEPTED)
    gateway.watch_holds = True
    result = anychannel(*SEND, "--text", "Hi", "--wait", "--wait-for", "200ms", exit_code=1)
    assert result.stderr == "not sent yet; see later: anychannel message show msg_1\n"


def test_a_program_reads_a_send(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.statuses = told(Status.SENT)
    lines = anychannel(*SEND, "--text", "Hi", "--wait", "--json").stdout.splitlines()
    message, status = map(json.loads, lines)
    assert message["content"] == {"text": {"text": "Hi"}}
    assert status == {"status": "sent", "event_time": "2026-03-01T12:00:00+00:00", "failure": None}


def test_a_message_is_shown_listed_and_cancelled(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    for number, failure in enumerate([None, BLOCKED]):
        message = a_message(
            f"msg_{number}",
            address=str(number),
            content=Text(text="Hello\nthere \x1b[31m"),
            failure=failure,
            status=Status.FAILED if failure else Status.SENT,
        )
        gateway.stories[message.message_id] = message_story_to_proto(
            MessageStory(message=message, parts=(), attempts=(), statuses=())
        )

    assert "Hello there \N{REPLACEMENT CHARACTER}[31m" in anychannel("message", "show", "msg_0").stdout
    assert anychannel.json("message", "show", "msg_1")["message"]["failure"]["kind"] == "contact_opted_out"
    lines = anychannel("message", "list", "--channel", "shop").stdout.splitlines()
    assert lines[1].split() == [
        "2026-03-01",
        "12:00:00",
        "msg_0",
        "->",
        "0",
        "sent",
        "Hello",
        "there",
        "\N{REPLACEMENT CHARACTER}[31m",
    ]
    assert "failed: contact_opted_out" in lines[2]
    assert len(anychannel.json("message", "list", "--channel", "shop", "--to", "1")) == 1
    assert len(anychannel.json("message", "list", "--channel", "shop", "--limit", "1")) == 1
    assert "no messages" in anychannel("message", "list", "--channel", "bakery").stdout
    assert "cancelled msg_0" in anychannel("message", "cancel", "msg_0").stdout
    assert "there is no message msg_9" in anychannel("message", "show", "msg_9", exit_code=1).stderr


def test_the_tail_tells_what_happens(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    failed = StatusChange(message_id="msg_1", status=Status.FAILED, failure=BLOCKED)
    gateway.events = [
        watched_event_to_proto(Event(event_id=event_id, channel_id=channel_id, create_time=NOON, kind=kind))
        for event_id, channel_id, kind in (
            ("1", "shop", a_message("msg_1", direction=Direction.INBOUND)),
            ("2", "shop", failed),
            ("1", "bakery", failed),
        )
    ]
    end = Refused(code=grpc.StatusCode.PERMISSION_DENIED, text="the key was narrowed")

    gateway.ends["WatchEvents"].extend([end, end])
    assert anychannel("tail", "--channel", "shop", exit_code=1).stdout.splitlines() == [
        "2026-03-01 12:00:00  shop  msg_1  <- 4711  Hello",
        "2026-03-01 12:00:00  shop  msg_1  failed: contact_opted_out: The contact blocked the bot.",
    ]
    lines = [json.loads(line) for line in anychannel("tail", "--json", exit_code=1).stdout.splitlines()]
    assert [sorted(line) for line in lines] == [
        ["channel_id", "create_time", "event_id", "message"],
        ["channel_id", "create_time", "event_id", "status"],
        ["channel_id", "create_time", "event_id", "status"],
    ]
