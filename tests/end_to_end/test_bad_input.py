"""Whatever is wrong with a send, whoever wrote it is told what, and nothing breaks."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc
import orjson
import pytest
import pytest_asyncio

from anychannel._options import client_options
from anychannel.channel import IdType, Scope
from anychannel.client.errors import error_of_call
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc, message_pb2
from tests.end_to_end.opening import open_shop
from tests.end_to_end.product import ADMIN_KEY, REGISTRATION_TOKEN, Product
from tests.end_to_end.shop import ADA, Json, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIB = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(product: Product) -> AsyncIterator[Shop]:
    async with open_shop(product) as shop:
        yield shop
        assert await shop.ledger() == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def custom_shop(product: Product) -> AsyncIterator[Shop]:
    """A channel whose inbox has ids of its own."""
    async with open_shop(product, sandbox={"id_type": "custom"}, inbox={"id_type": IdType.CUSTOM}) as shop:
        yield shop


def with_message(message: object) -> Callable[[Shop], Json]:
    return lambda shop: {**shop.text(), "message": message}


def without(field: str) -> Callable[[Shop], Json]:
    return lambda shop: {name: value for name, value in shop.text().items() if name != field}


def having(**fields: object) -> Callable[[Shop], Json]:
    return lambda shop: {**shop.text(), **fields}


def raw(template: bytes) -> Callable[[Shop], bytes]:
    return lambda shop: template.replace(b"CHANNEL", shop.channel.inbox.inbox_channel_id.encode())


def attachment(**fields: object) -> Callable[[Shop], Json]:
    return with_message({"type": "attachment", "attachment": fields})


BODIES: list[tuple[str, Callable[[Shop], Json | bytes], int, str]] = [
    ("not JSON", raw(b"{]"), 400, "The request is not JSON."),
    ("empty", raw(b""), 400, "The request is not JSON."),
    ("no object", raw(b"[]"), 400, "The request is not a JSON object."),
    ("not UTF-8", raw(b'{"contactId": "\xff"}'), 400, "The request is not UTF-8."),
    ("UTF-16", lambda shop: orjson.dumps(shop.text()).decode().encode("utf-16"), 400, "The request is not UTF-8."),
    ("a name twice", raw(b'{"channelId":"CHANNEL","contactId":"+491","contactId":"+492"}'), 400, "contactId twice"),
    ("NaN", raw(b'{"channelId":"CHANNEL","contactId":NaN}'), 400, "NaN is not a JSON number."),
    ("Infinity", raw(b'{"channelId":"CHANNEL","contactId":-Infinity}'), 400, "-Infinity is not a JSON number."),
    ("a huge number", raw(b'{"channelId":"CHANNEL","contactId":1e999}'), 400, "contactId is too large a number."),
    ("1,000 levels", raw(b'{"a":' * 1_000 + b"1" + b"}" * 1_000), 400, "nested deeper than 32 levels"),
    ("100,000 lists", raw(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), 400, "nested deeper than 32 levels"),
    ("NUL", having(contactId="+49\0"), 400, "contactId holds a NUL"),
    ("half a surrogate", raw(b'{"channelId":"CHANNEL","contactId":"\\ud800"}'), 400, "contactId holds a NUL or half"),
    ("over 1 MiB", having(padding="x" * MIB), 413, "The request is too large: at most 1024 KiB are taken."),
    ("no contact", without("contactId"), 400, "contactId is missing."),
    ("contact null", having(contactId=None), 400, "contactId is missing."),
    ("contact no number", having(contactId="ada"), 400, "contactId is not a phone number in international form"),
    ("contact too long", having(contactId="+1234567890123456"), 400, "contactId is not a phone number"),
    ("contact a list", having(contactId=["+49"]), 400, "contactId is missing."),
    ("no message", without("message"), 400, "message is missing."),
    ("message a text", having(message="Hello"), 400, "message is not an object."),
    ("no type", with_message({"text": "Hi"}), 400, "message.type is missing"),
    ("unknown type", with_message({"type": "sticker"}), 400, 'message.type "sticker" is not known; this channel takes'),
    ("type a number", with_message({"type": 7}), 400, "message.type is missing"),
    ("no text", with_message({"type": "text"}), 400, "message.text is missing."),
    ("text a number", with_message({"type": "text", "text": 7}), 400, "message.text is not a text."),
    ("text blank", with_message({"type": "text", "text": " \n"}), 400, "message.text is empty."),
    (
        "text too long",
        with_message({"type": "text", "text": "x" * 100_001}),
        400,
        "message.text is longer than 100,000",
    ),
    ("no attachment", with_message({"type": "attachment"}), 400, "message.attachment is missing."),
    ("attachment of no kind", attachment(url="https://a.example/"), 400, "message.attachment.type is not one of"),
    ("attachment without url", attachment(type="image"), 400, "message.attachment.url is missing."),
    (
        "attachment at ftp",
        attachment(type="file", url="ftp://a.example/f"),
        400,
        "message.attachment.url is not an http",
    ),
    ("attachment script", attachment(type="file", url="javascript:alert(1)"), 400, "message.attachment.url is not an"),
    (
        "attachment data",
        attachment(type="image", url="data:image/png;base64,AA"),
        400,
        "message.attachment.url is not an",
    ),
    ("attachment with password", attachment(type="file", url="https://u:p@a.example/"), 400, "holds a user name"),
    ("location nowhere", with_message({"type": "location"}), 400, "message.latitude is not a number from -90 to 90."),
    (
        "location beyond",
        with_message({"type": "location", "latitude": 1, "longitude": 181}),
        400,
        "message.longitude is not a number from -180 to 180.",
    ),
    (
        "no replies",
        with_message({"type": "quick_reply", "title": "So?"}),
        400,
        "message.replies is not a list of 1 to 10",
    ),
    (
        "eleven replies",
        with_message({"type": "quick_reply", "title": "So?", "replies": ["x"] * 11}),
        400,
        "message.replies is not a list of 1 to 10",
    ),
    (
        "reply no text",
        with_message({"type": "quick_reply", "title": "?", "replies": [1]}),
        400,
        "message.replies[0] is not",
    ),
    (
        "payload no object",
        with_message({"type": "custom_payload", "payload": 1}),
        400,
        "message.payload is not an object.",
    ),
    (
        "payload that the platform does not take",
        with_message({"type": "custom_payload", "payload": {"a": 1}}),
        400,
        "message: The platform takes no custom payloads.",
    ),
    ("unknown channel", having(channelId="inbox-of-nobody"), 404, "no channel with the channelId inbox-of-nobody"),
]


@pytest.mark.parametrize(("body", "status", "words"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
async def test_a_body_that_is_wrong_is_answered_with_what_is_wrong(
    shop: Shop, body: Callable[[Shop], Json | bytes], status: int, words: str
) -> None:
    answer = await shop.post(body(shop))

    assert (answer.status, words in answer.error) == (status, True), answer.body


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        pytest.param({}, "The request carries no API token.", id="no token"),
        pytest.param({"Authorization": "Bearer wrong"}, "The token is not the channel's.", id="wrong token"),
        pytest.param(
            {"Authorization": "Bearer"}, "The authorization header with the channel's token", id="empty token"
        ),
        pytest.param({"Authorization": "Basic Og=="}, "The authorization header with the channel's token", id="basic"),
        pytest.param({"Authorization": f"Bearer {ADMIN_KEY}"}, "The token is not the channel's.", id="an API key"),
    ],
)
@pytest.mark.parametrize("path", ["/message", "/channels/ID/message"])
async def test_without_the_channels_token_nothing_is_sent(shop: Shop, path: str, headers: Json, words: str) -> None:
    answer = await shop.post(
        shop.text(), path=path.replace("ID", shop.channel_id), token="", headers={"Content-Type": "text/x", **headers}
    )

    assert (answer.status, words in answer.error) == (401, True), answer.body


async def test_an_address_may_name_the_channel_but_not_contradict_the_body(shop: Shop, custom_shop: Shop) -> None:
    path = f"/channels/{shop.channel_id}/message"

    contradicting = await shop.post(having(channelId="inbox-of-another")(shop), path=path)
    of_nobody = await shop.post(shop.text(), path="/channels/shop-nobody/message")
    of_another = await shop.post(shop.text(), path=f"/channels/{custom_shop.channel_id}/message")

    assert contradicting.status == 400
    assert contradicting.error == "channelId is inbox-of-another, but the address belongs to another channel."
    assert (of_nobody.status, of_nobody.error) == (404, "There is no channel shop-nobody here.")
    assert of_another.status == 401


@pytest.mark.parametrize("contact_id", ["Ada Brandt", "ä", "x" * 51, "a-b", "=h" + "0" * 40])
async def test_an_id_that_no_contact_of_the_inbox_can_have_is_refused(custom_shop: Shop, contact_id: str) -> None:
    answer = await custom_shop.post(custom_shop.text(to=contact_id))

    assert (answer.status, "contact" in answer.error) == (400, True), answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_another_method_is_not_allowed(shop: Shop, method: str) -> None:
    answer = await shop.call(
        method, f"{shop.product.edge_url}/message", headers={"Authorization": f"Bearer {shop.token}"}
    )

    assert answer.status == 405


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def messages(product: Product) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(product.core_address, options=client_options()) as connection:
        yield gateway_pb2_grpc.MessageServiceStub(connection)


def words(text: str) -> message_pb2.Content:
    return message_pb2.Content(text=message_pb2.Text(text=text))


def media(url: str) -> message_pb2.Content:
    return message_pb2.Content(attachment=message_pb2.Attachment(kind=message_pb2.MEDIA_KIND_FILE, url=url))


async def refused(
    messages: Any, shop: Shop, *, key: str = ADMIN_KEY, **fields: Any
) -> tuple[grpc.StatusCode, Sequence[str], str]:
    """By which status a send is refused, for which fields, and why."""
    values = {"channel_id": shop.channel_id, "address": ADA, "content": words("Hello"), **fields}
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await messages.SendMessage(gateway_pb2.SendMessageRequest(**values), metadata=metadata, timeout=5)
    error = error_of_call(raised.value, address="core")
    return error.code, [violation.field for violation in error.violations], error.reason


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        pytest.param({"address": ""}, "address", id="no address"),
        pytest.param({"address": "x" * 201}, "address", id="address too long"),
        pytest.param({"address": "ada"}, "address", id="address no phone number"),
        pytest.param({"content": None}, "content", id="no content"),
        pytest.param({"content": words("")}, "content.text.text", id="no text"),
        pytest.param({"content": words("\0")}, "content.text.text", id="NUL"),
        pytest.param({"content": words("x" * 100_001)}, "content.text.text", id="text too long"),
        pytest.param({"content": media("ftp://a.example/f")}, "content.attachment.url", id="ftp"),
        pytest.param({"content": media("javascript:alert(1)")}, "content.attachment.url", id="script"),
        pytest.param(
            {"content": message_pb2.Content(location=message_pb2.Location(latitude=91))},
            "content.location.latitude",
            id="latitude",
        ),
        pytest.param(
            {"content": message_pb2.Content(custom_payload=message_pb2.CustomPayload(json="["))},
            "content.custom_payload.json",
            id="payload not JSON",
        ),
        pytest.param(
            {"content": message_pb2.Content(template=message_pb2.Template(name="t", language="de"))},
            "content",
            id="template where there is none",
        ),
        pytest.param({"request_id": "x" * 101}, "request_id", id="request_id too long"),
    ],
)
async def test_a_service_is_told_the_field_that_is_wrong(
    shop: Shop, messages: Any, fields: Json, violation: str
) -> None:
    code, violations, reason = await refused(messages, shop, **fields)

    assert (code, violations) == (grpc.StatusCode.INVALID_ARGUMENT, [violation])
    assert reason in {"FIELD_INVALID", "NOT_SENDABLE"}


async def test_a_service_is_told_that_there_is_no_such_channel(shop: Shop, messages: Any) -> None:
    code, _, _ = await refused(messages, shop, channel_id="shop-nobody")

    assert code is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("key", ["", "key_unknown", REGISTRATION_TOKEN], ids=["none", "unknown", "registration"])
async def test_without_a_key_a_service_may_do_nothing(shop: Shop, messages: Any, key: str) -> None:
    code, _, reason = await refused(messages, shop, key=key)

    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_REFUSED")


async def test_a_key_does_only_what_it_is_for_and_nothing_once_it_is_revoked(shop: Shop, messages: Any) -> None:
    keys = shop.gateway.keys
    _, reader = await keys.create("reader", [Scope.READ])
    elsewhere, foreign = await keys.create("of another channel", [Scope.SEND], channel_ids=["shop-other"])

    assert await refused(messages, shop, key=reader) == (grpc.StatusCode.PERMISSION_DENIED, [], "SCOPE_MISSING")
    denied: tuple[grpc.StatusCode, list[str], str] = (grpc.StatusCode.PERMISSION_DENIED, [], "CHANNEL_NOT_ALLOWED")
    assert await refused(messages, shop, key=foreign) == denied
    await keys.revoke(elsewhere.key_id)
    code, _, _ = await refused(messages, shop, key=foreign)
    assert code is grpc.StatusCode.UNAUTHENTICATED
