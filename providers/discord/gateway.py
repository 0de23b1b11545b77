"""Decides on the gateway: what is said to it, what it says, and what follows when a connection ends.

https://docs.discord.com/developers/events/gateway
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from yarl import URL

from anychannel import ChannelMisconfigured, PlatformUnavailable, Throttled, Unauthorized
from providers.discord.fields import Fields

# https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-opcodes
DISPATCH: Final = 0
HEARTBEAT: Final = 1
IDENTIFY: Final = 2
RESUME: Final = 6
RECONNECT: Final = 7
INVALID_SESSION: Final = 9
HELLO: Final = 10
HEARTBEAT_ACK: Final = 11

# DIRECT_MESSAGES. What people write to the bot itself comes whole without the privileged MESSAGE_CONTENT, and asking
# for that where it is not switched on ends the connection:
# https://docs.discord.com/developers/events/gateway#message-content-intent
INTENTS: Final = 1 << 12
API_VERSION: Final = 10
# Any but 1000 and 1001, which end the session: https://docs.discord.com/developers/events/gateway#initiating-a-disconnect
RESUMABLE_CLOSE: Final = 4000

# https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
_NEW_SESSION_CODES: Final = frozenset({4003, 4007, 4009})
_AUTHENTICATION_FAILED: Final = 4004
_MISCONFIGURED: Final = {
    4010: "Discord does not take the bot's shard.",
    4011: "The bot is in too many servers for one connection, and Discord named no number of shards.",
    4012: "Discord no longer speaks the version of its gateway that is used here.",
    4013: "Discord does not take the intents that are used here.",
    4014: "Discord does not allow the bot the intents that are used here: see Bot in the Developer Portal.",
}
_LONGEST_SESSION_ID: Final = 200
_LONGEST_URL: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Where to go on from: https://docs.discord.com/developers/events/gateway#preparing-to-resume."""

    session_id: str
    resume_url: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to connect: https://docs.discord.com/developers/events/gateway#get-gateway-bot."""

    url: URL
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What the gateway says: https://docs.discord.com/developers/events/gateway-events#payload-structure."""

    op: int
    data: Fields
    is_resumable: bool
    """With an invalid session: whether to resume all the same."""
    seq: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a connection ended."""

    close_code: int | None = None
    is_session_lost: bool = False


def write_cursor(session: Session) -> str:
    """The session as the cursor that is stored."""
    return json.dumps({"id": session.session_id, "url": session.resume_url, "seq": session.seq})


def read_cursor(cursor: str) -> Session | None:
    """The session in a stored cursor; None when there is none."""
    fields = Fields.parse(cursor)
    if fields is None or not fields.text("id"):
        return None
    return Session(session_id=fields.text("id"), resume_url=fields.text("url"), seq=max(0, fields.number("seq")))


def begin_session(ready: Packet) -> Session | None:
    """The session that READY begins; None when it names none that a cursor can hold."""
    session_id, url = ready.data.text("session_id"), ready.data.text("resume_gateway_url")
    if not session_id.isascii() or not 0 < len(session_id) <= _LONGEST_SESSION_ID:
        return None
    fits = url.isascii() and len(url) <= _LONGEST_URL
    return Session(session_id=session_id, resume_url=url if fits else "", seq=ready.seq)


def read_plan(fields: Fields, *, api_base: URL) -> Plan:
    """How to connect. Raises Throttled when no session may begin now, PlatformUnavailable when it cannot be read."""
    url = gateway_url(fields.text("url"), api_base=api_base)
    if url is None:
        raise PlatformUnavailable("Discord named an address of its gateway that is not Discord's.")
    limit = fields.object("session_start_limit")
    if limit.number("total") > 0 and limit.number("remaining") <= 0:
        # One more, and Discord resets the token: https://docs.discord.com/developers/events/gateway#identifying
        wait = timedelta(milliseconds=min(max(limit.number("reset_after"), 1000), 24 * 3600 * 1000))
        raise Throttled("The bot has begun as many sessions as Discord allows a day.", retry_after=wait)
    return Plan(url=url, shards=max(1, fields.number("shards")))


def gateway_url(said: str, *, api_base: URL) -> URL | None:
    """The address to connect to, if the bot token may be said there; else None."""
    try:
        url = URL(said)
    except ValueError:
        return None
    host = url.host or ""
    is_discords = url.scheme == "wss" and (host == "discord.gg" or host.endswith(".discord.gg"))
    is_apis_own = url.scheme in {"ws", "wss"} and host != "" and host == api_base.host
    return url.with_query({"v": str(API_VERSION), "encoding": "json"}) if is_discords or is_apis_own else None


def identify(token: str, *, shards: int) -> str:
    """Begins a session. Direct messages come to the first shard alone.

    https://docs.discord.com/developers/events/gateway#sharding
    """
    properties = {"os": "linux", "browser": "anychannel", "device": "anychannel"}
    shard = {"shard": [0, shards]} if shards > 1 else {}
    data = {"token": token, "intents": INTENTS, "properties": properties, **shard}
    return json.dumps({"op": IDENTIFY, "d": data})


def resume(token: str, session: Session) -> str:
    """Goes on with a session; what was missed since `seq` comes again."""
    return json.dumps({"op": RESUME, "d": {"token": token, "session_id": session.session_id, "seq": session.seq}})


def heartbeat(seq: int) -> str:
    """Tells that we are there, and how far we are."""
    return json.dumps({"op": HEARTBEAT, "d": seq or None})


def read_packet(text: str) -> Packet | None:
    """What the gateway said; None when it cannot be read."""
    fields = Fields.parse(text)
    if fields is None:
        return None
    return Packet(
        op=fields.number("op"),
        data=fields.object("d"),
        is_resumable=fields.flag("d"),
        seq=max(0, fields.number("s")),
        name=fields.text("t"),
    )


def is_session_over(ending: Ending) -> bool:
    """Whether a new session must begin. Raises Unauthorized or ChannelMisconfigured when none can."""
    code = ending.close_code
    if code == _AUTHENTICATION_FAILED:
        raise Unauthorized("Discord refuses the bot token: reset it in the Developer Portal.", platform_code=str(code))
    if code in _MISCONFIGURED:
        raise ChannelMisconfigured(_MISCONFIGURED[code], platform_code=str(code))
    return ending.is_session_lost or code in _NEW_SESSION_CODES
