"""What refusals mean: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import FailureKind
from providers.discord.failures import read_failure
from providers.discord.fields import Fields
from providers.discord.waits import Pauses, asked_wait, exhausted_seconds


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 0, FailureKind.UNAUTHORIZED),
        (401, 50014, FailureKind.UNAUTHORIZED),
        (401, 40001, FailureKind.UNAUTHORIZED),
        (403, 40002, FailureKind.CHANNEL_MISCONFIGURED),
        (403, 50013, FailureKind.CHANNEL_MISCONFIGURED),
        (403, 50001, FailureKind.CONTACT_UNREACHABLE),
        (403, 50007, FailureKind.CONTACT_UNREACHABLE),
        (403, 50278, FailureKind.CONTACT_UNREACHABLE),
        (404, 10003, FailureKind.CONTACT_UNREACHABLE),
        (404, 10013, FailureKind.CONTACT_UNREACHABLE),
        (400, 50033, FailureKind.CONTACT_UNREACHABLE),
        (400, 50008, FailureKind.CONTACT_UNREACHABLE),
        (400, 40003, FailureKind.THROTTLED),
        (429, 40062, FailureKind.THROTTLED),
        (400, 20016, FailureKind.THROTTLED),
        (400, 20028, FailureKind.THROTTLED),
        (400, 20029, FailureKind.THROTTLED),
        (400, 40004, FailureKind.PLATFORM_UNAVAILABLE),
        (400, 40006, FailureKind.PLATFORM_UNAVAILABLE),
        (403, 40333, FailureKind.PLATFORM_UNAVAILABLE),
        (400, 130000, FailureKind.PLATFORM_UNAVAILABLE),
        (413, 40005, FailureKind.CONTENT_REJECTED),
        (400, 50006, FailureKind.CONTENT_REJECTED),
        (400, 50035, FailureKind.CONTENT_REJECTED),
        (400, 240000, FailureKind.CONTENT_REJECTED),
        (400, 999999, FailureKind.CONTENT_REJECTED),
        (403, 999999, FailureKind.CONTACT_UNREACHABLE),
        (500, 0, FailureKind.PLATFORM_UNAVAILABLE),
        (502, 0, FailureKind.PLATFORM_UNAVAILABLE),
        (302, 0, FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
def test_a_code_has_one_meaning(status: int, code: int, kind: FailureKind) -> None:
    failure = read_failure(status=status, headers={}, body=json.dumps({"code": code, "message": "why"}).encode())

    assert (failure.kind, failure.platform_code) == (kind, str(code or status))
    assert failure.text.endswith(".")


@pytest.mark.parametrize(
    ("headers", "body", "seconds", "is_global"),
    [
        pytest.param({"retry-after": "65"}, {"retry_after": 64.57, "global": False}, 64.57, False, id="user"),
        pytest.param({"retry-after": "65"}, {"retry_after": 64.57, "global": True}, 64.57, True, id="global"),
        pytest.param({"retry-after": "65", "x-ratelimit-global": "true"}, {}, 65, True, id="global by its header"),
        pytest.param({"retry-after": "1337"}, {"retry_after": 1336.57, "global": False}, 1336.57, False, id="shared"),
        pytest.param({"retry-after": "7"}, None, 7, False, id="a page instead of JSON"),
        pytest.param({}, {"retry_after": "soon"}, None, False, id="no number"),
        pytest.param({"retry-after": "1e300"}, {}, 86400, False, id="absurd"),
        pytest.param({"retry-after": "nan"}, {"retry_after": -1}, None, False, id="neither"),
    ],
)  # fmt: skip
def test_how_long_to_wait(
    headers: dict[str, str], body: dict[str, object] | None, seconds: float | None, *, is_global: bool
) -> None:
    """https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit."""
    raw = b"<html>" if body is None else json.dumps(body).encode()

    failure = read_failure(status=429, headers=headers, body=raw)

    assert failure.kind is FailureKind.THROTTLED
    assert failure.retry_after == (None if seconds is None else timedelta(seconds=seconds))
    assert ("whole bot" in failure.text) is is_global


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "1.5"}, 1.5),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset-after": "1.5"}, 0),
        ({"x-ratelimit-remaining": "0"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "inf"}, 0),
        ({}, 0),
    ],
)
def test_a_conversation_may_be_exhausted(headers: dict[str, str], seconds: float) -> None:
    assert exhausted_seconds(headers) == seconds


def test_pauses_are_of_one_conversation_and_pass() -> None:
    pauses = Pauses()
    pauses.learn("1", seconds=2.0, now=100.0)
    pauses.learn("2", seconds=0.0, now=100.0)

    assert [pauses.seconds("1", now=now) for now in (100.0, 101.5, 103.0)] == [2.0, 0.5, 0.0]
    assert pauses.seconds("2", now=100.0) == 0.0


def test_pauses_that_passed_are_forgotten() -> None:
    pauses = Pauses()
    for index in range(1000):
        pauses.learn(str(index), seconds=1.0, now=float(index))

    assert len(pauses._free_times) <= 2


@given(st.integers(100, 599), st.binary(max_size=80), st.text(max_size=10))
def test_no_answer_makes_it_raise(status: int, body: bytes, header: str) -> None:
    read_failure(status=status, headers={"retry-after": header}, body=body)
    asked_wait({"retry-after": header}, Fields.parse(body) or Fields(None))
    exhausted_seconds({"x-ratelimit-remaining": "0", "x-ratelimit-reset-after": header})
