"""A secret in what an author's code raises reaches neither a log nor core."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from anychannel import (
    ChannelContext,
    ContentRejected,
    HttpRequest,
)
from anychannel.testing import CallFailed, a_channel, a_part, a_request, serve_provider
from tests.anychannel.scripted_provider import Scripted, raising

SECRET = "s3cr3t/token+1"


@pytest.mark.parametrize("spelling", [SECRET, "s3cr3t%2Ftoken%2B1"], ids=["plain", "percent-encoded"])
async def test_a_secret_in_an_exception_reaches_neither_log_nor_core(
    spelling: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def receive(_channel: ChannelContext, _request: HttpRequest) -> Any:
        raise ValueError(f"cannot reach https://api.example/bot{spelling}/send")

    mistake = ValueError(f"cannot reach https://api.example/bot{spelling}/send in eu-1")
    told = ContentRejected(f"Refused for {spelling}.")
    channel = a_channel({"token": SECRET, "region": "eu-1", "undeclared": "hidden-too"})
    with capture_logs() as logs:
        async with serve_provider(
            Scripted(send=raising(mistake), receive=receive, check=raising(mistake), fetch=raising(mistake))
        ) as client:
            outcomes: list[object] = [
                await client.deliver(channel, a_part()),
                await client.receive(channel, a_request()),
            ]
            for call in (client.check(channel), client.fetch_media(channel, "1")):
                with pytest.raises(CallFailed) as failed:
                    await call
                outcomes.append(failed.value)
        async with serve_provider(Scripted(send=raising(told))) as client:
            outcomes.append(await client.deliver(channel, a_part()))

    assert len(logs) == 4
    assert all("eu-1" in log["traceback"] or log["rpc"] == "ReceiveWebhooks" for log in logs)  # public ones help
    captured = capfd.readouterr()
    for text in (repr(logs), repr(outcomes), caplog.text, captured.out, captured.err):
        assert SECRET not in text
        assert spelling not in text


async def test_an_undeclared_setting_and_the_webhook_token_are_secret_too() -> None:
    channel = a_channel({"undeclared": "hidden-too"})
    mistake = ValueError(f"hidden-too at {channel.webhook_url} with webhook-token")
    with capture_logs() as logs:
        async with serve_provider(Scripted(send=raising(mistake))) as client:
            await client.deliver(channel, a_part())

    assert "hidden-too" not in repr(logs)
    assert "webhook-token" not in repr(logs)
