"""The client's calls about channels, dead letters and keys."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from anychannel.channel import Channel, DeadLetter, Key, Scope
from anychannel.client._calls import Calls
from anychannel.failures import FailureKind
from anychannel.message import Lane
from anychannel.provider import CheckResult
from anychannel.v1 import gateway_pb2, gateway_pb2_grpc, message_pb2
from anychannel.wire import failure_kind_to_proto, lane_to_proto, notes_from_proto
from anychannel.wire.channel import channel_from_proto, channel_to_proto
from anychannel.wire.gateway import dead_letter_from_proto, key_from_proto, key_to_proto

T = TypeVar("T")

MAX_PAGE_SIZE = 500


async def pages(page: Callable[[int, str], Awaitable[tuple[Sequence[T], str]]], limit: int | None) -> AsyncIterator[T]:
    """Everything that `page(size, token)` answers page by page, or the first `limit`."""
    token = ""
    left = limit
    while left is None or left > 0:
        items, token = await page(MAX_PAGE_SIZE if left is None else min(left, MAX_PAGE_SIZE), token)
        for item in items[:left]:
            yield item
        left = None if left is None else left - len(items)
        if not token:
            return


class ChannelCalls:
    """Configures channels."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = gateway_pb2_grpc.ChannelServiceStub(calls.connection)

    async def create(self, channel: Channel) -> Channel:
        """Add a channel. Scope admin.

        `AlreadyExists` when the id is taken, `NotPossible` when its platform has no provider.
        """
        return await self._calls.unary(
            self._stub.CreateChannel,
            gateway_pb2.CreateChannelRequest(channel=channel_to_proto(channel)),
            lambda response: channel_from_proto(response.channel),
            idempotent=False,
        )

    async def update(self, channel: Channel, fields: Collection[str]) -> Channel:
        """Change the fields of the channel that `fields` names. Scope admin.

        Args:
            channel: its id names the channel; the named fields are taken.
            fields: display_name, settings, settings.NAME, inbox, inbox.NAME, policy, policy.NAME, paused. Under
                settings an absent setting is removed unless it is secret, under settings.NAME always.
        """
        return await self._calls.unary(
            self._stub.UpdateChannel,
            gateway_pb2.UpdateChannelRequest(channel=channel_to_proto(channel), update_mask=FieldMask(paths=fields)),
            lambda response: channel_from_proto(response.channel),
            idempotent=True,
        )

    async def get(self, channel_id: str) -> Channel:
        """One channel, without its secrets."""
        return await self._calls.unary(
            self._stub.GetChannel,
            gateway_pb2.GetChannelRequest(channel_id=channel_id),
            lambda response: channel_from_proto(response.channel),
            idempotent=True,
        )

    def list(self, *, limit: int | None = None) -> AsyncIterator[Channel]:
        """The channels that the key may see, by id, without their secrets."""

        async def page(size: int, token: str) -> tuple[Sequence[Channel], str]:
            return await self._calls.unary(
                self._stub.ListChannels,
                gateway_pb2.ListChannelsRequest(page_size=size, page_token=token),
                lambda response: ([channel_from_proto(each) for each in response.channels], response.next_page_token),
                idempotent=True,
            )

        return pages(page, limit)

    async def delete(self, channel_id: str, *, force: bool = False) -> None:
        """Remove a channel with everything stored for it. Scope admin.

        `NotPossible` when deliveries wait, unless forced: then they are lost.
        """
        await self._calls.unary(
            self._stub.DeleteChannel,
            gateway_pb2.DeleteChannelRequest(channel_id=channel_id, force=force),
            lambda _: None,
            idempotent=False,
        )

    async def check(self, channel_id: str) -> CheckResult:
        """Ask the provider whether the channel works; registers the webhook where the platform lets us. Scope admin."""
        return await self._calls.unary(
            self._stub.CheckChannel,
            gateway_pb2.ChannelServiceCheckChannelRequest(channel_id=channel_id),
            lambda response: CheckResult(problems=notes_from_proto(response.problems), details=dict(response.details)),
            idempotent=True,
        )


class DeadLetterCalls:
    """Looks after what was given up."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = gateway_pb2_grpc.DeadLetterServiceStub(calls.connection)

    def list(
        self,
        channel_id: str,
        *,
        lane: Lane | None = None,
        failure_kind: FailureKind | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[DeadLetter]:
        """Dead letters of a channel, newest first."""
        filter_ = _filter_to_proto(channel_id, (), lane, failure_kind)

        async def page(size: int, token: str) -> tuple[Sequence[DeadLetter], str]:
            return await self._calls.unary(
                self._stub.ListDeadLetters,
                gateway_pb2.ListDeadLettersRequest(filter=filter_, page_size=size, page_token=token),
                lambda response: (
                    [dead_letter_from_proto(each) for each in response.dead_letters],
                    response.next_page_token,
                ),
                idempotent=True,
            )

        return pages(page, limit)

    async def replay(
        self,
        channel_id: str,
        *,
        dead_letter_ids: Collection[str] = (),
        lane: Lane | None = None,
        failure_kind: FailureKind | None = None,
    ) -> int:
        """Put dead letters back on their lane, with fresh attempts and a fresh deadline; how many. Scope admin."""
        return await self._calls.unary(
            self._stub.ReplayDeadLetters,
            gateway_pb2.ReplayDeadLettersRequest(
                filter=_filter_to_proto(channel_id, dead_letter_ids, lane, failure_kind)
            ),
            lambda response: response.count,
            idempotent=False,
        )

    async def discard(
        self,
        channel_id: str,
        *,
        dead_letter_ids: Collection[str] = (),
        lane: Lane | None = None,
        failure_kind: FailureKind | None = None,
    ) -> int:
        """Forget dead letters; how many. Scope admin."""
        return await self._calls.unary(
            self._stub.DiscardDeadLetters,
            gateway_pb2.DiscardDeadLettersRequest(
                filter=_filter_to_proto(channel_id, dead_letter_ids, lane, failure_kind)
            ),
            lambda response: response.count,
            idempotent=False,
        )


class KeyCalls:
    """Issues API keys. Scope admin."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = gateway_pb2_grpc.KeyServiceStub(calls.connection)

    async def create(
        self, display_name: str, scopes: Collection[Scope], *, channel_ids: Collection[str] = ()
    ) -> tuple[Key, str]:
        """Make a key; the key and its secret, which is told this once. No channels = all."""
        key = Key(display_name=display_name, scopes=tuple(scopes), channel_ids=tuple(channel_ids))
        return await self._calls.unary(
            self._stub.CreateKey,
            gateway_pb2.CreateKeyRequest(key=key_to_proto(key)),
            lambda response: (key_from_proto(response.key), response.secret),
            idempotent=False,
        )

    async def list(self) -> Sequence[Key]:
        """All keys, newest first, revoked ones included."""
        return await self._calls.unary(
            self._stub.ListKeys,
            gateway_pb2.ListKeysRequest(),
            lambda response: [key_from_proto(key) for key in response.keys],
            idempotent=True,
        )

    async def revoke(self, key_id: str) -> Key:
        """Revoke a key, at once for new calls."""
        return await self._calls.unary(
            self._stub.RevokeKey,
            gateway_pb2.RevokeKeyRequest(key_id=key_id),
            lambda response: key_from_proto(response.key),
            idempotent=False,
        )


def _filter_to_proto(
    channel_id: str, dead_letter_ids: Collection[str], lane: Lane | None, failure_kind: FailureKind | None
) -> gateway_pb2.DeadLetterFilter:
    return gateway_pb2.DeadLetterFilter(
        channel_id=channel_id,
        dead_letter_ids=dead_letter_ids,
        lane=lane_to_proto(lane),
        failure_kind=(
            message_pb2.FAILURE_KIND_UNSPECIFIED if failure_kind is None else failure_kind_to_proto(failure_kind)
        ),
    )
