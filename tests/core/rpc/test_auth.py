from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from anychannel.v1 import gateway_pb2
from core.providers.connection import ProviderAway, ProviderRefused

Plane = Any  # the fixture's class lives in a conftest, which nothing can import


async def _make(plane: Plane, *scopes: gateway_pb2.Scope.ValueType, channel_ids: tuple[str, ...] = ()) -> Any:
    key = gateway_pb2.Key(display_name="test", scopes=scopes, channel_ids=channel_ids)
    return await plane.keys.CreateKey(gateway_pb2.CreateKeyRequest(key=key), metadata=plane.key())


def _list(plane: Plane, metadata: Any) -> Awaitable[Any]:
    called: Awaitable[Any] = plane.channels.ListChannels(gateway_pb2.ListChannelsRequest(), metadata=metadata)
    return called


async def _code(call: Awaitable[Any]) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((), id="none"),
        pytest.param((("authorization", "Bearer "),), id="empty"),
        pytest.param((("authorization", "Basic abc"),), id="another-scheme"),
        pytest.param((("authorization", "Bearer key_unknown"),), id="unknown"),
        pytest.param((("x-authorization", "Bearer x"),), id="another-name"),
    ],
)
async def test_who_carries_no_good_key_is_not_known(plane: Plane, metadata: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _list(plane, metadata)
    assert plane.refusal(caught.value)[:2] == (grpc.StatusCode.UNAUTHENTICATED, "KEY_REFUSED")
    assert "key_unknown" not in str(caught.value.details())


READ = gateway_pb2.SCOPE_READ
OK, DENIED = grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED
GET: Callable[[Plane, Any], Awaitable[Any]] = lambda plane, key: plane.channels.DeleteChannel(  # noqa: E731  # a table
    gateway_pb2.DeleteChannelRequest(channel_id="shop"), metadata=key
)
KEYS: Callable[[Plane, Any], Awaitable[Any]] = lambda plane, key: plane.keys.ListKeys(  # noqa: E731  # a table
    gateway_pb2.ListKeysRequest(), metadata=key
)


@pytest.mark.parametrize(
    ("scopes", "channel_ids", "call", "code"),
    [
        pytest.param([gateway_pb2.SCOPE_READ], (), _list, OK, id="read-reads"),
        pytest.param([gateway_pb2.SCOPE_SEND], (), _list, DENIED, id="send-does-not-read"),
        pytest.param([gateway_pb2.SCOPE_ADMIN], (), _list, OK, id="admin-reads"),
        pytest.param([gateway_pb2.SCOPE_READ, gateway_pb2.SCOPE_SEND], (), KEYS, DENIED, id="only-admin-sees-keys"),
        pytest.param([gateway_pb2.SCOPE_ADMIN], (), KEYS, OK, id="admin-sees-keys"),
        pytest.param([gateway_pb2.SCOPE_ADMIN], ("shop",), KEYS, DENIED, id="admin-of-one-channel-makes-no-keys"),
        pytest.param([gateway_pb2.SCOPE_ADMIN], ("desk",), GET, DENIED, id="another-channel"),
        pytest.param([gateway_pb2.SCOPE_ADMIN], ("shop",), GET, grpc.StatusCode.NOT_FOUND, id="its-channel"),
        pytest.param([gateway_pb2.SCOPE_READ], ("shop",), GET, DENIED, id="its-channel-without-the-scope"),
    ],
)
async def test_a_key_may_do_what_its_scopes_and_channels_say(
    plane: Plane,
    scopes: list[gateway_pb2.Scope.ValueType],
    channel_ids: tuple[str, ...],
    call: Callable[[Plane, Any], Awaitable[Any]],
    code: grpc.StatusCode,
) -> None:
    made = await _make(plane, *scopes, channel_ids=channel_ids)
    assert await _code(call(plane, plane.key(made.secret))) is code


async def test_a_key_is_shown_once_and_kept_hashed(plane: Plane) -> None:
    made = await _make(plane, gateway_pb2.SCOPE_READ, channel_ids=("shop",))

    assert made.secret.startswith("key_")
    listed = await plane.keys.ListKeys(gateway_pb2.ListKeysRequest(), metadata=plane.key())
    assert list(listed.keys) == [made.key]
    assert (list(made.key.scopes), list(made.key.channel_ids)) == ([gateway_pb2.SCOPE_READ], ["shop"])
    row = bytes(
        await plane.pool.fetchval("SELECT convert_to(k::text || encode(secret_hash, 'escape'), 'UTF8') FROM api_keys k")
    )
    assert made.secret.encode() not in row


async def test_a_revoked_key_stops_at_once_here_and_within_seconds_elsewhere(plane: Plane) -> None:
    here, elsewhere = await _make(plane, gateway_pb2.SCOPE_READ), await _make(plane, gateway_pb2.SCOPE_READ)
    assert await _code(_list(plane, plane.key(here.secret))) is OK
    await plane.keys.RevokeKey(gateway_pb2.RevokeKeyRequest(key_id=here.key.key_id), metadata=plane.key())
    assert await _code(_list(plane, plane.key(here.secret))) is grpc.StatusCode.UNAUTHENTICATED

    assert await _code(_list(plane, plane.key(elsewhere.secret))) is OK
    await plane.pool.execute("UPDATE api_keys SET revoke_time = now()")  # as another core would
    plane.now += 4.9
    assert await _code(_list(plane, plane.key(elsewhere.secret))) is OK
    plane.now += 0.2
    assert await _code(_list(plane, plane.key(elsewhere.secret))) is grpc.StatusCode.UNAUTHENTICATED


async def test_revoking_twice_keeps_the_first_time_and_an_unknown_key_is_not_found(plane: Plane) -> None:
    made = await _make(plane, gateway_pb2.SCOPE_READ)
    request = gateway_pb2.RevokeKeyRequest(key_id=made.key.key_id)
    first = await plane.keys.RevokeKey(request, metadata=plane.key())
    assert first.key.HasField("revoke_time")
    assert await plane.keys.RevokeKey(request, metadata=plane.key()) == first
    unknown = gateway_pb2.RevokeKeyRequest(key_id="kid_x")
    assert await _code(plane.keys.RevokeKey(unknown, metadata=plane.key())) is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("key", "field"),
    [
        pytest.param(gateway_pb2.Key(scopes=[READ]), "key.display_name", id="no-name"),
        pytest.param(gateway_pb2.Key(display_name="x" * 101, scopes=[READ]), "key.display_name", id="long-name"),
        pytest.param(gateway_pb2.Key(display_name="x"), "key.scopes", id="no-scope"),
        pytest.param(gateway_pb2.Key.FromString(b"\x12\x01x\x1a\x02\x01\x63"), "key.scopes", id="unknown-scope"),
        pytest.param(
            gateway_pb2.Key(display_name="x", scopes=[READ], channel_ids=["A"]), "key.channel_ids", id="channel"
        ),
    ],
)
async def test_a_wrong_key_is_refused_by_field(plane: Plane, key: gateway_pb2.Key, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.keys.CreateKey(gateway_pb2.CreateKeyRequest(key=key), metadata=plane.key())
    assert list(plane.refusal(caught.value)[2]) == [field]


async def test_a_provider_registers_with_its_token_only(plane: Plane) -> None:
    request = gateway_pb2.RegisterProviderRequest(platform="acme", address="[::1]:50051")
    answered = await plane.providers.RegisterProvider(request, metadata=plane.registration)
    assert answered.renew_after.seconds == 30
    assert plane.registry.registered == [("acme", "[::1]:50051")]
    assert await _code(plane.providers.RegisterProvider(request, metadata=plane.key())) is (
        grpc.StatusCode.UNAUTHENTICATED
    )
    assert await _code(_list(plane, plane.registration)) is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param({"platform": "Acme", "address": "a:1"}, "platform", id="platform"),
        pytest.param({"platform": "acme", "address": "a"}, "address", id="no-port"),
        pytest.param({"platform": "acme", "address": "a:70000"}, "address", id="port"),
        pytest.param({"platform": "acme", "address": "http://a:1"}, "address", id="url"),
    ],
)
async def test_a_wrong_registration_is_refused_by_field(plane: Plane, request_: dict[str, str], field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plane.providers.RegisterProvider(
            gateway_pb2.RegisterProviderRequest(**request_), metadata=plane.registration
        )
    assert list(plane.refusal(caught.value)[2]) == [field]


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        pytest.param(ProviderAway("refused"), (grpc.StatusCode.UNAVAILABLE, "PROVIDER_AWAY", {}, 1.0), id="away"),
        pytest.param(
            ProviderRefused("speaks 2, core 1"),
            (grpc.StatusCode.FAILED_PRECONDITION, "PROVIDER_REFUSED", {}, None),
            id="refused",
        ),
    ],
)
async def test_a_provider_core_cannot_take_in_is_told_why(plane: Plane, error: Exception, refusal: Any) -> None:
    plane.registry.error = error
    request = gateway_pb2.RegisterProviderRequest(platform="acme", address="a:1")
    with pytest.raises(grpc.aio.AioRpcError, match=str(error)) as caught:
        await plane.providers.RegisterProvider(request, metadata=plane.registration)
    assert plane.refusal(caught.value) == refusal


async def test_providers_are_listed(plane: Plane) -> None:
    listed = await plane.providers.ListProviders(gateway_pb2.ListProvidersRequest(), metadata=plane.key())
    (acme,) = listed.providers
    assert (acme.platform, acme.address, acme.ready, acme.description.version) == ("acme", "acme:50051", True, "1.0")
