"""What ClickSend's refusals and receipts mean."""

import json
from datetime import timedelta

import pytest

from anychannel import FailureKind
from providers.clicksend.failures import refused_request, undelivered


@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        # https://developers.clicksend.com/docs/#status-codes
        (400, FailureKind.CONTENT_REJECTED),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.CHANNEL_MISCONFIGURED),
        (405, FailureKind.CHANNEL_MISCONFIGURED),
        (429, FailureKind.THROTTLED),
        (500, FailureKind.PLATFORM_UNAVAILABLE),
        (503, FailureKind.PLATFORM_UNAVAILABLE),
        (302, FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b'{"response_code": 7}', b"[" * 100_000])
def test_without_a_code_the_status_decides(status_code: int, kind: FailureKind, body: bytes) -> None:
    failure = refused_request(status_code, body, "")

    assert (failure.kind, failure.platform_code) == (kind, str(status_code))


@pytest.mark.parametrize(
    ("status_code", "code", "kind"),
    [
        (401, "UNAUTHORIZED", FailureKind.UNAUTHORIZED),
        (403, "INSUFFICIENT_CREDIT", FailureKind.CHANNEL_MISCONFIGURED),
        (400, "INVALID_RECIPIENT", FailureKind.CONTACT_UNREACHABLE),
        (400, "INVALID_LANG", FailureKind.CONTENT_REJECTED),
        (500, "INTERNAL_SERVER_ERROR", FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
def test_a_known_code_is_more_precise_than_the_status(status_code: int, code: str, kind: FailureKind) -> None:
    failure = refused_request(status_code, json.dumps({"response_code": code}).encode(), "")

    assert (failure.kind, failure.platform_code) == (kind, code)


def test_only_a_bad_request_is_explained_by_clicksend() -> None:
    body = json.dumps({"response_code": "BAD_REQUEST", "response_msg": "The body is wrong. " * 100}).encode()

    assert "The body is wrong." in refused_request(400, body, "").text
    assert len(refused_request(400, body, "").text) < 300
    assert "wrong" not in refused_request(500, body.replace(b"BAD_REQUEST", b"UNAUTHORIZED"), "").text


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [("39", timedelta(seconds=39)), ("0", timedelta()), ("", None), ("soon", None), ("-1", None), ("9" * 30, None)],
)
def test_retry_after(retry_after: str, wait: timedelta | None) -> None:
    assert refused_request(429, b"Too many attempts.", retry_after).retry_after == wait
    assert refused_request(503, b"", retry_after).retry_after == wait
    assert refused_request(401, b"", retry_after).retry_after is None


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        # https://help.clicksend.com/en/articles/42318-sms-error-codes
        ("Failed", "Unknown failure", FailureKind.CONTACT_UNREACHABLE),
        ("Failed", "Unknown subscriber. Number is inactive or invalid", FailureKind.CONTACT_UNREACHABLE),
        ("Failed", "Absent Subscriber. Phone is out of range or switched off.", FailureKind.CONTACT_UNREACHABLE),
        ("Failed", "Network timeout when delivering message", FailureKind.CONTACT_UNREACHABLE),
        ("Failed", "Anti-spam rejection by recipient network", FailureKind.CONTENT_REJECTED),
        ("Cancelled", "Message is cancelled", FailureKind.CONTENT_REJECTED),
        ("CancelledAfterReview", "", FailureKind.CONTENT_REJECTED),
        ("", "", FailureKind.CONTACT_UNREACHABLE),
    ],
)
def test_what_was_not_delivered_says_why(status: str, text: str, kind: FailureKind) -> None:
    failure = undelivered(status=status, text=text, code="301")

    assert (failure.kind, failure.platform_code) == (kind, "301")
    assert (text or status) in failure.text
