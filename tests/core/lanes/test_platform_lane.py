from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from anychannel.capabilities import Capabilities, ProviderDescription, SettingField
from anychannel.content import Note
from anychannel.failures import Failure, FailureKind
from anychannel.message import Lane, Part, Status
from anychannel.provider import ChannelContext, ChannelSettings, Sent
from core.channels import ChannelConfig
from core.lanes.platform import ChannelContexts, PlatformLane
from core.lanes.records import DeliveryKind, Outcome, Settlement
from core.lanes.retry import RetryPolicy
from core.providers.connection import ProviderAway
from tests.core.lanes.claiming import NOW, a_claim

ConfigOf = Callable[..., ChannelConfig]
SENT = Sent(platform_message_id="p1", notes=(Note(code="shortened", text="It was shortened."),))


def failure(kind: FailureKind, retry_after: timedelta | None = None) -> Failure:
    return Failure(kind=kind, text="Why.", platform_code="7", retry_after=retry_after)


class Providers:
    """A registry with one provider, which answers as the test says."""

    def __init__(self, answer: Sent | Failure | Exception = SENT) -> None:
        self.answer = answer
        self.asked: list[tuple[ChannelContext, Part]] = []
        region = SettingField(name="region", label="Region", help="Where.", default_value="eu")
        self.described: ProviderDescription | None = ProviderDescription(
            protocol_versions=(1,),
            platform="acme",
            display_name="Acme",
            version="1",
            capabilities=Capabilities(max_text_length=10),
            setting_fields=(region,),
        )

    def description(self, _platform: str) -> ProviderDescription | None:
        return self.described

    def connection(self, platform: str) -> "Providers":
        if platform != "acme":
            raise ProviderAway(f"no provider for {platform} is registered")
        return self

    async def deliver(self, channel: ChannelContext, part: Part) -> Sent | Failure:
        self.asked.append((channel, part))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def attempt(config: ChannelConfig | None, providers: Any, **changes: Any) -> Outcome:
    directory: Any = {"shop": config}
    contexts = ChannelContexts(providers, "https://gateway.example")
    policy = RetryPolicy(first=timedelta(seconds=8), internal_attempts=5)
    lane = PlatformLane(directory, providers, contexts, policy=policy, clock=lambda: NOW, jitter=lambda: 0.5)
    return await lane.attempt(a_claim(Lane.PLATFORM, DeliveryKind.PART, **changes))


async def test_what_the_platform_takes_is_done(config_of: ConfigOf) -> None:
    providers = Providers()
    outcome = await attempt(config_of(), providers, item_index=1, part_count=3)

    assert (outcome.settlement, outcome.platform_message_id, outcome.notes) == (Settlement.DONE, "p1", SENT.notes)
    ((_, part),) = providers.asked
    assert (part.idempotency_key, part.index, part.count) == ("msg_1.1", 1, 3)


@pytest.mark.parametrize(
    ("answer", "settlement", "seconds", "pause_seconds", "is_answered"),
    [
        pytest.param(failure(FailureKind.CONTENT_REJECTED), Settlement.GIVE_UP, None, None, True, id="refused"),
        pytest.param(failure(FailureKind.PLATFORM_UNAVAILABLE), Settlement.RETRY, 4, None, False, id="platform down"),
        pytest.param(failure(FailureKind.INTERNAL), Settlement.RETRY, 4, None, True, id="provider's bug"),
        pytest.param(failure(FailureKind.THROTTLED), Settlement.RETRY, 4, 4, True, id="too fast"),
        pytest.param(
            failure(FailureKind.THROTTLED, timedelta(seconds=30)),
            Settlement.RETRY,
            30,
            30,
            True,
            id="too fast for 30 s",
        ),
        pytest.param(
            failure(FailureKind.PLATFORM_UNAVAILABLE, timedelta(seconds=9)),
            Settlement.RETRY,
            9,
            9,
            False,
            id="back in 9 s",
        ),
        pytest.param(
            failure(FailureKind.THROTTLED, timedelta(hours=2)), Settlement.GIVE_UP, None, None, True, id="back too late"
        ),
    ],
)
async def test_a_failure_settles_by_its_kind(
    config_of: ConfigOf,
    answer: Failure,
    settlement: Settlement,
    seconds: float | None,
    pause_seconds: float | None,
    is_answered: bool,  # noqa: FBT001  # a column of the table
) -> None:
    outcome = await attempt(config_of(), Providers(answer))

    assert outcome.settlement is settlement
    assert outcome.retry_time == (None if seconds is None else NOW + timedelta(seconds=seconds))
    assert outcome.pause_until == (None if pause_seconds is None else NOW + timedelta(seconds=pause_seconds))
    assert outcome.is_answered is is_answered
    assert not outcome.is_probe_failed
    assert outcome.failure is not None
    assert "Why." in outcome.failure.text


@pytest.mark.parametrize(("probes", "seconds"), [(0, 0.5), (1, 1), (9, 30)])
async def test_a_provider_that_is_away_pauses_the_lane_and_burns_no_attempt(
    config_of: ConfigOf, probes: int, seconds: float
) -> None:
    outcome = await attempt(config_of(), Providers(ProviderAway("it cannot be reached")), probes=probes)

    assert (outcome.settlement, outcome.is_probe_failed, outcome.is_answered) == (Settlement.RELEASE, True, False)
    assert outcome.pause_until == NOW + timedelta(seconds=seconds)
    assert "acme is away: it cannot be reached" in outcome.pause_reason


async def test_a_platform_without_a_provider_is_away(config_of: ConfigOf) -> None:
    outcome = await attempt(config_of(platform="other"), Providers())
    assert (outcome.settlement, outcome.is_probe_failed) == (Settlement.RELEASE, True)


async def test_a_channel_that_is_not_known_here_waits() -> None:
    outcome = await attempt(None, Providers())
    assert (outcome.settlement, outcome.is_probe_failed) == (Settlement.RELEASE, True)


async def test_what_is_too_late_is_not_sent(config_of: ConfigOf) -> None:
    providers = Providers()
    outcome = await attempt(config_of(), providers, expire_time=NOW, last_failure=failure(FailureKind.INTERNAL))
    assert outcome.settlement is Settlement.GIVE_UP
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.EXPIRED
    assert "Last: Why." in outcome.failure.text
    assert providers.asked == []


@pytest.mark.parametrize("why", [None, failure(FailureKind.CANCELLED), failure(FailureKind.CONTENT_REJECTED)])
async def test_a_part_of_a_message_that_failed_is_passed_over(config_of: ConfigOf, why: Failure | None) -> None:
    providers = Providers()
    outcome = await attempt(config_of(), providers, status=Status.FAILED, failure=why)
    assert outcome.settlement is Settlement.DROP
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.CANCELLED
    assert providers.asked == []


def test_a_channels_context_is_made_once_for_each_of_its_states(config_of: ConfigOf) -> None:
    providers: Any = Providers()
    contexts = ChannelContexts(providers, "https://gateway.example")
    config = config_of(revision=1)

    first = contexts.of(config)
    assert contexts.of(config) is first
    assert first.settings["region"] == "eu"
    assert first.webhook_url == "https://gateway.example/webhooks/shop/webhook-token-shop"

    changed = contexts.of(config_of(revision=2, settings=ChannelSettings({"region": "us"})))
    assert changed.settings["region"] == "us"
    providers.described = None
    assert contexts.of(config) is not first
