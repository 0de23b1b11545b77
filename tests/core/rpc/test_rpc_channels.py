from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from anychannel.v1 import channel_pb2, gateway_pb2

Plane = Any  # the fixture's class lives in a conftest, which nothing can import


def _channel(channel_id: str = "shop", **changes: Any) -> channel_pb2.Channel:
    values: dict[str, Any] = {
        "channel_id": channel_id,
        "platform": "acme",
        "display_name": "Shop",
        "settings": {"bot_token": "bot-secret", "region": "eu"},
        "inbox": channel_pb2.InboxBinding(
            webhook_url="https://inbox.example/hook/", inbox_channel_id=f"inbox-{channel_id}", token="api-secret"
        ),
    }
    return channel_pb2.Channel(**values | changes)


async def _create(plane: Plane, channel: channel_pb2.Channel, key: str | None = None) -> channel_pb2.Channel:
    metadata = plane.key() if key is None else plane.key(key)
    request = gateway_pb2.CreateChannelRequest(channel=channel)
    response = await plane.channels.CreateChannel(request, metadata=metadata)
    created: channel_pb2.Channel = response.channel
    return created


async def _update(plane: Plane, channel: channel_pb2.Channel, *paths: str) -> channel_pb2.Channel:
    request = gateway_pb2.UpdateChannelRequest(channel=channel, update_mask=FieldMask(paths=paths))
    response = await plane.channels.UpdateChannel(request, metadata=plane.key())
    updated: channel_pb2.Channel = response.channel
    return updated


async def _key(plane: Plane, *scopes: gateway_pb2.Scope.ValueType, channel_ids: tuple[str, ...] = ()) -> str:
    request = gateway_pb2.CreateKeyRequest(
        key=gateway_pb2.Key(display_name="test", scopes=scopes, channel_ids=channel_ids)
    )
    secret: str = (await plane.keys.CreateKey(request, metadata=plane.key())).secret
    return secret


async def test_a_channel_is_added_and_known_at_once(plane: Plane) -> None:
    channel = await _create(plane, _channel())

    assert plane.directory.find_by_inbox("inbox-shop", "api-secret").channel_id == "shop"
    assert channel.webhook_url.startswith("https://gw.example/webhooks/shop/")
    assert len(channel.webhook_url.rpartition("/")[2]) == 32
    assert dict(channel.settings) == {"region": "eu"}
    assert list(channel.secrets_set) == ["bot_token"]
    assert (channel.inbox.token, channel.inbox.previous_token) == ("", "")
    assert channel.policy.platform_rate == 20
    assert channel.health.level == channel_pb2.ChannelHealth.LEVEL_OK
    got = await plane.channels.GetChannel(gateway_pb2.GetChannelRequest(channel_id="shop"), metadata=plane.key())
    assert got.channel == channel


@pytest.mark.parametrize(
    ("changes", "code", "reason", "fields"),
    [
        pytest.param(
            {"platform": "nope"},
            grpc.StatusCode.FAILED_PRECONDITION,
            "PROVIDER_NOT_REGISTERED",
            {"channel.platform"},
            id="no-provider",
        ),
        pytest.param(
            {"settings": {"region": "mars"}},
            grpc.StatusCode.INVALID_ARGUMENT,
            "CHANNEL_INVALID",
            {"channel.settings.bot_token", "channel.settings.region"},
            id="settings",
        ),
        pytest.param(
            {"inbox": channel_pb2.InboxBinding(webhook_url="x", inbox_channel_id="1", token="api-secret")},
            grpc.StatusCode.INVALID_ARGUMENT,
            "CHANNEL_INVALID",
            {"channel.inbox.webhook_url"},
            id="inbox",
        ),
    ],
)
async def test_a_wrong_channel_is_refused_by_field(
    plane: Plane, changes: dict[str, Any], code: grpc.StatusCode, reason: str, fields: set[str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _create(plane, _channel(**changes))
    got_code, got_reason, got_fields, _ = plane.refusal(caught.value)
    assert (got_code, got_reason, got_fields.keys()) == (code, reason, fields)
    assert "secret" not in str(caught.value.details())


async def test_a_provider_that_registered_with_another_core_just_now_is_known(plane: Plane) -> None:
    plane.registry.known.clear()
    plane.registry.registered_elsewhere.add("acme")

    assert (await _create(plane, _channel())).channel_id == "shop"


async def test_an_id_is_taken_once_and_an_inbox_channel_is_bound_once(plane: Plane) -> None:
    await _create(plane, _channel("shop"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _create(plane, _channel("shop", inbox=_channel("other").inbox))
    assert plane.refusal(caught.value)[:2] == (grpc.StatusCode.ALREADY_EXISTS, "CHANNEL_EXISTS")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _create(plane, _channel("second", inbox=_channel("shop").inbox))
    assert list(plane.refusal(caught.value)[2]) == ["channel.inbox.inbox_channel_id"]


async def test_a_channel_is_changed_as_the_mask_says(plane: Plane) -> None:
    await _create(plane, _channel())
    changes = _channel(display_name="New", settings={"region": "us"}, paused=True)

    changed = await _update(plane, changes, "settings", "paused")

    assert (changed.display_name, changed.paused) == ("Shop", True)
    assert dict(changed.settings) == {"region": "us"}
    assert list(changed.secrets_set) == ["bot_token"]
    assert changed.health.level == channel_pb2.ChannelHealth.LEVEL_DOWN
    assert plane.directory.get("shop").settings == {"bot_token": "bot-secret", "region": "us"}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _update(plane, changes, "platform")
    assert list(plane.refusal(caught.value)[2]) == ["update_mask"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _update(plane, _channel("gone"), "paused")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_paused_channel_delivers_nothing_until_it_is_unpaused(plane: Plane) -> None:
    await _create(plane, _channel())
    await _update(plane, channel_pb2.Channel(channel_id="shop", paused=True), "paused")
    paused = "SELECT bool_and(paused_until = 'infinity') FROM lanes"
    assert await plane.pool.fetchval(paused)
    await _update(plane, channel_pb2.Channel(channel_id="shop"), "paused")
    assert await plane.pool.fetchval("SELECT bool_and(paused_until = '-infinity' AND wake_time <= now()) FROM lanes")


async def test_channels_come_in_pages_of_what_the_key_may_see(plane: Plane) -> None:
    for channel_id in ("a", "b", "c"):
        await _create(plane, _channel(channel_id))
    limited = await _key(plane, gateway_pb2.SCOPE_READ, channel_ids=("a", "c"))

    async def pages(secret: str, size: int) -> list[list[str]]:
        listed, token = [], ""
        while True:
            page = await plane.channels.ListChannels(
                gateway_pb2.ListChannelsRequest(page_size=size, page_token=token), metadata=plane.key(secret)
            )
            listed.append([channel.channel_id for channel in page.channels])
            token = page.next_page_token
            if not token:
                return listed

    admin = plane.key()[0][1].removeprefix("Bearer ")
    assert await pages(admin, 2) == [["a", "b"], ["c"]]
    assert await pages(admin, 3) == [["a", "b", "c"]]
    assert await pages(limited, 1) == [["a"], ["c"]]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param({"page_size": -1}, id="negative"),
        pytest.param({"page_size": 501}, id="large"),
        pytest.param({"page_token": "!"}, id="token"),
    ],
)
async def test_a_wrong_page_is_refused(plane: Plane, page: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.channels.ListChannels(gateway_pb2.ListChannelsRequest(**page), metadata=plane.key())
    assert plane.refusal(caught.value)[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert set(plane.refusal(caught.value)[2]) == set(page)


async def test_a_channel_on_which_deliveries_wait_is_removed_only_by_force(plane: Plane) -> None:
    await _create(plane, _channel())
    await plane.pool.execute(
        "INSERT INTO deliveries (channel_id, lane, priority, address, message_id, kind, expire_time) "
        "VALUES ('shop', 1, 0, '+49', 'msg_1', 0, now())"
    )
    request = gateway_pb2.DeleteChannelRequest(channel_id="shop")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.channels.DeleteChannel(request, metadata=plane.key())
    assert plane.refusal(caught.value)[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "DELIVERIES_WAIT")

    request.force = True
    await plane.channels.DeleteChannel(request, metadata=plane.key())

    assert plane.directory.get("shop") is None
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.channels.DeleteChannel(request, metadata=plane.key())
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_check_tells_what_the_provider_found(plane: Plane) -> None:
    await _create(plane, _channel())
    checked = await plane.channels.CheckChannel(
        gateway_pb2.ChannelServiceCheckChannelRequest(channel_id="shop"), metadata=plane.key()
    )
    assert [(problem.code, problem.text) for problem in checked.problems] == [
        ("token_old", "The token of shop is old.")
    ]
    assert dict(checked.details) == {"name": "Bot"}


async def test_health_tells_of_lanes_that_wait(plane: Plane) -> None:
    await _create(plane, _channel())
    await plane.pool.execute(
        "UPDATE lanes SET probes = 2, paused_until = now() + interval '1 hour', pause_reason = 'refused' WHERE lane = 2"
    )
    got = await plane.channels.GetChannel(gateway_pb2.GetChannelRequest(channel_id="shop"), metadata=plane.key())
    assert got.channel.health.level == channel_pb2.ChannelHealth.LEVEL_DEGRADED
    assert "inbox" in got.channel.health.reason
    assert "refused" in got.channel.health.reason
