"""Errors as Meta documents them: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import FailureKind
from providers.whatsapp.failures import no_answer, read_failure, read_report, read_status
from providers.whatsapp.fields import Fields

K = FailureKind

CODES = {
    K.UNAUTHORIZED: [0, 3, 10, 102, 104, 190, 200, 250, 299, 131005],
    K.PLATFORM_UNAVAILABLE: [1, 2, 131000, 131016, 131057, 133004],
    K.THROTTLED: [4, 17, 32, 341, 613, 80007, 130429, 131048, 131056],
    K.CHANNEL_MISCONFIGURED: [33, 368, 2200, 131031, 131037, 131042, 131045, 131064, 133000, 133006, 133010, 134011],
    K.CONTACT_UNREACHABLE: [130403, 130472, 130497, 131021, 131026, 131030, 131049, 131062],
    K.CONTACT_OPTED_OUT: [131050],
    K.CONTENT_UNSUPPORTED: [131051],
    K.WINDOW_CLOSED: [131047],
    K.CONTENT_REJECTED: [
        *(100, 131008, 131009, 131052, 131053, 131063, 135000),
        *(132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069),
    ],
}
ROWS = [(code, kind) for kind, codes in CODES.items() for code in codes]


def an_error(code: object, **fields: object) -> bytes:
    error = {"message": f"(#{code}) A title", "type": "OAuthException", "code": code, "fbtrace_id": "Az8or2y", **fields}
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(("code", "kind"), ROWS, ids=[str(code) for code, _ in ROWS])
def test_a_refusal_says_what_to_do_next(code: int, kind: FailureKind) -> None:
    failure = read_failure(status=400, body=an_error(code))

    assert (failure.kind, failure.platform_code, failure.retry_after) == (kind, str(code), None)
    assert failure.text.endswith(".")


@pytest.mark.parametrize(
    ("code", "kind"),
    # What only a status decides on, a report cannot know: then the platform has to be asked.
    [(code, kind) for code, kind in ROWS if kind is not K.CONTENT_REJECTED or code // 1000 == 132 or code == 131053],
)
def test_a_report_says_the_same(code: int, kind: FailureKind) -> None:
    failure = read_report((Fields({"code": code, "title": "A title", "message": "A title"}),))

    assert (failure.kind, failure.platform_code) == (kind, str(code))


def test_the_documented_throttling_waits_as_long_as_the_headers_ask() -> None:
    """The example response of the error codes page."""
    body = {
        "error": {
            "message": "(#130429) Rate limit hit",
            "type": "OAuthException",
            "code": 130429,
            "error_data": {
                "messaging_product": "whatsapp",
                "details": "Cloud API message throughput has been reached.",
            },
            "error_subcode": 2494055,
            "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
        }
    }

    failure = read_failure(status=400, body=json.dumps(body).encode(), wait=timedelta(minutes=7))

    assert (failure.kind, failure.retry_after) == (K.THROTTLED, timedelta(minutes=7))


def test_what_cannot_be_repeated_has_no_wait() -> None:
    assert read_failure(status=400, body=an_error(131047), wait=timedelta(minutes=7)).retry_after is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(
            {"code": 132000, "error_data": {"details": "body: number of localizable_params (0) does not match (1)"}},
            "WhatsApp refuses this template message. body: number of localizable_params (0) does not match (1).",
            id="details",
        ),
        pytest.param(
            {"code": 100, "error_user_msg": "Grüße\n aus  Kreuzberg.", "message": "(#100) Invalid parameter"},
            "WhatsApp refuses this message. Grüße aus Kreuzberg.",
            id="words for users, on one line",
        ),
        pytest.param(
            {"code": 100, "message": "(#100) Invalid parameter"},
            "WhatsApp refuses this message. (#100) Invalid parameter.",
            id="message",
        ),
        pytest.param({"code": 100}, "WhatsApp refuses this message.", id="nothing"),
    ],
)
def test_a_rejection_names_what_is_wrong(error: dict[str, object], text: str) -> None:
    assert read_failure(status=400, body=json.dumps({"error": error}).encode()).text == text


def test_a_rejection_stays_short() -> None:
    assert len(read_failure(status=400, body=an_error(100, error_data={"details": "x" * 100_000})).text) < 400


def test_words_about_a_token_are_never_repeated() -> None:
    body = an_error(190, message="Malformed access token EAAJBzZC4", error_data={"details": "EAAJBzZC4"})

    assert "EAAJB" not in read_failure(status=401, body=body).text


def test_an_object_that_does_not_exist_is_a_wrong_phone_number_id() -> None:
    """https://github.com/sajuthankappan/whatsapp-cloud-api-rs/issues/3."""
    body = an_error(100, message="Unsupported post request. Object with ID '1' does not exist", error_subcode=33)

    failure = read_failure(status=400, body=body)

    assert (failure.kind, failure.platform_code) == (K.CHANNEL_MISCONFIGURED, "100")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, K.CONTENT_REJECTED),
        (401, K.UNAUTHORIZED),
        (403, K.UNAUTHORIZED),
        (404, K.CHANNEL_MISCONFIGURED),
        (405, K.CHANNEL_MISCONFIGURED),
        (413, K.CONTENT_REJECTED),
        (429, K.THROTTLED),
        (500, K.PLATFORM_UNAVAILABLE),
        (503, K.PLATFORM_UNAVAILABLE),
        (302, K.PLATFORM_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("code", [999_999, "no number", None, [], True])
def test_an_unknown_code_is_decided_by_the_status(status: int, kind: FailureKind, code: object) -> None:
    assert read_failure(status=status, body=an_error(code)).kind is kind
    assert read_status(status).kind is kind


def test_what_calls_itself_transient_is_tried_again() -> None:
    assert read_failure(status=400, body=an_error(999_999, is_transient=True)).kind is K.PLATFORM_UNAVAILABLE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error": "text"}', b"\xff"])
def test_an_answer_that_cannot_be_read_means_unavailable(body: bytes) -> None:
    failure = read_failure(status=502, body=body, wait=timedelta(seconds=3))

    assert (failure.kind, failure.platform_code, failure.retry_after) == (
        K.PLATFORM_UNAVAILABLE,
        "502",
        timedelta(seconds=3),
    )


def test_no_answer_means_unavailable() -> None:
    assert no_answer().kind is K.PLATFORM_UNAVAILABLE


def test_a_report_without_a_reason_is_a_failure_still() -> None:
    assert read_report(()).text == "WhatsApp did not deliver this message."


def test_a_report_with_an_unknown_reason_repeats_it() -> None:
    failure = read_report((Fields({"code": 999_999, "title": "Something new"}),))

    assert (failure.text, failure.platform_code) == ("WhatsApp did not deliver this message. Something new.", "999999")


@given(
    status=st.integers(min_value=100, max_value=599),
    body=st.binary(max_size=100) | st.integers().map(an_error) | st.floats(allow_nan=False).map(an_error),
)
def test_no_body_makes_it_raise(status: int, body: bytes) -> None:
    assert read_failure(status=status, body=body).text
