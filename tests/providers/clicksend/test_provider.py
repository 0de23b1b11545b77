"""The provider as core meets it, with a scripted ClickSend behind it."""

import asyncio
import base64
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from anychannel import (
    ChannelContext,
    ChannelSettings,
    DeliveryFailed,
    Failure,
    FailureKind,
    MessageReceived,
    ReportReceived,
    Sent,
    Status,
    Text,
    TextUnit,
)
from anychannel.testing import (
    Answer,
    CallFailed,
    ProviderClient,
    RecordedRequest,
    ScriptedPlatform,
    a_channel,
    a_part,
    a_request,
    serve_provider,
)
from providers.clicksend import ClicksendProvider, api

API_KEY = "api-key-that-nobody-may-see"
WEBHOOK_TOKEN = "query-token-that-nobody-may-see"
CREDENTIALS = base64.b64encode(f"acme:{API_KEY}".encode()).decode()
SUBACCOUNT_KEY = "F3702045-EB2C-0091-C211-7728048DCAE2"
SECRETS = (API_KEY, WEBHOOK_TOKEN, CREDENTIALS, SUBACCOUNT_KEY, "webhook-token")

TAKEN = {"response_code": "SUCCESS", "data": {"messages": [{"status": "SUCCESS", "message_id": "BF7AD270"}]}}
# https://developers.clicksend.com/docs/accounts/management
ACCOUNT = {
    "http_code": 200,
    "response_code": "SUCCESS",
    "response_msg": "Here's your account.",
    "data": {
        "active": 1,
        "banned": 0,
        "balance": "4.998000",
        "account_name": "The Awesome Company",
        "setting_sms_message_char_limit": 6,
        "_currency": {"currency_name_short": "AUD"},
        "_subaccount": {"api_key": SUBACCOUNT_KEY},
    },
}


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
async def client() -> AsyncIterator[ProviderClient]:
    async with serve_provider(ClicksendProvider()) as client:
        yield client


@pytest.fixture
def channel(platform: ScriptedPlatform) -> ChannelContext:
    return _channel(platform)


async def test_an_sms_is_sent(client: ProviderClient, platform: ScriptedPlatform) -> None:
    platform.answer(Answer(json=TAKEN))

    sent = await client.deliver(_channel(platform, sender="Acme"), a_part("Hello", address="+61411111111"))

    assert sent == Sent(platform_message_id="BF7AD270")
    (request,) = platform.requests
    assert (request.method, request.path) == ("POST", "/v3/sms/send")
    assert request.headers["authorization"] == f"Basic {CREDENTIALS}"
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "messages": [
            {
                "to": "+61411111111",
                "body": "Hello",
                "source": "anychannel",
                "custom_string": "msg_1/0",
                "from": "Acme",
            }
        ]
    }


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        pytest.param(
            Answer(json={"data": {"messages": [{"status": "INVALID_RECIPIENT", "message_id": "X"}]}}),
            (FailureKind.CONTACT_UNREACHABLE, "INVALID_RECIPIENT", None),
            id="refused inside 200",
        ),
        pytest.param(
            Answer(status=429, body=b"Too many attempts.", headers={"Retry-After": "39"}),
            (FailureKind.THROTTLED, "429", 39),
            id="throttled",
        ),
        pytest.param(
            Answer(status=401, json={"http_code": 401, "response_code": "UNAUTHORIZED", "response_msg": "No."}),
            (FailureKind.UNAUTHORIZED, "UNAUTHORIZED", None),
            id="unauthorized",
        ),
        pytest.param(Answer(status=500), (FailureKind.PLATFORM_UNAVAILABLE, "500", None), id="out of order"),
        pytest.param(
            Answer(status=307, headers={"Location": "https://elsewhere.example"}),
            (FailureKind.PLATFORM_UNAVAILABLE, "307", None),
            id="redirections are not followed with the credentials",
        ),
        pytest.param(Answer(close=True), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="connection lost"),
        pytest.param(Answer(body=b"ok"), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="answer is no JSON"),
    ],
)
async def test_refusals(
    client: ProviderClient,
    platform: ScriptedPlatform,
    channel: ChannelContext,
    answer: Answer,
    failure: tuple[FailureKind, str, int | None],
) -> None:
    platform.answer(answer)

    outcome = await client.deliver(channel, a_part())

    assert isinstance(outcome, Failure)
    wait = None if outcome.retry_after is None else outcome.retry_after.total_seconds()
    assert (outcome.kind, outcome.platform_code, wait) == failure


async def test_clicksend_is_away(client: ProviderClient, platform: ScriptedPlatform, unused_tcp_port: int) -> None:
    away = _channel(platform, api_base=f"http://127.0.0.1:{unused_tcp_port}/v3")

    outcome = await client.deliver(away, a_part())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.PLATFORM_UNAVAILABLE


async def test_clicksend_does_not_answer(
    platform: ScriptedPlatform, channel: ChannelContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    never = asyncio.Event()
    platform.answer(Answer(wait_for=never))
    clicksend = api.ClicksendApi()

    with pytest.raises(DeliveryFailed) as failed:
        await clicksend.send(channel.settings, {})

    assert failed.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    never.set()
    await clicksend.close()


async def test_no_traceback_holds_the_address(channel: ChannelContext, unused_tcp_port: int) -> None:
    away = ChannelSettings({**channel.settings, "api_base": f"http://127.0.0.1:{unused_tcp_port}"})
    platform = api.ClicksendApi()

    with pytest.raises(DeliveryFailed) as failed:
        await platform.send(away, {})

    assert str(unused_tcp_port) not in "".join(traceback.format_exception(failed.value, chain=True))
    await platform.close()


async def test_webhooks_are_read(client: ProviderClient, platform: ScriptedPlatform) -> None:
    channel = _channel(platform, webhook_token=WEBHOOK_TOKEN)
    query = f"key={WEBHOOK_TOKEN}"
    reply = {"from": "+61411111111", "body": "Hi", "message_id": "IN1", "timestamp": 1775012927}

    read = await client.receive(channel, a_request(body=reply, path="/inbound", query=query))
    receipt = await client.receive(
        channel, a_request(body="message_id=BF7AD270&status_code=201", path="/receipts", query=query)
    )
    refused = await client.receive(channel, a_request(body=reply, path="/inbound"))

    (message,) = read.events
    (report,) = receipt.events
    assert isinstance(message, MessageReceived)
    assert (message.content, message.contact.address) == (Text(text="Hi"), "+61411111111")
    assert isinstance(report, ReportReceived)
    assert (report.platform_message_id, report.status) == ("BF7AD270", Status.DELIVERED)
    assert (refused.reply.status_code, refused.events) == (401, ())


async def test_a_check_makes_the_rules(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext
) -> None:
    platform.answer(
        Answer(json=ACCOUNT),
        Answer(json={"data": {"total": 0, "data": []}}),
        Answer(json={"data": {"inbound_rule_id": 1}}),
        Answer(json={"data": {"data": [{"rule_name": "anychannel channel-1", "receipt_rule_id": 9, "enabled": 0}]}}),
        Answer(json={"data": {"receipt_rule_id": 9}}),
    )

    result = await client.check(channel)

    assert result.problems == ()
    assert dict(result.details) == {
        "account": "The Awesome Company",
        "balance": "4.998000 AUD",
        "inbound_rule": "created",
        "receipts_rule": "updated",
    }
    assert [(request.method, request.path, dict(request.query)) for request in platform.requests] == [
        ("GET", "/v3/account", {}),
        ("GET", "/v3/automations/sms/inbound", {"limit": "100"}),
        ("POST", "/v3/automations/sms/inbound", {}),
        ("GET", "/v3/automations/sms/receipts", {"limit": "100"}),
        ("PUT", "/v3/automations/sms/receipts/9", {}),
    ]
    assert [platform.requests[at].json["action_address"] for at in (2, 4)] == [
        "https://gateway.example/webhooks/channel-1/webhook-token/inbound",
        "https://gateway.example/webhooks/channel-1/webhook-token/receipts",
    ]


async def test_a_second_check_changes_nothing(client: ProviderClient, channel: ChannelContext) -> None:
    made: dict[str, list[Any]] = {"inbound": [], "receipts": []}

    def clicksend(request: RecordedRequest) -> Answer:
        kind = request.path.rpartition("/")[2]
        if kind == "account":
            return Answer(json=ACCOUNT)
        if request.method == "POST":
            made[kind].append(request.json | {f"{kind}_rule_id": 1})
        return Answer(json={"data": {"data": made[kind]}})

    async with ScriptedPlatform(clicksend) as platform:
        channel = _channel(platform)
        first = await client.check(channel)
        second = await client.check(channel)

    assert (first.details["inbound_rule"], first.details["receipts_rule"]) == ("created", "created")
    assert (second.details["inbound_rule"], second.details["receipts_rule"]) == ("in place", "in place")
    assert {kind: len(rules) for kind, rules in made.items()} == {"inbound": 1, "receipts": 1}


async def test_a_rule_that_is_refused_is_to_be_made_by_hand(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext
) -> None:
    refused = Answer(status=403, json={"response_code": "FORBIDDEN", "response_msg": "-"})
    platform.answer(Answer(json=ACCOUNT), Answer(json={"data": {"data": []}}), refused, refused)

    problems = (await client.check(channel)).problems

    assert [problem.code for problem in problems] == ["no_inbound_rule", "no_receipts_rule"]
    assert all(problem.text.startswith("This ClickSend user may not do that. Make a rule") for problem in problems)


async def test_a_check_with_wrong_credentials(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext
) -> None:
    platform.answer(Answer(status=401))

    assert [problem.code for problem in (await client.check(channel)).problems] == ["unauthorized"]


@pytest.mark.parametrize("webhook_url", ["", "http://gateway.example/webhooks/channel-1/webhook-token"])
async def test_a_check_without_a_public_address(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext, webhook_url: str
) -> None:
    platform.answer(Answer(json=ACCOUNT))

    result = await client.check(
        ChannelContext(channel_id="channel-1", settings=channel.settings, webhook_url=webhook_url)
    )

    assert [problem.code for problem in result.problems] == ["no_public_address"]
    assert result.details["account"] == "The Awesome Company"


@pytest.mark.parametrize("answers_before", [0, 1, 2])
async def test_a_check_while_clicksend_is_down(
    client: ProviderClient, platform: ScriptedPlatform, channel: ChannelContext, answers_before: int
) -> None:
    platform.answer(*[Answer(json=ACCOUNT), Answer(json={"data": {"data": []}})][:answers_before], Answer(status=503))

    with pytest.raises(CallFailed) as failed:
        await client.check(channel)

    assert failed.value.code == "UNAVAILABLE"


async def test_what_it_declares(client: ProviderClient) -> None:
    description = await client.describe()

    assert (description.platform, description.receives_webhooks, description.checks_channels) == (
        "clicksend",
        True,
        True,
    )
    assert (description.listens, description.fetches_media) == (False, False)
    assert (description.capabilities.max_text_length, description.capabilities.text_unit) == (6, TextUnit.SMS_SEGMENTS)
    assert {field.name for field in description.setting_fields if field.secret} == {"api_key", "webhook_token"}


async def test_no_secret_is_told(
    client: ProviderClient,
    platform: ScriptedPlatform,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = _channel(platform, webhook_token=WEBHOOK_TOKEN)
    refused = Answer(status=400, json={"response_code": "BAD_REQUEST", "response_msg": "-"})
    platform.answer(*[Answer(status=status) for status in (400, 401, 429, 500)], Answer(close=True))
    told: list[object] = [await client.deliver(channel, a_part()) for _ in range(5)]
    platform.answer(Answer(json=ACCOUNT), refused, refused, Answer(status=401))
    told += [await client.check(channel), await client.check(channel)]
    told += [
        await client.receive(channel, a_request(body=b"garbage", path="/inbound", query=query))
        for query in ("", f"key={WEBHOOK_TOKEN}")
    ]

    everything = "\n".join([*map(repr, told), caplog.text, *capsys.readouterr(), repr(channel)])
    assert "Failure" in everything
    assert [secret for secret in SECRETS if secret in everything] == []


def _channel(platform: ScriptedPlatform, **settings: str) -> ChannelContext:
    return a_channel({"api_base": f"{platform.url}/v3", "username": "acme", "api_key": API_KEY} | settings)
