"""Lets providers announce themselves, and shows which are known."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from anychannel.capabilities import ProviderDescription
from anychannel.channel import RegisteredProvider, Scope
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc
from anychannel.wire import duration_to_proto
from anychannel.wire.gateway import registered_provider_to_proto
from core.rpc.auth import Gatekeeper
from core.rpc.errors import Context, invalid

_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")
_ADDRESS = re.compile(r"[^\s/@]{1,255}:(\d{1,5})")
_MAX_PORT = 65_535


class ProviderRegistry(Protocol):
    """The providers core knows."""

    async def register(self, platform: str, address: str) -> timedelta:
        """Dial the provider back, have it describe itself and keep it; answers when it should announce itself again.

        Raises `ProviderAway` and `ProviderRefused`.
        """

    def list(self) -> Sequence[RegisteredProvider]:
        """All providers known, by platform."""

    def description(self, platform: str) -> ProviderDescription | None:
        """What the platform's provider said of itself; None when none is known."""

    async def refresh(self) -> None:
        """Take up what other replicas have learnt."""


class ProviderRegistryService(gateway_pb2_grpc.ProviderRegistryServiceServicer):
    """Knows the providers."""

    def __init__(self, registry: ProviderRegistry, gatekeeper: Gatekeeper) -> None:
        self._registry = registry
        self._gatekeeper = gatekeeper

    async def RegisterProvider(
        self, request: gateway_pb2.RegisterProviderRequest, context: Context
    ) -> gateway_pb2.RegisterProviderResponse:
        """Take a provider in."""
        self._gatekeeper.admit_registration(context)
        if not _PLATFORM.fullmatch(request.platform):
            raise invalid("platform", "a platform's name has 1 to 40 characters of a-z, 0-9 and -")
        address = _ADDRESS.fullmatch(request.address)
        if not address or not 0 < int(address[1]) <= _MAX_PORT:
            raise invalid("address", "an address is host:port, as core reaches the provider")
        renew_after = await self._registry.register(request.platform, request.address)
        return gateway_pb2.RegisterProviderResponse(renew_after=duration_to_proto(renew_after))

    async def ListProviders(
        self,
        request: gateway_pb2.ListProvidersRequest,  # noqa: ARG002  # empty
        context: Context,
    ) -> gateway_pb2.ListProvidersResponse:
        """All providers known."""
        await self._gatekeeper.admit(context, Scope.READ)
        return gateway_pb2.ListProvidersResponse(
            providers=[registered_provider_to_proto(provider) for provider in self._registry.list()]
        )
