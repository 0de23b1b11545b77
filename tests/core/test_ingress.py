import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from anychannel.testing import A_TIME, a_request
from anychannel.v1 import event_pb2, message_pb2, provider_pb2
from core.channels import ChannelConfig
from core.inboxes.binding import ReplyMode
from core.lanes.records import DeliveryKind
from core.secrets import Keyring
from core.storage.channels import insert_channel
from core.storage.database import Pool
from tests.core.gateway import Gateway, a_send, gateway, said
from tests.core.lanes.dispatching import until
from tests.core.providers.scripted import failed, sent

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture
def pool(emptied: Pool) -> Pool:
    return emptied


@pytest.fixture
async def core(pool: Pool, keyring: Keyring, config_of: ConfigOf) -> AsyncIterator[Gateway]:
    """Channels `shop`, `other`, and `waits`, which answers with the outcome of the first attempt."""
    configs = [
        config_of("shop", inbox_previous_token="token before"),
        config_of("other"),
        config_of("waits", reply=ReplyMode.OUTCOME, reply_timeout=timedelta(seconds=5)),
        config_of("hurried", reply=ReplyMode.OUTCOME, reply_timeout=timedelta(seconds=0.05)),
    ]
    async with gateway(pool, keyring, *configs) as made:
        yield made


@pytest.fixture
async def dispatching(core: Gateway) -> AsyncIterator[Gateway]:
    """The same, with everything delivered that waits."""
    task = asyncio.create_task(core.dispatcher.run())
    yield core
    await core.dispatcher.drain(0.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_send_is_stored_before_it_is_answered(core: Gateway) -> None:
    reply = await core.ingress.inbox_send("shop", a_send())

    status_code, body = said(reply)
    assert status_code == 200
    assert body == {"mId": reply.message_id}
    assert await core.pool.fetchval("SELECT message_id FROM messages") == reply.message_id
    assert reply.channel_id == "shop"
    assert len(core.work) == 1


FITTING = {
    "by the path": ("shop", a_send()),
    "by the path, and named": ("shop", a_send(channelId="inbox-shop")),
    "by the inbox's own id": ("", a_send(channelId="inbox-shop")),
    "by its token alone": ("", a_send()),
    "with the token before": ("shop", a_send(token="token before")),
    "spelled otherwise": ("shop", a_send(headers={"authorization": "bearer  inbox-token-shop "})),
}


async def test_a_send_finds_its_channel(core: Gateway) -> None:
    found = {name: (await core.ingress.inbox_send(*asked)).channel_id for name, asked in FITTING.items()}
    assert found == dict.fromkeys(FITTING, "shop")


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


BAD = {
    "no token": ("shop", a_send(headers={}), 401, "missing"),
    "another scheme": ("shop", a_send(headers={"authorization": "Basic abc"}), 401, "missing"),
    "no token and nothing readable": ("shop", a_send(b"{", headers={}), 401, "missing"),
    "a wrong token and nothing readable": ("shop", a_send(b"{", token="wrong"), 401, "token"),
    "a token of nobody and nothing readable": ("", a_send(b"{", token="wrong"), 401, "token"),
    "a wrong token": ("shop", a_send(token="wrong"), 401, "token"),
    "another channel's token": ("shop", a_send(token="inbox-token-other"), 401, "token"),
    "a wrong token, named": ("", a_send(token="wrong", channelId="inbox-shop"), 401, "token"),
    "a token of nobody": ("", a_send(token="wrong"), 401, "token"),
    "an unknown channel in the path": ("nowhere", a_send(), 404, "nowhere"),
    "an unknown channelId": ("", a_send(channelId="inbox-nowhere"), 404, "inbox-nowhere"),
    "another channelId than the path's": ("shop", a_send(channelId="inbox-other"), 400, "channelId"),
    "not JSON": ("shop", a_send(b"{"), 400, "JSON"),
    "not an object": ("shop", a_send(b"[]"), 400, "object"),
    "not UTF-8": ("shop", a_send(b'{"a":"\xff"}'), 400, "UTF-8"),
    "a name twice": ("shop", a_send(b'{"a":1,"a":2}'), 400, "twice"),
    "not a number": ("shop", a_send(b'{"a":NaN}'), 400, ""),
    "a thousand levels deep": ("shop", a_send(nested(1000)), 400, ""),
    "far deeper": ("shop", a_send(nested(150_000)), 400, ""),
    "larger than a mebibyte": ("shop", a_send(b'{"a":"' + b"x" * 2**20 + b'"}'), 413, "larger"),
    "a NUL": ("shop", a_send(b'{"contactId":"a\\u0000"}'), 400, "NUL"),
    "half a surrogate pair": ("shop", a_send(b'{"contactId":"\\ud800"}'), 400, "surrogate"),
    "no contact": ("shop", a_send(contactId=None), 400, "contactId"),
    "a contact id that does not fit": ("shop", a_send(contactId="a b"), 400, "contactId"),
    "a message that is no object": ("shop", a_send(message="Hello"), 400, "message"),
    "no type": ("shop", a_send(message={}), 400, "message.type"),
    "an unknown type": ("shop", a_send(message={"type": "fax"}), 400, "message.type"),
    "a text without a text": ("shop", a_send(message={"type": "text"}), 400, "message.text"),
    "a link that is none": (
        "shop",
        a_send(message={"type": "attachment", "attachment": {"type": "image", "url": "javascript:alert(1)"}}),
        400,
        "message.attachment.url",
    ),
    "not expressible": ("shop", a_send(message={"type": "custom_payload", "payload": {}}), 400, "message"),
    "a hash of nobody": ("shop", a_send(contactId="=h" + "0" * 40), 400, "contactId"),
}


async def test_a_bad_send_is_refused_in_words(core: Gateway) -> None:
    wrong: dict[str, object] = {}
    for name, (path, asked, status_code, word) in BAD.items():
        reply = await core.ingress.inbox_send(path, asked)
        answered, body = said(reply)
        text = body["error"]["message"]
        is_right = answered == status_code and word in text and body.keys() == {"error"}
        if not is_right or reply.message_id or "inbox-token" in text:
            wrong[name] = (answered, text, reply.message_id)

    assert wrong == {}
    assert await core.pool.fetchval("SELECT count(*) FROM messages") == 0


async def test_while_the_database_is_away_the_inbox_is_told_to_come_again(core: Gateway) -> None:
    core.flaky.is_away = True
    reply = await core.ingress.inbox_send("shop", a_send())
    assert said(reply)[0] == 503
    assert ("retry-after", "1") in reply.reply.headers

    core.flaky.is_away = False
    assert said(await core.ingress.inbox_send("shop", a_send()))[0] == 200


async def test_before_the_provider_has_registered_the_inbox_is_told_to_come_again(
    core: Gateway, keyring: Keyring, config_of: ConfigOf
) -> None:
    await insert_channel(core.pool, keyring, config_of("early", platform="later"))
    await core.directory.refresh()
    status_code, body = said(await core.ingress.inbox_send("early", a_send(token="inbox-token-early")))
    assert status_code == 503
    assert "later" in body["error"]["message"]


async def refusing(_: Any) -> AsyncIterator[list[Any]]:
    outcome = failed(0, "They blocked us.")
    outcome.failure.platform_code = "131026"
    yield [outcome]


async def test_a_definite_refusal_is_the_inboxs_4xx_and_nothing_is_told_afterwards(dispatching: Gateway) -> None:
    dispatching.provider.deliver = refusing

    status_code, body = said(await dispatching.ingress.inbox_send("waits", a_send(token="inbox-token-waits")))

    assert status_code == 400
    assert body == {"error": {"message": "They blocked us. (131026)"}}
    await until(lambda: _is_empty(dispatching.pool))
    assert dispatching.told == []


async def _is_empty(pool: Pool) -> bool:
    return not await pool.fetchval("SELECT count(*) FROM deliveries")


async def test_what_the_platform_took_is_answered_with_its_id(dispatching: Gateway) -> None:
    reply = await dispatching.ingress.inbox_send("waits", a_send(token="inbox-token-waits"))
    assert said(reply) == (200, {"mId": reply.message_id})

    await dispatching.ingress.confirm([("waits", reply.message_id)])
    await until(lambda: [claim.kind for claim in dispatching.told] == [DeliveryKind.STATUS])


async def test_a_slow_platform_is_not_waited_for_longer_than_agreed(dispatching: Gateway) -> None:
    go_on = asyncio.Event()

    async def slow(_: Any) -> AsyncIterator[list[Any]]:
        await go_on.wait()
        yield [sent(0)]

    dispatching.provider.deliver = slow
    async with asyncio.timeout(4):
        reply = await dispatching.ingress.inbox_send("hurried", a_send(token="inbox-token-hurried"))
    assert said(reply)[0] == 200
    go_on.set()
    await dispatching.ingress.confirm([("hurried", reply.message_id)])
    await until(lambda: len(dispatching.told) == 1)


def webhook(core: Gateway, status_code: int = 200, *events: event_pb2.ProviderEvent) -> None:
    reply = provider_pb2.HttpReply(status_code=status_code, body=b"ok")
    result = provider_pb2.ReceiveWebhooksResponse.Received(events=events, reply=reply)
    core.provider.receive = lambda _request: provider_pb2.ReceiveWebhooksResponse(results=[result])


def an_event(event_id: str = "e1", **changes: Any) -> event_pb2.ProviderEvent:
    values: dict[str, Any] = {"contact": event_pb2.Contact(address="ada"), "platform_message_id": f"p {event_id}"}
    message = event_pb2.ReceivedMessage(**values | changes)
    message.content.text.text = "Hi"
    event = event_pb2.ProviderEvent(platform_event_id=event_id, message=message)
    event.event_time.FromDatetime(A_TIME)
    return event


async def test_a_webhook_is_stored_before_the_platform_is_answered(core: Gateway) -> None:
    webhook(core, 202, an_event("e1"), an_event("e2"))

    reply = await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())

    assert (reply.status_code, reply.body) == (202, b"ok")
    rows = await core.pool.fetch("SELECT platform_event_id FROM messages ORDER BY message_id")
    assert [row[0] for row in rows] == ["e1", "e2"]


async def test_a_webhook_that_comes_again_is_answered_again_and_stored_once(core: Gateway) -> None:
    webhook(core, 200, an_event())
    for _ in range(3):
        assert (await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())).status_code == 200
    assert await core.pool.fetchval("SELECT count(*) FROM messages") == 1


@pytest.mark.parametrize(
    ("channel_id", "token"),
    [("shop", "wrong"), ("shop", ""), ("shop", "webhook-token-other"), ("nowhere", "webhook-token-shop")],
)
async def test_an_address_that_is_no_webhook_is_not_found_and_no_provider_asked(
    core: Gateway, channel_id: str, token: str
) -> None:
    assert (await core.ingress.platform_webhook(channel_id, token, a_request())).status_code == 404
    assert len(core.provider.requests) == 1  # who it is, before


async def test_what_a_provider_refuses_is_answered_as_it_says(core: Gateway) -> None:
    webhook(core, 401)
    assert (await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())).status_code == 401


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL])
async def test_a_webhook_that_nobody_reads_is_to_come_again(core: Gateway, code: grpc.StatusCode) -> None:
    core.provider.break_with = code
    reply = await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())
    assert reply.status_code == 503
    assert ("retry-after", "1") in reply.headers
    assert b"secret" not in reply.body


async def test_a_webhook_while_the_database_is_away_is_to_come_again(core: Gateway) -> None:
    webhook(core, 200, an_event())
    core.flaky.is_away = True
    reply = await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())
    assert reply.status_code == 503

    core.flaky.is_away = False
    assert (await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())).status_code == 200
    assert await core.pool.fetchval("SELECT count(*) FROM messages") == 1


async def test_an_event_whose_ids_cannot_be_stored_costs_only_itself(core: Gateway) -> None:
    nobody = an_event("e2", contact=event_pb2.Contact(address=""))
    webhook(core, 200, an_event("e1"), nobody, an_event("x" * 201), an_event("a\0b"), an_event("e3"))

    assert (await core.ingress.platform_webhook("shop", "webhook-token-shop", a_request())).status_code == 200

    rows = await core.pool.fetch("SELECT platform_event_id FROM messages ORDER BY message_id")
    assert [row[0] for row in rows] == ["e1", "e3"]


async def test_reports_are_taken_from_webhooks(dispatching: Gateway) -> None:
    reply = await dispatching.ingress.inbox_send("waits", a_send(token="inbox-token-waits"))
    report = event_pb2.Report(platform_message_id="p0", status=message_pb2.STATUS_READ)
    event = event_pb2.ProviderEvent(platform_event_id="r1", report=report)
    event.event_time.FromDatetime(A_TIME)
    webhook(dispatching, 200, event)

    await dispatching.ingress.platform_webhook("waits", "webhook-token-waits", a_request())

    async def is_read() -> bool:
        status = await dispatching.pool.fetchval("SELECT status FROM messages WHERE message_id = $1", reply.message_id)
        return bool(status == message_pb2.STATUS_READ)

    await until(is_read)
