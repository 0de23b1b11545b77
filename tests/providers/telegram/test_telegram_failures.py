"""Error bodies as Telegram writes them.

The descriptions are spelled by https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp, and
collected in https://github.com/TelegramBotAPI/errors and https://github.com/vrumger/telegram-errors.
"""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import FailureKind
from providers.telegram.failures import no_answer, read_failure

REFUSALS = [
    (403, "Forbidden: bot was blocked by the user", FailureKind.CONTACT_OPTED_OUT),
    (403, "Forbidden: user is deactivated", FailureKind.CONTACT_UNREACHABLE),
    (403, "Forbidden: bot can't initiate conversation with a user", FailureKind.CONTACT_UNREACHABLE),
    (403, "Forbidden: bot can't send messages to bots", FailureKind.CONTACT_UNREACHABLE),
    (403, "Forbidden: bot was kicked from the group chat", FailureKind.CONTACT_UNREACHABLE),
    (403, "Forbidden: bot is not a member of the supergroup chat", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: chat not found", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: private chat not found", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: chat_id is empty", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: PEER_ID_INVALID", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: user not found", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: group chat was upgraded to a supergroup chat", FailureKind.CONTACT_UNREACHABLE),
    (400, "Bad Request: FROZEN_METHOD_INVALID", FailureKind.CHANNEL_MISCONFIGURED),
    (400, "Logged out", FailureKind.CHANNEL_MISCONFIGURED),
    (400, "Bad Request: bad webhook: IP address 127.0.0.1 is reserved", FailureKind.CHANNEL_MISCONFIGURED),
    (400, "Bad Request: wrong file identifier/HTTP URL specified", FailureKind.CONTENT_REJECTED),
    (400, "Bad Request: failed to get HTTP URL content", FailureKind.CONTENT_REJECTED),
    (400, "Bad Request: wrong type of the web page content", FailureKind.CONTENT_REJECTED),
    (400, "Bad Request: message is too long", FailureKind.CONTENT_REJECTED),
    (400, "Bad Request: message text is empty", FailureKind.CONTENT_REJECTED),
    (400, "Bad Request: BUTTON_DATA_INVALID", FailureKind.CONTENT_REJECTED),
    (400, "Bad Request: something new", FailureKind.CONTENT_REJECTED),
    (401, "Unauthorized", FailureKind.UNAUTHORIZED),
    (401, "Unauthorized: invalid token specified", FailureKind.UNAUTHORIZED),
    (404, "Not Found", FailureKind.UNAUTHORIZED),
    (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        FailureKind.CHANNEL_MISCONFIGURED,
    ),
    (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        FailureKind.PLATFORM_UNAVAILABLE,
    ),
    (413, "Request Entity Too Large", FailureKind.CONTENT_REJECTED),
    (500, "Internal Server Error: restart", FailureKind.PLATFORM_UNAVAILABLE),
    (502, "Bad Gateway", FailureKind.PLATFORM_UNAVAILABLE),
]


@pytest.mark.parametrize(("code", "description", "kind"), REFUSALS, ids=[row[1] for row in REFUSALS])
def test_a_refusal_says_what_to_do_next(code: int, description: str, kind: FailureKind) -> None:
    body = json.dumps({"ok": False, "error_code": code, "description": description}).encode()

    failure = read_failure(status=code, body=body)

    assert (failure.kind, failure.platform_code, failure.retry_after) == (kind, str(code), None)
    assert failure.text.endswith(".")


def test_an_unknown_refusal_of_content_repeats_telegrams_words() -> None:
    body = b'{"ok":false,"error_code":400,"description":"Bad Request: VOICE_MESSAGES_FORBIDDEN"}'

    text = read_failure(status=400, body=body).text

    assert text == "Telegram refuses this message: Bad Request: VOICE_MESSAGES_FORBIDDEN."


@pytest.mark.parametrize(
    ("parameters", "retry_after"),
    [
        pytest.param({"retry_after": 34}, timedelta(seconds=34), id="seconds"),
        pytest.param({}, None, id="not said"),
        pytest.param({"retry_after": -1}, None, id="negative"),
        pytest.param({"retry_after": "34"}, None, id="not a number"),
        pytest.param({"retry_after": 2**52}, timedelta(days=366), id="beyond all dates"),
    ],
)
def test_a_flood_limit_says_how_long_to_wait(parameters: dict[str, object], retry_after: timedelta | None) -> None:
    body = {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 34",
        "parameters": parameters,
    }

    failure = read_failure(status=429, body=json.dumps(body).encode())

    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, retry_after)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(502, b"<html><h1>502 Bad Gateway</h1></html>", id="a proxy's page"),
        pytest.param(200, b"", id="nothing"),
        pytest.param(200, b"[]", id="no object"),
        pytest.param(302, b"", id="a redirect"),
        pytest.param(200, b'{"ok":false}', id="no reason with success"),
    ],
)
def test_an_answer_that_cannot_be_read_means_unavailable(status: int, body: bytes) -> None:
    failure = read_failure(status=status, body=body)

    assert failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    assert failure.kind.is_retryable


def test_no_answer_means_unavailable() -> None:
    assert no_answer().kind is FailureKind.PLATFORM_UNAVAILABLE


@given(status=st.integers(min_value=100, max_value=599), body=st.binary(max_size=200))
def test_no_body_makes_it_raise(status: int, body: bytes) -> None:
    assert read_failure(status=status, body=body).text
