"""Answers as LINE writes them: https://developers.line.biz/en/reference/messaging-api/#error-responses."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel import DeliveryFailed, FailureKind, Note, Sent
from providers.line.answers import Answer, read_object, read_push
from providers.line.failures import no_answer, read_failure

INVALID = "The request body has 1 error(s)"
QUOTA = "You have reached your monthly limit."
RATE = "The API rate limit has been exceeded. Try again later."

REFUSALS: list[tuple[int, dict[str, Any], FailureKind]] = [
    (400, {"message": "Failed to send messages"}, FailureKind.CONTACT_UNREACHABLE),
    (400, {"message": "The property, 'to', in the request body is invalid"}, FailureKind.CONTACT_UNREACHABLE),
    (400, {"message": INVALID, "details": [{"message": "bad", "property": "to"}]}, FailureKind.CONTACT_UNREACHABLE),
    (400, {"message": INVALID, "details": [{"property": "messages[0].text"}]}, FailureKind.CONTENT_REJECTED),
    (400, {}, FailureKind.CONTENT_REJECTED),
    (401, {"message": "Authentication failed due to the following reason: invalid token"}, FailureKind.UNAUTHORIZED),
    (403, {"message": "Access to this API is not available"}, FailureKind.CHANNEL_MISCONFIGURED),
    (404, {"message": "Not found"}, FailureKind.CHANNEL_MISCONFIGURED),
    (409, {"message": "conflict"}, FailureKind.PLATFORM_UNAVAILABLE),
    (413, {}, FailureKind.CONTENT_REJECTED),
    (415, {"message": "The content type, XXX, is not supported"}, FailureKind.CONTENT_REJECTED),
    (429, {"message": RATE}, FailureKind.THROTTLED),
    (429, {"message": QUOTA}, FailureKind.CHANNEL_MISCONFIGURED),
    (500, {"message": "Internal"}, FailureKind.PLATFORM_UNAVAILABLE),
    (503, {}, FailureKind.PLATFORM_UNAVAILABLE),
    (302, {}, FailureKind.PLATFORM_UNAVAILABLE),
]


@pytest.mark.parametrize(
    ("status", "body", "kind"), REFUSALS, ids=[f"{row[0]} {str(row[1].get('message', ''))[:30]}" for row in REFUSALS]
)
def test_a_refusal_says_what_to_do_next(status: int, body: object, kind: FailureKind) -> None:
    failure = read_failure(status=status, headers={}, body=json.dumps(body).encode())

    assert (failure.kind, failure.platform_code) == (kind, str(status))
    assert failure.text.endswith(".")


def test_a_refused_message_says_what_is_wrong_with_it() -> None:
    body = {"message": INVALID, "details": [{"message": "May not be empty", "property": "messages[0].text"}]}

    failure = read_failure(status=400, headers={}, body=json.dumps(body).encode())

    assert failure.text == "LINE refuses this: messages[0].text: May not be empty."


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [
        (429, "30", timedelta(seconds=30)),
        (503, "5", timedelta(seconds=5)),
        (429, "999999999", timedelta(days=7)),
        (429, "9999999999", None),
        (429, "-1", None),
        (429, "soon", None),
        (429, "", None),
        (401, "30", None),
    ],
)
def test_a_wait_is_honoured(status: int, asked: str, wait: timedelta | None) -> None:
    assert read_failure(status=status, headers={"retry-after": asked}, body=b"").retry_after == wait


def test_no_answer_is_tried_again() -> None:
    assert no_answer().kind is FailureKind.PLATFORM_UNAVAILABLE


# https://developers.line.biz/en/reference/messaging-api/#retry-api-request-response
ACCEPTED = {"x-line-accepted-request-id": "123e4567-e89b-12d3-a456-426655440001"}
SENT = {"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]}
NOTE = Note(code="sent_as_link", text="a")


@pytest.mark.parametrize(
    ("status", "headers", "body", "message_id", "codes"),
    [
        pytest.param(200, {}, SENT, "461230966842064897", ["sent_as_link"], id="sent"),
        pytest.param(
            200, {}, {"sentMessages": [{"id": 461230966842064897}]}, "461230966842064897", ["sent_as_link"], id="number"
        ),
        pytest.param(409, ACCEPTED, SENT, "461230966842064897", ["sent_as_link", "already_accepted"], id="repeated"),
        pytest.param(
            409,
            ACCEPTED,
            {},
            "request:123e4567-e89b-12d3-a456-426655440001",
            ["sent_as_link", "already_accepted"],
            id="repeated, no id",
        ),
    ],
)
def test_a_push_that_was_taken(
    status: int, headers: dict[str, str], body: object, message_id: str, codes: list[str]
) -> None:
    sent = read_push(Answer(status=status, headers=headers, body=json.dumps(body).encode()), (NOTE,))

    assert isinstance(sent, Sent)
    assert (sent.platform_message_id, [note.code for note in sent.notes]) == (message_id, codes)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(
            409, b'{"message":"conflict"}', FailureKind.PLATFORM_UNAVAILABLE, id="conflict without its request"
        ),
        pytest.param(200, b"{", FailureKind.PLATFORM_UNAVAILABLE, id="broken"),
        pytest.param(200, b"{}", FailureKind.PLATFORM_UNAVAILABLE, id="no id"),
        pytest.param(401, b"", FailureKind.UNAUTHORIZED, id="refused"),
    ],
)
def test_a_push_that_was_not(status: int, body: bytes, kind: FailureKind) -> None:
    with pytest.raises(DeliveryFailed) as raised:
        read_push(Answer(status=status, headers={}, body=body), ())

    assert raised.value.failure.kind is kind


@given(status=st.integers(100, 599), headers=st.dictionaries(st.just("retry-after"), st.text()), body=st.binary())
def test_no_answer_makes_it_raise_anything_else(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = Answer(status=status, headers=headers, body=body)
    with suppress(DeliveryFailed):
        read_push(answer, ())
    with suppress(DeliveryFailed):
        read_object(answer)
