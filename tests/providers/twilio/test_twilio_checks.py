"""What a check of a channel finds and mends, with a scripted Twilio behind it.

The answers are those of https://github.com/twilio/twilio-oai/tree/d50069b44ea8/spec/json (api_v2010, messaging_v1 and
messaging_v2), as far as anything is read of them.
"""

from collections.abc import Callable
from typing import Any

import pytest

from anychannel import ChannelContext
from anychannel.testing import Answer, CallFailed, ProviderClient, RecordedRequest, ScriptedPlatform
from providers.twilio.checks import account_details, account_problems, read_receiver
from providers.twilio.sender import Sender

ChannelMaker = Callable[..., ChannelContext]

ACCOUNT_SID = "AC" + "a" * 32
NUMBER_SID = "PN" + "b" * 32
SERVICE_SID = "MG" + "c" * 32
SENDER_SID = "XE" + "d" * 32
URL = "https://gateway.example/webhooks/channel-1/webhook-token"
ACCOUNT = {
    "sid": ACCOUNT_SID,
    "auth_token": "auth-token-of-the-answer",
    "friendly_name": "Acme",
    "status": "active",
    "type": "Full",
}
NUMBER = {
    "sid": NUMBER_SID,
    "phone_number": "+14155550100",
    "friendly_name": "(415) 555-0100",
    "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
    "sms_application_sid": "",
    "sms_method": "POST",
    "sms_url": "",
}
SERVICE = {
    "sid": SERVICE_SID,
    "friendly_name": "My Service!",
    "inbound_request_url": "https://www.example.com/",
    "use_inbound_webhook_on_number": False,
}
WHATSAPP = {
    "sid": SENDER_SID,
    "status": "ONLINE",
    "sender_id": "whatsapp:+14155550100",
    "webhook": {"callback_url": None, "callback_method": None, "status_callback_url": "https://old.example/s"},
    "profile": {"name": "Acme"},
}
ACCOUNT_DETAILS = {"account": "Acme", "account_status": "active", "account_type": "Full"}


def numbers(**changes: Any) -> Answer:
    return Answer(json={"incoming_phone_numbers": [{**NUMBER, **changes}]})


def service(**changes: Any) -> Answer:
    return Answer(json={**SERVICE, **changes})


def senders(**changes: Any) -> Answer:
    return Answer(json={"senders": [{"sender_id": "whatsapp:+1"}, {**WHATSAPP, **changes}], "meta": {}})


async def test_a_number(client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker) -> None:
    twilio.answer(Answer(json=ACCOUNT), numbers(), Answer(json=NUMBER))

    result = await client.check(channel())

    assert result.problems == ()
    assert dict(result.details) == {**ACCOUNT_DETAILS, "sender": "(415) 555-0100", "inbound_webhook": "set"}
    _, lookup, update = twilio.requests
    assert (lookup.method, lookup.path, dict(lookup.query)) == (
        "GET",
        f"/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json",
        {"PhoneNumber": "+14155550100"},
    )
    assert (update.method, update.path, update.form) == (
        "POST",
        f"/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers/{NUMBER_SID}.json",
        {"SmsUrl": f"{URL}#rc=2&rp=all", "SmsMethod": "POST"},
    )


@pytest.mark.parametrize("sender", [SERVICE_SID, f"whatsapp:{SERVICE_SID}"])
async def test_a_messaging_service(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, sender: str
) -> None:
    twilio.answer(Answer(json=ACCOUNT), service(), Answer(json=SERVICE))

    result = await client.check(channel(sender=sender))

    assert result.problems == ()
    assert dict(result.details) == {**ACCOUNT_DETAILS, "sender": "My Service!", "inbound_webhook": "set"}
    _, lookup, update = twilio.requests
    assert (lookup.method, lookup.path) == ("GET", f"/v1/Services/{SERVICE_SID}")
    assert (update.method, update.path, update.form) == (
        "POST",
        f"/v1/Services/{SERVICE_SID}",
        {"InboundRequestUrl": f"{URL}#rc=2&rp=all", "InboundMethod": "POST"},
    )


async def test_a_whatsapp_sender(client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker) -> None:
    twilio.answer(Answer(json=ACCOUNT), senders(), Answer(status=202, json=WHATSAPP))

    result = await client.check(channel(sender="whatsapp:+14155550100"))

    assert result.problems == ()
    assert dict(result.details) == {
        **ACCOUNT_DETAILS,
        "sender": "Acme",
        "sender_status": "ONLINE",
        "inbound_webhook": "set",
    }
    _, lookup, update = twilio.requests
    assert (lookup.path, dict(lookup.query)) == ("/v2/Channels/Senders", {"Channel": "whatsapp", "PageSize": "1000"})
    assert (update.method, update.path, update.json) == (
        "POST",
        f"/v2/Channels/Senders/{SENDER_SID}",
        {
            "webhook": {
                "callback_url": f"{URL}#rc=2&rp=all",
                "callback_method": "POST",
                "status_callback_url": "https://old.example/s",
            }
        },
    )


@pytest.mark.parametrize(
    ("sender", "answer"),
    [
        ("+14155550100", numbers(sms_url=URL)),
        ("+14155550100", numbers(sms_url=f"{URL}#rc=5")),
        (SERVICE_SID, service(inbound_request_url=f"{URL}#rc=2&rp=all")),
        ("whatsapp:+14155550100", senders(webhook={"callback_url": URL})),
    ],
)
async def test_what_is_in_place_is_kept(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, sender: str, answer: Answer
) -> None:
    twilio.answer(Answer(json=ACCOUNT), answer)

    result = await client.check(channel(sender=sender))

    assert (result.problems, result.details["inbound_webhook"]) == ((), "in place")


async def test_a_second_check_changes_nothing(client: ProviderClient, channel: ChannelMaker) -> None:
    number = dict(NUMBER)

    def answer(request: RecordedRequest) -> Answer:
        if request.method == "POST":
            number["sms_url"] = request.form["SmsUrl"]
            return Answer(json=number)
        is_lookup = request.path.endswith("IncomingPhoneNumbers.json")
        return Answer(json={"incoming_phone_numbers": [number]} if is_lookup else ACCOUNT)

    async with ScriptedPlatform(answer) as platform:
        results = [await client.check(channel(api_base=platform.url)) for _ in range(2)]

    assert [result.details["inbound_webhook"] for result in results] == ["set", "in place"]


@pytest.mark.parametrize(
    ("sender", "answers", "codes"),
    [
        pytest.param("+14155550100", [Answer(json={"incoming_phone_numbers": []})], ["sender_unknown"], id="no number"),
        pytest.param("+14155550100", [numbers(phone_number="+1415555010")], ["sender_unknown"], id="another number"),
        pytest.param("whatsapp:+14155550199", [senders()], ["sender_unknown"], id="no WhatsApp sender"),
        pytest.param(
            SERVICE_SID,
            [Answer(status=404, json={"code": 20404, "message": "-", "status": 404})],
            ["channel_misconfigured"],
            id="no service",
        ),
        pytest.param(
            "+14155550100",
            [numbers(sms_url=URL, capabilities={"sms": False, "mms": False})],
            ["sender_without_sms"],
            id="number without SMS",
        ),
        pytest.param(
            "+14155550100",
            [numbers(sms_url=URL, capabilities={"sms": True, "mms": False})],
            ["sender_without_mms"],
            id="number without MMS",
        ),
        pytest.param(
            "+14155550100",
            [numbers(sms_url=URL, sms_application_sid="AP1")],
            ["sender_has_application"],
            id="number of an application",
        ),
        pytest.param(
            SERVICE_SID,
            [service(inbound_request_url=URL, use_inbound_webhook_on_number=True)],
            ["service_defers_to_numbers"],
            id="service that defers",
        ),
        pytest.param(
            "whatsapp:+14155550100",
            [senders(status="OFFLINE", webhook={"callback_url": URL})],
            ["sender_offline"],
            id="sender offline",
        ),
        pytest.param(
            "+14155550100",
            [numbers(), Answer(status=401, json={"code": 20003, "message": "-", "status": 401})],
            ["webhook_not_set"],
            id="key that may not",
        ),
    ],
)
async def test_problems(
    client: ProviderClient,
    twilio: ScriptedPlatform,
    channel: ChannelMaker,
    sender: str,
    answers: list[Answer],
    codes: list[str],
) -> None:
    twilio.answer(Answer(json=ACCOUNT), *answers)

    result = await client.check(channel(sender=sender))

    assert [problem.code for problem in result.problems] == codes
    assert all(problem.text.endswith(".") for problem in result.problems)


async def test_a_number_without_mms_is_no_problem_where_links_go(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker
) -> None:
    twilio.answer(Answer(json=ACCOUNT), numbers(sms_url=URL, capabilities={"sms": True, "mms": False}))

    assert (await client.check(channel(attachments="linked"))).problems == ()


async def test_a_suspended_account(client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker) -> None:
    twilio.answer(Answer(json=ACCOUNT | {"status": "suspended"}), numbers(sms_url=URL))

    assert [problem.code for problem in (await client.check(channel())).problems] == ["account_not_active"]


async def test_wrong_credentials(client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker) -> None:
    twilio.answer(Answer(status=401, json={"code": 20003, "message": "Authenticate", "status": 401}))

    assert [problem.code for problem in (await client.check(channel())).problems] == ["unauthorized"]


@pytest.mark.parametrize(
    ("webhook_url", "code"),
    [
        ("", "no_public_address"),
        ("http://gateway.example/w/1", "no_public_address"),
        ("https://my_gateway.example/w/1", "public_address_refused"),
    ],
)
async def test_addresses_that_twilio_does_not_call(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, webhook_url: str, code: str
) -> None:
    twilio.answer(Answer(json=ACCOUNT), numbers())

    result = await client.check(channel(webhook_url=webhook_url))

    assert [problem.code for problem in result.problems] == [code]
    assert result.details["sender"] == "(415) 555-0100"


@pytest.mark.parametrize("sender", ["12345", "Acme"])
async def test_senders_that_cannot_be_looked_up(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, sender: str
) -> None:
    twilio.answer(Answer(json=ACCOUNT))

    result = await client.check(channel(sender=sender))

    assert result.problems == ()
    assert result.details["inbound_webhook"].startswith("to be entered")


async def test_only_the_account_is_asked_for_with_the_auth_token(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker
) -> None:
    twilio.answer(Answer(json=ACCOUNT), numbers(), Answer(json=NUMBER))

    await client.check(channel(api_key_sid="SK" + "e" * 32, api_key_secret="key-secret"))

    account, lookup, update = (request.headers["authorization"] for request in twilio.requests)
    assert account != lookup
    assert lookup == update


@pytest.mark.parametrize("answers_before", [0, 1, 2])
async def test_a_check_while_twilio_is_down(
    client: ProviderClient, twilio: ScriptedPlatform, channel: ChannelMaker, answers_before: int
) -> None:
    twilio.answer(*[Answer(json=ACCOUNT), numbers()][:answers_before], Answer(status=503))

    with pytest.raises(CallFailed) as failed:
        await client.check(channel())

    assert failed.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("sender", ["+14155550100", SERVICE_SID, "whatsapp:+14155550100"])
@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"incoming_phone_numbers": [None, 1, {"sid": 1}], "senders": ["x", {"sid": "XE"}], "sid": 1},
        {"incoming_phone_numbers": {}, "senders": {}, "sid": None},
    ],
)
def test_no_answer_raises(sender: str, answer: Any) -> None:
    assert read_receiver(ACCOUNT_SID, Sender.of(sender), answer, sends_links=False) is None
    assert (account_problems(answer), account_details(answer)) == ((), {})


def test_answers_of_other_types_are_read_as_empty() -> None:
    number: dict[str, Any] = NUMBER | {
        "sms_url": 7,
        "capabilities": [],
        "friendly_name": None,
        "sms_application_sid": None,
    }
    whatsapp: dict[str, Any] = WHATSAPP | {"webhook": [], "profile": "x"}

    for sender, answer in (
        ("+14155550100", {"incoming_phone_numbers": [number]}),
        (SERVICE_SID, {"sid": SERVICE_SID}),
        ("whatsapp:+14155550100", {"senders": [whatsapp]}),
    ):
        receiver = read_receiver(ACCOUNT_SID, Sender.of(sender), answer, sends_links=False)
        assert receiver is not None
        assert (receiver.webhook_url, receiver.problems) == ("", ())
