import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from anychannel.content import Attachment, MediaKind, Text
from anychannel.failures import FailureKind
from anychannel.message import Lane, Status
from anychannel.testing import Answer, ScriptedPlatform
from core.channels import ChannelConfig
from core.inboxes.binding import IdType, InboxBinding
from core.lanes import inbox as posting
from core.lanes.inbox import InboxLane, MediaLinks
from core.lanes.records import DeliveryKind, Outcome, Settlement
from core.lanes.retry import RetryPolicy
from core.media_links import open_media_link
from core.secrets import Keyring
from tests.core.lanes.claiming import NOW, a_claim

ConfigOf = Callable[..., ChannelConfig]


@pytest.fixture
async def inbox() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


async def attempt(
    config: ChannelConfig | None,
    keyring: Keyring,
    kind: DeliveryKind = DeliveryKind.MESSAGE,
    *,
    public_url: str = "https://gateway.example",
    **changes: Any,
) -> Outcome:
    directory: Any = {"shop": config}
    links = MediaLinks(keyring=keyring, public_url=public_url, lifetime=timedelta(days=1))
    policy = RetryPolicy(first=timedelta(seconds=8))
    async with InboxLane(directory, links, policy=policy, clock=lambda: NOW, jitter=lambda: 0.5) as lane:
        return await lane.attempt(a_claim(Lane.INBOX, kind, **changes))


def bound_to(url: str, config_of: ConfigOf) -> ChannelConfig:
    return config_of(inbox=InboxBinding(webhook_url=url, inbox_channel_id="9", id_type=IdType.CUSTOM))


async def test_an_event_is_posted_with_the_channels_token(
    inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring
) -> None:
    inbox.answer(Answer(status=200))
    outcome = await attempt(bound_to(f"{inbox.url}/hook/", config_of), keyring)

    assert outcome.settlement is Settlement.DONE
    (request,) = inbox.requests
    assert (request.method, request.path) == ("POST", "/hook/")
    assert request.headers["authorization"] == "Bearer inbox-token-shop"
    assert request.json["channelId"] == "9"
    (event,) = request.json["events"]
    assert (event["type"], event["mId"], event["message"]) == ("message", "msg_1", {"type": "text", "text": "Hello"})


async def test_an_echo_and_a_status_are_events_of_their_own(
    inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring
) -> None:
    config = bound_to(inbox.url, config_of)
    for kind in (DeliveryKind.ECHO, DeliveryKind.STATUS):
        inbox.answer(Answer(status=200))
        await attempt(config, keyring, kind, status=Status.READ)
    assert [request.json["events"][0]["type"] for request in inbox.requests] == ["message_echo", "message_status"]


# What the inbox answers; what becomes of the event, when it goes again, until when the lane waits, whether the inbox is there, and
# whether the lane looks for it.
ANSWERS = [
    pytest.param(
        Answer(status=400, json={"error": {"message": "No."}}),
        Settlement.GIVE_UP,
        None,
        None,
        True,
        False,
        id="refused",
    ),
    pytest.param(
        Answer(status=302, headers={"location": "/x"}), Settlement.GIVE_UP, None, None, True, False, id="redirected"
    ),
    pytest.param(Answer(status=500), Settlement.RETRY, 4, None, False, False, id="broken"),
    pytest.param(Answer(status=429, headers={"retry-after": "3"}), Settlement.RETRY, 3, 3, True, False, id="too fast"),
    pytest.param(Answer(status=503), Settlement.RELEASE, None, 0.5, False, True, id="away"),
    pytest.param(
        Answer(status=503, headers={"retry-after": "7"}), Settlement.RELEASE, None, 7, False, True, id="away for 7 s"
    ),
    pytest.param(Answer(status=401), Settlement.RELEASE, None, 0.5, False, True, id="another token"),
    pytest.param(Answer(close=True), Settlement.RELEASE, None, 0.5, False, True, id="hung up"),
]


@pytest.mark.parametrize(
    ("answer", "settlement", "retry_seconds", "pause_seconds", "is_answered", "is_probe_failed"), ANSWERS
)
async def test_an_answer_settles_by_what_it_means(
    inbox: ScriptedPlatform,
    config_of: ConfigOf,
    keyring: Keyring,
    answer: Answer,
    settlement: Settlement,
    retry_seconds: float | None,
    pause_seconds: float | None,
    is_answered: bool,  # noqa: FBT001  # a column of the table
    is_probe_failed: bool,  # noqa: FBT001  # a column of the table
) -> None:
    inbox.answer(answer)
    outcome = await attempt(bound_to(inbox.url, config_of), keyring)

    assert outcome.settlement is settlement
    assert outcome.retry_time == (None if retry_seconds is None else NOW + timedelta(seconds=retry_seconds))
    assert outcome.pause_until == (None if pause_seconds is None else NOW + timedelta(seconds=pause_seconds))
    assert (outcome.is_answered, outcome.is_probe_failed) == (is_answered, is_probe_failed)
    assert outcome.failure is not None
    assert "inbox-token" not in outcome.failure.text
    assert len(inbox.requests) == 1


async def test_an_inbox_that_hangs_is_not_waited_for_for_ever(
    inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.1)
    go_on = asyncio.Event()
    inbox.answer(Answer(status=200, wait_for=go_on))
    async with asyncio.timeout(5):
        outcome = await attempt(bound_to(inbox.url, config_of), keyring)
    go_on.set()
    assert outcome.settlement is Settlement.RETRY
    assert not outcome.is_answered


async def test_an_inbox_where_nobody_listens_is_away(config_of: ConfigOf, keyring: Keyring) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    outcome = await attempt(bound_to(f"http://127.0.0.1:{port}/", config_of), keyring)
    assert (outcome.settlement, outcome.is_probe_failed) == (Settlement.RELEASE, True)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        pytest.param(DeliveryKind.ECHO, {"is_unwanted": True}, id="an echo of our own send"),
        pytest.param(
            DeliveryKind.STATUS, {"is_unwanted": True, "status": Status.FAILED}, id="a status nobody asked for"
        ),
        pytest.param(DeliveryKind.STATUS, {"status": Status.ACCEPTED}, id="a status that is none"),
    ],
)
async def test_what_the_inbox_is_not_to_hear_is_dropped(
    inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring, kind: DeliveryKind, changes: dict[str, Any]
) -> None:
    outcome = await attempt(bound_to(inbox.url, config_of), keyring, kind, **changes)
    assert outcome.settlement is Settlement.DROP
    assert inbox.requests == []


async def test_what_is_too_late_is_given_up(inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring) -> None:
    outcome = await attempt(bound_to(inbox.url, config_of), keyring, expire_time=NOW)
    assert outcome.settlement is Settlement.GIVE_UP
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.EXPIRED


async def test_a_channel_that_is_not_known_here_waits(keyring: Keyring) -> None:
    outcome = await attempt(None, keyring)
    assert (outcome.settlement, outcome.is_probe_failed) == (Settlement.RELEASE, True)


PICTURE = Attachment(kind=MediaKind.IMAGE, media_id="file-1", mime_type="image/png", file_name="a.png")


async def test_media_only_the_platform_has_go_as_a_sealed_link(
    inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring
) -> None:
    inbox.answer(Answer(status=200))
    await attempt(bound_to(inbox.url, config_of), keyring, content=PICTURE)

    url = inbox.requests[0].json["events"][0]["message"]["attachment"]["url"]
    prefix = "https://gateway.example/media/"
    assert url.startswith(prefix)
    assert "file-1" not in url
    opened = open_media_link(keyring, url.removeprefix(prefix), NOW)
    assert opened is not None


async def test_without_a_public_address_words_stand_for_media(
    inbox: ScriptedPlatform, config_of: ConfigOf, keyring: Keyring
) -> None:
    inbox.answer(Answer(status=200))
    await attempt(bound_to(inbox.url, config_of), keyring, public_url="", content=PICTURE)
    message = inbox.requests[0].json["events"][0]["message"]
    assert message["type"] == "text"
    assert "a.png" in message["text"]


def test_a_text_needs_no_link(keyring: Keyring) -> None:
    links = MediaLinks(keyring=keyring, public_url="", lifetime=timedelta(days=1))
    assert links.resolve("shop", Text(text="Hi"), NOW) == Text(text="Hi")
