import pytest

from anychannel import Failure, FailureKind
from anychannel.channel import DeadLetter
from anychannel.cli.dead_letters import MAX_IDS_A_CALL
from anychannel.message import Lane
from anychannel.wire.gateway import dead_letter_to_proto
from tests.anychannel.cli.command import Anychannel
from tests.anychannel.scripted_gateway import NOON, ScriptedGateway, a_channel


@pytest.fixture(autouse=True)
def _letters(gateway: ScriptedGateway) -> None:
    for channel_id in ("shop", "bakery"):
        gateway.add_channel(a_channel(channel_id))
    gateway.dead_letters = [
        dead_letter_to_proto(
            DeadLetter(
                dead_letter_id=f"dl_{number}",
                channel_id=channel_id,
                lane=lane,
                message_id=f"msg_{number}",
                subject="message",
                address="4711",
                failure=Failure(kind=kind, text="Refused."),
                attempt_count=number + 1,
                create_time=NOON,
            )
        )
        for number, (channel_id, lane, kind) in enumerate(
            [
                ("shop", Lane.PLATFORM, FailureKind.UNAUTHORIZED),
                ("shop", Lane.INBOX, FailureKind.EXPIRED),
                ("bakery", Lane.INBOX, FailureKind.EXPIRED),
            ]
        )
    ]


def left(gateway: ScriptedGateway) -> list[str]:
    return [letter.dead_letter_id for letter in gateway.dead_letters]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param((), ["dl_2", "dl_0", "dl_1"], id="of all channels"),
        pytest.param(("--channel", "shop"), ["dl_0", "dl_1"], id="of one"),
        pytest.param(("--lane", "inbox"), ["dl_2", "dl_1"], id="of one lane"),
        pytest.param(("--failure", "unauthorized"), ["dl_0"], id="of one failure"),
        pytest.param(("--limit", "1"), ["dl_2", "dl_0"], id="few of each channel"),
    ],
)
def test_they_are_listed(anychannel: Anychannel, arguments: tuple[str, ...], expected: list[str]) -> None:
    listed = anychannel.json("dead-letters", "list", *arguments)
    assert [letter["dead_letter_id"] for letter in listed] == expected
    assert "unauthorized: Refused." in anychannel("dead-letters", "list", "--channel", "shop").stdout


def test_none_are_none(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    gateway.dead_letters.clear()
    assert anychannel("dead-letters", "list").stdout == "no dead letters\n"


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    ("arguments", "stdin", "expected"),
    [
        pytest.param(("dl_0",), None, ["dl_1", "dl_2"], id="one by its id, without a question"),
        pytest.param(("--failure", "expired", "--yes"), None, ["dl_0", "dl_2"], id="by failure"),
        pytest.param(("--lane", "platform", "--yes"), None, ["dl_1", "dl_2"], id="by lane"),
        pytest.param(("--all", "--yes"), None, ["dl_2"], id="all of the channel"),
        pytest.param(("--all",), "y\n", ["dl_2"], id="all, after a yes"),
    ],
)
def test_what_is_chosen_goes(
    anychannel: Anychannel,
    gateway: ScriptedGateway,
    verb: str,
    arguments: tuple[str, ...],
    stdin: str | None,
    expected: list[str],
) -> None:
    result = anychannel("dead-letters", verb, "--channel", "shop", *arguments, stdin=stdin)
    assert left(gateway) == expected
    assert f"{verb}ed {3 - len(expected)}" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [("replay", "--all"), ("discard", "--all"), ("discard", "--lane", "inbox"), ("discard", "--failure", "expired")],
    ids=" ".join,
)
@pytest.mark.parametrize("stdin", ["n\n", ""], ids=["no", "nobody there"])
def test_without_a_yes_nothing_goes(
    anychannel: Anychannel, gateway: ScriptedGateway, arguments: tuple[str, ...], stdin: str
) -> None:
    anychannel("dead-letters", *arguments, "--channel", "shop", stdin=stdin, exit_code=1)
    assert left(gateway) == ["dl_0", "dl_1", "dl_2"]


@pytest.mark.parametrize("arguments", [(), ("dl_0", "--all"), ("--lane", "inbox", "--all")], ids=str)
@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_an_unclear_choice_is_a_usage_error(
    anychannel: Anychannel, gateway: ScriptedGateway, verb: str, arguments: tuple[str, ...]
) -> None:
    anychannel("dead-letters", verb, "--channel", "shop", *arguments, exit_code=2)
    assert gateway.calls == []


def test_more_ids_than_a_call_takes_go_in_several(anychannel: Anychannel, gateway: ScriptedGateway) -> None:
    ids = [f"dl_{number}" for number in range(MAX_IDS_A_CALL + 1)]
    assert anychannel("dead-letters", "replay", "--channel", "shop", *ids).stdout == "replayed 2\n"
    counts = [len(request.filter.dead_letter_ids) for request in gateway.requests("ReplayDeadLetters")]
    assert counts == [MAX_IDS_A_CALL, 1]
