"""What Meta's requests prove.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
"""

import hmac
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anychannel.testing import a_request
from providers.whatsapp.proof import Secrets, answer_verification, is_signed

SECRETS = Secrets(app_secret="0123456789abcdef", verify_token="vibecoding")
BODY = '{"object":"whatsapp_business_account","entry":[{"id":"Grüße"}]}'.encode()
SIGNATURE = "sha256=" + hmac.new(b"0123456789abcdef", BODY, "sha256").hexdigest()


@pytest.mark.parametrize(
    ("signature", "body", "is_proven"),
    [
        pytest.param(SIGNATURE, BODY, True, id="signed"),
        pytest.param(SIGNATURE, BODY + b" ", False, id="a byte more"),
        pytest.param(SIGNATURE.removeprefix("sha256="), BODY, False, id="without its prefix"),
        pytest.param(SIGNATURE.upper(), BODY, False, id="in capitals"),
        pytest.param(SIGNATURE[:-1], BODY, False, id="cut"),
        pytest.param("sha256=ü", BODY, False, id="not ASCII"),
        pytest.param("", BODY, False, id="empty"),
        pytest.param(None, BODY, False, id="no header"),
        pytest.param("sha256=" + hmac.new(b"another", BODY, "sha256").hexdigest(), BODY, False, id="of another secret"),
    ],
)
def test_only_the_signature_over_the_raw_body_proves(signature: str | None, body: bytes, *, is_proven: bool) -> None:
    headers = {} if signature is None else {"X-Hub-Signature-256": signature}

    assert is_signed(a_request(body=body, headers=headers), SECRETS) is is_proven


def test_a_channel_without_an_app_secret_believes_nobody() -> None:
    empty = "sha256=" + hmac.new(b"", BODY, "sha256").hexdigest()

    request = a_request(body=BODY, headers={"X-Hub-Signature-256": empty})

    assert not is_signed(request, Secrets(app_secret="", verify_token="x"))


def verification(**query: str) -> str:
    return urlencode({f"hub.{name}": value for name, value in query.items()})


def test_the_documented_verification_is_answered_with_its_challenge() -> None:
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=vibecoding"

    received = answer_verification(a_request("GET", query=query), SECRETS)

    assert (received.reply.status_code, received.reply.body) == (200, b"1158201444")
    assert dict(received.reply.headers)["content-type"] == "text/plain; charset=utf-8"
    assert received.events == ()


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param(verification(mode="subscribe", challenge="1"), id="no token"),
        pytest.param(verification(mode="subscribe", challenge="1", verify_token="other"), id="another token"),
        pytest.param(verification(mode="subscribe", challenge="1", verify_token=""), id="empty token"),
        pytest.param(verification(mode="unsubscribe", challenge="1", verify_token="vibecoding"), id="another mode"),
        pytest.param(verification(challenge="1", verify_token="vibecoding"), id="no mode"),
        pytest.param("&".join(["a=1"] * 1000), id="too many fields"),
    ],
)
def test_another_verification_is_refused(query: str) -> None:
    received = answer_verification(a_request("GET", query=query), SECRETS)

    assert (received.reply.status_code, received.reply.body) == (403, b"")
    assert [note.code for note in received.notes] == ["not_verified"]


def test_a_channel_without_a_verify_token_verifies_nobody() -> None:
    query = verification(mode="subscribe", challenge="1", verify_token="")

    received = answer_verification(a_request("GET", query=query), Secrets(app_secret="x", verify_token=""))

    assert received.reply.status_code == 403


def test_secrets_are_not_shown() -> None:
    assert "vibecoding" not in repr(SECRETS)
    assert "0123456789abcdef" not in repr(SECRETS)


@settings(max_examples=50)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_request_makes_it_raise(query: str, signature: str) -> None:
    request = a_request("GET", query=query, headers={"X-Hub-Signature-256": signature})

    assert answer_verification(request, SECRETS).events == ()
    assert not is_signed(request, SECRETS)
