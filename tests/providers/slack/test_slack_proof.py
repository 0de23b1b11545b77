"""What Slack's requests prove: https://docs.slack.dev/authentication/verifying-requests-from-slack."""

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anychannel.testing import a_request
from providers.slack.proof import is_signed

# The documentation's own example.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = "1531420618"
NOW = datetime.fromtimestamp(1531420618, UTC)
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def check(
    *,
    signature: str = SIGNATURE,
    timestamp: str = TIMESTAMP,
    body: bytes = BODY,
    now: datetime = NOW,
    secret: str = SECRET,
) -> bool:
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    return is_signed(a_request(body=body, headers=headers, receive_time=now), secret)


def test_the_documented_example_is_proven() -> None:
    assert check()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"body": BODY + b" "}, id="a byte more"),
        pytest.param({"signature": SIGNATURE.removeprefix("v0=")}, id="without its version"),
        pytest.param({"signature": SIGNATURE.upper()}, id="in capitals"),
        pytest.param({"signature": SIGNATURE[:-1]}, id="cut"),
        pytest.param({"signature": "v0=ü\ud800"}, id="not ASCII"),
        pytest.param({"signature": ""}, id="none"),
        pytest.param({"timestamp": "1531420619"}, id="another time"),
        pytest.param({"timestamp": ""}, id="no time"),
        pytest.param({"timestamp": "-1531420618"}, id="time below zero"),
        pytest.param({"timestamp": "\u0661531420618"}, id="digits of another script"),
        pytest.param({"timestamp": "9" * 5000}, id="endless time"),
        pytest.param({"secret": "another"}, id="another secret"),
    ],
)
def test_anything_else_is_not(changes: dict[str, str]) -> None:
    assert not check(**changes)  # type: ignore[arg-type] # each is of the type of its name


@pytest.mark.parametrize(
    ("seconds", "is_proven"), [(0, True), (300, True), (301, False), (-300, True), (-301, False), (86400, False)]
)
def test_what_is_older_than_five_minutes_may_be_a_replay(seconds: int, *, is_proven: bool) -> None:
    assert check(now=NOW + timedelta(seconds=seconds)) is is_proven


def test_without_a_signing_secret_nothing_is_proven() -> None:
    empty = "v0=" + hmac.new(b"", f"v0:{TIMESTAMP}:".encode() + BODY, "sha256").hexdigest()

    assert not check(signature=empty, secret="")


@given(st.text(max_size=80), st.text(max_size=20), st.binary(max_size=80))
def test_no_request_makes_it_raise(signature: str, timestamp: str, body: bytes) -> None:
    assert not check(signature=signature, timestamp=timestamp, body=body)
