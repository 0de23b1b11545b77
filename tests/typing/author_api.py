"""Never run, only type-checked: everything an author of a provider writes, with the types they see."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import assert_type

from anychannel import (
    Attachment,
    Capabilities,
    ChannelContext,
    CheckResult,
    Contact,
    Content,
    ContentUnsupported,
    Failure,
    Heard,
    HttpReply,
    HttpRequest,
    Limits,
    Media,
    MediaKind,
    MediaLimit,
    MediaNotFound,
    MessageReceived,
    Note,
    Part,
    Provider,
    ProviderEvent,
    Received,
    Sent,
    SettingField,
    Status,
    Text,
    TextUnit,
    Throttled,
)
from anychannel.testing import Answer, FetchedMedia, ScriptedPlatform, a_channel, a_part, a_request, serve_provider


class AcmeProvider(Provider):
    platform = "acme"
    display_name = "Acme Chat"
    version = "1.0.0"
    capabilities = Capabilities(
        max_text_length=2000,
        text_unit=TextUnit.UTF16,
        media=(MediaLimit(kind=MediaKind.IMAGE, max_bytes=5_000_000, mime_types=("image/png",)),),
        reports=frozenset({Status.DELIVERED, Status.READ}),
    )
    limits = Limits(max_in_flight=10, rate=30)
    setting_fields = (SettingField(name="token", label="Token", help="In the console.", secret=True, required=True),)

    async def start(self) -> None:
        self.is_started = True

    async def send(self, channel: ChannelContext, part: Part) -> Sent:
        assert_type(channel.settings["token"], str)
        assert_type(part.content, Content)
        match part.content:
            case Text(text=text):
                assert_type(text, str)
            case Attachment(kind=kind):
                assert_type(kind, MediaKind)
            case _:
                raise ContentUnsupported("Acme knows texts and media.")
        if not part.address:
            raise Throttled("Slow down.", platform_code="429", retry_after=timedelta(seconds=3))
        return Sent(platform_message_id="1", notes=(Note(code="cut", text="Cut."),))

    def receive(self, channel: ChannelContext, request: HttpRequest) -> Received:
        if request.header("x-token") != channel.settings["token"]:
            return Received(reply=HttpReply(status_code=401))
        event = MessageReceived(
            platform_event_id="1",
            event_time=request.receive_time,
            contact=Contact(address="a"),
            platform_message_id="2",
            content=Text(text=request.body.decode()),
        )
        events: tuple[ProviderEvent, ...] = (event,)
        return Received(events=events)

    async def listen(self, channel: ChannelContext, cursor: str) -> AsyncIterator[Heard]:
        yield Heard(events=(), cursor=f"{cursor}{channel.channel_id}")

    async def check(self, channel: ChannelContext) -> CheckResult:
        return CheckResult(details={"name": channel.channel_id})

    async def fetch_media(self, channel: ChannelContext, media_id: str) -> Media:
        if not media_id:
            raise MediaNotFound

        async def chunks() -> AsyncIterator[bytes]:
            yield channel.channel_id.encode()

        return Media(chunks=chunks(), mime_type="image/png")


async def the_kit() -> None:
    async with ScriptedPlatform() as platform, serve_provider(AcmeProvider()) as client:
        platform.answer(Answer(status=429, headers={"retry-after": "3"}))
        assert_type(await client.deliver(a_channel(), a_part("Hello")), Sent | Failure)
        assert_type(await client.receive(a_channel(), a_request(body={"a": 1})), Received)
        assert_type(await client.check(a_channel({"token": "t"})), CheckResult)
        assert_type(await client.fetch_media(a_channel(), "1"), FetchedMedia)
        async for heard in client.listen(a_channel()):
            assert_type(heard, Heard)
