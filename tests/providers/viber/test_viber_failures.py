"""Answers as Viber writes them.

https://developers.viber.com/docs/api/rest-bot-api/#error-codes and https://creators.viber.com/docs/bots-api/errors
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import FailureKind
from providers.viber.failures import no_answer, read_failure

STATUSES = [
    (1, "invalidUrl", FailureKind.CHANNEL_MISCONFIGURED),
    (2, "invalidAuthToken", FailureKind.UNAUTHORIZED),
    (3, "badData", FailureKind.CONTENT_REJECTED),
    (4, "missingData", FailureKind.CONTENT_REJECTED),
    (5, "receiverNotRegistered", FailureKind.CONTACT_UNREACHABLE),
    (6, "receiverNotSubscribed", FailureKind.CONTACT_OPTED_OUT),
    (7, "publicAccountBlocked", FailureKind.CHANNEL_MISCONFIGURED),
    (8, "publicAccountNotFound", FailureKind.UNAUTHORIZED),
    (9, "publicAccountSuspended", FailureKind.CHANNEL_MISCONFIGURED),
    (10, "webhookNotSet", FailureKind.CHANNEL_MISCONFIGURED),
    (11, "receiverNoSuitableDevice", FailureKind.CONTACT_UNREACHABLE),
    (12, "tooManyRequests", FailureKind.THROTTLED),
    (13, "apiVersionNotSupported", FailureKind.CONTENT_UNSUPPORTED),
    (14, "incompatibleWithVersion", FailureKind.CONTENT_UNSUPPORTED),
    (15, "publicAccountNotAuthorized", FailureKind.UNAUTHORIZED),
    (16, "inchatReplyMessageNotAllowed", FailureKind.CHANNEL_MISCONFIGURED),
    (17, "publicAccountIsNotInline", FailureKind.CHANNEL_MISCONFIGURED),
    (18, "noPublicChat", FailureKind.CHANNEL_MISCONFIGURED),
    (19, "cannotSendBroadcast", FailureKind.CHANNEL_MISCONFIGURED),
    (20, "broadcastNotAllowed", FailureKind.CHANNEL_MISCONFIGURED),
    (21, "unsupportedCountry", FailureKind.CONTACT_UNREACHABLE),
    (22, "paymentUnsupported", FailureKind.CONTENT_UNSUPPORTED),
    (23, "freeMessagesExceeded", FailureKind.WINDOW_CLOSED),
    (24, "noBalance", FailureKind.CHANNEL_MISCONFIGURED),
    (999, "Bad receiver ID", FailureKind.CONTACT_UNREACHABLE),
    (3, "receiver is missing", FailureKind.CONTACT_UNREACHABLE),
    (25, "of tomorrow", FailureKind.PLATFORM_UNAVAILABLE),
    (1000, "general error", FailureKind.PLATFORM_UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "message", "kind"), STATUSES, ids=[f"{row[0]} {row[1]}" for row in STATUSES])
def test_a_refusal_says_what_to_do_next(status: int, message: str, kind: FailureKind) -> None:
    body = json.dumps({"status": status, "status_message": message, "chat_hostname": "SN-CHAT-05_"}).encode()

    failure = read_failure(status=200, body=body)

    assert (failure.kind, failure.platform_code) == (kind, str(status))
    assert failure.text.endswith(".")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, FailureKind.PLATFORM_UNAVAILABLE),
        (302, FailureKind.PLATFORM_UNAVAILABLE),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.CHANNEL_MISCONFIGURED),
        (413, FailureKind.CONTENT_REJECTED),
        (429, FailureKind.THROTTLED),
        (500, FailureKind.PLATFORM_UNAVAILABLE),
        (503, FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"status":"x"}'])
def test_an_answer_without_a_status_is_read_by_http(status: int, kind: FailureKind, body: bytes) -> None:
    failure = read_failure(status=status, body=body)

    assert (failure.kind, failure.platform_code) == (kind, str(status))


def test_a_refused_message_says_what_is_wrong_with_it() -> None:
    failure = read_failure(status=200, body=b'{"status":"3","status_message":"text is too long."}')

    assert failure.text == "Viber refuses this: text is too long."


def test_no_answer_is_tried_again() -> None:
    assert no_answer().kind is FailureKind.PLATFORM_UNAVAILABLE


@given(status=st.integers(100, 599), code=st.integers() | st.floats() | st.text(), body=st.binary())
def test_no_answer_makes_it_raise(status: int, code: object, body: bytes) -> None:
    for content in (body, json.dumps({"status": code}).encode()):
        assert read_failure(status=status, body=content).text
