"""Runs the checks, one after the other: a failure of one says nothing of the next."""

from dataclasses import dataclass

import grpc

from anychannel.conformance import _asking, _delivering, _describing, _operating, _webhooks
from anychannel.conformance._broken import Broken, Skipped
from anychannel.conformance._quality import Quality, quality
from anychannel.conformance._subject import Account, Subject, open_subject
from anychannel.conformance._verdict import Check, Result, Verdict

CHECKS: tuple[Check, ...] = (
    *_operating.FIRST_CHECKS,
    *_describing.CHECKS,
    *_delivering.CHECKS,
    *_webhooks.CHECKS,
    *_asking.CHECKS,
    *_operating.LAST_CHECKS,
)
"""Every check, in the order in which they run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What all checks found of one provider."""

    platform: str
    version: str
    results: tuple[Result, ...]
    quality: tuple[Quality, ...]

    @property
    def has_passed(self) -> bool:
        """Nothing failed."""
        return all(result.verdict is not Verdict.FAIL for result in self.results)


async def examine(address: str, account: Account | None = None) -> Examination:
    """Hold a served provider, in whatever language it is written, against the contract.

    Args:
        address: host:port.
        account: what the checks may use; without it nothing reaches a platform.

    Raises:
        grpc.aio.AioRpcError: it does not answer `Describe`.
    """
    async with open_subject(address, account or Account()) as subject:
        results = tuple([await run_check(check, subject) for check in CHECKS])
        said = subject.description
        return Examination(
            platform=said.platform, version=said.version, results=results, quality=quality(said, results)
        )


async def run_check(check: Check, subject: Subject) -> Result:
    """What one check finds."""
    verdict, reason = Verdict.PASS, ""
    try:
        await check.run(subject)
        if check.run is not _operating.stops_gracefully:
            await subject.describe()  # it has to outlive what it was asked, too
    except Skipped as skipped:
        verdict, reason = Verdict.SKIP, str(skipped)
    except Broken as broken:
        verdict, reason = Verdict.FAIL, str(broken)
    except grpc.aio.AioRpcError as failed:
        verdict, reason = Verdict.FAIL, _told(failed)
    return Result(name=check.name, promise=check.promise, verdict=verdict, reason=_without(reason, subject))


def _told(failed: grpc.aio.AioRpcError) -> str:
    if failed.code() is grpc.StatusCode.UNAVAILABLE:
        return "it does not answer"
    return f"the call was answered {failed.code().name}: {failed.details()}"


def _without(reason: str, subject: Subject) -> str:
    """The reason without the secrets that a provider's texts may hold."""
    try:
        secrets = subject.secrets
    except Skipped:
        return reason
    for secret in secrets:
        reason = reason.replace(secret, "•••")
    return reason
