"""Every check passes what keeps the contract, and fails what does not."""

# ruff: noqa: ARG002, N802 - the contract names methods and their arguments

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from anychannel.conformance import CHECKS, Account, Result, Verdict, examine
from anychannel.conformance._running import run_check
from anychannel.v1 import message_pb2, provider_pb2
from tests.anychannel.conformance.bent_provider import (
    SIGNATURE,
    TOKEN,
    Bent,
    BentDescription,
    GoodProvider,
    served,
    subject_of,
)

CHECK_BY_NAME = {check.name: check for check in CHECKS}
GENUINE = provider_pb2.HttpRequest(
    method="POST",
    url="https://gateway.example/?proof=1",
    query="proof=1",
    headers=[provider_pb2.HttpHeader(name="x-signature", value=SIGNATURE)],
    receive_time=Timestamp(seconds=1),
)
ACCOUNT = Account(settings={"access_token": TOKEN}, to="ada", webhook=GENUINE)
Outcome = provider_pb2.DeliverResponse.Outcome


def failed(index: int, kind: int, text: str = "No.") -> Outcome:
    return Outcome(index=index, failure=message_pb2.Failure(kind=kind, text=text))  # type: ignore[arg-type]


def sent(index: int, message_id: str = "1") -> Outcome:
    return Outcome(index=index, sent=provider_pb2.Sent(platform_message_id=message_id))


class Delivers(Bent):
    """Answers these outcomes to every batch."""

    def __init__(self, outcomes: Callable[[provider_pb2.DeliverRequest], list[Outcome]]) -> None:
        super().__init__()
        self.outcomes = outcomes

    async def Deliver(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        yield provider_pb2.DeliverResponse(outcomes=self.outcomes(request))


def each(outcome: Callable[[int], Outcome]) -> Bent:
    return Delivers(lambda request: [outcome(index) for index in range(len(request.deliveries))])


class Receives(Bent):
    """Answers these results to every batch."""

    def __init__(self, *results: provider_pb2.ReceiveWebhooksResponse.Received) -> None:
        super().__init__()
        self.results = results

    async def ReceiveWebhooks(self, request: Any, context: Any) -> provider_pb2.ReceiveWebhooksResponse:
        return provider_pb2.ReceiveWebhooksResponse(results=self.results)


def received(status_code: int = 200, *events: Any) -> provider_pb2.ReceiveWebhooksResponse.Received:
    return provider_pb2.ReceiveWebhooksResponse.Received(
        reply=provider_pb2.HttpReply(status_code=status_code), events=events
    )


class Unwell(Bent):
    is_healthy = False


class Breaks(Bent):
    """Answers every call but Describe with this status."""

    def __init__(self, code: grpc.StatusCode, text: str = "") -> None:
        super().__init__()
        self.code, self.text = code, text

    async def Deliver(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        await context.abort(self.code, self.text)
        yield provider_pb2.DeliverResponse()

    async def ReceiveWebhooks(self, request: Any, context: Any) -> Any:
        await context.abort(self.code, self.text)

    async def CheckChannel(self, request: Any, context: Any) -> Any:
        await context.abort(self.code, self.text)

    async def FetchMedia(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.FetchMediaResponse, None]:
        await context.abort(self.code, self.text)
        yield provider_pb2.FetchMediaResponse()

    async def Listen(self, requests: Any, context: Any) -> AsyncGenerator[provider_pb2.ListenResponse, None]:
        await context.abort(self.code, self.text)
        yield provider_pb2.ListenResponse()


class AnswersOneCallAtATime(Bent):
    """Hangs with its platform, and answers nobody meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.is_busy = False

    async def Describe(self, request: Any, context: Any) -> Any:
        if self.is_busy:
            await asyncio.Event().wait()
        return await super().Describe(request, context)

    async def Deliver(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        self.is_busy = True
        await asyncio.Event().wait()
        yield provider_pb2.DeliverResponse()


class GivesUpUnderLoad(Bent):
    """Takes ten calls, and no more."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def Deliver(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        self.count += 1
        if self.count > 10:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
        async for response in super().Deliver(request, context):
            yield response


class Hasty(Bent):
    """Listens without a start, and waits for no acknowledgement."""

    async def Listen(self, requests: Any, context: Any) -> AsyncGenerator[provider_pb2.ListenResponse, None]:
        yield provider_pb2.ListenResponse(cursor="1")
        yield provider_pb2.ListenResponse(cursor="2")


class GivesAnyMedia(Bent):
    async def FetchMedia(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.FetchMediaResponse, None]:
        yield provider_pb2.FetchMediaResponse(data=b"x")


class FindsWordlessProblems(Bent):
    async def CheckChannel(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckChannelResponse(problems=[message_pb2.Note(code="away")])


class TellsTheToken(Bent):
    async def Deliver(self, request: Any, context: Any) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        token = request.channels[0].settings["access_token"]
        yield provider_pb2.DeliverResponse(
            outcomes=[failed(0, message_pb2.FAILURE_KIND_UNAUTHORIZED, f"{token} is refused")]
        )


class DiesOfIt(Bent):
    """Answers, and is never heard of again."""

    def __init__(self) -> None:
        super().__init__()
        self.is_dead = False

    async def Describe(self, request: Any, context: Any) -> Any:
        if self.is_dead:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "")
        return await super().Describe(request, context)

    async def CheckChannel(self, request: Any, context: Any) -> Any:
        self.is_dead = True
        await context.abort(grpc.StatusCode.UNAVAILABLE, "")


class ClaimsAnyVersion(Bent):
    async def Describe(self, request: Any, context: Any) -> Any:
        answer = await super().Describe(provider_pb2.DescribeRequest(protocol_versions=[1]), context)
        answer.protocol_versions.extend(request.protocol_versions)
        return answer


UNAUTHORIZED, INTERNAL = message_pb2.FAILURE_KIND_UNAUTHORIZED, message_pb2.FAILURE_KIND_INTERNAL
EVENT = provider_pb2.ReceiveWebhooksResponse.Received().events.add()
BROKEN: list[tuple[str, Callable[[], Bent], str]] = [
    ("is_healthy", Unwell, "not SERVING"),
    ("names_itself", lambda: BentDescription(platform="Acme!"), "'Acme!'"),
    ("names_itself", lambda: BentDescription(display_name=" "), "display_name"),
    ("names_itself", lambda: BentDescription(version=""), "version"),
    ("speaks_a_common_version", lambda: BentDescription(protocol_versions=[2]), "lacks 1"),
    ("refuses_an_unknown_version", ClaimsAnyVersion, "claims any version"),
    ("can_hear", lambda: BentDescription(receives_webhooks=False, listens=False), "neither"),
    ("capabilities_are_sane", lambda: BentDescription(capabilities__max_text_length=0), "max_text_length"),
    ("capabilities_are_sane", lambda: BentDescription(capabilities__reports=[message_pb2.STATUS_SENT]), "reports"),
    ("capabilities_are_sane", lambda: BentDescription(limits__rate=-1), "negative"),
    ("settings_are_explained", lambda: BentDescription(setting_fields__0__help=""), "access_token has no help"),
    ("settings_are_explained", lambda: BentDescription(setting_fields__0__label=""), "no label"),
    ("settings_are_explained", lambda: BentDescription(setting_fields__0__name="Token"), "'Token'"),
    ("settings_are_explained", lambda: BentDescription(setting_fields__0__name="api_base"), "same name"),
    ("settings_agree_with_themselves", lambda: BentDescription(setting_fields__1__pattern="("), "regular"),
    ("settings_agree_with_themselves", lambda: BentDescription(setting_fields__1__pattern="x"), "not of its pattern"),
    ("settings_agree_with_themselves", lambda: BentDescription(setting_fields__1__choices=["x"]), "choices"),
    ("secrets_are_marked", lambda: BentDescription(setting_fields__0__secret=False), "access_token"),
    ("secrets_are_marked", lambda: BentDescription(setting_fields__1__secret=True), "default"),
    ("delivers_one_outcome_for_each_part", lambda: Delivers(lambda _: [failed(0, UNAUTHORIZED)]), "99 of 100"),
    ("delivers_one_outcome_for_each_part", lambda: Delivers(lambda _: [sent(0), sent(0)]), "index 0 twice"),
    ("delivers_one_outcome_for_each_part", lambda: Delivers(lambda _: [sent(100)]), "index 100"),
    ("delivers_one_outcome_for_each_part", lambda: each(lambda index: Outcome(index=index)), "neither sent"),
    ("delivers_one_outcome_for_each_part", lambda: Breaks(grpc.StatusCode.INTERNAL), "INTERNAL"),
    ("delivers_an_empty_batch", lambda: Delivers(lambda _: []), "without an outcome"),
    ("delivers_an_empty_batch", lambda: Breaks(grpc.StatusCode.UNKNOWN), "UNKNOWN"),
    ("refuses_unknown_content", lambda: each(sent), "was sent"),
    ("refuses_unknown_content", lambda: each(lambda index: failed(index, INTERNAL)), "FAILURE_KIND_INTERNAL"),
    ("says_or_refuses_every_kind", lambda: each(lambda index: failed(index, INTERNAL)), "text: FAILURE_KIND_INTERNAL"),
    ("says_that_the_platform_is_away", lambda: each(sent), "was sent"),
    ("says_that_the_platform_is_away", lambda: each(lambda index: failed(index, UNAUTHORIZED, "")), "no text"),
    ("keeps_deadlines", AnswersOneCallAtATime, "while a platform did not answer"),
    ("bears_many_calls", GivesUpUnderLoad, "RESOURCE_EXHAUSTED"),
    ("really_delivers", lambda: each(lambda index: failed(index, UNAUTHORIZED)), "UNAUTHORIZED: No."),
    ("really_delivers", lambda: each(lambda index: sent(index, "")), "0 characters"),
    ("refuses_webhook_garbage", lambda: Receives(received(500)), "answered 500"),
    ("refuses_webhook_forged", lambda: Receives(received(200, EVENT)), "was believed"),
    ("refuses_webhook_1_mib", Receives, "has 0 results"),
    ("refuses_webhook_deep_json", lambda: Breaks(grpc.StatusCode.INTERNAL), "INTERNAL"),
    ("answers_each_of_a_batch", lambda: Receives(received()), "have 1 results"),
    ("believes_only_what_proves_itself", lambda: Receives(received(401), received(401)), "no event came"),
    ("believes_only_what_proves_itself", lambda: Receives(received(200, EVENT), received(200, EVENT)), "was believed"),
    ("undeclared_calls_are_unimplemented", lambda: BentDescription(checks_channels=False), "CheckChannel was answered"),
    ("undeclared_calls_are_unimplemented", lambda: BentDescription(fetches_media=False), "NOT_FOUND"),
    ("undeclared_calls_are_unimplemented", lambda: BentDescription(listens=False), "Listen was answered"),
    ("undeclared_calls_are_unimplemented", lambda: BentDescription(receives_webhooks=False), "was answered, not"),
    ("listening_begins_with_start", Hasty, "not refused"),
    ("listening_waits_for_acknowledgements", Hasty, "a second batch"),
    ("listening_waits_for_acknowledgements", lambda: Breaks(grpc.StatusCode.UNKNOWN), "UNKNOWN"),
    ("checks_a_channel", FindsWordlessProblems, "no text"),
    ("checks_a_channel", lambda: Breaks(grpc.StatusCode.INTERNAL), "INTERNAL"),
    ("checks_a_channel", DiesOfIt, "it does not answer"),
    ("knows_no_unknown_media", GivesAnyMedia, "bytes of media"),
    ("knows_no_unknown_media", lambda: Breaks(grpc.StatusCode.UNKNOWN), "UNKNOWN"),
    ("keeps_secrets", TellsTheToken, "secret setting"),
]


@pytest.mark.parametrize(("name", "bent", "reason"), [pytest.param(*row, id=f"{row[0]}-{row[2]}") for row in BROKEN])
async def test_what_breaks_a_promise_fails(name: str, bent: Callable[[], Bent], reason: str) -> None:
    result = await _result(name, bent(), ACCOUNT)

    assert result.verdict is Verdict.FAIL
    assert reason in result.reason


async def test_what_keeps_the_contract_passes() -> None:
    async with served(Bent()) as address:
        examination = await examine(address, ACCOUNT)

    verdicts = {result.name: (result.verdict, result.reason) for result in examination.results}
    skipped = {name: reason for name, (verdict, reason) in verdicts.items() if verdict is Verdict.SKIP}
    assert {name: reason for name, (verdict, reason) in verdicts.items() if verdict is Verdict.FAIL} == {}
    assert skipped == {
        "undeclared_calls_are_unimplemented": "it declares every call",
        "stops_gracefully": "it stops the provider: needs --pid",
    }
    assert examination.has_passed
    assert {each.rule: each.answer for each in examination.quality}["never sends a part twice"] == "yes"


def test_every_check_was_seen_to_fail() -> None:
    seen = {name for name, _, _ in BROKEN} | {"stops_gracefully"}  # that one is in test_cli_check
    # The same code looks at every webhook, and this one is no failure but a property of the platform.
    others = {check.name for check in CHECKS if check.name.startswith("refuses_webhook_")} | {"knows_a_part_again"}
    assert {check.name for check in CHECKS} - seen <= others


def test_names_are_unique_and_promises_are_sentences() -> None:
    assert len(CHECK_BY_NAME) == len(CHECKS)
    assert [check.name for check in CHECKS if not check.promise.endswith(".") or "\n" in check.promise] == []


async def test_without_an_account_nothing_is_sent() -> None:
    result = await _result("really_delivers", Bent(), Account(settings={"access_token": TOKEN}))

    assert (result.verdict, "--to ADDRESS" in result.reason) == (Verdict.SKIP, True)


async def test_a_platform_without_keys_of_parts_is_no_failure() -> None:
    ids = iter("12")
    result = await _result("knows_a_part_again", each(lambda index: sent(index, next(ids))), ACCOUNT)

    assert (result.verdict, "may arrive twice" in result.reason) == (Verdict.SKIP, True)


async def test_a_form_without_placeholder_is_asked_for() -> None:
    bent = BentDescription(setting_fields__0__pattern="no placeholder looks so")
    result = await _result("refuses_webhook_empty", bent, Account())

    assert (result.verdict, "--set access_token=" in result.reason) == (Verdict.SKIP, True)


async def test_reasons_hold_no_secret() -> None:
    result = await _result("really_delivers", TellsTheToken(), ACCOUNT)

    assert result.verdict is Verdict.FAIL
    assert result.reason == "FAILURE_KIND_UNAUTHORIZED: ••• is refused"


async def test_nothing_there_is_told_by_grpc() -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await examine("127.0.0.1:9")


async def _result(name: str, bent: Bent, account: Account) -> Result:
    async with subject_of(bent, account) as subject:
        return await run_check(CHECK_BY_NAME[name], subject)


def test_the_good_provider_is_good() -> None:
    assert all(GoodProvider.offers(name) for name in ("send", "receive", "listen", "check", "fetch_media"))
