"""How good a provider is beyond what the contract demands: a dozen rules, each seen in what it declares or in a check."""

from collections.abc import Iterable
from dataclasses import dataclass

from anychannel.conformance._subject import API_BASE
from anychannel.conformance._verdict import Result, Verdict
from anychannel.v1 import provider_pb2

_CHECKED = {
    Verdict.PASS: "yes",
    Verdict.FAIL: "no",
    Verdict.SKIP: "not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One rule, and whether the provider follows it."""

    rule: str
    answer: str
    """yes, no or not known."""


def quality(said: provider_pb2.DescribeResponse, results: Iterable[Result]) -> tuple[Quality, ...]:
    """The rules in their order."""
    can, fields = said.capabilities, said.setting_fields
    verdicts = {result.name: _CHECKED[result.verdict] for result in results}
    declared = {
        "hears by webhooks": said.receives_webhooks,
        "can listen where no public address is": said.listens,
        "checks a channel's settings": said.checks_channels,
        "says of every required setting which form it has": all(
            field.pattern or field.choices for field in fields if field.required
        ),
        f"can be led to another platform by {API_BASE}": any(field.name == API_BASE for field in fields),
        "sends media": bool(can.media),
        "sends buttons": can.max_buttons > 0,
        "reports what was delivered": bool(can.reports),
        "says how fast the platform may be called": said.limits.rate > 0,
    }
    return (
        *(Quality(rule=rule, answer="yes" if is_kept else "no") for rule, is_kept in declared.items()),
        Quality(rule="really delivers", answer=verdicts.get("really_delivers", "not known")),
        Quality(rule="never sends a part twice", answer=verdicts.get("knows_a_part_again", "not known")),
        Quality(
            rule="believes only webhooks that prove themselves",
            answer=verdicts.get("believes_only_what_proves_itself", "not known"),
        ),
        Quality(rule="stops gracefully", answer=verdicts.get("stops_gracefully", "not known")),
    )
