"""The provider as core meets it, with a scripted Twilio behind it, and its secrets, which nobody else ever sees."""

import asyncio
import base64
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import aiohttp
import pytest
from structlog.testing import capture_logs
from yarl import URL

from anychannel import (
    Attachment,
    ChannelContext,
    ChannelSettings,
    DeliveryFailed,
    Failure,
    FailureKind,
    HttpRequest,
    MediaKind,
    MessageReceived,
    ReportReceived,
    Sent,
    Status,
    TextUnit,
)
from anychannel.testing import Answer, CallFailed, ProviderClient, ScriptedPlatform, a_part, serve_provider
from providers.twilio import TwilioProvider, api
from providers.twilio.call import ApiCall, Host

ChannelMaker = Callable[..., ChannelContext]
Signer = Callable[..., HttpRequest]

ACCOUNT_SID = "AC" + "a" * 32
AUTH_TOKEN = "auth-token-that-nobody-may-see"
NEXT_TOKEN = "next-token-that-nobody-may-see"
KEY_SID = "SK" + "e" * 32
KEY_SECRET = "key-secret-that-nobody-may-see"
SID = "SM" + "b" * 32
MEDIA_SID = "ME" + "c" * 32
MEDIA_PATH = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{SID}/Media/{MEDIA_SID}"
MEDIA_ID = f"{ACCOUNT_SID}/{SID}/{MEDIA_SID}"
TAKEN = Answer(status=201, json={"sid": SID, "status": "queued", "error_code": None})
GET_ACCOUNT = ApiCall(method="GET", host=Host.ACCOUNTS, path=f"/2010-04-01/Accounts/{ACCOUNT_SID}.json")


def basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


SECRETS = (
    AUTH_TOKEN,
    NEXT_TOKEN,
    KEY_SECRET,
    "webhook-token",
    basic(ACCOUNT_SID, AUTH_TOKEN).removeprefix("Basic "),
    basic(KEY_SID, KEY_SECRET).removeprefix("Basic "),
)


async def test_what_it_declares(client: ProviderClient) -> None:
    described = await client.describe()

    assert (described.platform, described.receives_webhooks, described.listens) == ("twilio", True, False)
    assert (described.checks_channels, described.fetches_media) == (True, True)
    capabilities = described.capabilities
    assert (capabilities.max_text_length, capabilities.text_unit) == (1600, TextUnit.UTF16)
    assert (capabilities.max_caption_length, capabilities.max_buttons) == (0, 0)
    assert {limit.kind for limit in capabilities.media} == set(MediaKind)
    assert (capabilities.locations, capabilities.templates, capabilities.echoes) == (True, True, False)
    assert capabilities.reports == {Status.DELIVERED}
    assert {field.name for field in described.setting_fields if field.secret} == {
        "auth_token",
        "secondary_auth_token",
        "api_key_secret",
    }


async def test_a_message_and_what_becomes_of_it(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, signed: Signer
) -> None:
    twilio.answer(TAKEN)

    sent = await client.deliver(channel(), a_part("Ahoy 👋 & you", address="+14017122661"))
    statuses = [
        (await client.receive(channel(), signed({"MessageSid": SID, "MessageStatus": status}, path="/status"))).events
        for status in ("queued", "sent", "delivered")
    ]

    assert sent == Sent(platform_message_id=SID)
    (request,) = twilio.requests
    assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json")
    assert request.headers["authorization"] == basic(ACCOUNT_SID, AUTH_TOKEN)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form_fields == (
        ("To", "+14017122661"),
        ("From", "+14155550100"),
        ("Body", "Ahoy 👋 & you"),
        ("StatusCallback", "https://gateway.example/webhooks/channel-1/webhook-token/status"),
    )
    reports = [event for events in statuses for event in events]
    assert [event.status for event in reports if isinstance(event, ReportReceived)] == [Status.SENT, Status.DELIVERED]
    assert all(event.platform_message_id == SID for event in reports)


async def test_a_photo_comes_in_and_is_fetched(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, signed: Signer
) -> None:
    photo = b"jpeg" * 100_000
    twilio.answer(
        Answer(status=307, headers={"Location": f"{twilio.url}/kept?signature=x%2By"}),
        Answer(
            body=photo,
            headers={"Content-Type": "image/jpeg", "Content-Disposition": 'inline; filename="photo.jpg"'},
        ),
    )
    webhook = signed(
        {
            "MessageSid": SID,
            "From": "whatsapp:+14017122661",
            "ProfileName": "Ada",
            "Body": "",
            "MediaUrl0": f"https://api.twilio.com{MEDIA_PATH}",
            "MediaContentType0": "image/jpeg",
        }
    )

    received = await client.receive(channel(sender="whatsapp:+14155550100"), webhook)
    (message,) = received.events
    assert isinstance(message, MessageReceived)
    assert message.content == Attachment(kind=MediaKind.IMAGE, media_id=MEDIA_ID, mime_type="image/jpeg")
    media = await client.fetch_media(channel(), MEDIA_ID)

    assert (received.reply.status_code, received.reply.body) == (200, b"<Response/>")
    assert (media.data == photo, media.mime_type, media.size_bytes, media.file_name) == (
        True,
        "image/jpeg",
        len(photo),
        "photo.jpg",
    )
    asked, kept = twilio.requests
    assert (asked.path, asked.headers["authorization"]) == (MEDIA_PATH, basic(ACCOUNT_SID, AUTH_TOKEN))
    assert (kept.path, dict(kept.query), kept.headers.get("authorization")) == ("/kept", {"signature": "x+y"}, None)


async def test_media_without_a_detour(client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker) -> None:
    twilio.answer(Answer(body=b"%PDF", headers={"Content-Type": "application/pdf"}))

    media = await client.fetch_media(channel(), MEDIA_ID)

    assert (media.data, media.mime_type, media.file_name) == (b"%PDF", "application/pdf", "")


@pytest.mark.parametrize(
    ("answers", "media_id", "code"),
    [
        pytest.param([Answer(status=404, json={"code": 20404})], MEDIA_ID, "NOT_FOUND", id="deleted"),
        pytest.param([], "../../Accounts", "NOT_FOUND", id="no id"),
        pytest.param([], f"{MEDIA_ID}/x", "NOT_FOUND", id="more than an id"),
        pytest.param([Answer(status=401)], MEDIA_ID, "FAILED_PRECONDITION", id="credentials"),
        pytest.param([Answer(status=503)], MEDIA_ID, "UNAVAILABLE", id="down"),
        pytest.param(
            [Answer(close=True)] * 2, MEDIA_ID, "UNAVAILABLE", id="connection lost, twice as aiohttp tries again"
        ),
        pytest.param([Answer(status=307)], MEDIA_ID, "UNAVAILABLE", id="to nowhere"),
        pytest.param([Answer(status=307, headers={"Location": "ftp://x/y"})], MEDIA_ID, "UNAVAILABLE", id="elsewhere"),
        pytest.param(
            [Answer(status=307, headers={"Location": "http://["})], MEDIA_ID, "UNAVAILABLE", id="to no address"
        ),
        pytest.param(
            [Answer(status=307, headers={"Location": "/kept"}), Answer(status=307, headers={"Location": "/kept"})],
            MEDIA_ID,
            "UNAVAILABLE",
            id="in circles",
        ),
    ],
)
async def test_media_that_cannot_be_had(
    client: ProviderClient,
    twilio: ScriptedPlatform,
    channel: ChannelMaker,
    answers: list[Answer],
    media_id: str,
    code: str,
) -> None:
    twilio.answer(*answers)

    with pytest.raises(CallFailed) as failed:
        await client.fetch_media(channel(), media_id)

    assert failed.value.code == code


@pytest.mark.parametrize("location", ["http://kept.example/a", "//["])
def test_media_never_leave_https(location: str) -> None:
    with pytest.raises(DeliveryFailed):
        api._kept_at(URL("https://api.twilio.com/a"), location)


async def test_an_api_key_is_used_where_there_is_one(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker
) -> None:
    twilio.answer(TAKEN, TAKEN, TAKEN)

    for keys in ({"api_key_sid": KEY_SID, "api_key_secret": KEY_SECRET}, {"api_key_sid": KEY_SID}, {}):
        await client.deliver(channel(**keys), a_part())

    assert [request.headers["authorization"] for request in twilio.requests] == [
        basic(KEY_SID, KEY_SECRET),
        basic(ACCOUNT_SID, AUTH_TOKEN),
        basic(ACCOUNT_SID, AUTH_TOKEN),
    ]


async def test_attachments_go_as_links_where_the_settings_ask(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker
) -> None:
    twilio.answer(TAKEN)
    image = Attachment(kind=MediaKind.IMAGE, url="https://media.example/a")

    sent = await client.deliver(channel(attachments="linked"), a_part(image))

    assert isinstance(sent, Sent)
    assert [note.code for note in sent.notes] == ["media_as_link"]
    assert "MediaUrl" not in twilio.requests[0].form


async def test_without_a_public_address_nobody_reports(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker
) -> None:
    twilio.answer(TAKEN)

    await client.deliver(channel(webhook_url=""), a_part())

    assert "StatusCallback" not in twilio.requests[0].form


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        pytest.param(
            # https://www.twilio.com/docs/usage/troubleshooting/debugging-your-application#debugging-calls-to-the-rest-api
            Answer(
                status=400,
                json={
                    "code": 21211,
                    "message": "The 'To' number 5551234567 is not a valid phone number.",
                    "more_info": "https://www.twilio.com/docs/errors/21211",
                    "status": 400,
                },
            ),
            (FailureKind.CONTACT_UNREACHABLE, "21211", None),
            id="refused",
        ),
        pytest.param(
            Answer(status=429, json={"code": 20429, "message": "Too Many Requests"}, headers={"Retry-After": "7"}),
            (FailureKind.THROTTLED, "20429", 7),
            id="throttled",
        ),
        pytest.param(
            Answer(status=401, json={"status": 401, "message": "Authenticate", "code": 20003}),
            (FailureKind.UNAUTHORIZED, "20003", None),
            id="unauthorized",
        ),
        pytest.param(Answer(status=503), (FailureKind.PLATFORM_UNAVAILABLE, "503", None), id="out of order"),
        pytest.param(
            Answer(status=307, headers={"Location": "https://elsewhere.example"}),
            (FailureKind.PLATFORM_UNAVAILABLE, "307", None),
            id="redirections are not followed with the credentials",
        ),
        pytest.param(Answer(close=True), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="connection lost"),
        pytest.param(Answer(body=b"ok"), (FailureKind.PLATFORM_UNAVAILABLE, "", None), id="answer is no JSON"),
        pytest.param(
            Answer(status=201, json={"sid": SID, "status": "failed", "error_code": 21610}),
            (FailureKind.CONTACT_OPTED_OUT, "21610", None),
            id="given up at once",
        ),
    ],
)
async def test_refusals(
    client: ProviderClient,
    twilio: ScriptedPlatform,
    channel: ChannelMaker,
    answer: Answer,
    failure: tuple[FailureKind, str, int | None],
) -> None:
    twilio.answer(answer)

    outcome = await client.deliver(channel(), a_part())

    assert isinstance(outcome, Failure)
    wait = None if outcome.retry_after is None else outcome.retry_after.total_seconds()
    assert (outcome.kind, outcome.platform_code, wait) == failure


async def test_twilio_does_not_answer(
    twilio: ScriptedPlatform, channel: ChannelMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    never = asyncio.Event()
    twilio.answer(Answer(wait_for=never))
    platform = api.TwilioApi()

    with pytest.raises(DeliveryFailed) as failed:
        await platform.call(channel().settings, GET_ACCOUNT)

    assert failed.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
    never.set()
    await platform.close()


async def test_while_the_auth_token_changes_both_are_believed(
    client: ProviderClient, channel: ChannelMaker, signed: Signer
) -> None:
    sms = {"MessageSid": SID, "From": "+14017122661", "Body": "Ahoy"}
    with_both = channel(secondary_auth_token=NEXT_TOKEN)

    received = [
        len((await client.receive(at, signed(sms, token=token))).events)
        for at, token in (
            (with_both, AUTH_TOKEN),
            (with_both, NEXT_TOKEN),
            (channel(), AUTH_TOKEN),
            (channel(), NEXT_TOKEN),
        )
    ]

    assert received == [1, 1, 1, 0]


@pytest.fixture
async def breaking_off() -> AsyncIterator[str]:
    """The address of a Twilio that breaks off in the middle of every answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\n{}")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_no_traceback_holds_a_secret_or_an_address(channel: ChannelMaker, breaking_off: str) -> None:
    settings = ChannelSettings({**channel().settings, "api_base": breaking_off})
    platform = api.TwilioApi()

    with pytest.raises(DeliveryFailed) as calling:
        await platform.call(settings, GET_ACCOUNT)
    media = await platform.download(settings, MEDIA_PATH)
    with pytest.raises(DeliveryFailed) as downloading:
        async for _ in media.chunks:
            pass
    await platform.close()

    for failed in (calling, downloading):
        told = "".join(traceback.format_exception(failed.value, chain=True))
        assert failed.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE
        assert [secret for secret in (*SECRETS, breaking_off) if secret in told] == []


async def test_no_secret_is_told(
    twilio: ScriptedPlatform,
    channel: ChannelMaker,
    signed: Signer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    at = channel(secondary_auth_token=NEXT_TOKEN, api_key_sid=KEY_SID, api_key_secret=KEY_SECRET)
    talkative = {"code": 29999, "message": f"{at.webhook_url}/status {AUTH_TOKEN} {KEY_SECRET}", "status": 400}
    broken = [Answer(status=status, json=talkative) for status in (400, 401, 429, 500)]
    account = {"friendly_name": "Acme", "status": "active", "auth_token": AUTH_TOKEN}
    numbers = {"incoming_phone_numbers": [{"sid": "PN1", "phone_number": "+14155550100", "sms_url": "https://x"}]}
    told: list[object] = [repr(at)]

    with capture_logs() as records:
        async with serve_provider(TwilioProvider()) as client:
            twilio.answer(*broken, Answer(close=True))
            told += [await client.deliver(at, a_part()) for _ in range(5)]
            twilio.answer(Answer(json=account), Answer(json=numbers), Answer(status=400, json=talkative))
            told += [await client.check(at)]
            twilio.answer(Answer(status=401, json=talkative))
            told += [await client.check(at)]
            told += [await client.receive(at, signed(b"garbage", token=token)) for token in ("x", AUTH_TOKEN)]

    # The scripted platform's own access log is the other side's, which knows what it was sent.
    logged = [record.__dict__ for record in caplog.records if record.name != "aiohttp.access"]
    everything = "\n".join([*map(repr, told), repr(records), repr(logged), *capfd.readouterr()])
    assert everything.count("Failure(") == 5
    assert [secret for secret in SECRETS if secret in everything] == []


async def test_parts_of_one_contact_go_in_order(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker
) -> None:
    twilio.answer(*[Answer(status=201, json={"sid": f"SM{index}", "status": "queued"}) for index in range(5)])

    sent = await client.deliver_all([(channel(), a_part(str(index))) for index in range(5)])

    bodies = [int(request.form["Body"]) for request in twilio.requests]
    assert all(before < after for before, after in pairwise(bodies))
    assert [it.platform_message_id for it in sent if isinstance(it, Sent)] == [f"SM{index}" for index in range(5)]
