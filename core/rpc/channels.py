"""Configures channels."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import grpc

from anychannel.capabilities import SettingField
from anychannel.channel import Channel, Scope
from anychannel.provider import CheckResult
from anychannel.v1 import channel_pb2, gateway_pb2, gateway_pb2_grpc
from anychannel.wire import notes_to_proto
from anychannel.wire.channel import channel_from_proto, channel_to_proto
from core.channel_changes import ChangeRefused, changed_config, new_config, touches_settings
from core.channel_views import health_of, view_of
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.identifiers import new_webhook_token
from core.rpc.auth import Gatekeeper
from core.rpc.errors import Context, RpcError, invalid, not_found
from core.rpc.paging import id_before, page_size_of, token_after
from core.rpc.registry import ProviderRegistry
from core.secrets import Keyring, SecretsUnreadable
from core.storage import channels as storage
from core.storage.database import Pool
from core.storage.health import lane_states

DEFAULT_PAGE_SIZE = 100

Check = Callable[[ChannelConfig], Awaitable[CheckResult]]
"""Asks the provider whether the channel works; raises `ProviderAway`, `ProviderRefused` or `RpcError` when it cannot be asked."""


class ChannelService(gateway_pb2_grpc.ChannelServiceServicer):
    """Configures channels."""

    def __init__(
        self,
        *,
        pool: Pool,
        keyring: Keyring,
        directory: ChannelDirectory,
        gatekeeper: Gatekeeper,
        registry: ProviderRegistry,
        check: Check,
        public_url: str,
    ) -> None:
        self._pool = pool
        self._keyring = keyring
        self._directory = directory
        self._gatekeeper = gatekeeper
        self._registry = registry
        self._check = check
        self._public_url = public_url

    async def CreateChannel(
        self, request: gateway_pb2.CreateChannelRequest, context: Context
    ) -> gateway_pb2.CreateChannelResponse:
        """Add a channel."""
        channel = _read(request.channel)
        await self._gatekeeper.admit(context, Scope.ADMIN, channel.channel_id)
        if self._registry.description(channel.platform) is None:
            await self._registry.refresh()  # it may have registered with another core a moment ago
        fields = self._described(channel.platform)
        try:
            config = new_config(channel, fields, new_webhook_token())
        except ChangeRefused as refused:
            raise _refusal(refused) from None
        self._refuse_second_binding(config)
        try:
            stored = await storage.insert_channel(self._pool, self._keyring, config)
        except storage.ChannelExists:
            raise RpcError(
                grpc.StatusCode.ALREADY_EXISTS,
                "CHANNEL_EXISTS",
                f"there is a channel {config.channel_id} already: update it, or choose another id",
                field="channel.channel_id",
            ) from None
        await self._directory.catch_up()
        return gateway_pb2.CreateChannelResponse(channel=await self._shown(stored))

    async def UpdateChannel(
        self, request: gateway_pb2.UpdateChannelRequest, context: Context
    ) -> gateway_pb2.UpdateChannelResponse:
        """Change what the mask names."""
        channel = _read(request.channel)
        await self._gatekeeper.admit(context, Scope.ADMIN, channel.channel_id)
        paths = tuple(request.update_mask.paths)

        def change(config: ChannelConfig) -> ChannelConfig:
            if config.problem and not touches_settings(
                paths
            ):  # sealing anew would lose what the missing key still opens
                raise SecretsUnreadable(config.problem)
            fields = self._described(config.platform) if touches_settings(paths) else None
            changed = changed_config(config, channel, paths, fields)
            self._refuse_second_binding(changed)
            return replace(changed, webhook_token=changed.webhook_token or new_webhook_token())

        try:
            stored = await storage.change_channel(self._pool, self._keyring, channel.channel_id, change)
        except ChangeRefused as refused:
            raise _refusal(refused) from None
        except storage.ChannelNotFound:
            raise not_found("channel", channel.channel_id) from None
        await self._directory.catch_up()
        return gateway_pb2.UpdateChannelResponse(channel=await self._shown(stored))

    async def GetChannel(
        self, request: gateway_pb2.GetChannelRequest, context: Context
    ) -> gateway_pb2.GetChannelResponse:
        """One channel."""
        await self._gatekeeper.admit(context, Scope.READ, request.channel_id)
        config = await self._stored(request.channel_id)
        return gateway_pb2.GetChannelResponse(channel=await self._shown(config))

    async def ListChannels(
        self, request: gateway_pb2.ListChannelsRequest, context: Context
    ) -> gateway_pb2.ListChannelsResponse:
        """All channels the key may see."""
        caller = await self._gatekeeper.admit(context, Scope.READ)
        size = page_size_of(request.page_size, DEFAULT_PAGE_SIZE)
        configs = await storage.list_channels(
            self._pool,
            self._keyring,
            after=id_before(request.page_token),
            limit=size + 1,
            only=sorted(caller.channel_ids) or None,
        )
        page = configs[:size]
        return gateway_pb2.ListChannelsResponse(
            channels=await self._all_shown(page),
            next_page_token=token_after(page[-1].channel_id) if len(configs) > size else "",
        )

    async def DeleteChannel(
        self, request: gateway_pb2.DeleteChannelRequest, context: Context
    ) -> gateway_pb2.DeleteChannelResponse:
        """Remove a channel."""
        await self._gatekeeper.admit(context, Scope.ADMIN, request.channel_id)
        try:
            await storage.delete_channel(self._pool, request.channel_id, force=request.force)
        except storage.ChannelNotFound:
            raise not_found("channel", request.channel_id) from None
        except storage.DeliveriesWait:
            raise RpcError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "DELIVERIES_WAIT",
                "deliveries wait on this channel: let them go out, or set force to lose them",
            ) from None
        await self._directory.catch_up()
        return gateway_pb2.DeleteChannelResponse()

    async def CheckChannel(
        self, request: gateway_pb2.ChannelServiceCheckChannelRequest, context: Context
    ) -> gateway_pb2.ChannelServiceCheckChannelResponse:
        """Ask the provider whether the channel works."""
        await self._gatekeeper.admit(context, Scope.ADMIN, request.channel_id)
        result = await self._check(await self._stored(request.channel_id))
        return gateway_pb2.ChannelServiceCheckChannelResponse(
            problems=notes_to_proto(result.problems), details=result.details
        )

    async def _stored(self, channel_id: str) -> ChannelConfig:
        try:
            return await storage.get_channel(self._pool, self._keyring, channel_id)
        except storage.ChannelNotFound:
            raise not_found("channel", channel_id) from None

    async def _shown(self, config: ChannelConfig) -> channel_pb2.Channel:
        (shown,) = await self._all_shown([config])
        return shown

    async def _all_shown(self, configs: Sequence[ChannelConfig]) -> list[channel_pb2.Channel]:
        lanes = await lane_states(self._pool, [config.channel_id for config in configs])
        problems = {
            provider.platform: "" if provider.ready else provider.reason or "it does not answer"
            for provider in self._registry.list()
        }
        return [
            channel_to_proto(view_of(config, health_of(config, lanes, problems.get(config.platform)), self._public_url))
            for config in configs
        ]

    def _described(self, platform: str) -> tuple[SettingField, ...]:
        """The settings that the platform's provider declares."""
        description = self._registry.description(platform)
        if description is not None:
            return description.setting_fields
        raise RpcError(
            grpc.StatusCode.FAILED_PRECONDITION,
            "PROVIDER_NOT_REGISTERED",
            f"no provider of the platform {platform!r} has registered and described itself: start one, then try again",
            field="channel.platform",
        )

    def _refuse_second_binding(self, config: ChannelConfig) -> None:
        """An inbox channel belongs to one channel: otherwise nobody could say to which one its sends go."""
        other = self._directory.find_by_inbox(config.inbox.inbox_channel_id, config.inbox_token)
        if other is not None and other.channel_id != config.channel_id:
            raise invalid(
                "channel.inbox.inbox_channel_id", "this inbox channel, with this token, is bound to another channel"
            )


def _read(proto: channel_pb2.Channel) -> Channel:
    try:
        return channel_from_proto(proto)
    except ValueError as error:  # a span of time beyond any calendar
        raise invalid("channel", f"the channel cannot be read: {error}") from None


def _refusal(refused: ChangeRefused) -> RpcError:
    return RpcError(grpc.StatusCode.INVALID_ARGUMENT, "CHANNEL_INVALID", f"{refused}", violations=refused.violations)
