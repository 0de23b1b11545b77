"""What refusals mean: https://docs.slack.dev/reference/methods/chat.postMessage#errors."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import FailureKind
from providers.slack.failures import read_failure

CODES = {
    FailureKind.UNAUTHORIZED: ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"],
    FailureKind.CHANNEL_MISCONFIGURED: [
        "missing_scope",
        "not_allowed_token_type",
        "messages_tab_disabled",
        "access_denied",
        "ekm_access_denied",
        "message_limit_exceeded",
    ],
    FailureKind.CONTACT_UNREACHABLE: [
        "channel_not_found",
        "team_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "cannot_reply_to_message",
        "cannot_dm_bot",
    ],
    FailureKind.CONTENT_REJECTED: [
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "invalid_blocks",
        "invalid_blocks_format",
        "slack_connect_file_link_sharing_blocked",
        "something_new",
    ],
    FailureKind.THROTTLED: ["ratelimited", "rate_limited"],
    FailureKind.PLATFORM_UNAVAILABLE: ["internal_error", "fatal_error", "service_unavailable", "request_timeout"],
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
def test_a_code_has_one_meaning(kind: FailureKind, code: str) -> None:
    failure = read_failure(status=200, body=json.dumps({"ok": False, "error": code}).encode())

    assert (failure.kind, failure.platform_code) == (kind, code)
    assert failure.text.endswith(".")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", FailureKind.PLATFORM_UNAVAILABLE),
        (200, b"{}", FailureKind.PLATFORM_UNAVAILABLE),
        (200, b'{"ok":false,"error":5}', FailureKind.PLATFORM_UNAVAILABLE),
        (302, b"", FailureKind.PLATFORM_UNAVAILABLE),
        (401, b"", FailureKind.UNAUTHORIZED),
        (403, b"", FailureKind.UNAUTHORIZED),
        (429, b"", FailureKind.THROTTLED),
        (500, b'{"ok":false,"error":"internal_error"}', FailureKind.PLATFORM_UNAVAILABLE),
        (503, b"<html>", FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
def test_a_status_without_a_code(status: int, body: bytes, kind: FailureKind) -> None:
    assert read_failure(status=status, body=body).kind is kind


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("999999999", timedelta(days=1)),
        ("0", None),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("9" * 5000, None),
    ],
)
def test_how_long_to_wait(header: str, wait: timedelta | None) -> None:
    """https://docs.slack.dev/apis/web-api/rate-limits#responding-to-rate-limiting-conditions."""
    failure = read_failure(status=429, body=b'{"ok":false,"error":"ratelimited"}', retry_after=header)

    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, wait)


@given(st.integers(100, 599), st.binary(max_size=80), st.text(max_size=10))
def test_no_answer_makes_it_raise(status: int, body: bytes, header: str) -> None:
    read_failure(status=status, body=body, retry_after=header)
