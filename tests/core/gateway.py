"""What stands around core's ingress: channels, a scripted provider, and a dispatcher where a test wants one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from anychannel.message import Lane
from anychannel.provider import HttpReply, HttpRequest
from anychannel.testing import A_TIME
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.inboxes.binding import ReplyMode
from core.ingress import Ingress, Reply
from core.intake import Intake
from core.lanes.dispatcher import Dispatcher, Patience
from core.lanes.platform import ChannelContexts, PlatformLane
from core.lanes.records import Claim, LaneKey, Outcome, Settlement
from core.lanes.retry import RetryPolicy
from core.outcomes import Outcomes
from core.providers.registry import ProviderRegistry
from core.secrets import Keyring
from core.storage.channels import insert_channel
from core.storage.database import Pool
from tests.core.flaky import Flaky
from tests.core.providers.scripted import Scripted, serving


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Gateway:
    """Core without its servers."""

    pool: Pool
    flaky: Flaky
    provider: Scripted
    directory: ChannelDirectory
    registry: ProviderRegistry
    contexts: ChannelContexts
    intake: Intake
    outcomes: Outcomes
    ingress: Ingress
    dispatcher: Dispatcher
    work: list[LaneKey] = field(default_factory=list)
    told: list[Claim] = field(default_factory=list)
    """Events that the inbox was told."""


@asynccontextmanager
async def gateway(pool: Pool, keyring: Keyring, *configs: ChannelConfig) -> AsyncIterator[Gateway]:
    """Everything between edge and the database, and a provider that sends all it is given."""
    for config in configs:
        await insert_channel(pool, keyring, config)
    flaky: Any = Flaky(pool)
    provider = Scripted()
    registry = ProviderRegistry(pool, static={}, attempt_timeout=timedelta(seconds=5))
    directory = ChannelDirectory(pool, keyring)
    contexts = ChannelContexts(registry, "https://gateway.example")
    outcomes = Outcomes(pool, is_awaited_elsewhere=lambda channel_id: _waits(directory.get(channel_id)))
    policy = RetryPolicy(first=timedelta(milliseconds=1))

    async def tell_inbox(claim: Claim) -> Outcome:
        if claim.is_unwanted:
            return Outcome(claim=claim, settlement=Settlement.DROP, end_time=utc_now())
        made.told.append(claim)
        return Outcome(claim=claim, settlement=Settlement.DONE, end_time=utc_now())

    platform = PlatformLane(directory, registry, contexts, policy=policy, clock=utc_now, jitter=lambda: 0.0)
    dispatcher = Dispatcher(
        pool,
        {Lane.PLATFORM: platform.attempt, Lane.INBOX: tell_inbox},
        patience=Patience(lease=timedelta(seconds=10), max_in_flight=100, retry=policy),
        clock=utc_now,
        on_reached=outcomes.publish,
    )

    def on_work(lanes: frozenset[LaneKey]) -> None:
        made.work.extend(lanes)
        dispatcher.hint(lanes)

    intake = Intake(flaky, registry, clock=utc_now, on_work=on_work, on_reached=outcomes.publish)
    ingress = Ingress(
        pool=flaky,
        directory=directory,
        registry=registry,
        contexts=contexts,
        intake=intake,
        outcomes=outcomes,
        clock=utc_now,
        on_work=on_work,
    )
    made = Gateway(
        pool=pool,
        flaky=flaky,
        provider=provider,
        directory=directory,
        registry=registry,
        contexts=contexts,
        intake=intake,
        outcomes=outcomes,
        ingress=ingress,
        dispatcher=dispatcher,
    )
    async with serving(provider) as address:
        await registry.register("acme", address)
        await directory.refresh()
        try:
            yield made
        finally:
            await registry.aclose()


def _waits(config: ChannelConfig | None) -> bool:
    return config is not None and config.reply is ReplyMode.OUTCOME


def a_send(
    body: Any = None, *, token: str = "inbox-token-shop", headers: dict[str, str] | None = None, **changes: Any
) -> HttpRequest:
    """What an inbox posts; `body` as given, or a text with `changes`."""
    document = {"contactId": "ada", "message": {"type": "text", "text": "Hello"}} | changes
    given = {"authorization": f"Bearer {token}"} if headers is None else headers
    return HttpRequest(
        method="POST",
        url="https://gateway.example/message",
        headers=tuple(given.items()),
        body=body if isinstance(body, bytes) else orjson.dumps(document if body is None else body),
        receive_time=A_TIME,
    )


def said(reply: Reply | HttpReply) -> tuple[int, dict[str, Any]]:
    """The status code and the JSON of an answer."""
    answer = reply.reply if isinstance(reply, Reply) else reply
    return answer.status_code, orjson.loads(answer.body)
