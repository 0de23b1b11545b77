"""Error bodies as Meta writes them.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
"""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import Failure, FailureKind
from providers.instagram.failures import no_answer, read_failure


def refusal(status: int, code: int, subcode: int = 0, message: str = "", **more: object) -> Failure:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "BLBz/WZt8dN", **more}
    if subcode:
        error["error_subcode"] = subcode
    return read_failure(status=status, headers={}, body=json.dumps({"error": error}).encode())


REFUSALS = [
    (400, 10, 2018278, FailureKind.WINDOW_CLOSED),
    (400, 10, 2018065, FailureKind.WINDOW_CLOSED),
    (400, 10, 2534022, FailureKind.WINDOW_CLOSED),
    (400, 551, 0, FailureKind.CONTACT_UNREACHABLE),
    (400, 551, 1545041, FailureKind.CONTACT_UNREACHABLE),
    (403, 200, 1545041, FailureKind.CONTACT_UNREACHABLE),
    (400, 10, 2018108, FailureKind.CONTACT_UNREACHABLE),
    (403, 200, 2018108, FailureKind.CONTACT_UNREACHABLE),
    (400, 100, 2018001, FailureKind.CONTACT_UNREACHABLE),
    (400, 100, 2534014, FailureKind.CONTACT_UNREACHABLE),
    (400, 100, 2534001, FailureKind.CONTACT_UNREACHABLE),
    (400, 230, 0, FailureKind.CONTACT_UNREACHABLE),
    (400, 10903, 0, FailureKind.CONTACT_UNREACHABLE),
    (400, 4, 0, FailureKind.THROTTLED),
    (400, 4, 2018022, FailureKind.THROTTLED),
    (400, 17, 0, FailureKind.THROTTLED),
    (400, 32, 0, FailureKind.THROTTLED),
    (400, 613, 0, FailureKind.THROTTLED),
    (400, 613, 1893015, FailureKind.THROTTLED),
    (400, 80002, 0, FailureKind.THROTTLED),
    (429, 99999, 0, FailureKind.THROTTLED),
    (400, 190, 0, FailureKind.UNAUTHORIZED),
    (401, 190, 463, FailureKind.UNAUTHORIZED),
    (400, 102, 0, FailureKind.UNAUTHORIZED),
    (403, 10, 0, FailureKind.UNAUTHORIZED),
    (403, 200, 0, FailureKind.UNAUTHORIZED),
    (403, 299, 0, FailureKind.UNAUTHORIZED),
    (403, 200, 2018028, FailureKind.UNAUTHORIZED),
    (400, 100, 33, FailureKind.CHANNEL_MISCONFIGURED),
    (400, 10, 1893063, FailureKind.CHANNEL_MISCONFIGURED),
    (400, 368, 0, FailureKind.CHANNEL_MISCONFIGURED),
    (400, 2022, 0, FailureKind.CHANNEL_MISCONFIGURED),
    (400, 100, 0, FailureKind.CONTENT_REJECTED),
    (400, 100, 2018008, FailureKind.CONTENT_REJECTED),
    (400, 100, 2018047, FailureKind.CONTENT_REJECTED),
    (400, 100, 2018109, FailureKind.CONTENT_REJECTED),
    (400, 100, 9999999, FailureKind.CONTENT_REJECTED),
    (500, 1, 99, FailureKind.PLATFORM_UNAVAILABLE),
    (500, 2, 1545133, FailureKind.PLATFORM_UNAVAILABLE),
    (400, 1200, 0, FailureKind.PLATFORM_UNAVAILABLE),
    (503, 100, 0, FailureKind.PLATFORM_UNAVAILABLE),
]


@pytest.mark.parametrize(
    ("status", "code", "subcode", "kind"), REFUSALS, ids=[f"{row[0]}: {row[1]}/{row[2]}" for row in REFUSALS]
)
def test_a_refusal_says_what_to_do_next(status: int, code: int, subcode: int, kind: FailureKind) -> None:
    failure = refusal(status, code, subcode)

    assert failure.kind is kind
    assert failure.platform_code == (f"{code}/{subcode}" if subcode else str(code))
    assert failure.text.endswith(".")


def test_a_closed_window_is_known_by_its_words_where_the_subcode_is_new() -> None:
    failure = refusal(400, 10, 7, "(#10) This message is sent outside of allowed window. Learn more")

    assert failure.kind is FailureKind.WINDOW_CLOSED


def test_what_meta_calls_transient_is_tried_again() -> None:
    assert refusal(400, 100, 0, "x", is_transient=True).kind is FailureKind.PLATFORM_UNAVAILABLE


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "Instagram refuses this: (#100) Param x must be y."),
        ({"error_user_msg": "Choose another."}, "Instagram refuses this: Choose another."),
    ],
)
def test_an_unknown_refusal_repeats_metas_words(more: dict[str, object], text: str) -> None:
    assert refusal(400, 100, 0, "(#100) Param x must be y", **more).text == text


def usage(minutes: object) -> str:
    return json.dumps({"190638": [{"type": "instagram", "estimated_time_to_regain_access": minutes}]})


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({}, None, id="not said"),
        pytest.param({"x-business-use-case-usage": usage(19)}, timedelta(minutes=19), id="minutes"),
        pytest.param({"x-business-use-case-usage": usage(0)}, None, id="none"),
        pytest.param({"x-business-use-case-usage": usage("soon")}, None, id="no number"),
        pytest.param({"x-business-use-case-usage": usage(10**15)}, timedelta(days=7), id="beyond all dates"),
        pytest.param({"x-business-use-case-usage": "{"}, None, id="broken"),
        pytest.param({"retry-after": "30"}, timedelta(seconds=30), id="seconds"),
        pytest.param({"retry-after": "-1"}, None, id="negative"),
    ],
)
def test_a_limit_says_how_long_to_wait(headers: dict[str, str], wait: timedelta | None) -> None:
    body = b'{"error":{"code":613,"message":"Calls to this api have exceeded the rate limit."}}'

    failure = read_failure(status=400, headers=headers, body=body)

    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, wait)


def test_a_final_refusal_has_no_wait() -> None:
    failure = read_failure(status=400, headers={"retry-after": "30"}, body=b'{"error":{"code":551}}')

    assert failure.retry_after is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(502, b"<html>502 Bad Gateway", id="a proxy's page"),
        pytest.param(403, b"<html>Forbidden", id="a proxy that refuses"),
        pytest.param(200, b"", id="nothing"),
        pytest.param(200, b"[]", id="no object"),
        pytest.param(302, b"", id="a redirect"),
        pytest.param(400, b'{"error":"x"}', id="no reason"),
    ],
)
def test_an_answer_that_cannot_be_read_means_unavailable(status: int, body: bytes) -> None:
    failure = read_failure(status=status, headers={}, body=body)

    assert (failure.kind, failure.platform_code) == (FailureKind.PLATFORM_UNAVAILABLE, str(status))
    assert no_answer().kind is FailureKind.PLATFORM_UNAVAILABLE


@given(
    status=st.integers(min_value=100, max_value=599),
    body=st.binary(max_size=100),
    header=st.text(max_size=30),
)
def test_no_answer_makes_it_raise(status: int, body: bytes, header: str) -> None:
    headers = {"retry-after": header, "x-business-use-case-usage": header}

    assert read_failure(status=status, headers=headers, body=body).text
