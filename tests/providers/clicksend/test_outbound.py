"""Parts as ClickSend wants them, and its answers."""

from typing import Any

import pytest

from anychannel import (
    Attachment,
    Content,
    ContentUnsupported,
    DeliveryFailed,
    FailureKind,
    Location,
    MediaKind,
    Part,
    Text,
)
from providers.clicksend.outbound import read_message_id, send_request

# https://developers.clicksend.com/docs/messaging/sms: the example's message, and what became of it.
TAKEN = {
    "to": "+61411111111",
    "body": "Hello",
    "from": "+61477700000",
    "schedule": "",
    "message_id": "BF7AD270-0DE2-418B-B606-71D527D9C1AE",
    "message_parts": 1,
    "message_price": "0.0770",
    "custom_string": "msg_1/0",
    "country": "AU",
    "carrier": "Telstra",
    "status": "SUCCESS",
}


@pytest.mark.parametrize(
    ("sender", "extra"),
    [
        pytest.param("", {}, id="the account's default sender"),
        pytest.param("+61477700000", {"from": "+61477700000"}, id="number"),
        pytest.param("Acme", {"from": "Acme"}, id="name"),
    ],
)
def test_a_text_is_one_message(sender: str, extra: dict[str, str]) -> None:
    assert send_request(_part(Text(text="Hello")), sender) == {
        "messages": [
            {"to": "+61411111111", "body": "Hello", "source": "anychannel", "custom_string": "msg_1/0"} | extra
        ]
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(Attachment(kind=MediaKind.IMAGE, url="https://x.example/i"), id="attachment"),
        pytest.param(Location(latitude=0, longitude=0), id="location"),
    ],
)
def test_an_sms_is_text_only(content: Content) -> None:
    with pytest.raises(ContentUnsupported):
        send_request(_part(content), "")


def test_success_has_an_id() -> None:
    assert read_message_id(_answer(TAKEN)) == "BF7AD270-0DE2-418B-B606-71D527D9C1AE"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        # https://developers.clicksend.com/docs/#application-status-codes
        ("MISSING_CREDENTIALS", FailureKind.UNAUTHORIZED),
        ("INVALID_CREDENTIALS", FailureKind.UNAUTHORIZED),
        ("ACCOUNT_NOT_ACTIVATED", FailureKind.CHANNEL_MISCONFIGURED),
        ("INSUFFICIENT_CREDIT", FailureKind.CHANNEL_MISCONFIGURED),
        ("INVALID_SENDER_ID", FailureKind.CHANNEL_MISCONFIGURED),
        ("INVALID_RECIPIENT", FailureKind.CONTACT_UNREACHABLE),
        ("EMPTY_MESSAGE", FailureKind.CONTENT_REJECTED),
        ("THROTTLED", FailureKind.THROTTLED),
        ("INTERNAL_ERROR", FailureKind.PLATFORM_UNAVAILABLE),
        ("SOMETHING_IS_WRONG", FailureKind.PLATFORM_UNAVAILABLE),
        # not documented, but seen: https://github.com/prayantr/clicksend/blob/master/docs/clicksend-api-notes.md
        ("COUNTRY_NOT_ENABLED", FailureKind.CHANNEL_MISCONFIGURED),
        # whatever comes next
        ("MOON_PHASE_WRONG", FailureKind.CONTENT_REJECTED),
    ],
)
def test_a_message_is_refused_inside_an_answer_of_200(status: str, kind: FailureKind) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        read_message_id(_answer(TAKEN | {"status": status}))

    assert refused.value.failure.kind is kind
    assert refused.value.failure.platform_code == status
    assert refused.value.failure.retry_after is None  # a wait would hold up the contacts to whom it does not apply


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="no JSON"),
        pytest.param([], id="list"),
        pytest.param({}, id="empty"),
        pytest.param({"response_code": "SUCCESS", "data": {"messages": []}}, id="no message"),
        pytest.param({"data": {"messages": [TAKEN | {"message_id": None}]}}, id="no id"),
        pytest.param({"data": {"messages": [TAKEN | {"message_id": ""}]}}, id="empty id"),
        pytest.param({"data": {"messages": ["SUCCESS"]}}, id="wrong shape"),
    ],
)
def test_an_unreadable_answer_is_an_outage(answer: Any) -> None:
    with pytest.raises(DeliveryFailed) as unreadable:
        read_message_id(answer)

    assert unreadable.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE


def test_a_refusal_of_everything_inside_an_answer_of_200() -> None:
    with pytest.raises(DeliveryFailed) as refused:
        read_message_id({"http_code": 401, "response_code": "UNAUTHORIZED", "response_msg": "No.", "data": None})

    assert refused.value.failure.kind is FailureKind.UNAUTHORIZED


def _answer(message: dict[str, object]) -> dict[str, object]:
    return {
        "http_code": 200,
        "response_code": "SUCCESS",
        "response_msg": "Messages queued for delivery.",
        "data": {"total_price": 0.077, "total_count": 1, "queued_count": 1, "messages": [message]},
    }


def _part(content: Content) -> Part:
    return Part(idempotency_key="msg_1/0", address="+61411111111", content=content, message_id="msg_1")
