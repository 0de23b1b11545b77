"""What came to edge: sends of inboxes and webhooks of platforms, each answered once its promise is stored."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from anychannel._batcher import Overloaded
from anychannel.message import Origin, Status
from anychannel.provider import HttpReply, HttpRequest
from core.channels import ChannelConfig
from core.directory import ChannelDirectory
from core.inboxes import respondio
from core.inboxes.binding import ReplyMode
from core.intake import Intake, NoProvider, NotSendable, Send, notes_in_words
from core.lanes.platform import ChannelContexts
from core.lanes.records import LaneKey, NewMessage, Told
from core.outcomes import Outcomes
from core.providers.connection import ProviderAway, ProviderRefused
from core.providers.registry import ProviderRegistry
from core.storage.database import Pool, is_away
from core.storage.told import tell

RETRY_AFTER_SECONDS = 1
_JSON = ("content-type", "application/json; charset=utf-8")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What edge is to answer; with the message the inbox learns the id of, if it does."""

    reply: HttpReply
    channel_id: str = ""
    message_id: str = ""


class Ingress:
    """Answers raw requests. It never raises: what goes wrong is an answer."""

    def __init__(
        self,
        *,
        pool: Pool,
        directory: ChannelDirectory,
        registry: ProviderRegistry,
        contexts: ChannelContexts,
        intake: Intake,
        outcomes: Outcomes,
        clock: Callable[[], datetime],
        on_work: Callable[[frozenset[LaneKey]], None],
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._registry = registry
        self._contexts = contexts
        self._intake = intake
        self._outcomes = outcomes
        self._clock = clock
        self._on_work = on_work

    async def inbox_send(self, path_channel_id: str, request: HttpRequest) -> Reply:
        """Answer `POST /message` (no channel in the path) or `POST /channels/{channel_id}/message`."""
        try:
            token = self._bearer(request)
            self._check_token(path_channel_id, token)
            document = respondio.decode(request.body)
            config = self._channel(path_channel_id, token, document)
            send = respondio.read_send(document, config.inbox.id_type)
            message, accepted = await self._expecting_outcome(
                config, Send(origin=Origin.INBOX, content=send.content, contact_id=send.contact_id)
            )
        except respondio.RequestRefused as error:
            return _refused(error.status_code, error.text)
        except NotSendable as error:
            return _refused(
                400, f"{_INBOX_FIELDS.get(error.field, error.field)}: {error}" if error.field else str(error)
            )
        except (NoProvider, Overloaded) as error:
            return _try_again(str(error))
        except Exception as error:  # noqa: BLE001  # every one becomes an answer
            return _broken(error, path_channel_id)
        _log.info(
            "send accepted", channel_id=config.channel_id, message_id=accepted, notes=notes_in_words(message.notes)
        )
        return await self._answer(config, accepted)

    async def platform_webhook(self, channel_id: str, token: str, request: HttpRequest) -> HttpReply:
        """Answer a platform's call: read by its provider, and stored, before the platform is told that we have it."""
        config = self._directory.get(channel_id)
        if config is None or not config.accepts_webhook_token(token):
            return _refused(404, "There is no such webhook.").reply
        try:
            connection = self._registry.connection(config.platform)
            received = await connection.receive(self._contexts.of(config), request)
            await self._intake.take(config, received.events)
        except (ProviderAway, Overloaded) as error:
            _log.warning("webhook not read", channel_id=channel_id, reason=str(error))
            return _try_again("It cannot be read just now.").reply
        except ProviderRefused as error:
            _log.error("webhook not read", channel_id=channel_id, reason=str(error))
            return _try_again("It could not be read.").reply
        except Exception as error:  # noqa: BLE001  # every one becomes an answer
            return _broken(error, channel_id).reply
        _log.info(
            "webhook received",
            channel_id=channel_id,
            events=len(received.events),
            status_code=received.reply.status_code,
            notes=notes_in_words(received.notes),
        )
        return received.reply

    async def confirm(self, messages: list[tuple[str, str]]) -> None:
        """The inbox was told these messages' ids: (channel id, message id)."""
        self._on_work(frozenset(await tell(self._pool, messages, Told.TOLD)))

    def _check_token(self, path_channel_id: str, token: str) -> None:
        """Refuse whoever has no token of ours before anything of theirs is read. Raises `RequestRefused`."""
        if not token:
            raise respondio.RequestRefused(401, "The authorization header with the channel's token is missing.")
        if not path_channel_id:
            if not self._directory.has_token(token):
                raise _wrong_token()
            return
        config = self._directory.get(path_channel_id)
        if config is None:
            raise respondio.RequestRefused(404, f"There is no channel {path_channel_id} here.")
        if not config.accepts_inbox_token(token):
            raise _wrong_token()

    def _channel(self, path_channel_id: str, token: str, document: Mapping[str, object]) -> ChannelConfig:
        """The channel this send is for, by its path or by what it says. Raises `RequestRefused`."""
        named = respondio.inbox_channel_id(document)
        if path_channel_id:
            config = self._directory.get(path_channel_id)
            if config is not None and named and named != config.inbox.inbox_channel_id:
                raise respondio.RequestRefused(
                    400, f"channelId is {named}, but the address belongs to another channel.", "channelId"
                )
        elif named:
            config = self._directory.find_by_inbox(named, token)
            if config is None and not self._directory.has_inbox(named):
                raise respondio.RequestRefused(404, f"There is no channel with the channelId {named} here.")
        else:
            config = self._directory.find_by_token(token)
        if config is None:
            raise _wrong_token()
        return config

    def _bearer(self, request: HttpRequest) -> str:
        scheme, _, token = request.header("authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    async def _expecting_outcome(self, config: ChannelConfig, send: Send) -> tuple[NewMessage, str]:
        """Store the send; where its outcome is waited for, be ready for it before it can come."""
        message, accepted = await self._intake.send(config, send)
        if config.reply is ReplyMode.OUTCOME:
            self._outcomes.expect(accepted.message_id)
        return message, accepted.message_id

    async def _answer(self, config: ChannelConfig, message_id: str) -> Reply:
        if config.reply is ReplyMode.OUTCOME:
            refusal = await self._refusal(config, message_id)
            if refusal is not None:
                return refusal
        reply = HttpReply(status_code=200, headers=(_JSON,), body=respondio.accepted_body(message_id))
        return Reply(reply=reply, channel_id=config.channel_id, message_id=message_id)

    async def _refusal(self, config: ChannelConfig, message_id: str) -> Reply | None:
        """The 4xx for a message that definitely failed while its sender was waiting; None when it did not."""
        try:
            async with asyncio.timeout(config.reply_timeout.total_seconds()):
                reached = await self._outcomes.expect(message_id)
        except TimeoutError:
            return None
        finally:
            self._outcomes.forget(message_id)
        if reached.status is not Status.FAILED or reached.failure is None:
            return None
        try:
            self._on_work(frozenset(await tell(self._pool, [(config.channel_id, message_id)], Told.NEVER)))
        except Exception as error:
            if not is_away(error):
                raise
        code = f" ({reached.failure.platform_code})" if reached.failure.platform_code else ""
        return _refused(400, f"{reached.failure.text}{code}")


_INBOX_FIELDS = {"content": "message", "address": "contactId"}


def _wrong_token() -> respondio.RequestRefused:
    return respondio.RequestRefused(401, "The token is not the channel's.")


def _refused(status_code: int, text: str) -> Reply:
    return Reply(reply=HttpReply(status_code=status_code, headers=(_JSON,), body=respondio.error_body(text)))


def _try_again(text: str) -> Reply:
    retry_after = ("retry-after", str(RETRY_AFTER_SECONDS))
    body = respondio.error_body(f"{text} Try again.")
    return Reply(reply=HttpReply(status_code=503, headers=(_JSON, retry_after), body=body))


def _broken(error: Exception, channel_id: str) -> Reply:
    if is_away(error):
        _log.warning("database away", channel_id=channel_id, error=type(error).__name__)
        return _try_again("The gateway cannot store anything just now.")
    _log.error("request not answered", channel_id=channel_id, exc_info=error)
    return _refused(500, "Something broke inside the gateway; its log says what.")
