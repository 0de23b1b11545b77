"""Records with everything filled in but what a test is about."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from anychannel.content import Content, Text
from anychannel.message import Part
from anychannel.provider import ChannelContext, ChannelSettings, HttpRequest

A_TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When every built request was received."""


def a_channel(
    settings: Mapping[str, str] | None = None,
    *,
    channel_id: str = "channel-1",
    webhook_url: str = "https://gateway.example/webhooks/channel-1/webhook-token",
) -> ChannelContext:
    """A channel with these settings. Defaults that the provider declares are not filled in: core does that."""
    return ChannelContext(channel_id=channel_id, settings=ChannelSettings(settings or {}), webhook_url=webhook_url)


def a_part(
    content: Content | str = "Hello",
    *,
    address: str = "contact-1",
    message_id: str = "msg_1",
    idempotency_key: str = "msg_1/0",
    index: int = 0,
    count: int = 1,
) -> Part:
    """A part that says this; a plain string is a text."""
    return Part(
        idempotency_key=idempotency_key,
        address=address,
        content=Text(text=content) if isinstance(content, str) else content,
        message_id=message_id,
        index=index,
        count=count,
    )


def a_request(
    method: str = "POST",
    body: bytes | str | Mapping[str, Any] | list[Any] = b"",
    headers: Mapping[str, str] | None = None,
    path: str = "",
    query: str = "",
    *,
    url: str = "",
    receive_time: datetime = A_TIME,
) -> HttpRequest:
    """A webhook request, as core hands it to `receive`.

    Args:
        method: in upper case.
        body: the raw bytes; a string is encoded, a mapping or list becomes JSON.
        headers: names in any case; they are lowered as edge does.
        path: what follows the channel's token.
        query: without the question mark.
        url: the whole address; built from the path and the query when empty.
        receive_time: when edge received it.
    """
    if isinstance(body, Mapping | list):
        body = json.dumps(body, ensure_ascii=False)
    if isinstance(body, str):
        body = body.encode()
    whole = f"https://gateway.example/webhooks/channel-1/webhook-token{path}{'?' if query else ''}{query}"
    return HttpRequest(
        method=method,
        url=url or whole,
        path=path,
        query=query,
        headers=tuple((name.lower(), value) for name, value in (headers or {}).items()),
        body=body,
        receive_time=receive_time,
    )
