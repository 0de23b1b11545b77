"""What the contract marks as secret is never printed; what is known to be secret is found in any spelling."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from anychannel._redact import REDACTED, proto_text, scrub, secrets_of
from anychannel.v1 import channel_pb2, gateway_pb2, ingress_pb2, message_pb2, provider_pb2

HIDDEN = "hide-this-value"
CONTEXT = provider_pb2.ChannelContext(
    channel_id="shop", settings={"bot_token": HIDDEN}, webhook_url=f"https://a/{HIDDEN}"
)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param(
            CONTEXT, "ChannelContext(channel_id: 'shop', settings: •••, webhook_url: •••)", id="map and string"
        ),
        pytest.param(
            provider_pb2.CheckChannelRequest(channel=CONTEXT),
            "CheckChannelRequest(channel: ChannelContext(channel_id: 'shop', settings: •••, webhook_url: •••))",
            id="nested",
        ),
        pytest.param(
            provider_pb2.DeliverRequest(channels=[CONTEXT]),
            "DeliverRequest(channels: [ChannelContext(channel_id: 'shop', settings: •••, webhook_url: •••)])",
            id="repeated",
        ),
        pytest.param(
            provider_pb2.HttpRequest(
                method="GET", body=HIDDEN.encode(), headers=[provider_pb2.HttpHeader(value=HIDDEN)]
            ),
            "HttpRequest(method: 'GET', headers: •••, body: •••)",
            id="bytes and repeated messages",
        ),
        pytest.param(
            provider_pb2.CheckChannelResponse(details={"b": "2", "a": "1"}),
            "CheckChannelResponse(details: {a: '1', b: '2'})",
            id="a public map",
        ),
        pytest.param(
            message_pb2.Failure(kind=message_pb2.FAILURE_KIND_THROTTLED, text="no\nnewline"),
            "Failure(kind: FAILURE_KIND_THROTTLED, text: 'no\\nnewline')",
            id="enum, on one line",
        ),
        pytest.param(
            channel_pb2.Capabilities(max_text_length=3, reports=[message_pb2.STATUS_READ], locations=True),
            "Capabilities(max_text_length: 3, locations: True, reports: [STATUS_READ])",
            id="repeated enum",
        ),
        pytest.param(gateway_pb2.DeleteChannelResponse(), "DeleteChannelResponse()", id="empty"),
    ],
)
def test_a_message_is_one_line_without_secrets(message: Message, text: str) -> None:
    assert proto_text(message) == text


def test_an_unknown_enum_number_is_printed_as_it_is() -> None:
    future: Any = 99

    assert proto_text(message_pb2.Failure(kind=future)) == "Failure(kind: 99)"


def _fill(message: Any) -> None:
    """Set every text, at any depth, to a value that says whether it is to be hidden; of a oneof the last case stays."""
    for field in message.DESCRIPTOR.fields:
        value = "HIDDEN" if field.GetOptions().debug_redact else "shown"
        if field.message_type is None:
            if field.cpp_type == field.CPPTYPE_STRING:
                sent = value.encode() if field.type == field.TYPE_BYTES else value
                if field.is_repeated:
                    getattr(message, field.name).append(sent)
                else:
                    setattr(message, field.name, sent)
        elif field.message_type.GetOptions().map_entry:
            getattr(message, field.name)[value] = value
        elif not field.message_type.full_name.startswith("google."):
            _fill(getattr(message, field.name).add() if field.is_repeated else getattr(message, field.name))


def _names(messages: Any) -> Iterator[str]:
    for message in messages:
        yield message.full_name
        yield from _names(kind for kind in message.nested_types if not kind.GetOptions().map_entry)


MESSAGES = sorted(
    name
    for file in (channel_pb2, gateway_pb2, ingress_pb2, provider_pb2)
    for name in _names(file.DESCRIPTOR.message_types_by_name.values())
)


@pytest.mark.parametrize("name", MESSAGES)
def test_no_marked_field_of_any_message_is_printed(name: str) -> None:
    message = GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))()
    _fill(message)

    assert "HIDDEN" not in proto_text(message)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a p@ss/w+rd b", id="plain"),
        pytest.param("a p%40ss%2Fw%2Brd b", id="percent-encoded"),
        pytest.param("a p%40ss/w%2Brd b", id="percent-encoded in a path"),
    ],
)
def test_a_secret_is_found_in_any_spelling(text: str) -> None:
    assert scrub(text, ["p@ss/w+rd"]) == f"a {REDACTED} b"


def test_a_secret_with_a_space_is_found_percent_encoded() -> None:
    assert scrub("p%40ss%20w%2Frd p%40ss+w%2Frd", ["p@ss w/rd"]) == f"{REDACTED} {REDACTED}"


def test_escaped_secrets_are_found() -> None:
    secret = 'quote"and\\backslash\nnewline'

    assert scrub(repr(secret), [secret]) == f"'{REDACTED}'"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    assert scrub("token-and-more", ["token", "token-and-more"]) == REDACTED


def test_what_is_too_short_to_be_a_secret_tears_no_holes() -> None:
    assert scrub("a message", ["", "a", "mes"]) == "a message"


@given(st.text(), st.text(min_size=4).filter(lambda secret: secret not in REDACTED), st.text())
def test_no_secret_is_left(before: str, secret: str, after: str) -> None:
    found = scrub(f"{before} {secret} {after}", [secret])

    assert not any(secret in piece for piece in found.split(REDACTED))


def test_all_but_public_settings_are_secret() -> None:
    assert secrets_of({"token": "t-1234", "region": "eu", "undeclared": "u"}, ["region"]) == ("t-1234", "u")
