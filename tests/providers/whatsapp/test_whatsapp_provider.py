"""The provider against a scripted Graph API: which requests it makes, and what it makes of the answers."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from anychannel import (
    Attachment,
    ChannelContext,
    ChannelMisconfigured,
    ContactUnreachable,
    DeliveryFailed,
    FailureKind,
    MediaKind,
    MediaNotFound,
    QuickReplies,
    Sent,
    Template,
    Unauthorized,
)
from anychannel.testing import Answer, ScriptedPlatform, a_part
from providers.whatsapp import WhatsappProvider

ChannelMaker = Callable[..., ChannelContext]

NUMBER_ID, WABA_ID, APP_ID = "106540352242922", "102290129340398", "670843887433847"
HERE = "https://gateway.example/w/whatsapp-1/unguessable"
WAMID = "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA"
TO = "16505551234"
DONE = Answer(json={"success": True})


def took(message_id: str = WAMID, **message: str) -> Answer:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages."""
    contacts = [{"input": TO, "wa_id": TO}]
    return Answer(
        json={"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": message_id, **message}]}
    )


def refused(code: int, *, status: int = 400, headers: dict[str, str] | None = None, **fields: object) -> Answer:
    error = {"message": f"(#{code}) A title", "type": "OAuthException", "code": code, "fbtrace_id": "Az8", **fields}
    return Answer(status=status, json={"error": error}, headers=headers or {})


def made(graph: ScriptedPlatform) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in graph.requests]


async def test_a_text_is_one_call(graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker) -> None:
    graph.answer(took())

    sent = await provider.send(channel(), a_part("Grüße 👋", address=TO, idempotency_key="msg_1.0"))

    assert sent == Sent(platform_message_id=WAMID)
    (request,) = graph.requests
    assert (request.method, request.path) == ("POST", f"/v26.0/{NUMBER_ID}/messages")
    assert request.headers["authorization"] == "Bearer EAAJBzZC4tokenOfTheSystemUser"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "anychannel"
    assert request.query == {}
    assert request.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": TO,
        "biz_opaque_callback_data": "msg_1.0",
        "type": "text",
        "text": {"preview_url": False, "body": "Grüße 👋"},
    }


async def test_settings_decide_on_the_look(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(took(), took())
    settings = {"link_previews": "yes", "list_label": "Auswahl", "graph_version": "v25.0"}

    await provider.send(channel(**settings), a_part("https://a.example", address=TO))
    await provider.send(channel(**settings), a_part(QuickReplies(text="Na?", replies=tuple("ABCD")), address=TO))

    text, question = graph.requests
    assert (text.path, text.json["text"]["preview_url"]) == (f"/v25.0/{NUMBER_ID}/messages", True)
    assert question.json["interactive"]["action"]["button"] == "Auswahl"


async def test_the_caption_of_audio_follows(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(took("wamid.audio"), took("wamid.caption"))
    audio = Attachment(kind=MediaKind.AUDIO, url="https://media.example/a.mp3", caption="Hör mal")

    sent = await provider.send(channel(), a_part(audio, address=TO))

    assert [request.json["type"] for request in graph.requests] == ["audio", "text"]
    assert (sent.platform_message_id, [note.code for note in sent.notes]) == ("wamid.audio", ["caption_separated"])


async def test_audio_is_sent_once_even_when_its_caption_fails(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(took("wamid.audio"), refused(131056))
    audio = Attachment(kind=MediaKind.AUDIO, url="https://media.example/a.mp3", caption="Hör mal")

    sent = await provider.send(channel(), a_part(audio, address=TO))

    assert (sent.platform_message_id, [note.code for note in sent.notes]) == ("wamid.audio", ["caption_lost"])


async def test_no_caption_follows_audio_that_failed(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(refused(131053))
    audio = Attachment(kind=MediaKind.AUDIO, url="https://media.example/a.mp3", caption="Hör mal")

    with pytest.raises(DeliveryFailed):
        await provider.send(channel(), a_part(audio, address=TO))

    assert len(graph.requests) == 1


@pytest.mark.parametrize(
    ("status", "codes"), [("accepted", []), ("held_for_quality_assessment", ["held"]), ("paused", ["held"])]
)
async def test_a_template_that_whatsapp_holds_back_is_noted(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker, status: str, codes: list[str]
) -> None:
    graph.answer(took(message_status=status))

    sent = await provider.send(channel(), a_part(Template(name="hello_world", language="en_US"), address=TO))

    assert [note.code for note in sent.notes] == codes


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(refused(131047), FailureKind.WINDOW_CLOSED, id="window closed"),
        pytest.param(refused(131026), FailureKind.CONTACT_UNREACHABLE, id="not on WhatsApp"),
        pytest.param(refused(132001, status=404), FailureKind.CONTENT_REJECTED, id="no such template"),
        pytest.param(refused(190, status=401), FailureKind.UNAUTHORIZED, id="expired token"),
        pytest.param(refused(100, error_subcode=33), FailureKind.CHANNEL_MISCONFIGURED, id="no such number"),
        pytest.param(refused(131031, status=403), FailureKind.CHANNEL_MISCONFIGURED, id="locked account"),
        pytest.param(refused(131000, status=500), FailureKind.PLATFORM_UNAVAILABLE, id="something went wrong"),
        pytest.param(
            Answer(json={"error": {"code": 131047}}), FailureKind.WINDOW_CLOSED, id="an error that is called a success"
        ),
        pytest.param(Answer(status=502, body=b"<html>"), FailureKind.PLATFORM_UNAVAILABLE, id="a proxy's page"),
        pytest.param(Answer(body=b"{"), FailureKind.PLATFORM_UNAVAILABLE, id="broken JSON"),
        pytest.param(Answer(json={"messages": []}), FailureKind.PLATFORM_UNAVAILABLE, id="no message"),
        pytest.param(Answer(json={"messages": [{}]}), FailureKind.PLATFORM_UNAVAILABLE, id="no id"),
        pytest.param(Answer(close=True), FailureKind.PLATFORM_UNAVAILABLE, id="connection lost"),
        pytest.param(
            Answer(status=307, headers={"location": "/elsewhere"}), FailureKind.PLATFORM_UNAVAILABLE, id="redirect"
        ),
    ],
)
async def test_a_refusal_is_a_failure(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker, answer: Answer, kind: FailureKind
) -> None:
    graph.answer(answer)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address=TO))

    assert raised.value.failure.kind is kind
    # Neither a lost connection nor a redirect is tried again by ourselves: it might send twice.
    assert len(graph.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "34"}, 34),
        (
            {
                "x-business-use-case-usage": '{"102290129340398":[{"type":"whatsapp","call_count":100,'
                '"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":19}]}'
            },
            19 * 60,
        ),
    ],
)
async def test_a_rate_limit_carries_its_wait(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker, headers: dict[str, str], seconds: int
) -> None:
    graph.answer(refused(80007, headers=headers))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address=TO))

    failure = raised.value.failure
    assert (failure.kind, failure.retry_after) == (FailureKind.THROTTLED, timedelta(seconds=seconds))


async def test_an_unreachable_server_is_unavailable(provider: WhatsappProvider, channel: ChannelMaker) -> None:
    async with ScriptedPlatform() as gone:
        address = gone.url

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(api_base=address), a_part("hi", address=TO))

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE


async def test_silence_is_unavailable(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.whatsapp.api._CALL_SECONDS", 0.05)
    never = asyncio.Event()
    graph.answer(Answer(json={}, wait_for=never))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.send(channel(), a_part("hi", address=TO))
    never.set()

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE


@pytest.mark.parametrize(
    ("setting", "values", "raised"),
    [
        ("access_token", ["", "two words", "line\nend", "tökén"], Unauthorized),
        ("phone_number_id", ["", "+1 555", "../me", "1\n"], ChannelMisconfigured),
        ("graph_version", ["latest", "v26.0/../..", "26.0"], ChannelMisconfigured),
        ("api_base", ["ftp://a.example", "a.example", "http://", "http://[", "https://a:b"], ChannelMisconfigured),
    ],
)
async def test_settings_that_name_no_account_make_no_request(
    graph: ScriptedPlatform,
    provider: WhatsappProvider,
    channel: ChannelMaker,
    setting: str,
    values: list[str],
    raised: type[Exception],
) -> None:
    for value in values:
        with pytest.raises(raised):
            await provider.send(channel(**{setting: value}), a_part("hi", address=TO))
    assert graph.requests == []


async def test_an_address_that_is_none_makes_no_request(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    with pytest.raises(ContactUnreachable):
        await provider.send(channel(), a_part("hi", address="Ada"))

    assert graph.requests == []


def a_number(**fields: Any) -> Answer:
    return Answer(
        json={
            "display_phone_number": "+1 555-078-3881",
            "verified_name": "Lucky Shrub",
            "status": "CONNECTED",
            "quality_rating": "GREEN",
            "whatsapp_business_manager_messaging_limit": "TIER_250",
            "webhook_configuration": {"application": "https://my-production-callback.com/webhook"},
            "id": NUMBER_ID,
            **fields,
        }
    )


AT_HOME = {"phone_number": HERE, "application": "https://my-production-callback.com/webhook"}
APP = Answer(json={"id": APP_ID, "name": "Lucky Shrub"})
SUBSCRIBED = Answer(json={"data": [{"whatsapp_business_api_data": {"id": APP_ID, "name": "Lucky Shrub"}}]})


async def test_a_check_finds_all_well(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(a_number(webhook_configuration=AT_HOME), APP, SUBSCRIBED)

    result = await provider.check(channel(waba_id=WABA_ID))

    assert result.problems == ()
    assert result.details == {
        "phone_number": "+1 555-078-3881",
        "verified_name": "Lucky Shrub",
        "number_status": "CONNECTED",
        "quality": "GREEN",
        "messaging_limit": "TIER_250",
        "subscription": "the app is subscribed to the account's webhooks",
    }
    assert made(graph) == [
        ("GET", f"/v26.0/{NUMBER_ID}"),
        ("GET", "/v26.0/app"),
        ("GET", f"/v26.0/{WABA_ID}/subscribed_apps"),
    ]
    assert graph.requests[0].query == {
        "fields": "display_phone_number,verified_name,status,quality_rating,"
        "whatsapp_business_manager_messaging_limit,webhook_configuration"
    }


async def test_a_check_registers_the_webhook_and_subscribes_the_app(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(a_number(), APP, Answer(json={"data": []}), DONE, DONE)

    result = await provider.check(channel(waba_id=WABA_ID))

    assert result.problems == ()
    assert result.details["subscription"] == "the app has been subscribed to the account's webhooks"
    assert made(graph)[3:] == [("POST", f"/v26.0/{WABA_ID}/subscribed_apps"), ("POST", f"/v26.0/{NUMBER_ID}")]
    # A body would set, and none at all removes, the account's own address.
    assert graph.requests[3].json == {}
    assert graph.requests[4].json == {
        "webhook_configuration": {"override_callback_uri": HERE, "verify_token": "vibecoding-but-longer"}
    }


async def test_a_check_without_the_app_believes_any_subscription(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(a_number(webhook_configuration=AT_HOME), refused(100), SUBSCRIBED)

    result = await provider.check(channel(waba_id=WABA_ID))

    assert (result.problems, len(graph.requests)) == ((), 3)


async def test_a_check_leaves_the_webhook_alone_when_told_to(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(a_number())

    result = await provider.check(channel(register_webhook="no"))

    assert [problem.code for problem in result.problems] == ["webhook_elsewhere"]
    assert made(graph) == [("GET", f"/v26.0/{NUMBER_ID}")]
    assert "waba_id" in result.details["subscription"]


@pytest.mark.parametrize(
    ("settings", "answers", "codes"),
    [
        pytest.param({}, [refused(190, status=401)], ["unauthorized"], id="expired token"),
        pytest.param({}, [refused(100, error_subcode=33)], ["channel_misconfigured"], id="no such number"),
        pytest.param({"access_token": ""}, [], ["unauthorized"], id="no token"),
        pytest.param({"webhook_url": ""}, [a_number()], ["no_public_address"], id="no public address"),
        pytest.param(
            {"webhook_url": "http://127.0.0.1/w"}, [a_number()], ["webhook_not_https"], id="an address Meta refuses"
        ),
        # https://github.com/chatwoot/chatwoot/issues/14738
        pytest.param({}, [a_number(), refused(2200)], ["channel_misconfigured"], id="a webhook nothing reaches"),
        pytest.param(
            {"waba_id": WABA_ID},
            [a_number(quality_rating="RED"), APP, refused(200, status=403)],
            ["quality_low", "unauthorized"],
            id="low quality, and no permission for the account",
        ),
    ],
)
async def test_a_check_tells_what_is_wrong(
    graph: ScriptedPlatform,
    provider: WhatsappProvider,
    channel: ChannelMaker,
    settings: dict[str, str],
    answers: list[Answer],
    codes: list[str],
) -> None:
    graph.answer(*answers)

    result = await provider.check(channel(**settings))

    assert [problem.code for problem in result.problems] == codes


async def test_a_check_of_a_platform_that_is_down_knows_nothing(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(refused(2, status=503))

    with pytest.raises(DeliveryFailed) as raised:
        await provider.check(channel())

    assert raised.value.failure.kind is FailureKind.PLATFORM_UNAVAILABLE


MEDIA_ID = "1003383421387256"


def an_asset(graph: ScriptedPlatform, **fields: Any) -> Answer:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#get-media-url."""
    return Answer(
        json={
            "messaging_product": "whatsapp",
            "url": f"{graph.url}/whatsapp_business/attachments/?mid=133&hash=a%2Bb",
            "mime_type": "image/jpeg",
            "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
            "file_size": "512000",
            "id": MEDIA_ID,
            **fields,
        }
    )


async def test_media_is_streamed(graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker) -> None:
    data = bytes(range(256)) * 2_000
    graph.answer(an_asset(graph), Answer(body=data))

    media = await provider.fetch_media(channel(), MEDIA_ID)
    received = b"".join([chunk async for chunk in media.chunks])

    assert (received, media.mime_type, media.size_bytes) == (data, "image/jpeg", 512_000)
    asked, downloaded = graph.requests
    assert (asked.path, asked.query) == (f"/v26.0/{MEDIA_ID}", {"phone_number_id": NUMBER_ID})
    assert (downloaded.path, downloaded.query) == (
        "/whatsapp_business/attachments/",
        {"mid": "133", "hash": "a+b"},
    )
    assert downloaded.headers["authorization"] == "Bearer EAAJBzZC4tokenOfTheSystemUser"


async def test_media_of_unknown_size_and_type(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(an_asset(graph, mime_type=None, file_size=None), Answer(body=b"x"))

    media = await provider.fetch_media(channel(), MEDIA_ID)

    assert ([chunk async for chunk in media.chunks], media.mime_type, media.size_bytes) == (
        [b"x"],
        "application/octet-stream",
        0,
    )


async def test_media_that_nobody_reads_gives_its_connection_back(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(an_asset(graph), Answer(body=b"x" * 1_000_000))

    media = await provider.fetch_media(channel(), MEDIA_ID)
    await media.chunks.aclose()  # type: ignore[attr-defined]  # what the SDK does with every stream that can be closed

    assert media.chunks._response.closed  # type: ignore[attr-defined]  # nothing else shows it


@pytest.mark.parametrize("media_id", ["", "../me", "a/b"])
async def test_what_is_no_media_id_makes_no_request(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker, media_id: str
) -> None:
    with pytest.raises(MediaNotFound):
        await provider.fetch_media(channel(), media_id)

    assert graph.requests == []


async def test_media_that_is_gone_is_not_found(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    graph.answer(refused(100, error_subcode=33), an_asset(graph), Answer(status=404))

    for _ in range(2):
        with pytest.raises(MediaNotFound):
            await provider.fetch_media(channel(), MEDIA_ID)


async def test_the_token_is_shown_to_nobody_but_meta(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker
) -> None:
    async with ScriptedPlatform() as stranger:
        graph.answer(
            an_asset(graph, url=f"{stranger.url}/a"),
            an_asset(graph),
            Answer(status=302, headers={"location": f"{stranger.url}/a"}),
        )

        for _ in range(2):
            with pytest.raises(DeliveryFailed):
                await provider.fetch_media(channel(), MEDIA_ID)

        assert stranger.requests == []


@pytest.mark.parametrize(
    ("download", "kind"),
    [
        pytest.param(Answer(status=401), FailureKind.UNAUTHORIZED, id="refused"),
        pytest.param(Answer(status=503), FailureKind.PLATFORM_UNAVAILABLE, id="down"),
    ],
)
async def test_media_that_cannot_be_read_now_is_a_failure(
    graph: ScriptedPlatform, provider: WhatsappProvider, channel: ChannelMaker, download: Answer, kind: FailureKind
) -> None:
    graph.answer(an_asset(graph), download)

    with pytest.raises(DeliveryFailed) as raised:
        await provider.fetch_media(channel(), MEDIA_ID)

    assert raised.value.failure.kind is kind
