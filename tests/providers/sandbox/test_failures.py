"""What the phone network's refusals mean."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from anychannel import FailureKind
from providers.sandbox.failures import refusal, undelivered

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status_code", "code", "kind"),
    [
        (401, "bad_token", FailureKind.UNAUTHORIZED),
        (400, "bad_request", FailureKind.CONTENT_REJECTED),
        (404, "no_such_phone", FailureKind.CONTACT_UNREACHABLE),
        (403, "blocked", FailureKind.CONTACT_OPTED_OUT),
        (410, "opted_out", FailureKind.CONTACT_OPTED_OUT),
        (429, "too_fast", FailureKind.THROTTLED),
        (503, "network_down", FailureKind.PLATFORM_UNAVAILABLE),
        (500, "internal", FailureKind.PLATFORM_UNAVAILABLE),
        (429, "never_heard_of", FailureKind.THROTTLED),
    ],
)
def test_each_code_is_a_failure(status_code: int, code: str, kind: FailureKind) -> None:
    failure = refusal(status_code, _error(code), "", NOW)

    assert (failure.kind, failure.platform_code, failure.retry_after) == (kind, code, None)
    assert failure.text.endswith(".")


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[]", b"null", b'{"error": "no"}', b"[" * 100_000])
@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        (302, FailureKind.PLATFORM_UNAVAILABLE),
        (400, FailureKind.CONTENT_REJECTED),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.CHANNEL_MISCONFIGURED),
        (405, FailureKind.CHANNEL_MISCONFIGURED),
        (413, FailureKind.CONTENT_REJECTED),
        (422, FailureKind.CONTENT_REJECTED),
        (429, FailureKind.THROTTLED),
        (502, FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
def test_without_a_code_the_status_decides(status_code: int, kind: FailureKind, body: bytes) -> None:
    failure = refusal(status_code, body, "", NOW)

    assert (failure.kind, failure.platform_code) == (kind, str(status_code))


def test_only_bad_request_is_explained_by_the_platform() -> None:
    assert (
        "message.text must be 1 to 1000"
        in refusal(400, _error("bad_request", "message.text must be 1 to 1000"), "", NOW).text
    )
    assert "secret" not in refusal(503, _error("network_down", "secret"), "", NOW).text


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        pytest.param("7", timedelta(seconds=7), id="seconds"),
        pytest.param("0", timedelta(), id="at once"),
        pytest.param("Sun, 01 Mar 2026 12:01:30 GMT", timedelta(seconds=90), id="date"),
        pytest.param("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(), id="date that has passed"),
        pytest.param("", None, id="not said"),
        pytest.param("soon", None, id="a word"),
        pytest.param("-5", None, id="negative"),
        pytest.param("9" * 30, None, id="longer than time is"),
        pytest.param("9" * 5000, None, id="longer than Python reads"),
    ],
)
@pytest.mark.parametrize(("status_code", "code"), [(429, "too_fast"), (503, "network_down")])
def test_retry_after(status_code: int, code: str, header: str, wait: timedelta | None) -> None:
    assert refusal(status_code, _error(code), header, NOW).retry_after == wait


def test_a_final_refusal_has_nothing_to_wait_for() -> None:
    assert refusal(403, _error("blocked"), "7", NOW).retry_after is None


def test_what_did_not_arrive_says_why() -> None:
    assert undelivered("The recipient blocked this sender.").text == "The recipient blocked this sender."
    assert undelivered("").text == "This phone cannot be reached."
    assert undelivered("").kind is FailureKind.CONTACT_UNREACHABLE


def _error(code: str, message: str = "No.") -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()
