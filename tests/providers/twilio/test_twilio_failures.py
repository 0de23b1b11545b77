"""What Twilio's refusals and reports mean."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import Failure, FailureKind
from providers.twilio.codes import MEANINGS
from providers.twilio.failures import refusal, undelivered

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

# https://www.twilio.com/docs/api/errors/21211 and so on, each under its code
CODES = [
    ("10001", FailureKind.CHANNEL_MISCONFIGURED),
    ("20003", FailureKind.UNAUTHORIZED),
    ("20005", FailureKind.CHANNEL_MISCONFIGURED),
    ("20404", FailureKind.CHANNEL_MISCONFIGURED),
    ("20429", FailureKind.THROTTLED),
    ("20500", FailureKind.PLATFORM_UNAVAILABLE),
    ("21211", FailureKind.CONTACT_UNREACHABLE),
    ("21408", FailureKind.CHANNEL_MISCONFIGURED),
    ("21606", FailureKind.CHANNEL_MISCONFIGURED),
    ("21608", FailureKind.CHANNEL_MISCONFIGURED),
    ("21609", FailureKind.CHANNEL_MISCONFIGURED),
    ("21610", FailureKind.CONTACT_OPTED_OUT),
    ("21611", FailureKind.THROTTLED),
    ("21612", FailureKind.CONTACT_UNREACHABLE),
    ("21614", FailureKind.CONTACT_UNREACHABLE),
    ("21617", FailureKind.CONTENT_REJECTED),
    ("21620", FailureKind.CONTENT_REJECTED),
    ("21621", FailureKind.CONTENT_UNSUPPORTED),
    ("21635", FailureKind.CONTACT_UNREACHABLE),
    ("21660", FailureKind.CHANNEL_MISCONFIGURED),
    ("21703", FailureKind.CHANNEL_MISCONFIGURED),
    ("30001", FailureKind.THROTTLED),
    ("30002", FailureKind.CHANNEL_MISCONFIGURED),
    ("30003", FailureKind.CONTACT_UNREACHABLE),
    ("30004", FailureKind.CONTACT_UNREACHABLE),
    ("30005", FailureKind.CONTACT_UNREACHABLE),
    ("30006", FailureKind.CONTACT_UNREACHABLE),
    ("30007", FailureKind.CONTENT_REJECTED),
    ("30008", FailureKind.CONTACT_UNREACHABLE),
    ("30032", FailureKind.CHANNEL_MISCONFIGURED),
    ("30034", FailureKind.CHANNEL_MISCONFIGURED),
    ("30036", FailureKind.EXPIRED),
    ("30410", FailureKind.PLATFORM_UNAVAILABLE),
    ("63003", FailureKind.CONTACT_UNREACHABLE),
    ("63007", FailureKind.CHANNEL_MISCONFIGURED),
    ("63014", FailureKind.CONTACT_OPTED_OUT),
    ("63015", FailureKind.CONTACT_UNREACHABLE),
    ("63016", FailureKind.WINDOW_CLOSED),
    ("63018", FailureKind.THROTTLED),
    ("63019", FailureKind.CONTENT_REJECTED),
    ("63027", FailureKind.CONTENT_REJECTED),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_code_means_the_same_at_once_and_later(code: str, kind: FailureKind) -> None:
    at_once = _refusal(400, {"code": int(code), "message": "-", "more_info": "-", "status": 400})
    later = undelivered(code)

    assert at_once == later
    assert (later.kind, later.platform_code) == (kind, code)


@pytest.mark.parametrize("code", MEANINGS)
def test_every_code_is_explained_in_a_sentence(code: str) -> None:
    kind, text = MEANINGS[code]

    assert isinstance(kind, FailureKind)
    assert text.endswith(".")
    assert len(code) == 5


@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        (400, FailureKind.CONTENT_REJECTED),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.CHANNEL_MISCONFIGURED),
        (405, FailureKind.CHANNEL_MISCONFIGURED),
        (413, FailureKind.CONTENT_REJECTED),
        (429, FailureKind.THROTTLED),
        (500, FailureKind.PLATFORM_UNAVAILABLE),
        (503, FailureKind.PLATFORM_UNAVAILABLE),
        (302, FailureKind.PLATFORM_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b'{"code": "x"}', b"[" * 100_000])
def test_without_a_code_the_status_decides(status_code: int, kind: FailureKind, body: bytes) -> None:
    failure = refusal(status_code=status_code, body=body, retry_after="", now=NOW)

    assert (failure.kind, failure.platform_code) == (kind, str(status_code))


def test_what_we_have_no_words_for_is_said_in_twilios() -> None:
    failure = _refusal(400, {"code": 21999, "message": "The moon is full." + "!" * 1000, "status": 400})

    assert failure.text.startswith("Twilio refuses this message. The moon is full.!!")
    assert (failure.kind, failure.platform_code) == (FailureKind.CONTENT_REJECTED, "21999")
    assert len(failure.text) < 300


def test_an_address_that_twilio_quotes_is_not_told() -> None:
    # "SmsUrl is not valid: https://…", as https://www.twilio.com/docs/api/errors/21502 may say
    failure = _refusal(400, {"code": 21502, "message": "SmsUrl https://gateway.example/w/token is not valid"})

    assert failure.text == "Twilio refuses this message."


def test_an_unknown_code_with_a_telling_status() -> None:
    assert _refusal(503, {"code": 20503, "message": "-"}) == Failure(
        kind=FailureKind.PLATFORM_UNAVAILABLE, text="Twilio is out of order.", platform_code="20503"
    )


@pytest.mark.parametrize("code", ["", "99999", "x"])
def test_a_report_without_a_known_code(code: str) -> None:
    assert undelivered(code) == Failure(
        kind=FailureKind.CONTACT_UNREACHABLE, text="The message was not delivered.", platform_code=code
    )


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("39", timedelta(seconds=39)),
        ("0", timedelta()),
        ("Fri, 02 Jan 2026 03:04:35 GMT", timedelta(seconds=30)),
        ("Fri, 02 Jan 2026 03:04:00 GMT", timedelta()),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("9" * 30, None),
    ],
)
def test_retry_after(retry_after: str, wait: timedelta | None) -> None:
    def told(status_code: int) -> timedelta | None:
        return refusal(status_code=status_code, body=b"", retry_after=retry_after, now=NOW).retry_after

    assert (told(429), told(503), told(401)) == (wait, wait, None)


@given(
    st.integers(100, 599), st.binary() | st.from_type(dict[str, int]).map(lambda it: json.dumps(it).encode()), st.text()
)
def test_no_answer_raises(status_code: int, body: bytes, retry_after: str) -> None:
    assert refusal(status_code=status_code, body=body, retry_after=retry_after, now=NOW).text


def _refusal(status_code: int, body: dict[str, object]) -> Failure:
    return refusal(status_code=status_code, body=json.dumps(body).encode(), retry_after="", now=NOW)
