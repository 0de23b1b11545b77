"""A provider or a platform that answers nonsense, or nothing: the message says so, and everybody else is served."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from anychannel._server import SERVICE
from anychannel._servicer import ProviderServicer
from anychannel.testing import Answer, ScriptedPlatform
from anychannel.v1 import provider_pb2, provider_pb2_grpc
from providers.sandbox import SandboxProvider
from tests.end_to_end.conftest import OpenShop
from tests.end_to_end.product import HOST, Product
from tests.end_to_end.shop import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

Outcome = provider_pb2.DeliverResponse.Outcome
Says = Callable[[Any], AsyncIterator[provider_pb2.DeliverResponse]]


class NonsenseProvider(SandboxProvider):
    platform = "nonsense"


class NonsenseServicer(ProviderServicer):
    """Describes itself well, and answers a delivery as it is told to."""

    def __init__(self, says: Says) -> None:
        super().__init__(NonsenseProvider())
        self.says = says

    async def Deliver(  # noqa: N802  # the contract names it
        self, request: provider_pb2.DeliverRequest, context: Any
    ) -> AsyncGenerator[provider_pb2.DeliverResponse, None]:
        del request
        async for answer in self.says(context):
            yield answer


async def nothing(_context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    no_answers: tuple[provider_pb2.DeliverResponse, ...] = ()
    for answer in no_answers:
        yield answer


async def another_index(_context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    yield provider_pb2.DeliverResponse(outcomes=[Outcome(index=77, sent=provider_pb2.Sent(platform_message_id="x"))])


async def no_outcome(_context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    yield provider_pb2.DeliverResponse(outcomes=[Outcome(index=0)])


async def no_id(_context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    yield provider_pb2.DeliverResponse(outcomes=[Outcome(index=0, sent=provider_pb2.Sent())])


async def an_error(context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    await context.abort(grpc.StatusCode.DATA_LOSS, "words that nobody may repeat")
    yield provider_pb2.DeliverResponse()


async def silence(_context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    await asyncio.Event().wait()
    yield provider_pb2.DeliverResponse()


async def sense(_context: Any) -> AsyncIterator[provider_pb2.DeliverResponse]:
    yield provider_pb2.DeliverResponse(outcomes=[Outcome(index=0, sent=provider_pb2.Sent(platform_message_id="ok"))])


@asynccontextmanager
async def served(product: Product, servicer: NonsenseServicer) -> AsyncIterator[None]:
    server = grpc.aio.server()
    provider_pb2_grpc.add_ProviderServiceServicer_to_server(servicer, server)
    checks = health.aio.HealthServicer()
    await checks.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    try:
        async with product.announcing("nonsense", f"{HOST}:{port}"):
            yield
    finally:
        await server.stop(0)


def nonsense_shop(shops: OpenShop) -> Any:
    settings = {"api_base": "http://127.0.0.1:9", "access_token": "a", "webhook_secret": "b"}
    return shops(platform="nonsense", settings=settings)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        pytest.param(nothing, "The provider gave no answer for this part.", id="nothing"),
        pytest.param(another_index, "The provider gave no answer for this part.", id="another index"),
        pytest.param(no_outcome, "The provider's answer could not be read.", id="no outcome"),
        pytest.param(no_id, "The provider gave no usable id for what it sent.", id="no id"),
        pytest.param(an_error, "The provider broke off the call (DATA_LOSS).", id="an error"),
    ],
)
async def test_a_provider_that_answers_nonsense_is_given_up_after_some_attempts(
    product: Product, shop: Shop, shops: OpenShop, says: Says, reason: str
) -> None:
    async with served(product, NonsenseServicer(says)), nonsense_shop(shops) as broken:
        bubble = await broken.send("Hello")
        elsewhere = await shop.send("Hello")

        await shop.reached(elsewhere["mId"], "delivered")
        failed = await broken.reached(bubble["mId"], "failed")
        story = await broken.gateway.message(bubble["mId"])

    assert failed["reason"] == reason
    assert len([attempt for attempt in story.attempts if attempt.subject == "part 0"]) == 5


async def test_a_provider_that_hangs_is_asked_again_and_others_do_not_wait(
    product: Product, shop: Shop, shops: OpenShop
) -> None:
    servicer = NonsenseServicer(silence)
    async with served(product, servicer), nonsense_shop(shops) as broken:
        bubble = await broken.send("Hello")
        elsewhere = await shop.send("Hello")
        await shop.reached(elsewhere["mId"], "delivered")
        (still,) = await broken.conversation()
        servicer.says = sense

        await broken.reached(bubble["mId"], "sent")
        story = await broken.gateway.message(bubble["mId"])

    assert still["status"] == "accepted"
    failure = story.attempts[0].failure
    assert failure is not None
    assert failure.text == "The platform did not answer in time."


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(body=b"<html>maintenance</html>"), id="a page"),
        pytest.param(Answer(json={"id": 7}), id="an id that is none"),
        pytest.param(Answer(close=True), id="a closed connection"),
        pytest.param(Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}), id="a redirect"),
    ],
)
async def test_a_platform_that_answers_nonsense_gets_it_again(shops: OpenShop, answer: Answer) -> None:
    answers = [answer, Answer(json={"id": "ph_1"})]
    async with ScriptedPlatform(lambda _: answers.pop(0)) as platform, shops(api_base=platform.url) as shop:
        bubble = await shop.send("Hello")

        await shop.reached(bubble["mId"], "sent")
        story = await shop.gateway.message(bubble["mId"])

    assert story.attempts[0].failure is not None
    assert story.attempts[0].failure.kind == "platform_unavailable"
    assert answers == []
