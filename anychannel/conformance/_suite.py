"""The checks as parametrized tests, for authors."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from anychannel._server import start_server
from anychannel.conformance._running import CHECKS, run_check
from anychannel.conformance._subject import API_BASE, Account, open_subject
from anychannel.conformance._verdict import Check, Verdict
from anychannel.provider import HttpRequest, Provider
from anychannel.testing import Answer, RecordedRequest, ScriptedPlatform
from anychannel.wire import http_request_to_proto

_GRACE_SECONDS = 0.5


def suite(
    provider: Callable[[], Provider] | str,
    *,
    settings: Mapping[str, str] | None = None,
    to: str = "",
    platform: Callable[[RecordedRequest], Answer] | None = None,
    webhook: HttpRequest | None = None,
) -> Callable[[Check], None]:
    """See `anychannel.conformance.suite`."""
    account = Account(
        settings=settings or {}, to=to, webhook=None if webhook is None else http_request_to_proto(webhook)
    )

    @pytest.mark.parametrize("check", [pytest.param(check, id=check.name) for check in CHECKS])
    def test_conformance(check: Check) -> None:
        asyncio.run(_hold(provider, check, account, platform))

    return test_conformance


async def _hold(
    provider: Callable[[], Provider] | str,
    check: Check,
    account: Account,
    platform: Callable[[RecordedRequest], Answer] | None,
) -> None:
    async with AsyncExitStack() as stack:
        if platform is not None:
            scripted = await stack.enter_async_context(ScriptedPlatform(platform))
            account = replace(account, settings={**account.settings, API_BASE: scripted.url})
        if isinstance(provider, str):
            address = provider
        else:
            running = await stack.enter_async_context(start_server(provider(), grace_seconds=_GRACE_SECONDS))
            address = f"127.0.0.1:{running.port}"
        subject = await stack.enter_async_context(open_subject(address, account))
        result = await run_check(check, subject)
    match result.verdict:
        case Verdict.FAIL:
            pytest.fail(f"{result.promise}\n{result.reason}", pytrace=False)
        case Verdict.SKIP:
            pytest.skip(result.reason)
        case Verdict.PASS:
            pass
