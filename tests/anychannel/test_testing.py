"""The kit that authors test with: a whole small provider through it, and what it does when a test is wrong."""

import asyncio

import aiohttp
import pytest

from anychannel import Capabilities, ChannelContext, MessageReceived, Part, Provider, Received, Sent, Text
from anychannel.content import Content
from anychannel.events import Contact
from anychannel.provider import HttpRequest
from anychannel.testing import A_TIME, Answer, ScriptedPlatform, a_channel, a_part, a_request, serve_provider


class PostingProvider(Provider):
    platform = "posting"
    display_name = "Posting"
    capabilities = Capabilities(max_text_length=100)

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        assert isinstance(part.content, Text)
        body = {"to": part.address, "text": part.content.text}
        async with aiohttp.ClientSession() as session, session.post(channel.settings["base"], json=body) as response:
            return Sent(platform_message_id=(await response.json())["id"])

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        event = MessageReceived(
            platform_event_id="1",
            event_time=request.receive_time,
            contact=Contact(address=channel.channel_id),
            platform_message_id="2",
            content=Text(text=request.body.decode()),
        )
        return Received(events=(event,))


async def test_a_provider_is_tested_from_end_to_end() -> None:
    async with ScriptedPlatform() as platform, serve_provider(PostingProvider()) as client:
        platform.answer(Answer(json={"id": "42"}))
        sent = await client.deliver(a_channel({"base": platform.url}), a_part("Hello"))
        received = await client.receive(a_channel(), a_request(body="Hi"))

    assert sent == Sent(platform_message_id="42")
    assert platform.requests[0].json == {"to": "contact-1", "text": "Hello"}
    assert [getattr(event, "content", None) for event in received.events] == [Text(text="Hi")]


async def test_a_request_without_an_answer_fails_the_test() -> None:
    async def ask_without_a_script() -> None:
        async with ScriptedPlatform() as platform, aiohttp.ClientSession() as session:
            response = await session.get(f"{platform.url}/lost")
            assert response.status == 599

    with pytest.raises(AssertionError, match="no answer was scripted for: GET /lost"):
        await ask_without_a_script()


async def test_every_part_of_a_request_is_recorded() -> None:
    async with ScriptedPlatform(lambda _: Answer()) as platform, aiohttp.ClientSession() as session:
        await session.put(
            f"{platform.url}/a%20b/c", params={"q": "ä"}, data={"one": "1", "two": ""}, headers={"X-Key": "k"}
        )

    [request] = platform.requests
    assert (request.method, request.path) == ("PUT", "/a b/c")
    assert (request.query, request.form) == ({"q": "ä"}, {"one": "1", "two": ""})
    assert request.form_fields == (("one", "1"), ("two", ""))
    assert request.headers["x-key"] == "k"


async def test_status_headers_and_body_are_answered_as_scripted() -> None:
    async with ScriptedPlatform() as platform, aiohttp.ClientSession() as session:
        platform.answer(Answer(status=429, headers={"Retry-After": "7"}, body=b"slow down"), Answer(json=["ok"]))
        async with session.get(platform.url) as first:
            assert (first.status, first.headers["Retry-After"], await first.read()) == (429, "7", b"slow down")
        async with session.get(platform.url) as second:
            assert await second.json() == ["ok"]


async def test_an_answer_waits_for_its_event() -> None:
    gate = asyncio.Event()
    async with ScriptedPlatform() as platform, aiohttp.ClientSession() as session:
        platform.answer(Answer(wait_for=gate))
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(session.get(platform.url))
            await platform.requested()
            assert not waiting.done()
            gate.set()
        assert waiting.result().status == 200


async def test_a_connection_is_closed_without_an_answer() -> None:
    async with ScriptedPlatform() as platform, aiohttp.ClientSession() as session:
        platform.answer(Answer(close=True))
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(platform.url)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("Hi", Text(text="Hi"), id="string"),
        pytest.param(Text(text="Ho"), Text(text="Ho"), id="record"),
    ],
)
def test_a_part_says_what_it_is_given(content: Content | str, expected: Content) -> None:
    assert a_part(content, address="b").content == expected


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        pytest.param(b"raw", b"raw", id="bytes"),
        pytest.param("ä", "ä".encode(), id="text"),
        pytest.param({"a": "ä"}, '{"a": "ä"}'.encode(), id="mapping"),
        pytest.param([1], b"[1]", id="list"),
    ],
)
def test_a_request_is_what_edge_would_hand_on(body: bytes, raw: bytes) -> None:
    request = a_request("GET", body, {"X-Signature": "s"}, "/x", "a=b")

    assert (request.body, request.receive_time, request.header("x-signature")) == (raw, A_TIME, "s")
    assert request.url.endswith("/x?a=b")
