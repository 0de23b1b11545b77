"""Client and server agree on keepalive, and a message of 15 MiB goes through."""

import json

import pytest

from anychannel import ContentRejected
from anychannel._options import MAX_MESSAGE_BYTES, client_options, server_options
from anychannel.failures import Failure
from anychannel.testing import CallFailed, a_channel, a_part, serve_provider
from tests.anychannel.scripted_provider import Scripted, raising


def test_a_client_pings_no_more_often_than_a_server_allows() -> None:
    client, server = dict(client_options()), dict(server_options())

    assert client["grpc.keepalive_time_ms"] >= server["grpc.http2.min_ping_interval_without_data_ms"]
    assert client["grpc.keepalive_permit_without_calls"] <= server["grpc.keepalive_permit_without_calls"]


def test_calls_go_round_all_replicas_that_serve() -> None:
    plain = json.loads(dict(client_options())["grpc.service_config"])
    checked = json.loads(dict(client_options(health_service="a.B"))["grpc.service_config"])

    assert plain == {"loadBalancingConfig": [{"round_robin": {}}]}
    assert checked["healthCheckConfig"] == {"serviceName": "a.B"}


async def test_a_large_message_goes_through_both_ways() -> None:
    text = "x" * (MAX_MESSAGE_BYTES - 1024 * 1024)
    async with serve_provider(Scripted(send=raising(ContentRejected(text)))) as client:
        outcome = await client.deliver(a_channel(), a_part(text))

    assert isinstance(outcome, Failure)
    assert len(outcome.text) == len(text)


async def test_a_message_that_is_too_large_is_refused_by_a_status() -> None:
    async with serve_provider(Scripted()) as client:
        with pytest.raises(CallFailed) as failed:
            await client.deliver(a_channel(), a_part("x" * (MAX_MESSAGE_BYTES + 1)))

    assert failed.value.code == "RESOURCE_EXHAUSTED"
