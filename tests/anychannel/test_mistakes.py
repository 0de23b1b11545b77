"""What an author's code raises may hold secrets: nobody else's log line may show it as its context."""

import sys
from typing import Any

import pytest

from anychannel._raised import Secrets
from anychannel.testing import a_channel, a_part, a_request, serve_provider
from tests.anychannel.scripted_provider import Scripted, raising, returning


@pytest.mark.parametrize(
    "provider",
    [
        pytest.param(Scripted(send=raising(ZeroDivisionError("secret"))), id="send"),
        pytest.param(Scripted(send=returning("no outcome")), id="a wrong answer"),
    ],
)
async def test_a_mistake_in_a_send_is_no_longer_being_handled_when_it_is_logged(
    monkeypatch: pytest.MonkeyPatch, provider: Scripted
) -> None:
    handled = _watch(monkeypatch)

    async with serve_provider(provider) as client:
        await client.deliver(a_channel(), a_part())

    assert handled == [None]


async def test_a_mistake_in_a_webhook_is_no_longer_being_handled_when_it_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def receive(*_: object) -> Any:
        raise ZeroDivisionError("secret")

    handled = _watch(monkeypatch)

    async with serve_provider(Scripted(receive=receive)) as client:
        received = await client.receive(a_channel(), a_request())

    assert received.reply.status_code == 500
    assert handled == [None]


def _watch(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """What was being handled, each time a mistake was logged."""
    handled: list[BaseException | None] = []

    def log_mistake(*_: object, **__: object) -> None:
        handled.append(sys.exc_info()[1])

    monkeypatch.setattr(Secrets, "log_mistake", log_mistake)
    return handled
