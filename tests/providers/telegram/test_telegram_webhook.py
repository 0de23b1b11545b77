"""Whether Telegram may be told a webhook address: https://core.telegram.org/bots/api#setwebhook."""

import pytest

from providers.telegram.fields import Fields
from providers.telegram.webhook import Delivery, problem_before, read_delivery, registration

SECRET = "s3cret_token-of-the-channel"


@pytest.mark.parametrize(
    ("webhook_url", "secret_token", "code"),
    [
        pytest.param("https://gateway.example/w/1", SECRET, None, id="port 443"),
        pytest.param("https://gateway.example:8443/w/1", SECRET, None, id="port 8443"),
        pytest.param("https://gateway.example:88/w/1", SECRET, None, id="port 88"),
        pytest.param("https://gateway.example:80/w/1", SECRET, None, id="port 80"),
        pytest.param("https://gateway.example:8080/w/1", SECRET, "webhook_port_refused", id="port 8080"),
        pytest.param("http://gateway.example/w/1", SECRET, "webhook_not_https", id="http"),
        pytest.param("", SECRET, "no_public_address", id="no address"),
        pytest.param("https://gateway.example/w/1", "", "secret_token_missing", id="no secret"),
    ],
)
def test_an_address_telegram_would_refuse_is_a_problem(webhook_url: str, secret_token: str, code: str | None) -> None:
    problem = problem_before(webhook_url=webhook_url, secret_token=secret_token)

    assert (problem.code if problem else None) == code


def test_telegram_is_asked_only_for_the_updates_we_read() -> None:
    assert registration(webhook_url="https://gateway.example/w/1", secret_token=SECRET) == {
        "url": "https://gateway.example/w/1",
        "secret_token": SECRET,
        "allowed_updates": ["message", "edited_message", "callback_query", "my_chat_member"],
    }


def test_a_webhook_that_delivers_has_no_problem() -> None:
    assert read_delivery(Fields({"pending_update_count": 0})) == Delivery(details={"pending_updates": "0"})


@pytest.mark.parametrize(
    ("pending", "codes"), [pytest.param(0, [], id="over"), pytest.param(3, ["webhook_failing"], id="going on")]
)
def test_an_error_is_a_problem_while_updates_wait(pending: int, codes: list[str]) -> None:
    info = {
        "pending_update_count": pending,
        "last_error_date": 1441645532,
        "last_error_message": "Wrong response from the webhook: 502 Bad Gateway",
    }

    delivery = read_delivery(Fields(info))

    assert [problem.code for problem in delivery.problems] == codes
    assert delivery.details == {
        "pending_updates": str(pending),
        "last_error": "Wrong response from the webhook: 502 Bad Gateway",
        "last_error_time": "2015-09-07T17:05:32+00:00",
    }
