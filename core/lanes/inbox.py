"""One attempt at an event to an inbox."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import aiohttp

from anychannel.content import Attachment, Content, Text
from anychannel.failures import Failure, FailureKind
from anychannel.message import Status
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.inboxes import respondio
from core.lanes.records import Claim, DeliveryKind, Outcome, Settlement
from core.lanes.retry import GiveUp, RetryPolicy, decide, expired, probe_delay
from core.media_links import seal_media_link
from core.secrets import Keyring

TIMEOUT_SECONDS = 10.0
"""How long an inbox may take to answer; undocumented there, and longer than any answer seen."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 500
_NEVER_TOLD = frozenset({None, Status.ACCEPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLinks:
    """Makes links to inbound media that only its platform can fetch."""

    keyring: Keyring
    public_url: str
    lifetime: timedelta

    def resolve(self, channel_id: str, content: Content, now: datetime) -> Content:
        """The content with a link instead of a media id; words when nobody outside could follow a link to us."""
        if not isinstance(content, Attachment) or not content.media_id:
            return content
        if not self.public_url:
            words = f"{content.kind.value}: {content.file_name or 'without a name'} (the gateway has no public address)"
            return Text(text="\n".join(filter(None, (words, content.caption))))
        token = seal_media_link(self.keyring, channel_id, content.media_id, now + self.lifetime)
        return replace(content, url=f"{self.public_url}/media/{token}", media_id="")


class InboxLane:
    """Makes attempts at events to inboxes, and says what became of each."""

    def __init__(
        self,
        directory: ChannelDirectory,
        media_links: MediaLinks,
        *,
        policy: RetryPolicy,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._media_links = media_links
        self._policy = policy
        self._clock = clock
        self._jitter = jitter

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, limit_per_host=0),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            headers={"content-type": "application/json", "cache-control": "no-cache"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def attempt(self, claim: Claim) -> Outcome:
        """Post the event, unless it is an echo of our own send or out of date."""
        if claim.is_unwanted or (claim.kind is DeliveryKind.STATUS and claim.status in _NEVER_TOLD):
            return self._end(claim, Settlement.DROP)
        if claim.expire_time <= self._clock():
            return self._end(claim, Settlement.GIVE_UP, failure=expired(claim.last_failure))
        config = self._directory.get(claim.channel_id)
        if config is None:
            return self._away(claim, "the channel is not known here yet, or its secrets cannot be read")
        try:
            envelope = self._envelope(claim, config)
        except ValueError as error:
            failure = Failure(kind=FailureKind.CONTENT_UNSUPPORTED, text=f"It cannot be told to the inbox: {error}")
            return self._end(claim, Settlement.GIVE_UP, failure=failure)
        return self._settle(claim, await self._post(config, envelope))

    def _envelope(self, claim: Claim, config: ChannelConfig) -> bytes:
        if claim.kind is DeliveryKind.STATUS:
            envelope = respondio.status_envelope(
                binding=config.inbox,
                contact_id=claim.contact_id,
                message_id=claim.message_id,
                event_time=claim.event_time,
                status=claim.status or Status.SENT,
                failure=claim.failure,
            )
            return respondio.encode(envelope)
        write = respondio.message_envelopes if claim.kind is DeliveryKind.MESSAGE else respondio.echo_envelopes
        envelopes = write(
            binding=config.inbox,
            contact_id=claim.contact_id,
            contact=claim.contact,
            message_id=claim.message_id,
            event_time=claim.event_time,
            content=self._media_links.resolve(claim.channel_id, claim.content, self._clock()),
        )
        return respondio.encode(envelopes[min(claim.item_index, len(envelopes) - 1)])

    async def _post(self, config: ChannelConfig, body: bytes) -> respondio.InboxAnswer:
        try:
            async with self._session.post(
                config.inbox.webhook_url,
                data=body,
                headers={"authorization": f"Bearer {config.inbox_token}"},
                allow_redirects=False,
            ) as response:
                said = await response.content.read(MAX_ANSWER_BYTES)
                return respondio.read_answer(response.status, response.headers, said, self._clock())
        except TimeoutError:
            return respondio.TryAgain(
                failure=Failure(
                    kind=FailureKind.PLATFORM_UNAVAILABLE,
                    text=f"The inbox did not answer within {TIMEOUT_SECONDS:g} s.",
                )
            )
        except aiohttp.InvalidURL:
            return respondio.Refused(
                failure=Failure(
                    kind=FailureKind.CHANNEL_MISCONFIGURED, text="The inbox's webhook URL is not a valid address."
                )
            )
        except aiohttp.ClientConnectorError as error:
            return respondio.Unavailable(text=f"The inbox cannot be reached ({type(error.os_error).__name__}).")
        except (aiohttp.ClientError, OSError) as error:
            return respondio.Unavailable(text=f"The inbox broke the connection ({type(error).__name__}).")

    def _settle(self, claim: Claim, answer: respondio.InboxAnswer) -> Outcome:
        match answer:
            case respondio.Taken():
                return self._end(claim, Settlement.DONE)
            case respondio.Refused(failure=failure):
                return replace(self._end(claim, Settlement.GIVE_UP, failure=failure), is_answered=True)
            case respondio.TryAgain(failure=failure):
                return self._failed(claim, failure)
            case respondio.Throttled(retry_after=retry_after):
                failure = Failure(
                    kind=FailureKind.THROTTLED, text="The inbox takes no more just now.", retry_after=retry_after
                )
                return replace(self._failed(claim, failure), is_answered=True)
            case respondio.Unavailable(text=text, retry_after=retry_after):
                return self._away(claim, text, retry_after)
            case respondio.Unauthorized(text=text):
                # Nothing is given up for a token that somebody will correct: the lane waits, and says so in the channel's health.
                return self._away(claim, f"The inbox refuses the channel's token: {text}")

    def _failed(self, claim: Claim, failure: Failure) -> Outcome:
        decision = decide(
            attempt=claim.attempt,
            failure=failure,
            policy=self._policy,
            now=self._clock(),
            expire_time=claim.expire_time,
            jitter=self._jitter(),
        )
        if isinstance(decision, GiveUp):
            return self._end(claim, Settlement.GIVE_UP, failure=decision.failure)
        outcome = replace(self._end(claim, Settlement.RETRY, failure=failure), retry_time=decision.time)
        if failure.kind is not FailureKind.THROTTLED:
            return outcome
        return replace(outcome, pause_until=decision.time, pause_reason=failure.text)

    def _away(self, claim: Claim, reason: str, retry_after: timedelta | None = None) -> Outcome:
        delay = retry_after or probe_delay(claim.probes + 1, self._jitter())
        failure = Failure(kind=FailureKind.PLATFORM_UNAVAILABLE, text=reason)
        return replace(
            self._end(claim, Settlement.RELEASE, failure=failure),
            pause_until=self._clock() + delay,
            pause_reason=reason,
            is_probe_failed=True,
        )

    def _end(self, claim: Claim, settlement: Settlement, *, failure: Failure | None = None) -> Outcome:
        return Outcome(claim=claim, settlement=settlement, end_time=self._clock(), failure=failure)
