"""Every answer of the inbox means one thing to do next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.failures import Failure, FailureKind
from core.inboxes.answers import InboxAnswer, Refused, Taken, Throttled, TryAgain, Unauthorized, Unavailable
from core.inboxes.respondio import read_answer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failure(kind: FailureKind, status_code: int, text: str) -> Failure:
    return Failure(kind=kind, text=text, platform_code=str(status_code))


def rejected(status_code: int, text: str) -> Refused:
    return Refused(failure=failure(FailureKind.CONTENT_REJECTED, status_code, text))


def misconfigured(status_code: int, text: str) -> Refused:
    return Refused(failure=failure(FailureKind.CHANNEL_MISCONFIGURED, status_code, text))


def try_again(status_code: int, text: str) -> TryAgain:
    return TryAgain(failure=failure(FailureKind.PLATFORM_UNAVAILABLE, status_code, text))


MOVED = "The inbox's webhook URL redirects elsewhere: enter the final address, with its trailing slash."


@pytest.mark.parametrize(
    ("status_code", "headers", "answer"),
    [
        pytest.param(200, {}, Taken(), id="200"),
        pytest.param(204, {"Retry-After": "9"}, Taken(), id="204"),
        pytest.param(301, {}, misconfigured(301, MOVED), id="301"),
        pytest.param(308, {}, misconfigured(308, MOVED), id="308"),
        pytest.param(400, {}, rejected(400, "The inbox answered 400 Bad Request."), id="400"),
        pytest.param(401, {}, Unauthorized(text="The inbox answered 401 Unauthorized."), id="401"),
        pytest.param(403, {}, misconfigured(403, "The inbox answered 403 Forbidden."), id="403"),
        pytest.param(404, {}, misconfigured(404, "The inbox answered 404 Not Found."), id="404"),
        pytest.param(405, {}, misconfigured(405, "The inbox answered 405 Method Not Allowed."), id="405"),
        pytest.param(410, {}, misconfigured(410, "The inbox answered 410 Gone."), id="410"),
        pytest.param(413, {}, rejected(413, "The inbox answered 413 Request Entity Too Large."), id="413"),
        pytest.param(415, {}, rejected(415, "The inbox answered 415 Unsupported Media Type."), id="415"),
        pytest.param(422, {}, rejected(422, "The inbox answered 422 Unprocessable Entity."), id="422"),
        pytest.param(
            400, {"Retry-After": "9"}, rejected(400, "The inbox answered 400 Bad Request."), id="400 for good"
        ),
        pytest.param(408, {}, try_again(408, "The inbox answered 408 Request Timeout."), id="408"),
        pytest.param(425, {}, try_again(425, "The inbox answered 425 Too Early."), id="425"),
        pytest.param(449, {}, try_again(449, "The inbox answered 449."), id="449"),
        pytest.param(449, {"retry-after": "3"}, Throttled(retry_after=3 * SECOND), id="449 with a time"),
        pytest.param(429, {}, Throttled(retry_after=SECOND), id="429"),
        pytest.param(429, {"Retry-After": "7"}, Throttled(retry_after=7 * SECOND), id="429 with a time"),
        pytest.param(429, {"retry-after": " 0 "}, Throttled(retry_after=0 * SECOND), id="429 at once"),
        pytest.param(429, {"RETRY-AFTER": "1.5"}, Throttled(retry_after=1.5 * SECOND), id="429 with half a second"),
        pytest.param(
            429,
            {"Retry-After": "Thu, 01 Jan 2026 12:01:00 GMT"},
            Throttled(retry_after=60 * SECOND),
            id="429 with a date",
        ),
        pytest.param(
            429,
            {"Retry-After": "Thu, 01 Jan 2026 11:00:00 GMT"},
            Throttled(retry_after=0 * SECOND),
            id="429, date past",
        ),
        pytest.param(
            429,
            {"Retry-After": "Thu, 01 Jan 2026 12:01:00 -0000"},
            Throttled(retry_after=60 * SECOND),
            id="429, no zone",
        ),
        pytest.param(429, {"Retry-After": "soon"}, Throttled(retry_after=SECOND), id="429 with nonsense"),
        pytest.param(429, {"Retry-After": "-5"}, Throttled(retry_after=SECOND), id="429 with less than nothing"),
        pytest.param(429, {"Retry-After": "9" * 12}, Throttled(retry_after=timedelta(hours=24)), id="429 for ages"),
        pytest.param(
            429,
            {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
            Throttled(retry_after=timedelta(hours=24)),
            id="429 till the end",
        ),
        pytest.param(500, {}, try_again(500, "The inbox answered 500 Internal Server Error."), id="500"),
        pytest.param(500, {"Retry-After": "2"}, Throttled(retry_after=2 * SECOND), id="500 with a time"),
        pytest.param(502, {}, Unavailable(text="The inbox answered 502 Bad Gateway."), id="502"),
        pytest.param(
            503,
            {"Retry-After": "30"},
            Unavailable(text="The inbox answered 503 Service Unavailable.", retry_after=30 * SECOND),
            id="503 with a time",
        ),
        pytest.param(504, {}, Unavailable(text="The inbox answered 504 Gateway Timeout."), id="504"),
        pytest.param(522, {}, Unavailable(text="The inbox answered 522."), id="522 of Cloudflare"),
        pytest.param(507, {}, try_again(507, "The inbox answered 507 Insufficient Storage."), id="507"),
        pytest.param(102, {}, try_again(102, "The inbox answered 102 Processing."), id="nothing an answer should be"),
    ],
)
def test_statuses(status_code: int, headers: dict[str, str], answer: InboxAnswer) -> None:
    assert read_answer(status_code, headers, b"", NOW) == answer


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        pytest.param(b'{"error":{"message":"contactId is bad"}}', ": contactId is bad", id="the contract's shape"),
        pytest.param(b'{"error":{"code":7,"message":"x"}}', ": x", id="with a code"),
        pytest.param(b'{"error":"x"}', ": x", id="error"),
        pytest.param(b'{"code":400,"message":"x"}', ": x", id="the developer API's shape"),
        pytest.param(b'{"error":true,"message":"x"}', ": x", id="error as a flag"),
        pytest.param(b'{"errors":[{"message":"x"},{"message":"y"}]}', ": x", id="the first of several"),
        pytest.param(b'"x"', ": x", id="a JSON text"),
        pytest.param(b'{"ok":false}', ".", id="no words"),
        pytest.param(b"[[[[[[]]]]]]", ".", id="nothing in many boxes"),
        pytest.param(b"null", ".", id="null"),
        pytest.param(b"plain words\r\nin two lines", ": plain words in two lines", id="plain text"),
        pytest.param(b" <!DOCTYPE html><html><title>Oops</title></html>", ".", id="a page"),
        pytest.param(b'{"message":"<b>bad</b> field"}', ": bad field", id="markup in the words"),
        pytest.param(rb'{"message":"a\u0000b\ud800c"}', ": a b c", id="what cannot be stored"),
        pytest.param(b"\xff\xfe\x00", ": \ufffd\ufffd", id="bytes"),
        pytest.param(b"x" * 1000, ": " + "x" * 300, id="long"),
        pytest.param(b'{"message":"bad token: Bearer abc.def"}', ": bad token: Bearer …", id="a token sent back"),
        pytest.param(b"[" * 100_000, ": " + "[" * 300, id="100,000 boxes"),
        pytest.param(b'{"message":"' + b"<" * 60_000 + b'"}', ": " + "<" * 300, id="60,000 brackets"),
    ],
)
def test_the_inboxs_words_are_kept(body: bytes, quoted: str) -> None:
    answer = read_answer(400, {}, body, NOW)
    assert answer == rejected(400, f"The inbox answered 400 Bad Request{quoted}")


@given(
    st.integers(-1, 1100),
    st.dictionaries(st.sampled_from(["Retry-After", "retry-after", "Date"]), st.text(max_size=40)),
    st.binary(max_size=200),
)
def test_nothing_an_inbox_answers_raises(status_code: int, headers: dict[str, str], body: bytes) -> None:
    match read_answer(status_code, headers, body, NOW):
        case Throttled(retry_after=retry_after):
            assert timedelta(0) <= retry_after <= timedelta(hours=24)
        case Refused(failure=failure):
            assert not failure.kind.is_retryable
        case TryAgain(failure=failure):
            assert failure.kind.is_retryable
        case Unavailable(text=text) | Unauthorized(text=text):
            assert text.encode()
        case Taken():
            assert 200 <= status_code < 300
